/* SPDX-License-Identifier: Apache-2.0 */
/* engine_docker - Docker's HTTP API, which Podman's socket speaks, too. */
#include "identity/engine.h"

#include <errno.h>

#include "wire/http.h"

#define DOCKER_TIMEOUT_MS 10000

struct docker_work {
	struct http_request request;
	struct engine_question *question;
	char url[64 + CONTAINER_ID_BYTES];
};

static void docker_on_answer(struct http_request *request, unsigned int status,
			     const struct error *err)
{
	struct docker_work *work = container_of(request, struct docker_work, request);
	struct engine_question *question = work->question;
	struct error why;

	if (status == 404) {
		engine_answer(question, ENGINE_not_found, NULL);
	} else if (status == 0) {
		engine_answer(question, ENGINE_failed, err);
	} else if (status == 200 &&
		   container_parse_docker(question->container, text_slice(&request->answer))) {
		engine_answer(question, ENGINE_known, NULL);
	} else {
		(void)error_say(&why, EPROTO, "HTTP status %u, and nothing about a container",
				status);
		engine_answer(question, ENGINE_failed, &why);
	}
}

/* An id goes into the URL: one with other characters than these is none of Docker's. */
static bool docker_id_is_plain(const char *id)
{
	return id[strspn(id,
			 "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.-")] ==
	       '\0';
}

static int docker_ask(struct engine *engine, struct engine_question *question, struct error *err)
{
	struct http_client *client = engine->client;
	struct docker_work *work;
	int r;

	if (!docker_id_is_plain(question->container->id))
		return error_say(err, EINVAL, "no id of a container");
	if (!client) {
		r = http_client_new(&client, engine_loop(engine), err);
		if (r < 0)
			return r;
		engine->client = client;
	}
	work = calloc(1, sizeof(*work));
	if (!work)
		return error_errno(err, ENOMEM, "ask");
	/* No version in the path: the engine's own newest then, which every one takes. */
	snprintf(work->url, sizeof(work->url), "http://localhost/containers/%s/json",
		 question->container->id);
	work->question = question;
	work->request = (struct http_request){ .method = "GET",
					       .url = work->url,
					       .unix_socket = engine->socket,
					       .timeout_ms = DOCKER_TIMEOUT_MS,
					       .done = docker_on_answer };
	question->work = work;
	return http_start(client, &work->request, err);
}

static void docker_forget(struct engine_question *question)
{
	struct docker_work *work = question->work;

	if (work)
		http_request_done(&work->request);
	free(work);
	question->work = NULL;
}

static void docker_close(struct engine *engine)
{
	http_client_free(engine->client);
}

const struct engine_kind engine_docker = {
	.name = "docker",
	.ask = docker_ask,
	.forget = docker_forget,
	.close = docker_close,
};

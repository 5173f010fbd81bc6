/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/http.h"

#include <curl/curl.h>
#include <errno.h>

#include "base/clock.h"

#define HTTP_TIMEOUT_MS	 30000
#define HTTP_LIMIT_BYTES (1u << 20)

/* A socket of libcurl's that the loop watches. */
struct http_socket {
	struct loop_fd watch;
	struct http_client *client;
};

struct http_client {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer timer;
	struct loop_deferred reap;
};

static void http_reap(struct http_client *client);

static void http_act(struct http_client *client, curl_socket_t socket, int what)
{
	int running;

	curl_multi_socket_action(client->multi, socket, what, &running);
	/* Callbacks must not run inside libcurl's: finished requests are reaped from the loop. */
	loop_defer(client->loop, &client->reap);
}

static void http_on_socket(struct loop_fd *watch, uint32_t events)
{
	struct http_socket *socket = container_of(watch, struct http_socket, watch);
	int what = (events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? CURL_CSELECT_IN : 0) |
		   (events & EPOLLOUT ? CURL_CSELECT_OUT : 0);

	http_act(socket->client, watch->fd, what);
}

static void http_on_timer(struct loop_timer *timer)
{
	http_act(container_of(timer, struct http_client, timer), CURL_SOCKET_TIMEOUT, 0);
}

static void http_on_reap(struct loop_deferred *deferred)
{
	http_reap(container_of(deferred, struct http_client, reap));
}

static int http_set_timer(CURLM *multi, long delay_ms, void *owner)
{
	struct http_client *client = owner;

	(void)multi;
	if (delay_ms < 0)
		loop_timer_clear(&client->timer);
	else
		loop_timer_set(client->loop, &client->timer, (uint64_t)delay_ms * NS_PER_MS);
	return 0;
}

static int http_set_socket(CURL *easy, curl_socket_t fd, int what, void *owner, void *watched)
{
	struct http_client *client = owner;
	struct http_socket *socket = watched;
	uint32_t events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
			  (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (!socket)
			return 0;
		loop_fd_remove(client->loop, &socket->watch);
		free(socket);
		curl_multi_assign(client->multi, fd, NULL);
		return 0;
	}
	if (socket)
		return loop_fd_change(client->loop, &socket->watch, events, NULL) < 0 ? -1 : 0;
	socket = calloc(1, sizeof(*socket));
	if (!socket)
		return -1;
	socket->client = client;
	socket->watch.ready = http_on_socket;
	if (loop_fd_add(client->loop, &socket->watch, fd, events, NULL) < 0) {
		free(socket);
		return -1;
	}
	curl_multi_assign(client->multi, fd, socket);
	return 0;
}

int http_client_new(struct http_client **ret_client, struct loop *loop, struct error *err)
{
	static bool set_up;
	struct http_client *client;

	if (!set_up && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_say(err, ENOMEM, "start libcurl: refused");
	set_up = true;
	client = calloc(1, sizeof(*client));
	if (!client)
		return error_errno(err, ENOMEM, "start an HTTP client");
	client->loop = loop;
	client->timer.fire = http_on_timer;
	client->reap.run = http_on_reap;
	client->multi = curl_multi_init();
	if (!client->multi) {
		free(client);
		return error_errno(err, ENOMEM, "start an HTTP client");
	}
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, http_set_socket);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, http_set_timer);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	*ret_client = client;
	return 0;
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	curl_multi_cleanup(client->multi);
	loop_timer_clear(&client->timer);
	loop_undefer(&client->reap);
	free(client);
}

/* --- one request --- */

static size_t http_on_body(char *at, size_t size, size_t count, void *owner)
{
	struct http_request *request = owner;
	size_t limit = request->limit_bytes ? request->limit_bytes : HTTP_LIMIT_BYTES;

	if (request->answer.bytes + size * count > limit)
		return 0; /* fails the transfer with CURLE_WRITE_ERROR */
	text_put(&request->answer, (struct slice){ at, size * count });
	return request->answer.failed ? 0 : size * count;
}

static size_t http_on_header(char *at, size_t size, size_t count, void *owner)
{
	static const char name[] = "retry-after:";
	struct http_request *request = owner;
	struct slice line = { at, size * count };

	if (line.bytes > sizeof(name) - 1 && strncasecmp(at, name, sizeof(name) - 1) == 0) {
		struct slice value = slice_trim(slice_skip(line, sizeof(name) - 1));

		free(request->retry_after);
		request->retry_after = strndup(value.at, value.bytes);
	}
	return size * count;
}

static void http_set_tls(CURL *easy, const struct http_tls *tls)
{
	if (tls->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca_file);
	if (tls->cert_file)
		curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->cert_file);
	if (tls->key_file)
		curl_easy_setopt(easy, CURLOPT_SSLKEY, tls->key_file);
	if (tls->insecure) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static bool http_set_headers(struct http_request *request)
{
	struct curl_slist *list = NULL;

	for (size_t n = 0; request->headers && request->headers[n]; n++) {
		struct curl_slist *longer = curl_slist_append(list, request->headers[n]);

		if (!longer) {
			curl_slist_free_all(list);
			return false;
		}
		list = longer;
	}
	request->header_list = list;
	curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, list);
	return true;
}

static void http_set_request(CURL *easy, struct http_request *request)
{
	uint64_t timeout_ms = request->timeout_ms ? request->timeout_ms : HTTP_TIMEOUT_MS;

	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	if (request->unix_socket)
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
	if (request->body.at) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)request->body.bytes);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.at);
	}
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->why);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, http_on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, http_on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
	http_set_tls(easy, &request->tls);
}

static void http_detach(struct http_request *request)
{
	if (request->easy) {
		curl_multi_remove_handle(request->client->multi, request->easy);
		curl_easy_cleanup(request->easy);
	}
	curl_slist_free_all(request->header_list);
	request->easy = request->header_list = NULL;
}

void http_request_done(struct http_request *request)
{
	http_detach(request);
	text_done(&request->answer);
	free(request->retry_after);
	request->retry_after = NULL;
}

int http_start(struct http_client *client, struct http_request *request, struct error *err)
{
	http_request_done(request);
	request->client = client;
	request->why[0] = '\0';
	request->easy = curl_easy_init();
	if (!request->easy || !http_set_headers(request)) {
		http_detach(request);
		return error_errno(err, ENOMEM, "request '%s'", request->url);
	}
	http_set_request(request->easy, request);
	if (curl_multi_add_handle(client->multi, request->easy) != CURLM_OK) {
		http_detach(request);
		return error_errno(err, ENOMEM, "request '%s'", request->url);
	}
	return 0;
}

static void http_finish(struct http_request *request, CURLcode code)
{
	struct error err = { 0 };
	long status = 0;

	if (code == CURLE_OK)
		curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	else
		error_say(&err, EIO, "request '%s': %s", request->url,
			  request->why[0] ? request->why : curl_easy_strerror(code));
	http_detach(request);
	request->done(request, (unsigned int)status, &err);
}

static void http_reap(struct http_client *client)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left))) {
		struct http_request *request;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&request);
		http_finish(request, message->data.result);
	}
}

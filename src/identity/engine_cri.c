/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_cri - Kubernetes' Container Runtime Interface: containerd, CRI-O, cri-dockerd.
 *
 *	ListContainers -> (ContainerStatus ->) PodSandboxStatus
 *
 * The list tells of a single container what its status does not: the sandbox it belongs to. Its
 * status is asked only for an image that the list calls by digest. A sandbox has an id of its own,
 * and a process (pause): what the list doesn't have may be one.
 */
#include "identity/engine.h"

#include <errno.h>

#include "wire/cri.pb-c.h"
#include "wire/grpc.h"

#define CRI_TIMEOUT_MS	 5000
#define CRI_ANSWER_BYTES (1u << 20)
#define CRI_SERVICE	 "/runtime.v1.RuntimeService/"

struct cri_work {
	struct grpc_call call;
	struct engine_question *question;
	char sandbox_id[CONTAINER_ID_BYTES];
	bool found; /* as a container */
};

static void cri_ask_status(struct cri_work *work);
static void cri_ask_sandbox(struct cri_work *work);

static struct slice cri_text(const char *text)
{
	return slice_of(text ? text : "");
}

/* Either the next step is under way, or the question is answered. */
static void cri_start(struct cri_work *work, const char *method,
		      void (*done)(struct grpc_call *, enum grpc_status, const struct error *),
		      const ProtobufCMessage *request)
{
	struct engine_question *question = work->question;
	struct error err;

	work->call.method = method;
	work->call.done = done;
	if (grpc_start(engine_asked(question)->client, &work->call, request, &err) < 0)
		engine_answer(question, ENGINE_failed, &err);
}

static void *cri_unpack(const struct cri_work *work, const ProtobufCMessageDescriptor *kind)
{
	return protobuf_c_message_unpack(kind, NULL, work->call.answer.bytes,
					 (const uint8_t *)work->call.answer.at);
}

static void cri_free(void *message)
{
	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
}

static void cri_refuse(struct cri_work *work, const char *what)
{
	struct error err;

	(void)error_say(&err, EPROTO, "%s: the answer is no protobuf message of the kind", what);
	engine_answer(work->question, ENGINE_failed, &err);
}

/* --- the sandbox: the pod's name and labels --- */

static void cri_take_sandbox(struct container *container, const Runtime__V1__PodSandboxStatus *pod)
{
	if (pod->metadata) {
		container_set(&container->pod_name, cri_text(pod->metadata->name));
		container_set(&container->pod_namespace, cri_text(pod->metadata->namespace_));
		if (container->pod_uid[0] == '\0')
			slice_copy(cri_text(pod->metadata->uid), container->pod_uid,
				   sizeof(container->pod_uid));
	}
	for (size_t n = 0; n < pod->n_labels; n++)
		container_add_label(container, cri_text(pod->labels[n]->key),
				    cri_text(pod->labels[n]->value));
}

static void cri_on_sandbox(struct grpc_call *call, enum grpc_status status, const struct error *err)
{
	struct cri_work *work = container_of(call, struct cri_work, call);
	Runtime__V1__PodSandboxStatusResponse *answer;

	if (status != GRPC_ok) {
		/* A container whose pod has just gone is a container all the same. */
		engine_answer(work->question,
			      work->found		 ? ENGINE_known
			      : status == GRPC_not_found ? ENGINE_not_found
							 : ENGINE_failed,
			      err);
		return;
	}
	answer = cri_unpack(work, &runtime__v1__pod_sandbox_status_response__descriptor);
	if (answer && answer->status) {
		cri_take_sandbox(work->question->container, answer->status);
		engine_answer(work->question, ENGINE_known, NULL);
	} else {
		cri_refuse(work, "PodSandboxStatus");
	}
	cri_free(answer);
}

static void cri_ask_sandbox(struct cri_work *work)
{
	Runtime__V1__PodSandboxStatusRequest request =
		RUNTIME__V1__POD_SANDBOX_STATUS_REQUEST__INIT;

	request.pod_sandbox_id = work->sandbox_id;
	cri_start(work, CRI_SERVICE "PodSandboxStatus", cri_on_sandbox, &request.base);
}

/* --- the container --- */

/* The kubelet asks for images by their digest: that is no name. */
static bool cri_is_digest(struct slice image)
{
	static const char hex[] = "0123456789abcdef";

	slice_eat(&image, SLICE("sha256:"));
	for (size_t n = 0; n < image.bytes; n++)
		if (!memchr(hex, image.at[n], 16))
			return false;
	return image.bytes == 64;
}

static void cri_on_status(struct grpc_call *call, enum grpc_status status, const struct error *err)
{
	struct cri_work *work = container_of(call, struct cri_work, call);
	Runtime__V1__ContainerStatusResponse *answer = NULL;

	(void)err; /* without it the image stays nameless */
	if (status == GRPC_ok)
		answer = cri_unpack(work, &runtime__v1__container_status_response__descriptor);
	if (answer && answer->status && answer->status->image)
		container_set(&work->question->container->image,
			      cri_text(answer->status->image->image));
	cri_free(answer);
	cri_ask_sandbox(work);
}

static void cri_ask_status(struct cri_work *work)
{
	Runtime__V1__ContainerStatusRequest request = RUNTIME__V1__CONTAINER_STATUS_REQUEST__INIT;

	request.container_id = work->question->container->id;
	cri_start(work, CRI_SERVICE "ContainerStatus", cri_on_status, &request.base);
}

static void cri_take_container(struct cri_work *work, const Runtime__V1__Container *one)
{
	struct container *container = work->question->container;

	work->found = true;
	slice_copy(cri_text(one->pod_sandbox_id), work->sandbox_id, sizeof(work->sandbox_id));
	if (one->metadata) {
		container_set(&container->name, cri_text(one->metadata->name));
		container_set(&container->pod_container, cri_text(one->metadata->name));
	}
	if (one->image) {
		container_set(&container->image, cri_text(one->image->user_specified_image));
		if (!cri_is_digest(cri_text(one->image->image)))
			container_set(&container->image, cri_text(one->image->image));
	}
	for (size_t n = 0; n < one->n_labels; n++)
		container_add_label(container, cri_text(one->labels[n]->key),
				    cri_text(one->labels[n]->value));
}

static void cri_on_list(struct grpc_call *call, enum grpc_status status, const struct error *err)
{
	struct cri_work *work = container_of(call, struct cri_work, call);
	struct container *container = work->question->container;
	Runtime__V1__ListContainersResponse *answer;

	if (status != GRPC_ok) {
		engine_answer(work->question, ENGINE_failed, err);
		return;
	}
	answer = cri_unpack(work, &runtime__v1__list_containers_response__descriptor);
	if (!answer) {
		cri_refuse(work, "ListContainers");
		return;
	}
	/* A runtime that doesn't know the filter would list them all. */
	for (size_t n = 0; n < answer->n_containers && !work->found; n++)
		if (slice_is(cri_text(answer->containers[n]->id), container->id))
			cri_take_container(work, answer->containers[n]);
	cri_free(answer);
	if (!work->found)
		slice_copy(slice_of(container->id), work->sandbox_id, sizeof(work->sandbox_id));
	if (work->found && !container->image)
		cri_ask_status(work);
	else
		cri_ask_sandbox(work);
}

static int cri_ask(struct engine *engine, struct engine_question *question, struct error *err)
{
	Runtime__V1__ListContainersRequest request = RUNTIME__V1__LIST_CONTAINERS_REQUEST__INIT;
	Runtime__V1__ContainerFilter filter = RUNTIME__V1__CONTAINER_FILTER__INIT;
	struct grpc_channel *channel = engine->client;
	struct cri_work *work;
	int r;

	if (!channel) {
		r = grpc_channel_new(&channel, engine_loop(engine), engine->socket, err);
		if (r < 0)
			return r;
		engine->client = channel;
	}
	work = calloc(1, sizeof(*work));
	if (!work)
		return error_errno(err, ENOMEM, "ask");
	work->question = question;
	work->call = (struct grpc_call){ .method = CRI_SERVICE "ListContainers",
					 .timeout_ms = CRI_TIMEOUT_MS,
					 .limit_bytes = CRI_ANSWER_BYTES,
					 .done = cri_on_list };
	question->work = work;
	filter.id = question->container->id;
	request.filter = &filter;
	return grpc_start(channel, &work->call, &request.base, err);
}

static void cri_forget(struct engine_question *question)
{
	struct cri_work *work = question->work;

	if (work)
		grpc_call_done(&work->call);
	free(work);
	question->work = NULL;
}

static void cri_close(struct engine *engine)
{
	grpc_channel_free(engine->client);
}

const struct engine_kind engine_cri = {
	.name = "cri",
	.ask = cri_ask,
	.forget = cri_forget,
	.close = cri_close,
};

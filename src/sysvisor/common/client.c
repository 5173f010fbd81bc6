/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/common/client.h"

#include <errno.h>

#include "base/clock.h"
#include "wire/grpc.h"

#define CLIENT_RETRY_MS	  20
#define CLIENT_TIMEOUT_MS 10000

static void client_on_done(struct grpc_call *call, enum grpc_status status, const struct error *err)
{
	struct client_pending *pending = container_of(call, struct client_pending, call);

	pending->answered = true;
	pending->status = status;
	pending->err = *err;
}

static int client_code(enum grpc_status status)
{
	switch (status) {
	case GRPC_ok:
		return 0;
	case GRPC_not_found:
		return ENOENT;
	case GRPC_already_exists:
		return EEXIST;
	case GRPC_resource_exhausted:
		return ENOSPC;
	case GRPC_invalid_argument:
		return EINVAL;
	case GRPC_deadline_exceeded:
		return ETIMEDOUT;
	case GRPC_unavailable:
		return ECONNREFUSED;
	default:
		return EREMOTEIO;
	}
}

static int client_connect(struct client *client, struct error *err)
{
	int r = client->loop ? 0 : loop_new(&client->loop, err);

	return r < 0 || client->channel
		       ? r
		       : grpc_channel_new(&client->channel, client->loop, client->socket, err);
}

void client_done(struct client *client)
{
	grpc_channel_free(client->channel);
	loop_free(client->loop);
	client->channel = NULL;
	client->loop = NULL;
}

/* Sends it, and doesn't wait for more than that. */
static int client_send(struct client_pending *pending, struct error *err)
{
	struct client *client = pending->client;
	int r = client_connect(client, err);

	pending->call = (struct grpc_call){
		.method = pending->method,
		.timeout_ms = client->timeout_ms ? client->timeout_ms : CLIENT_TIMEOUT_MS,
		.done = client_on_done,
	};
	pending->answered = false;
	if (r == 0)
		r = grpc_start(client->channel, &pending->call, pending->request, err);
	return r < 0 ? r : loop_turn(client->loop, 0, err);
}

static int client_wait(struct client_pending *pending, struct error *err)
{
	int r = 0;

	while (r == 0 && !pending->answered)
		r = loop_turn(pending->client->loop, -1, err);
	if (r < 0 || pending->status == GRPC_ok)
		return r;
	r = -client_code(pending->status);
	error_say(err, -r, "%s", pending->err.text);
	return r;
}

/* Codes of a daemon that isn't there, perhaps just now. */
static bool client_is_away(int r)
{
	return r == -ECONNREFUSED || r == -ENOENT || r == -EAGAIN || r == -ECONNRESET ||
	       r == -EPIPE;
}

static void client_begin(struct client_pending *pending, struct client *client, const char *method,
			 const ProtobufCMessage *request)
{
	*pending = (struct client_pending){
		.client = client, .method = method, .request = request, .began_ns = clock_mono_ns()
	};
	pending->sent = client_send(pending, &pending->err);
}

/* The answer is left in pending->call. */
static int client_try_all(struct client_pending *pending, struct error *err)
{
	const struct client *client = pending->client;
	uint64_t give_up_ns = pending->began_ns + client->patience_ms * NS_PER_MS;
	int r = pending->sent;

	if (r < 0 && err)
		*err = pending->err;
	for (;;) {
		if (r == 0)
			r = client_wait(pending, err);
		/* "Not found" that the daemon itself said is an answer. */
		if (r == 0 || (pending->answered && pending->status != GRPC_unavailable) ||
		    !client_is_away(r) || clock_mono_ns() >= give_up_ns)
			return r;
		usleep(CLIENT_RETRY_MS * 1000);
		grpc_call_done(&pending->call);
		r = client_send(pending, err);
	}
}

static int client_end(struct client_pending *pending, const ProtobufCMessageDescriptor *kind,
		      void *ret_answer, struct error *err)
{
	ProtobufCMessage *answer = NULL;
	int r = client_try_all(pending, err);

	if (r == 0)
		answer =
			protobuf_c_message_unpack(kind, NULL, pending->call.answer.bytes,
						  (const uint8_t *)text_str(&pending->call.answer));
	grpc_call_done(&pending->call);
	if (r < 0)
		return r;
	if (!answer)
		return error_say(err, EREMOTEIO, "call %s at '%s': the answer is not readable",
				 pending->method, pending->client->socket);
	if (ret_answer)
		*(ProtobufCMessage **)ret_answer = answer;
	else
		protobuf_c_message_free_unpacked(answer, NULL);
	return 0;
}

int client_end_empty(struct client_pending *pending, struct error *err)
{
	return client_end(pending, &sysvisor__v1__empty__descriptor, NULL, err);
}

static int client_call(struct client *client, const char *method, const ProtobufCMessage *request,
		       const ProtobufCMessageDescriptor *kind, void *ret_answer, struct error *err)
{
	struct client_pending pending;

	client_begin(&pending, client, method, request);
	return client_end(&pending, kind, ret_answer, err);
}

/* --- sysvisor-mgr --- */

#define MANAGER	   "/sysvisor.v1.Manager/"
#define FILESYSTEM "/sysvisor.v1.Filesystem/"

int manager_register(struct client *client, const Sysvisor__V1__ManagerRegisterRequest *request,
		     Sysvisor__V1__ManagerRegisterAnswer **ret_answer, struct error *err)
{
	return client_call(client, MANAGER "RegisterContainer", &request->base,
			   &sysvisor__v1__manager_register_answer__descriptor, ret_answer, err);
}

void manager_update_begin(struct client *client, const Sysvisor__V1__ManagerUpdateRequest *request,
			  struct client_pending *ret_pending)
{
	client_begin(ret_pending, client, MANAGER "UpdateContainer", &request->base);
}

void manager_unregister_begin(struct client *client,
			      const Sysvisor__V1__ManagerUnregisterRequest *request,
			      struct client_pending *ret_pending)
{
	client_begin(ret_pending, client, MANAGER "UnregisterContainer", &request->base);
}

int manager_list(struct client *client, Sysvisor__V1__ManagerListAnswer **ret_answer,
		 struct error *err)
{
	Sysvisor__V1__Empty empty = SYSVISOR__V1__EMPTY__INIT;

	return client_call(client, MANAGER "ListContainers", &empty.base,
			   &sysvisor__v1__manager_list_answer__descriptor, ret_answer, err);
}

/* --- sysvisor-fs --- */

int filesystem_register(struct client *client,
			const Sysvisor__V1__FilesystemRegisterRequest *request,
			Sysvisor__V1__FilesystemRegisterAnswer **ret_answer, struct error *err)
{
	return client_call(client, FILESYSTEM "RegisterContainer", &request->base,
			   &sysvisor__v1__filesystem_register_answer__descriptor, ret_answer, err);
}

int filesystem_unregister(struct client *client, const char *id, struct error *err)
{
	Sysvisor__V1__FilesystemUnregisterRequest request =
		SYSVISOR__V1__FILESYSTEM_UNREGISTER_REQUEST__INIT;

	request.id = (char *)(uintptr_t)id;
	return client_call(client, FILESYSTEM "UnregisterContainer", &request.base,
			   &sysvisor__v1__empty__descriptor, NULL, err);
}

int filesystem_list(struct client *client, Sysvisor__V1__FilesystemListAnswer **ret_answer,
		    struct error *err)
{
	Sysvisor__V1__Empty empty = SYSVISOR__V1__EMPTY__INIT;

	return client_call(client, FILESYSTEM "ListContainers", &empty.base,
			   &sysvisor__v1__filesystem_list_answer__descriptor, ret_answer, err);
}

/* --- both --- */

static int client_ask(struct client *client, const ProtobufCServiceDescriptor *service,
		      const char *method, const ProtobufCMessageDescriptor *kind, void *ret_answer,
		      struct error *err)
{
	Sysvisor__V1__Empty empty = SYSVISOR__V1__EMPTY__INIT;
	char path[128];

	snprintf(path, sizeof(path), "/%s/%s", service->name, method);
	return client_call(client, path, &empty.base, kind, ret_answer, err);
}

int client_version(struct client *client, const ProtobufCServiceDescriptor *service,
		   Sysvisor__V1__VersionAnswer **ret_answer, struct error *err)
{
	return client_ask(client, service, "Version", &sysvisor__v1__version_answer__descriptor,
			  ret_answer, err);
}

int client_health(struct client *client, const ProtobufCServiceDescriptor *service,
		  Sysvisor__V1__HealthAnswer **ret_answer, struct error *err)
{
	return client_ask(client, service, "Health", &sysvisor__v1__health_answer__descriptor,
			  ret_answer, err);
}

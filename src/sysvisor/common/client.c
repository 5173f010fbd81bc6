/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/common/client.h"

#include <errno.h>

#include "base/clock.h"
#include "wire/grpc.h"

#define CLIENT_RETRY_MS	  20
#define CLIENT_TIMEOUT_MS 10000

struct client_wait {
	struct grpc_call call;
	bool done;
	enum grpc_status status;
	struct error err;
};

static void client_on_done(struct grpc_call *call, enum grpc_status status, const struct error *err)
{
	struct client_wait *wait = container_of(call, struct client_wait, call);

	wait->done = true;
	wait->status = status;
	wait->err = *err;
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

/* One try on a connection of its own; the answer is left in wait->call. */
static int client_try(const struct client *client, struct client_wait *wait,
		      const ProtobufCMessage *request, struct error *err)
{
	struct grpc_channel *channel = NULL;
	struct loop *loop;
	int r = loop_new(&loop, err);

	if (r < 0)
		return r;
	r = grpc_channel_new(&channel, loop, client->socket, err);
	if (r == 0)
		r = grpc_start(channel, &wait->call, request, err);
	while (r == 0 && !wait->done)
		r = loop_turn(loop, -1, err);
	if (r == 0 && wait->status != GRPC_ok) {
		r = -client_code(wait->status);
		error_say(err, -r, "%s", wait->err.text);
	}
	if (r < 0)
		grpc_call_done(&wait->call);
	grpc_channel_free(channel);
	loop_free(loop);
	return r;
}

/* Codes of a daemon that isn't there, perhaps just now. */
static bool client_is_away(int r)
{
	return r == -ECONNREFUSED || r == -ENOENT || r == -EAGAIN || r == -ECONNRESET ||
	       r == -EPIPE;
}

static int client_call(const struct client *client, const char *method,
		       const ProtobufCMessage *request, const ProtobufCMessageDescriptor *kind,
		       void *ret_answer, struct error *err)
{
	uint64_t give_up_ns = clock_mono_ns() + client->patience_ms * NS_PER_MS;
	struct client_wait wait;
	ProtobufCMessage *answer;
	bool spoke;
	int r;

	for (;;) {
		wait = (struct client_wait){
			.call = { .method = method,
				  .timeout_ms = client->timeout_ms ? client->timeout_ms
								   : CLIENT_TIMEOUT_MS,
				  .done = client_on_done },
		};
		r = client_try(client, &wait, request, err);
		/* "Not found" that the daemon itself said is an answer. */
		spoke = wait.done && wait.status != GRPC_unavailable;
		if (spoke || !client_is_away(r) || clock_mono_ns() >= give_up_ns)
			break;
		usleep(CLIENT_RETRY_MS * 1000);
	}
	if (r < 0)
		return r;
	answer = protobuf_c_message_unpack(kind, NULL, wait.call.answer.bytes,
					   (const uint8_t *)text_str(&wait.call.answer));
	grpc_call_done(&wait.call);
	if (!answer)
		return error_say(err, EREMOTEIO, "call %s at '%s': the answer is not readable",
				 method, client->socket);
	if (ret_answer)
		*(ProtobufCMessage **)ret_answer = answer;
	else
		protobuf_c_message_free_unpacked(answer, NULL);
	return 0;
}

/* --- sysvisor-mgr --- */

#define MANAGER	   "/sysvisor.v1.Manager/"
#define FILESYSTEM "/sysvisor.v1.Filesystem/"

int manager_register(const struct client *client,
		     const Sysvisor__V1__ManagerRegisterRequest *request,
		     Sysvisor__V1__ManagerRegisterAnswer **ret_answer, struct error *err)
{
	return client_call(client, MANAGER "RegisterContainer", &request->base,
			   &sysvisor__v1__manager_register_answer__descriptor, ret_answer, err);
}

int manager_update(const struct client *client, const Sysvisor__V1__ManagerUpdateRequest *request,
		   struct error *err)
{
	return client_call(client, MANAGER "UpdateContainer", &request->base,
			   &sysvisor__v1__empty__descriptor, NULL, err);
}

int manager_unregister(const struct client *client,
		       const Sysvisor__V1__ManagerUnregisterRequest *request, struct error *err)
{
	return client_call(client, MANAGER "UnregisterContainer", &request->base,
			   &sysvisor__v1__empty__descriptor, NULL, err);
}

int manager_list(const struct client *client, Sysvisor__V1__ManagerListAnswer **ret_answer,
		 struct error *err)
{
	Sysvisor__V1__Empty empty = SYSVISOR__V1__EMPTY__INIT;

	return client_call(client, MANAGER "ListContainers", &empty.base,
			   &sysvisor__v1__manager_list_answer__descriptor, ret_answer, err);
}

/* --- sysvisor-fs --- */

int filesystem_register(const struct client *client,
			const Sysvisor__V1__FilesystemRegisterRequest *request,
			Sysvisor__V1__FilesystemRegisterAnswer **ret_answer, struct error *err)
{
	return client_call(client, FILESYSTEM "RegisterContainer", &request->base,
			   &sysvisor__v1__filesystem_register_answer__descriptor, ret_answer, err);
}

int filesystem_unregister(const struct client *client, const char *id, struct error *err)
{
	Sysvisor__V1__FilesystemUnregisterRequest request =
		SYSVISOR__V1__FILESYSTEM_UNREGISTER_REQUEST__INIT;

	request.id = (char *)(uintptr_t)id;
	return client_call(client, FILESYSTEM "UnregisterContainer", &request.base,
			   &sysvisor__v1__empty__descriptor, NULL, err);
}

int filesystem_list(const struct client *client, Sysvisor__V1__FilesystemListAnswer **ret_answer,
		    struct error *err)
{
	Sysvisor__V1__Empty empty = SYSVISOR__V1__EMPTY__INIT;

	return client_call(client, FILESYSTEM "ListContainers", &empty.base,
			   &sysvisor__v1__filesystem_list_answer__descriptor, ret_answer, err);
}

/* --- both --- */

static int client_ask(const struct client *client, const ProtobufCServiceDescriptor *service,
		      const char *method, const ProtobufCMessageDescriptor *kind, void *ret_answer,
		      struct error *err)
{
	Sysvisor__V1__Empty empty = SYSVISOR__V1__EMPTY__INIT;
	char path[128];

	snprintf(path, sizeof(path), "/%s/%s", service->name, method);
	return client_call(client, path, &empty.base, kind, ret_answer, err);
}

int client_version(const struct client *client, const ProtobufCServiceDescriptor *service,
		   Sysvisor__V1__VersionAnswer **ret_answer, struct error *err)
{
	return client_ask(client, service, "Version", &sysvisor__v1__version_answer__descriptor,
			  ret_answer, err);
}

int client_health(const struct client *client, const ProtobufCServiceDescriptor *service,
		  Sysvisor__V1__HealthAnswer **ret_answer, struct error *err)
{
	return client_ask(client, service, "Health", &sysvisor__v1__health_answer__descriptor,
			  ret_answer, err);
}

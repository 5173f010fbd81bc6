/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpc_server - answers gRPC calls on a unix socket, for a service as protobuf-c describes it.
 *
 *	static void on_version(struct grpc_request *request, const ProtobufCMessage *message)
 *	{
 *		Sysvisor__V1__VersionAnswer answer = SYSVISOR__V1__VERSION_ANSWER__INIT;
 *		...
 *		grpc_answer(request, &answer.base);
 *	}
 *
 * A handler answers at once, or keeps the request and answers later; every request must be
 * answered once. The caller's deadline is kept here: he is told when it has passed, and a later
 * answer goes nowhere.
 *
 * Bounded: connections, streams on each (grpc_session), bytes of a request. What is too much is
 * refused with RESOURCE_EXHAUSTED or waits in the kernel's queue.
 */
#ifndef WIRE_GRPC_SERVER_H
#define WIRE_GRPC_SERVER_H

#include <protobuf-c/protobuf-c.h>

#include "base/error.h"
#include "base/loop.h"
#include "wire/grpc_frame.h"

#define GRPC_REQUEST_BYTES (1u << 20)

struct grpc_server;
struct grpc_request;

/* The message is gone when the handler returns. */
typedef void grpc_handler(struct grpc_request *request, const ProtobufCMessage *message);

struct grpc_service {
	const ProtobufCServiceDescriptor *descriptor;
	grpc_handler *const *handlers; /* one for each method, in the order of the .proto file */
	void *owner;		       /* for the handlers: grpc_owner() */
};

/* Listens at `path`, for the owner alone (0600). A socket that nobody listens at is replaced;
 * -EADDRINUSE when somebody does. `service` is borrowed. */
must_check int grpc_server_new(struct grpc_server **ret_server, struct loop *loop, const char *path,
			       const struct grpc_service *service, struct error *err);
/* Hangs up and removes the socket. Requests that were kept may still be answered, to nobody. */
void grpc_server_free(struct grpc_server *server);

void *grpc_owner(const struct grpc_request *request);

/* Both use the request up. */
void grpc_answer(struct grpc_request *request, const ProtobufCMessage *message);
void grpc_refuse(struct grpc_request *request, enum grpc_status status, const char *words);

#endif

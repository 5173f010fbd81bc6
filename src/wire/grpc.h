/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpc - calls by gRPC that don't block: protobuf-c messages over nghttp2 on our loop.
 *
 * A channel is the way to one server. It connects when the first call needs it, keeps the
 * connection, and connects anew for the next call after the server went away.
 *
 *	call = (struct grpc_call){ .method = "/runtime.v1.RuntimeService/Version", .done = on_done
 *}; r = grpc_start(channel, &call, &request.base, err);
 *
 * A call is the caller's; it must live until `done` was called or grpc_call_done(). In `done` it
 * may be started anew or freed; the channel may not be freed there.
 *
 * Calls with one request and one answer. Streams and servers are to stand beside this file, on
 * wire/grpc_session.h, as it does.
 */
#ifndef WIRE_GRPC_H
#define WIRE_GRPC_H

#include <protobuf-c/protobuf-c.h>

#include "base/error.h"
#include "base/loop.h"
#include "wire/grpc_frame.h"

struct grpc_channel;
struct grpc_work;

struct grpc_call {
	const char *method;  /* "/package.Service/Method" */
	uint64_t timeout_ms; /* for the whole, the server is told, too; 0: 10 s */
	size_t limit_bytes;  /* of the answer; 0: GRPC_MESSAGE_BYTES */
	/* When `status` is GRPC_ok, `answer` is the message, for protobuf_c_message_unpack();
	 * otherwise err says why. */
	void (*done)(struct grpc_call *call, enum grpc_status status, const struct error *err);

	struct text answer; /* kept until the next start or grpc_call_done() */

	struct grpc_work *work; /* the channel's own */
};

must_check int grpc_channel_new(struct grpc_channel **ret_channel, struct loop *loop,
				const char *unix_socket, struct error *err);
/* Drops what is under way without calling `done`. */
void grpc_channel_free(struct grpc_channel *channel);

/* The request is copied; the call's fields must stay as they are until `done`. -ECONNREFUSED,
 * -ENOENT, ...: the server isn't there. */
must_check int grpc_start(struct grpc_channel *channel, struct grpc_call *call,
			  const ProtobufCMessage *request, struct error *err);
/* Cancels it if it is under way, and frees the answer. `done` is not called. */
void grpc_call_done(struct grpc_call *call);

#endif

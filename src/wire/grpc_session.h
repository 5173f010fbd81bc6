/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpc_session - one HTTP/2 connection that carries gRPC streams; what both a client and a server
 * stand on. nghttp2 does the HTTP/2, the loop waits for the socket.
 *
 * Callbacks come from inside nghttp2: they may open, send on and reset streams, but not free the
 * session; that is for later (loop_defer). Only `ended` comes from the loop itself, as the last
 * thing of a session.
 */
#ifndef WIRE_GRPC_SESSION_H
#define WIRE_GRPC_SESSION_H

#include <nghttp2/nghttp2.h>
#include <protobuf-c/protobuf-c.h>

#include "base/error.h"
#include "base/loop.h"
#include "wire/grpc_frame.h"

struct grpc_session;
struct grpc_stream;

/* `message` is always set; of the others those that the side has no use for may be NULL. */
struct grpc_stream_events {
	void (*header)(struct grpc_stream *stream, struct slice name, struct slice value);
	void (*message)(struct grpc_stream *stream, struct slice message);
	/* Nothing more will come from the other side. */
	void (*in_ended)(struct grpc_stream *stream);
	/* The other side's bytes are no messages, as grpc_read() says it; called once. */
	void (*broken)(struct grpc_stream *stream, int error);
	/* The last call. `http2_code` is 0 when both sides are through in good order; `why` is set
	 * when it ended with the whole connection. */
	void (*closed)(struct grpc_stream *stream, uint32_t http2_code, const struct error *why);
};

/* Lives in the object of a call. */
struct grpc_stream {
	const struct grpc_stream_events *events;
	struct grpc_session *session; /* NULL: not open */
	int32_t id;
	struct text out; /* framed messages to be sent */
	size_t sent;
	bool out_ended; /* none will follow those in `out` */
	/* A server's last words, behind the last message; must live as long as the stream. */
	const nghttp2_nv *trailers;
	size_t trailer_count;
	bool in_broken;
	struct grpc_reader in;
	struct list node;
};

struct grpc_session {
	struct loop *loop;
	struct loop_fd watch;
	struct loop_deferred flush; /* sends what was submitted outside of a callback */
	nghttp2_session *h2;
	struct text out;     /* frames that go together */
	struct slice unsent; /* of these */
	struct list streams;
	/* Servers: the other side opens a stream. Returns it, with `events` and `in.limit_bytes`
	 * set, or NULL to refuse it. */
	struct grpc_stream *(*opened)(struct grpc_session *session);
	/* The connection is over: every stream was closed. Frees the session, if anybody. */
	void (*ended)(struct grpc_session *session, const struct error *why);
};

/* Takes the socket (connected, non-blocking), also when it fails. session->ended is set. */
must_check int grpc_session_init_client(struct grpc_session *session, struct loop *loop,
					int fd_take, struct error *err);
/* The same for one that was accepted; session->opened is set, too. */
must_check int grpc_session_init_server(struct grpc_session *session, struct loop *loop,
					int fd_take, struct error *err);
/* Closes the socket; streams that are open are forgotten without a word. */
void grpc_session_done(struct grpc_session *session);

/* Whether a stream can be opened: not after the server said that it goes away. */
bool grpc_session_takes_streams(const struct grpc_session *session);

/* Opens a stream with these headers (copied); the fields `events`, `in.limit_bytes`, `out` and
 * `out_ended` are set, the rest is zero. */
must_check int grpc_stream_open(struct grpc_stream *stream, struct grpc_session *session,
				const nghttp2_nv *headers, size_t header_count, struct error *err);
/* Answers a stream that the other side opened: these headers, then what is in `out`. With `out`
 * empty and `out_ended` they are all there is. */
must_check int grpc_stream_answer(struct grpc_stream *stream, const nghttp2_nv *headers,
				  size_t header_count, struct error *err);
/* Resets it if it is open, frees what it holds; no callback comes any more. */
void grpc_stream_done(struct grpc_stream *stream);

/* Appends a message with its head. -EMSGSIZE, -ENOMEM. */
must_check int grpc_put_message(struct text *out, const ProtobufCMessage *message);

#endif

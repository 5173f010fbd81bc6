/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/grpc_session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>

#define SESSION_READ_BYTES   16384
#define SESSION_READS	     16 /* in one go; then others have their turn */
#define SESSION_SEND_BYTES   16384
#define SESSION_WINDOW_BYTES (1 << 20) /* that a stream may send before we have read */
#define SESSION_STREAMS	     128       /* that a client may have open at once */

int grpc_put_message(struct text *out, const ProtobufCMessage *message)
{
	size_t bytes = protobuf_c_message_get_packed_size(message);
	uint32_t length = htonl((uint32_t)bytes);
	char *at;

	if (bytes > GRPC_MESSAGE_BYTES)
		return -EMSGSIZE;
	at = text_reserve(out, GRPC_HEAD_BYTES + bytes);
	if (!at)
		return -ENOMEM;
	at[0] = 0; /* not compressed */
	memcpy(at + 1, &length, sizeof(length));
	protobuf_c_message_pack(message, (uint8_t *)at + GRPC_HEAD_BYTES);
	out->bytes += GRPC_HEAD_BYTES + bytes;
	return 0;
}

/* --- what nghttp2 calls --- */

static struct grpc_stream *session_stream(nghttp2_session *h2, int32_t id)
{
	return nghttp2_session_get_stream_user_data(h2, id);
}

static ssize_t session_on_send(nghttp2_session *h2, int32_t id, uint8_t *room, size_t room_bytes,
			       uint32_t *flags, nghttp2_data_source *source, void *owner)
{
	struct grpc_stream *stream = session_stream(h2, id);
	struct slice piece;

	(void)source;
	(void)owner;
	if (!stream)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	piece = slice_first(slice_skip(text_slice(&stream->out), stream->sent), room_bytes);
	if (piece.bytes)
		memcpy(room, piece.at, piece.bytes);
	stream->sent += piece.bytes;
	if (stream->sent < stream->out.bytes)
		return (ssize_t)piece.bytes;
	text_clear(&stream->out);
	stream->sent = 0;
	if (stream->out_ended) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (stream->trailer_count) {
			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			if (nghttp2_submit_trailer(h2, id, stream->trailers,
						   stream->trailer_count) != 0)
				return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
		}
	} else if (piece.bytes == 0) {
		return NGHTTP2_ERR_DEFERRED;
	}
	return (ssize_t)piece.bytes;
}

/* A client opens a stream. */
static int session_on_begin(nghttp2_session *h2, const nghttp2_frame *frame, void *owner)
{
	struct grpc_session *session = owner;
	struct grpc_stream *stream;

	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	stream = session->opened(session);
	if (!stream)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	stream->id = frame->hd.stream_id;
	stream->session = session;
	list_append(&session->streams, &stream->node);
	nghttp2_session_set_stream_user_data(h2, stream->id, stream);
	return 0;
}

static int session_on_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *owner)
{
	struct grpc_stream *stream = session_stream(h2, frame->hd.stream_id);

	(void)owner;
	if (stream && stream->events->in_ended &&
	    (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		stream->events->in_ended(stream);
	return 0;
}

static int session_on_header(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name,
			     size_t name_bytes, const uint8_t *value, size_t value_bytes,
			     uint8_t flags, void *owner)
{
	struct grpc_stream *stream = session_stream(h2, frame->hd.stream_id);

	(void)flags;
	(void)owner;
	if (stream && stream->events->header)
		stream->events->header(stream, (struct slice){ (const char *)name, name_bytes },
				       (struct slice){ (const char *)value, value_bytes });
	return 0;
}

static int session_on_data(nghttp2_session *h2, uint8_t flags, int32_t id, const uint8_t *data,
			   size_t bytes, void *owner)
{
	struct slice rest = { (const char *)data, bytes };
	struct grpc_stream *stream;
	int r = 0;

	(void)flags;
	(void)owner;
	/* Asked for anew each time: a message may have been the reason to be done with it. */
	while ((stream = session_stream(h2, id)) && !stream->in_broken &&
	       (r = grpc_read(&stream->in, &rest)) == 1)
		stream->events->message(stream, text_slice(&stream->in.message));
	if (stream && r < 0) {
		stream->in_broken = true;
		stream->events->broken(stream, r);
	}
	return 0;
}

static int session_on_close(nghttp2_session *h2, int32_t id, uint32_t code, void *owner)
{
	struct grpc_stream *stream = session_stream(h2, id);

	(void)owner;
	if (!stream)
		return 0;
	if (code == NGHTTP2_NO_ERROR && !stream->in_broken && !grpc_read_ended(&stream->in)) {
		stream->in_broken = true;
		stream->events->broken(stream, -EBADMSG);
		if (!session_stream(h2, id))
			return 0; /* its owner is done with it */
	}
	list_remove(&stream->node);
	stream->session = NULL;
	stream->events->closed(stream, code, NULL);
	return 0;
}

/* --- the socket --- */

static void session_end(struct grpc_session *session, const struct error *why)
{
	struct grpc_stream *stream;

	list_drain(&session->streams, stream, node)
	{
		stream->session = NULL;
		stream->events->closed(stream, NGHTTP2_REFUSED_STREAM, why);
	}
	session->ended(session, why);
}

/* nghttp2 gives frame by frame; a send(2) for each would wake the other side as often. */
static int session_gather(struct grpc_session *session, struct error *err)
{
	const uint8_t *at;
	ssize_t n;

	text_clear(&session->out);
	do {
		n = nghttp2_session_mem_send(session->h2, &at);
		if (n < 0)
			return error_say(err, EPROTO, "%s", nghttp2_strerror((int)n));
		text_put(&session->out, (struct slice){ (const char *)at, (size_t)n });
	} while (n > 0 && session->out.bytes < SESSION_SEND_BYTES);
	if (session->out.failed)
		return error_errno(err, ENOMEM, "send");
	session->unsent = text_slice(&session->out);
	return 0;
}

/* Sends until there is nothing to send or the socket takes no more. */
static int session_send(struct grpc_session *session, struct error *err)
{
	for (;;) {
		ssize_t n;

		if (session->unsent.bytes == 0) {
			int r = session_gather(session, err);

			if (r < 0 || session->unsent.bytes == 0)
				return r;
		}
		n = send(session->watch.fd, session->unsent.at, session->unsent.bytes,
			 MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0)
			return error_errno(err, errno, "send");
		session->unsent = slice_skip(session->unsent, (size_t)n);
	}
}

static int session_receive(struct grpc_session *session, struct error *err)
{
	uint8_t bytes[SESSION_READ_BYTES];

	for (int round = 0; round < SESSION_READS; round++) {
		ssize_t n = recv(session->watch.fd, bytes, sizeof(bytes), 0), read;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0)
			return error_errno(err, errno, "receive");
		if (n == 0)
			return error_say(err, ECONNRESET, "the other side closed the connection");
		read = nghttp2_session_mem_recv(session->h2, bytes, (size_t)n);
		if (read < 0)
			return error_say(err, EPROTO, "no HTTP/2: %s", nghttp2_strerror((int)read));
		if ((size_t)n < sizeof(bytes))
			return 0; /* that was all; if not, the loop says so */
	}
	return 0;
}

static void session_turn(struct grpc_session *session, uint32_t events)
{
	struct error err = { 0 };
	int r = 0;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		r = session_receive(session, &err);
	if (r == 0)
		r = session_send(session, &err);
	if (r == 0 && session->unsent.bytes == 0 && !nghttp2_session_want_read(session->h2) &&
	    !nghttp2_session_want_write(session->h2))
		r = error_say(&err, ECONNRESET, "the other side went away");
	if (r == 0)
		r = loop_fd_change(session->loop, &session->watch,
				   session->unsent.bytes ? EPOLLIN | EPOLLOUT : EPOLLIN, &err);
	if (r < 0)
		session_end(session, &err);
}

static void session_on_ready(struct loop_fd *watch, uint32_t events)
{
	session_turn(container_of(watch, struct grpc_session, watch), events);
}

static void session_on_flush(struct loop_deferred *deferred)
{
	session_turn(container_of(deferred, struct grpc_session, flush), 0);
}

/* --- start and end --- */

static int session_submit_settings(struct grpc_session *session)
{
	static const nghttp2_settings_entry client[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, SESSION_WINDOW_BYTES },
	};
	static const nghttp2_settings_entry server[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, SESSION_STREAMS },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, SESSION_WINDOW_BYTES },
	};

	return nghttp2_submit_settings(session->h2, NGHTTP2_FLAG_NONE,
				       session->opened ? server : client, array_count(client));
}

static int session_make(struct grpc_session *session)
{
	nghttp2_session_callbacks *callbacks;
	int r = nghttp2_session_callbacks_new(&callbacks);

	if (r != 0)
		return r;
	nghttp2_session_callbacks_set_on_header_callback(callbacks, session_on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, session_on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, session_on_close);
	if (session->opened) {
		nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks,
									session_on_begin);
		nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, session_on_frame);
		r = nghttp2_session_server_new(&session->h2, callbacks, session);
	} else {
		r = nghttp2_session_client_new(&session->h2, callbacks, session);
	}
	nghttp2_session_callbacks_del(callbacks);
	if (r == 0)
		r = session_submit_settings(session);
	if (r == 0)
		r = nghttp2_session_set_local_window_size(session->h2, NGHTTP2_FLAG_NONE, 0,
							  SESSION_WINDOW_BYTES);
	return r;
}

static int session_init(struct grpc_session *session, struct loop *loop, int fd, struct error *err)
{
	int r;

	*session = (struct grpc_session){
		.loop = loop,
		.watch = { .fd = -1, .ready = session_on_ready },
		.flush = { .run = session_on_flush },
		.opened = session->opened,
		.ended = session->ended,
	};
	list_init(&session->streams);
	r = session_make(session);
	if (r != 0) {
		close(fd);
		nghttp2_session_del(session->h2);
		return error_say(err, ENOMEM, "start HTTP/2: %s", nghttp2_strerror(r));
	}
	r = loop_fd_add(loop, &session->watch, fd, EPOLLIN, err);
	if (r < 0) {
		close(fd);
		nghttp2_session_del(session->h2);
	}
	return r;
}

int grpc_session_init_client(struct grpc_session *session, struct loop *loop, int fd,
			     struct error *err)
{
	session->opened = NULL;
	return session_init(session, loop, fd, err);
}

int grpc_session_init_server(struct grpc_session *session, struct loop *loop, int fd,
			     struct error *err)
{
	return session_init(session, loop, fd, err);
}

void grpc_session_done(struct grpc_session *session)
{
	struct grpc_stream *stream;
	int fd = session->watch.fd;

	list_drain(&session->streams, stream, node) stream->session = NULL;
	loop_undefer(&session->flush);
	loop_fd_remove(session->loop, &session->watch);
	close(fd);
	nghttp2_session_del(session->h2);
	text_done(&session->out);
}

bool grpc_session_takes_streams(const struct grpc_session *session)
{
	return nghttp2_session_check_request_allowed(session->h2);
}

int grpc_stream_open(struct grpc_stream *stream, struct grpc_session *session,
		     const nghttp2_nv *headers, size_t header_count, struct error *err)
{
	nghttp2_data_provider body = { .read_callback = session_on_send };
	int32_t id =
		nghttp2_submit_request(session->h2, NULL, headers, header_count, &body, stream);

	if (id < 0)
		return error_say(err, EPROTO, "open an HTTP/2 stream: %s", nghttp2_strerror(id));
	stream->id = id;
	stream->session = session;
	list_append(&session->streams, &stream->node);
	loop_defer(session->loop, &session->flush);
	return 0;
}

int grpc_stream_answer(struct grpc_stream *stream, const nghttp2_nv *headers, size_t header_count,
		       struct error *err)
{
	nghttp2_data_provider body = { .read_callback = session_on_send };
	bool words_alone = stream->out_ended && stream->out.bytes == 0;
	int r;

	if (!stream->session)
		return error_say(err, ECONNRESET, "the other side is gone");
	r = nghttp2_submit_response(stream->session->h2, stream->id, headers, header_count,
				    words_alone ? NULL : &body);
	if (r != 0)
		return error_say(err, EPROTO, "answer: %s", nghttp2_strerror(r));
	loop_defer(stream->session->loop, &stream->session->flush);
	return 0;
}

void grpc_stream_done(struct grpc_stream *stream)
{
	struct grpc_session *session = stream->session;

	if (session) {
		/* Forgotten first: the reset's own close callback must not find it. One that
		 * nghttp2 has not sent yet is known to it by the pending request alone, which the
		 * reset cancels. */
		nghttp2_session_set_stream_user_data(session->h2, stream->id, NULL);
		nghttp2_submit_rst_stream(session->h2, NGHTTP2_FLAG_NONE, stream->id,
					  NGHTTP2_CANCEL);
		list_remove(&stream->node);
		loop_defer(session->loop, &session->flush);
	}
	text_done(&stream->out);
	text_done(&stream->in.message);
	stream->session = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC: the client against a server made of nghttp2 alone, which does what it is told and errs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "wire/cri.pb-c.h"
#include "wire/grpc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include <sys/un.h>

/* --- the server --- */

enum peer_act { ACT_echo, ACT_goodbye, ACT_reset, ACT_silence, ACT_hang_up };

/* What a method answers. */
struct peer_method {
	const char *path;
	enum peer_act act;
	struct slice
		body; /* what to send for ACT_echo, instead of the request; NULL: the request */
	const char *http_status, *grpc_status, *grpc_message; /* NULL: not sent */
};

/* clang-format off: one row a line */
static const struct peer_method peer_methods[] = {
	{ .path = "/t/Echo", .http_status = "200", .grpc_status = "0" },
	{ .path = "/t/NotFound",
	  .body = { "", 0 },
	  .http_status = "200",
	  .grpc_status = "5",
	  .grpc_message = "no such %27%C3%A4%27, 100%, %zz" },
	{ .path = "/t/Strange", .body = { "", 0 }, .http_status = "200", .grpc_status = "77" },
	{ .path = "/t/NoStatus", .body = { "", 0 }, .http_status = "503" },
	{ .path = "/t/Html", .body = { "<html>no", 8 }, .http_status = "404" },
	{ .path = "/t/Nothing", .body = { "", 0 }, .http_status = "200", .grpc_status = "0" },
	{ .path = "/t/Two",
	  .body = { "\0\0\0\0\0\0\0\0\0\0", 10 },
	  .http_status = "200",
	  .grpc_status = "0" },
	{ .path = "/t/Cut",
	  .body = { "\0\0\0\0\7abc", 8 },
	  .http_status = "200",
	  .grpc_status = "0" },
	{ .path = "/t/Large",
	  .body = { "\0\0\1\0\1aaaaaaaaaaaa", 17 },
	  .http_status = "200",
	  .grpc_status = "0" },
	{ .path = "/t/Compressed",
	  .body = { "\1\0\0\0\1a", 6 },
	  .http_status = "200",
	  .grpc_status = "0" },
	{ .path = "/t/Reset", .act = ACT_reset },
	{ .path = "/t/Silence", .act = ACT_silence },
	{ .path = "/t/HangUp", .act = ACT_hang_up },
	{ .path = "/t/Goodbye", .act = ACT_goodbye, .http_status = "200", .grpc_status = "0" },
};
/* clang-format on */

struct peer;

struct peer_stream {
	const struct peer_method *method;
	struct text body;
	size_t sent;
	struct list node;
};

struct peer_link {
	struct loop_fd watch;
	nghttp2_session *h2;
	struct peer *peer;
	bool hang_up;
	struct slice unsent;
	struct list streams;
	struct list node;
};

struct peer {
	struct loop *loop;
	struct loop_fd listener;
	char path[64];
	size_t connections, resets;
	char timeout[16]; /* of the last call */
	struct list links;
};

static nghttp2_nv peer_header(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
			     strlen(value), NGHTTP2_NV_FLAG_NONE };
}

static ssize_t peer_on_send(nghttp2_session *h2, int32_t id, uint8_t *room, size_t room_bytes,
			    uint32_t *flags, nghttp2_data_source *source, void *owner)
{
	struct peer_stream *stream = source->ptr;
	struct slice piece =
		slice_first(slice_skip(text_slice(&stream->body), stream->sent), room_bytes);
	nghttp2_nv trailers[2];
	size_t count = 0;

	(void)owner;
	if (piece.bytes)
		memcpy(room, piece.at, piece.bytes);
	stream->sent += piece.bytes;
	if (stream->sent < stream->body.bytes)
		return (ssize_t)piece.bytes;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (stream->method->grpc_status)
		trailers[count++] = peer_header("grpc-status", stream->method->grpc_status);
	if (stream->method->grpc_message)
		trailers[count++] = peer_header("grpc-message", stream->method->grpc_message);
	if (count) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		nghttp2_submit_trailer(h2, id, trailers, count);
	}
	return (ssize_t)piece.bytes;
}

static void peer_answer(nghttp2_session *h2, int32_t id, struct peer_stream *stream)
{
	nghttp2_data_provider body = { .source.ptr = stream, .read_callback = peer_on_send };
	nghttp2_nv headers[] = {
		peer_header(":status", stream->method->http_status),
		peer_header("content-type", "application/grpc"),
	};

	if (stream->method->body.at) {
		text_clear(&stream->body);
		text_put(&stream->body, stream->method->body);
	}
	nghttp2_submit_response(h2, id, headers, array_count(headers), &body);
}

static int peer_on_begin(nghttp2_session *h2, const nghttp2_frame *frame, void *owner)
{
	struct peer_stream *stream = calloc(1, sizeof(*stream));
	struct peer_link *link = owner;

	list_append(&link->streams, &stream->node);
	nghttp2_session_set_stream_user_data(h2, frame->hd.stream_id, stream);
	return 0;
}

static int peer_on_header(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name,
			  size_t name_bytes, const uint8_t *value, size_t value_bytes,
			  uint8_t flags, void *owner)
{
	struct peer_stream *stream = nghttp2_session_get_stream_user_data(h2, frame->hd.stream_id);
	struct slice key = { (const char *)name, name_bytes };
	struct slice text = { (const char *)value, value_bytes };
	struct peer_link *link = owner;

	(void)flags;
	for (size_t n = 0; n < array_count(peer_methods) && slice_is(key, ":path"); n++)
		if (slice_is(text, peer_methods[n].path))
			stream->method = &peer_methods[n];
	if (slice_is(key, "grpc-timeout"))
		slice_copy(text, link->peer->timeout, sizeof(link->peer->timeout));
	return 0;
}

static int peer_on_data(nghttp2_session *h2, uint8_t flags, int32_t id, const uint8_t *data,
			size_t bytes, void *owner)
{
	struct peer_stream *stream = nghttp2_session_get_stream_user_data(h2, id);

	(void)flags;
	(void)owner;
	text_put(&stream->body, (struct slice){ (const char *)data, bytes });
	return 0;
}

static int peer_on_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *owner)
{
	struct peer_stream *stream = nghttp2_session_get_stream_user_data(h2, frame->hd.stream_id);
	struct peer_link *link = owner;

	link->peer->resets += frame->hd.type == NGHTTP2_RST_STREAM;
	if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) || !stream)
		return 0;
	if (stream->method->act == ACT_reset)
		nghttp2_submit_rst_stream(h2, 0, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
	if (stream->method->act == ACT_hang_up)
		link->hang_up = true;
	if (stream->method->act == ACT_goodbye)
		nghttp2_submit_goaway(h2, 0, frame->hd.stream_id, NGHTTP2_NO_ERROR, NULL, 0);
	if (stream->method->act == ACT_echo || stream->method->act == ACT_goodbye)
		peer_answer(h2, frame->hd.stream_id, stream);
	return 0;
}

static void peer_stream_free(struct peer_stream *stream)
{
	list_remove(&stream->node);
	text_done(&stream->body);
	free(stream);
}

static int peer_on_close(nghttp2_session *h2, int32_t id, uint32_t code, void *owner)
{
	struct peer_stream *stream = nghttp2_session_get_stream_user_data(h2, id);

	(void)code;
	(void)owner;
	if (stream)
		peer_stream_free(stream);
	nghttp2_session_set_stream_user_data(h2, id, NULL);
	return 0;
}

static void peer_drop(struct peer_link *link)
{
	struct peer_stream *stream;
	int fd = link->watch.fd;

	loop_fd_remove(link->peer->loop, &link->watch);
	close(fd);
	while ((stream = list_first(&link->streams, struct peer_stream, node)))
		peer_stream_free(stream);
	nghttp2_session_del(link->h2);
	list_remove(&link->node);
	free(link);
}

/* False: the client is gone. */
static bool peer_send(struct peer_link *link)
{
	const uint8_t *out;
	ssize_t n;

	for (;;) {
		if (link->unsent.bytes == 0) {
			n = nghttp2_session_mem_send(link->h2, &out);
			if (n <= 0)
				break;
			link->unsent = (struct slice){ (const char *)out, (size_t)n };
		}
		n = send(link->watch.fd, link->unsent.at, link->unsent.bytes,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return false;
		link->unsent = slice_skip(link->unsent, (size_t)n);
	}
	return loop_fd_change(link->peer->loop, &link->watch,
			      link->unsent.bytes ? EPOLLIN | EPOLLOUT : EPOLLIN, NULL) == 0;
}

static void peer_on_ready(struct loop_fd *watch, uint32_t events)
{
	struct peer_link *link = container_of(watch, struct peer_link, watch);
	uint8_t bytes[4096];
	ssize_t n = 0;

	if (events & (EPOLLIN | EPOLLHUP)) {
		n = recv(watch->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n <= 0 || nghttp2_session_mem_recv(link->h2, bytes, (size_t)n) < 0)
			n = -1;
	}
	if (n < 0 || link->hang_up || !peer_send(link))
		peer_drop(link);
}

static void peer_on_connect(struct loop_fd *watch, uint32_t events)
{
	struct peer *peer = container_of(watch, struct peer, listener);
	struct peer_link *link = calloc(1, sizeof(*link));
	nghttp2_session_callbacks *callbacks;

	(void)events;
	peer->connections++;
	link->peer = peer;
	list_init(&link->streams);
	link->watch.ready = peer_on_ready;
	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, peer_on_begin);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, peer_on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, peer_on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, peer_on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, peer_on_close);
	nghttp2_session_server_new(&link->h2, callbacks, link);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(link->h2, 0, NULL, 0);
	list_append(&peer->links, &link->node);
	assert_int_equal(loop_fd_add(peer->loop, &link->watch,
				     accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC), EPOLLIN, NULL),
			 0);
}

static void peer_start(struct peer *peer, struct loop *loop)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*peer = (struct peer){ .loop = loop, .listener = { .fd = -1, .ready = peer_on_connect } };
	list_init(&peer->links);
	snprintf(peer->path, sizeof(peer->path), "/tmp/test-grpc-%d.sock", getpid());
	slice_copy(slice_of(peer->path), address.sun_path, sizeof(address.sun_path));
	unlink(peer->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(loop_fd_add(loop, &peer->listener, fd, EPOLLIN, NULL), 0);
}

static void peer_stop(struct peer *peer)
{
	struct peer_link *link;
	int fd = peer->listener.fd;

	while ((link = list_first(&peer->links, struct peer_link, node)))
		peer_drop(link);
	loop_fd_remove(peer->loop, &peer->listener);
	close(fd);
	unlink(peer->path);
}

/* --- the client --- */

struct bench {
	struct loop *loop;
	struct peer peer;
	struct grpc_channel *channel;
};

struct outcome {
	struct grpc_call call;
	bool done;
	enum grpc_status status;
	struct error err;
};

static int bench_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_int_equal(loop_new(&bench->loop, NULL), 0);
	peer_start(&bench->peer, bench->loop);
	assert_int_equal(grpc_channel_new(&bench->channel, bench->loop, bench->peer.path, NULL), 0);
	*state = bench;
	return 0;
}

static int bench_down(void **state)
{
	struct bench *bench = *state;

	grpc_channel_free(bench->channel);
	peer_stop(&bench->peer);
	loop_free(bench->loop);
	free(bench);
	return 0;
}

static void outcome_set(struct grpc_call *call, enum grpc_status status, const struct error *err)
{
	struct outcome *outcome = container_of(call, struct outcome, call);

	assert_false(outcome->done);
	outcome->done = true;
	outcome->status = status;
	outcome->err = *err;
}

static int bench_start(struct bench *bench, struct outcome *outcome, const char *method,
		       const char *id)
{
	Runtime__V1__ContainerFilter request = RUNTIME__V1__CONTAINER_FILTER__INIT;

	outcome->done = false;
	outcome->call.method = method;
	outcome->call.done = outcome_set;
	request.id = (char *)(uintptr_t)id;
	return grpc_start(bench->channel, &outcome->call, &request.base, &outcome->err);
}

static void bench_wait(struct bench *bench, struct outcome *outcome)
{
	for (int n = 0; n < 10000 && !outcome->done; n++)
		assert_int_equal(loop_turn(bench->loop, 100, NULL), 0);
	assert_true(outcome->done);
}

static void bench_call(struct bench *bench, struct outcome *outcome, const char *method)
{
	assert_int_equal(bench_start(bench, outcome, method, "abc"), 0);
	bench_wait(bench, outcome);
}

static void assert_echo(const struct outcome *outcome, const char *id)
{
	Runtime__V1__ContainerFilter *answer;

	assert_string_equal(outcome->err.text, "");
	assert_int_equal(outcome->status, GRPC_ok);
	answer = runtime__v1__container_filter__unpack(NULL, outcome->call.answer.bytes,
						       (const uint8_t *)outcome->call.answer.at);
	assert_non_null(answer);
	assert_string_equal(answer->id, id);
	runtime__v1__container_filter__free_unpacked(answer, NULL);
}

/* --- tests --- */

static void calls_share_a_connection(void **state)
{
	struct bench *bench = *state;
	struct outcome outcomes[20] = { 0 };

	for (size_t n = 0; n < array_count(outcomes); n++)
		assert_int_equal(bench_start(bench, &outcomes[n], "/t/Echo", n % 2 ? "one" : "two"),
				 0);
	for (size_t n = 0; n < array_count(outcomes); n++) {
		bench_wait(bench, &outcomes[n]);
		assert_echo(&outcomes[n], n % 2 ? "one" : "two");
		grpc_call_done(&outcomes[n].call);
	}
	assert_int_equal(bench->peer.connections, 1);
	assert_string_equal(bench->peer.timeout, "10000m");
}

/* More than any window and any frame. */
static void large_messages_come_whole(void **state)
{
	enum { BYTES = 3 << 20 };
	struct bench *bench = *state;
	struct outcome outcome = { 0 };
	char *large = malloc(BYTES + 1);

	memset(large, 'x', BYTES);
	large[BYTES] = '\0';
	assert_int_equal(bench_start(bench, &outcome, "/t/Echo", large), 0);
	bench_wait(bench, &outcome);
	assert_echo(&outcome, large);
	grpc_call_done(&outcome.call);
	free(large);
}

static void too_large_a_message_is_refused(void **state)
{
	struct bench *bench = *state;
	struct outcome outcome = { 0 };
	char *large = malloc(GRPC_MESSAGE_BYTES + 1);

	memset(large, 'x', GRPC_MESSAGE_BYTES);
	large[GRPC_MESSAGE_BYTES] = '\0';
	assert_int_equal(bench_start(bench, &outcome, "/t/Echo", large), -EMSGSIZE);
	assert_false(outcome.done);
	free(large);
}

struct failure {
	const char *method;
	enum grpc_status status;
	const char *words; /* end of the error's text */
};

static void failures_have_a_status_and_words(void **state)
{
	static const struct failure failures[] = {
		{ "/t/NotFound", GRPC_not_found, ": not_found: no such '\xc3\xa4', 100%, %zz" },
		{ "/t/Strange", GRPC_unknown, ": unknown: " },
		{ "/t/NoStatus", GRPC_unavailable,
		  ": unavailable: no gRPC status, HTTP status 503" },
		{ "/t/Html", GRPC_unimplemented,
		  ": unimplemented: no gRPC status, HTTP status 404" },
		{ "/t/Nothing", GRPC_internal, ": not one message, as a call without streams has" },
		{ "/t/Two", GRPC_internal, ": not one message, as a call without streams has" },
		{ "/t/Cut", GRPC_internal, ": the answer ends in the middle of a message" },
		{ "/t/Large", GRPC_resource_exhausted, ": the answer is larger than allowed" },
		{ "/t/Compressed", GRPC_internal, ": the answer is compressed, unasked" },
		{ "/t/Reset", GRPC_unavailable, ": unavailable: REFUSED_STREAM" },
		{ "/t/HangUp", GRPC_unavailable, ": the other side closed the connection" },
	};
	struct bench *bench = *state;
	struct outcome outcome = { .call.limit_bytes = 65536 };

	for (size_t n = 0; n < array_count(failures); n++) {
		bench_call(bench, &outcome, failures[n].method);
		if (!slice_ends(slice_of(outcome.err.text), slice_of(failures[n].words)))
			fail_msg("%s gave '%s'", failures[n].method, outcome.err.text);
		assert_int_equal(outcome.status, failures[n].status);
		assert_non_null(strstr(outcome.err.text, failures[n].method));
		assert_non_null(strstr(outcome.err.text, bench->peer.path));
	}
	/* None of them spoils the next. */
	bench_call(bench, &outcome, "/t/Echo");
	assert_echo(&outcome, "abc");
	grpc_call_done(&outcome.call);
}

static void a_deadline_ends_the_wait(void **state)
{
	struct bench *bench = *state;
	struct outcome outcome = { .call.timeout_ms = 30 };

	bench_call(bench, &outcome, "/t/Silence");
	assert_int_equal(outcome.status, GRPC_deadline_exceeded);
	assert_string_equal(bench->peer.timeout, "30m");
	for (int n = 0; n < 1000 && bench->peer.resets == 0; n++)
		assert_int_equal(loop_turn(bench->loop, 100, NULL), 0);
	assert_int_equal(bench->peer.resets, 1);
	grpc_call_done(&outcome.call);
}

static void a_cancelled_call_is_silent(void **state)
{
	struct bench *bench = *state;
	struct outcome gone = { 0 }, early = { 0 }, outcome = { 0 };

	assert_int_equal(bench_start(bench, &gone, "/t/Silence", "abc"), 0);
	bench_call(bench, &outcome, "/t/Echo");
	grpc_call_done(&gone.call);
	/* One that nghttp2 has not even sent. */
	assert_int_equal(bench_start(bench, &early, "/t/Echo", "abc"), 0);
	grpc_call_done(&early.call);
	bench_call(bench, &outcome, "/t/Echo");
	assert_echo(&outcome, "abc");
	assert_false(gone.done || early.done);
	assert_int_equal(bench->peer.connections, 1);
	grpc_call_done(&outcome.call);
}

static void a_server_that_goes_away_is_called_anew(void **state)
{
	struct bench *bench = *state;
	struct outcome slow = { 0 }, outcome = { 0 };

	assert_int_equal(bench_start(bench, &slow, "/t/Silence", "abc"), 0);
	bench_call(bench, &outcome, "/t/Goodbye");
	assert_echo(&outcome, "abc");
	bench_call(bench, &outcome, "/t/Echo");
	assert_echo(&outcome, "abc");
	assert_int_equal(bench->peer.connections, 2);
	assert_false(slow.done); /* the old connection stays for it */
	bench_call(bench, &outcome, "/t/HangUp");
	bench_call(bench, &outcome, "/t/Echo");
	assert_echo(&outcome, "abc");
	assert_int_equal(bench->peer.connections, 3);
	grpc_call_done(&slow.call);
	grpc_call_done(&outcome.call);
}

static void a_server_that_is_not_there_fails_at_once(void **state)
{
	struct outcome outcome = { 0 };
	struct bench *bench = *state;
	struct grpc_channel *channel;
	struct error err;

	unlink(bench->peer.path);
	assert_int_equal(bench_start(bench, &outcome, "/t/Echo", "abc"), -ENOENT);
	assert_non_null(strstr(outcome.err.text, bench->peer.path));
	assert_int_equal(
		grpc_channel_new(&channel, bench->loop,
				 "/a-path-that-is-longer-than-what-fits-into-the-address-of-"
				 "a-unix-domain-socket-which-takes-107-bytes-and-no-more",
				 &err),
		-ENAMETOOLONG);
}

/* Any server that speaks no HTTP/2 at all. */
static void noise_is_an_error(void **state)
{
	struct bench *bench = *state;
	struct outcome outcome = { 0 };
	struct peer_link *link;

	bench_call(bench, &outcome, "/t/Echo");
	assert_int_equal(bench_start(bench, &outcome, "/t/Silence", "abc"), 0);
	assert_int_equal(loop_turn(bench->loop, 100, NULL), 0);
	link = list_first(&bench->peer.links, struct peer_link, node);
	assert_int_equal(write(link->watch.fd, "HTTP/1.1 400 Bad Request\r\n\r\n\0\0\0\0\0\0", 34),
			 34);
	bench_wait(bench, &outcome);
	assert_int_equal(outcome.status, GRPC_unavailable);
	grpc_call_done(&outcome.call);
}

static void words_are_decoded(void **state)
{
	static const char *const cases[][2] = {
		{ "plain", "plain" }, { "%20%41", " A" }, { "%", "%" },
		{ "%2", "%2" },	      { "%0x", "%0x" },	  { "%e2%82%ac", "\xe2\x82\xac" },
		{ "a%%41", "a%A" },
	};

	(void)state;
	for (size_t n = 0; n < array_count(cases); n++) {
		auto_text struct text out = { 0 };

		grpc_decode_words(slice_of(cases[n][0]), &out);
		assert_string_equal(text_str(&out), cases[n][1]);
	}
}

static void messages_come_in_any_pieces(void **state)
{
	static const char stream[] = "\0\0\0\0\3abc\0\0\0\0\0\0\0\0\0\2de\0\0\0";
	static const char *const wanted[] = { "abc", "", "de" };

	(void)state;
	for (size_t step = 1; step < sizeof(stream); step++) {
		struct grpc_reader reader = { .limit_bytes = 3 };
		struct slice rest = { stream, sizeof(stream) - 1 }, piece;
		size_t count = 0;

		while (rest.bytes) {
			piece = slice_first(rest, step);
			rest = slice_skip(rest, step);
			while (grpc_read(&reader, &piece) == 1) {
				assert_true(slice_is(text_slice(&reader.message), wanted[count]));
				count++;
			}
			assert_int_equal(piece.bytes, 0);
		}
		assert_int_equal(count, array_count(wanted));
		assert_false(grpc_read_ended(&reader));
		text_done(&reader.message);
	}
}

int main(void)
{
#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_up, bench_down)
	const struct CMUnitTest tests[] = {
		ON_BENCH(calls_share_a_connection),
		ON_BENCH(large_messages_come_whole),
		ON_BENCH(too_large_a_message_is_refused),
		ON_BENCH(failures_have_a_status_and_words),
		ON_BENCH(a_deadline_ends_the_wait),
		ON_BENCH(a_cancelled_call_is_silent),
		ON_BENCH(a_server_that_goes_away_is_called_anew),
		ON_BENCH(a_server_that_is_not_there_fails_at_once),
		ON_BENCH(noise_is_an_error),
		cmocka_unit_test(words_are_decoded),
		cmocka_unit_test(messages_come_in_any_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that bytes are written to, against real sockets on this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "wire/http.h"
#include "wire/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A receiver on a socket of our own, and a stream towards it. */
struct bench {
	struct loop *loop;
	struct http_client *client;
	struct stream stream;
	struct stream_target target;
	char server[32], path[64];
	int fd;
	bool opened, writable, broken;
	struct error why;
};

static void bench_on_opened(struct stream *stream)
{
	container_of(stream, struct bench, stream)->opened = true;
}

static void bench_on_writable(struct stream *stream)
{
	container_of(stream, struct bench, stream)->writable = true;
}

static void bench_on_broken(struct stream *stream, const struct error *err)
{
	struct bench *bench = container_of(stream, struct bench, stream);

	bench->broken = true;
	bench->why = *err;
}

static void bench_listen_inet(struct bench *bench, int type)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(address);

	bench->fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(bench->fd, (struct sockaddr *)&address, bytes), 0);
	assert_int_equal(getsockname(bench->fd, (struct sockaddr *)&address, &bytes), 0);
	snprintf(bench->server, sizeof(bench->server), "127.0.0.1:%d", ntohs(address.sin_port));
	bench->target.server = bench->server;
}

static void bench_listen_unix(struct bench *bench, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(bench->path, sizeof(bench->path), "/tmp/bulwark-test-stream.%d", getpid());
	slice_copy(slice_of(bench->path), address.sun_path, sizeof(address.sun_path));
	unlink(bench->path);
	bench->fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(bench->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	bench->target.path = bench->path;
}

static void bench_init(struct bench *bench, enum stream_kind kind)
{
	memset(bench, 0, sizeof(*bench));
	signal(SIGPIPE, SIG_IGN);
	bench->stream.opened = bench_on_opened;
	bench->stream.writable = bench_on_writable;
	bench->stream.broken = bench_on_broken;
	bench->target.kind = kind;
	assert_int_equal(loop_new(&bench->loop, NULL), 0);
	assert_int_equal(http_client_new(&bench->client, bench->loop, NULL), 0);
	if (kind == STREAM_tcp || kind == STREAM_udp)
		bench_listen_inet(bench, kind == STREAM_tcp ? SOCK_STREAM : SOCK_DGRAM);
	else
		bench_listen_unix(bench, kind == STREAM_unix ? SOCK_STREAM : SOCK_DGRAM);
	if (!stream_is_datagram(&bench->target))
		assert_int_equal(listen(bench->fd, 1), 0);
}

static void bench_done(struct bench *bench)
{
	stream_close(&bench->stream);
	http_client_free(bench->client);
	loop_free(bench->loop);
	if (bench->fd >= 0)
		close(bench->fd);
	if (bench->path[0])
		unlink(bench->path);
}

static void bench_turn_until(struct bench *bench, const bool *flag)
{
	uint64_t limit_ns = clock_mono_ns() + 5 * NS_PER_S;

	while (!*flag && clock_mono_ns() < limit_ns)
		assert_int_equal(loop_turn(bench->loop, 50, NULL), 0);
	assert_true(*flag);
}

static void bench_open(struct bench *bench)
{
	assert_int_equal(stream_open(&bench->stream, bench->client, &bench->target, NULL), 0);
	bench_turn_until(bench, &bench->opened);
}

static void datagrams_arrive_one_by_one(enum stream_kind kind)
{
	struct bench bench;
	char room[64];

	bench_init(&bench, kind);
	bench_open(&bench);
	assert_int_equal(stream_write(&bench.stream, SLICE("one")), 3);
	assert_int_equal(stream_write(&bench.stream, SLICE("three")), 5);
	assert_int_equal(recv(bench.fd, room, sizeof(room), 0), 3);
	assert_memory_equal(room, "one", 3);
	assert_int_equal(recv(bench.fd, room, sizeof(room), 0), 5);
	bench_done(&bench);
}

static void udp_sends_datagrams(void **state)
{
	(void)state;
	datagrams_arrive_one_by_one(STREAM_udp);
}

static void unix_sockets_take_datagrams(void **state)
{
	(void)state;
	datagrams_arrive_one_by_one(STREAM_unix_datagram);
}

static void datagrams_that_are_too_long_are_refused(void **state)
{
	static char large[70000];
	struct bench bench;

	(void)state;
	bench_init(&bench, STREAM_udp);
	bench_open(&bench);
	assert_int_equal(stream_write(&bench.stream, (struct slice){ large, sizeof(large) }),
			 -EMSGSIZE);
	assert_int_equal(stream_write(&bench.stream, SLICE("short")), 5);
	bench_done(&bench);
}

static void udp_learns_that_nobody_listens(void **state)
{
	struct bench bench;

	(void)state;
	bench_init(&bench, STREAM_udp);
	close(bench.fd);
	bench.fd = -1;
	bench_open(&bench);
	assert_int_equal(stream_write(&bench.stream, SLICE("x")), 1);
	bench_turn_until(&bench, &bench.broken);
	assert_int_equal(bench.why.code, ECONNREFUSED);
	bench_done(&bench);
}

static void refused_connections_say_so(void **state)
{
	struct bench bench;

	(void)state;
	bench_init(&bench, STREAM_tcp);
	close(bench.fd);
	bench.fd = -1;
	assert_int_equal(stream_open(&bench.stream, bench.client, &bench.target, NULL), 0);
	bench_turn_until(&bench, &bench.broken);
	assert_non_null(strstr(bench.why.text, bench.server));
	assert_non_null(strstr(bench.why.text, "Connection refused"));
	bench_done(&bench);
}

static void missing_sockets_say_so(void **state)
{
	struct bench bench;

	(void)state;
	bench_init(&bench, STREAM_unix_datagram);
	unlink(bench.path);
	assert_int_equal(stream_open(&bench.stream, bench.client, &bench.target, NULL), 0);
	bench_turn_until(&bench, &bench.broken);
	assert_int_equal(bench.why.code, ENOENT);
	assert_non_null(strstr(bench.why.text, bench.path));
	bench_done(&bench);
}

/* Writes until the stream takes no more, and says how much it took. */
static size_t bench_fill(struct bench *bench, char *next)
{
	char piece[1000];
	size_t total = 0;
	ssize_t n;

	do {
		for (size_t at = 0; at < sizeof(piece); at++)
			piece[at] = (char)(*next + (char)at);
		n = stream_write(&bench->stream, (struct slice){ piece, sizeof(piece) });
		assert_true(n >= 0);
		*next = (char)(*next + n);
		total += (size_t)n;
	} while (n > 0);
	return total;
}

static size_t bench_read(int fd, char *next, size_t bytes)
{
	size_t total = 0;
	char room[4096];

	while (total < bytes) {
		ssize_t n = recv(fd, room, bytes - total < 4096 ? bytes - total : 4096, 0);

		assert_true(n > 0);
		for (ssize_t at = 0; at < n; at++)
			assert_int_equal(room[at], (*next)++);
		total += (size_t)n;
	}
	return total;
}

static void full_streams_push_back(enum stream_kind kind)
{
	struct bench bench;
	char sent = 0, seen = 0;
	size_t took;
	int peer;

	bench_init(&bench, kind);
	bench_open(&bench);
	peer = accept(bench.fd, NULL, NULL);
	took = bench_fill(&bench, &sent);
	assert_true(took > STREAM_CHUNK_BYTES);
	assert_true(stream_unconfirmed(&bench.stream) > 0);
	assert_false(bench.writable);
	/* The last chunk is still here: it comes when the receiver has taken the others. */
	bench_read(peer, &seen, took - STREAM_CHUNK_BYTES);
	bench_turn_until(&bench, &bench.writable);
	bench_read(peer, &seen, STREAM_CHUNK_BYTES);
	while (stream_unconfirmed(&bench.stream) > 0)
		assert_int_equal(loop_turn(bench.loop, 1, NULL), 0);
	close(peer);
	bench_turn_until(&bench, &bench.broken);
	assert_non_null(strstr(bench.why.text, "closed the connection"));
	bench_done(&bench);
}

static void full_tcp_pushes_back(void **state)
{
	(void)state;
	full_streams_push_back(STREAM_tcp);
}

static void full_unix_sockets_push_back(void **state)
{
	(void)state;
	full_streams_push_back(STREAM_unix);
}

static void streams_use_the_local_address(void **state)
{
	struct sockaddr_in from;
	socklen_t bytes = sizeof(from);
	struct bench bench;
	char room[8];

	(void)state;
	bench_init(&bench, STREAM_udp);
	bench.target.local = "127.0.0.3:0";
	bench_open(&bench);
	assert_int_equal(stream_write(&bench.stream, SLICE("x")), 1);
	assert_int_equal(
		recvfrom(bench.fd, room, sizeof(room), 0, (struct sockaddr *)&from, &bytes), 1);
	assert_int_equal(ntohl(from.sin_addr.s_addr), 0x7f000003);
	bench_done(&bench);
}

static void urls_are_shown_without_secrets(void **state)
{
	static const char *const rows[][2] = {
		{ "https://host:8443/a/b", "https://host:8443/a/b" },
		{ "https://user:pa@ss@host/x?key=secret", "https://host/x" },
		{ "http://host/a@b#frag", "http://host/a@b" },
		{ "http://host?key=a@b/c", "http://host" },
		{ "user:pw@host/x", "host/x" },
		{ "", "" },
	};
	auto_text struct text place = { 0 };

	(void)state;
	for (size_t n = 0; n < array_count(rows); n++) {
		text_clear(&place);
		http_put_place(rows[n][0], &place);
		assert_string_equal(text_str(&place), rows[n][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp_sends_datagrams),
		cmocka_unit_test(unix_sockets_take_datagrams),
		cmocka_unit_test(datagrams_that_are_too_long_are_refused),
		cmocka_unit_test(udp_learns_that_nobody_listens),
		cmocka_unit_test(refused_connections_say_so),
		cmocka_unit_test(missing_sockets_say_so),
		cmocka_unit_test(full_tcp_pushes_back),
		cmocka_unit_test(full_unix_sockets_push_back),
		cmocka_unit_test(streams_use_the_local_address),
		cmocka_unit_test(urls_are_shown_without_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

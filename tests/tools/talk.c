/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk - traffic whose size is known, for machines without an interpreter: see talk.py.
 *
 * Prints one JSON object: what was done.
 *
 *	tcp HOST SENT RECEIVED    the client sends so many bytes, the server, a child, answers with
 *so many refused HOST              nobody listens reset HOST                the client closes with
 *data unread open HOST MS              a connection that carries something, then stays open so
 *long; ss(8) may look udp HOST COUNT BYTES      so many datagrams, each answered with one byte by a
 *child dns HOST NAME             asks a server, a child, at port 53, which answers 10.9.8.7 tls
 *HOST NAME             a ClientHello for the name, in two pieces http HOST PATH            a
 *request and its answer, 404 storm HOST COUNT          so many connections at once, then all are
 *closed noise HOST COUNT          so many messages of random bytes and broken headers, as DNS and
 *as TLS
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
	struct sockaddr_storage address;
	socklen_t bytes;
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct place place_of(const char *host, int port)
{
	struct place place = { .bytes = sizeof(struct sockaddr_in6) };
	struct sockaddr_in6 *ip6 = (struct sockaddr_in6 *)&place.address;
	struct sockaddr_in *ip4 = (struct sockaddr_in *)&place.address;

	if (inet_pton(AF_INET6, host, &ip6->sin6_addr) == 1) {
		ip6->sin6_family = AF_INET6;
		ip6->sin6_port = htons((uint16_t)port);
		return place;
	}
	if (inet_pton(AF_INET, host, &ip4->sin_addr) != 1)
		fail(host);
	ip4->sin_family = AF_INET;
	ip4->sin_port = htons((uint16_t)port);
	place.bytes = sizeof(*ip4);
	return place;
}

static int port_of(int fd)
{
	struct place place = { .bytes = sizeof(place.address) };

	if (getsockname(fd, (struct sockaddr *)&place.address, &place.bytes) < 0)
		fail("getsockname");
	return ntohs(place.address.ss_family == AF_INET6
			     ? ((struct sockaddr_in6 *)&place.address)->sin6_port
			     : ((struct sockaddr_in *)&place.address)->sin_port);
}

static int serve(const char *host, int port, int type)
{
	struct place place = place_of(host, port);
	int fd = socket(place.address.ss_family, type, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&place.address, place.bytes) < 0)
		fail("bind");
	if (type == SOCK_STREAM && listen(fd, 4096) < 0)
		fail("listen");
	return fd;
}

static int reach(const char *host, int port, int type)
{
	struct place place = place_of(host, port);
	int fd = socket(place.address.ss_family, type, 0);

	if (fd < 0)
		fail("socket");
	if (connect(fd, (struct sockaddr *)&place.address, place.bytes) < 0) {
		close(fd);
		return -errno;
	}
	return fd;
}

static void put(int fd, const void *bytes, size_t count)
{
	const char *at = bytes;

	while (count) {
		ssize_t n = send(fd, at, count, MSG_NOSIGNAL);

		if (n <= 0)
			fail("send");
		at += n;
		count -= (size_t)n;
	}
}

static void put_many(int fd, size_t count)
{
	static const char zeros[65536];

	for (; count; count -= count < sizeof(zeros) ? count : sizeof(zeros))
		put(fd, zeros, count < sizeof(zeros) ? count : sizeof(zeros));
}

static size_t take_all(int fd)
{
	static char bytes[65536];
	size_t count = 0;
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		count += (size_t)n;
	return count;
}

static void say(pid_t client, pid_t server, int port)
{
	printf("{\"client\":%d,\"server\":%d,\"port\":%d}\n", (int)client, (int)server, port);
	fflush(stdout);
}

/* --- what there is to do --- */

static void talk_tcp(const char *host, char **args)
{
	size_t sent = strtoul(args[0], NULL, 10), received = strtoul(args[1], NULL, 10);
	int server = serve(host, 0, SOCK_STREAM), port = port_of(server), fd;
	pid_t child = fork();

	if (child == 0) {
		fd = accept(server, NULL, NULL);
		if (take_all(fd) != sent)
			_exit(1);
		put_many(fd, received);
		_exit(0);
	}
	close(server);
	fd = reach(host, port, SOCK_STREAM);
	put_many(fd, sent);
	shutdown(fd, SHUT_WR);
	if (take_all(fd) != received)
		fail("received");
	close(fd);
	waitpid(child, NULL, 0);
	say(getpid(), child, port);
}

static void talk_refused(const char *host, char **args)
{
	int server = serve(host, 0, SOCK_STREAM), port = port_of(server);

	(void)args;
	close(server);
	if (reach(host, port, SOCK_STREAM) != -ECONNREFUSED)
		fail("connect");
	say(getpid(), 0, port);
}

static void talk_reset(const char *host, char **args)
{
	int server = serve(host, 0, SOCK_STREAM), port = port_of(server);
	int near = reach(host, port, SOCK_STREAM), far = accept(server, NULL, NULL);
	char byte;

	(void)args;
	put(far, "unread", 6);
	if (recv(near, &byte, 1, 0) != 1)
		fail("recv");
	close(near);
	close(far);
	say(getpid(), 0, port);
}

static void talk_open(const char *host, char **args)
{
	int server = serve(host, 0, SOCK_STREAM), port = port_of(server);
	int near = reach(host, port, SOCK_STREAM), far = accept(server, NULL, NULL);
	char bytes[4096];

	put_many(near, 70001);
	for (size_t left = 70001; left;)
		left -= (size_t)recv(far, bytes, left < sizeof(bytes) ? left : sizeof(bytes), 0);
	put(far, bytes, 33);
	if (recv(near, bytes, sizeof(bytes), 0) != 33)
		fail("recv");
	say(getpid(), 0, port);
	usleep((useconds_t)strtoul(args[0], NULL, 10) * 1000);
	close(near);
	close(far);
}

static void talk_udp(const char *host, char **args)
{
	size_t count = strtoul(args[0], NULL, 10), bytes = strtoul(args[1], NULL, 10);
	int server = serve(host, 0, SOCK_DGRAM), port = port_of(server), fd;
	static char data[65536];
	pid_t child = fork();

	if (child == 0) {
		for (; count; count--) {
			struct place peer = { .bytes = sizeof(peer.address) };

			if (recvfrom(server, data, sizeof(data), 0,
				     (struct sockaddr *)&peer.address,
				     &peer.bytes) != (ssize_t)bytes)
				_exit(1);
			sendto(server, "!", 1, 0, (struct sockaddr *)&peer.address, peer.bytes);
		}
		_exit(0);
	}
	fd = reach(host, port, SOCK_DGRAM);
	for (; count; count--) {
		put(fd, data, bytes);
		if (recv(fd, data, sizeof(data), 0) != 1)
			fail("recv");
	}
	waitpid(child, NULL, 0);
	say(getpid(), child, port);
}

/* A name as messages have it, behind `at`; returns its end. */
static uint8_t *put_name(uint8_t *at, const char *name)
{
	while (*name) {
		size_t bytes = strcspn(name, ".");

		*at++ = (uint8_t)bytes;
		memcpy(at, name, bytes);
		at += bytes;
		name += bytes + (name[bytes] == '.');
	}
	*at++ = 0;
	return at;
}

static void talk_dns(const char *host, char **args)
{
	static const uint8_t tail[] = { 0, 1, 0, 1 };
	static const uint8_t answer[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 9, 8, 7 };
	uint8_t message[512] = { 0x12, 0x34, 1, 0, 0, 1 }, *end;
	int server = serve(host, 53, SOCK_DGRAM), fd;
	struct place peer = { .bytes = sizeof(peer.address) };
	pid_t child = fork();

	if (child == 0) {
		ssize_t n = recvfrom(server, message, sizeof(message), 0,
				     (struct sockaddr *)&peer.address, &peer.bytes);

		message[2] = 0x81;
		message[3] = 0x80;
		message[7] = 1;
		memcpy(message + n, answer, sizeof(answer));
		sendto(server, message, (size_t)n + sizeof(answer), 0,
		       (struct sockaddr *)&peer.address, peer.bytes);
		_exit(0);
	}
	end = put_name(message + 12, args[0]);
	memcpy(end, tail, sizeof(tail));
	fd = reach(host, 53, SOCK_DGRAM);
	put(fd, message, (size_t)(end - message) + sizeof(tail));
	if (recv(fd, message, sizeof(message), 0) <= 0)
		fail("recv");
	waitpid(child, NULL, 0);
	say(getpid(), child, 53);
}

static uint8_t *put_u16(uint8_t *at, size_t number)
{
	at[0] = (uint8_t)(number >> 8);
	at[1] = (uint8_t)number;
	return at + 2;
}

/* RFC 8446, 4.1.2, with a server_name and the versions. */
static size_t client_hello(uint8_t *record, const char *name)
{
	size_t name_bytes = strlen(name);
	uint8_t *at = record + 9, *extensions;

	at = put_u16(at, 0x0303);
	memset(at, 7, 32);
	at += 32;
	*at++ = 0;
	at = put_u16(at, 2);
	at = put_u16(at, 0x1301);
	*at++ = 1;
	*at++ = 0;
	extensions = at;
	at += 2;
	at = put_u16(at, 0);
	at = put_u16(at, name_bytes + 5);
	at = put_u16(at, name_bytes + 3);
	*at++ = 0;
	at = put_u16(at, name_bytes);
	memcpy(at, name, name_bytes);
	at += name_bytes;
	at = put_u16(at, 43);
	at = put_u16(at, 3);
	*at++ = 2;
	at = put_u16(at, 0x0304);
	put_u16(extensions, (size_t)(at - extensions) - 2);
	record[0] = 22;
	put_u16(record + 1, 0x0301);
	put_u16(record + 3, (size_t)(at - record) - 5);
	record[5] = 1;
	record[6] = 0;
	put_u16(record + 7, (size_t)(at - record) - 9);
	return (size_t)(at - record);
}

static void talk_tls(const char *host, char **args)
{
	int server = serve(host, 0, SOCK_STREAM), port = port_of(server);
	int near = reach(host, port, SOCK_STREAM), far = accept(server, NULL, NULL);
	uint8_t record[1024];
	size_t bytes = client_hello(record, args[0]);

	put(near, record, 11);
	usleep(50000);
	put(near, record + 11, bytes - 11);
	put(far, "\x15\x03\x03\0\2\2\x28", 7); /* an alert: handshake_failure */
	close(near);
	close(far);
	say(getpid(), 0, port);
}

static void talk_http(const char *host, char **args)
{
	int server = serve(host, 0, SOCK_STREAM), port = port_of(server);
	int near = reach(host, port, SOCK_STREAM), far = accept(server, NULL, NULL);
	char text[1024];

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: www.example\r\n\r\n", args[0]);
	put(near, text, strlen(text));
	if (recv(far, text, sizeof(text), 0) <= 0)
		fail("recv");
	snprintf(text, sizeof(text), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
	put(far, text, strlen(text));
	if (recv(near, text, sizeof(text), 0) <= 0)
		fail("recv");
	close(near);
	close(far);
	say(getpid(), 0, port);
}

/* --- too much --- */

static void storm_part(const char *host, size_t count)
{
	int server = serve(host, 0, SOCK_STREAM), port = port_of(server);
	int *fds = calloc(2 * count, sizeof(*fds));

	for (size_t n = 0; n < count; n++) {
		fds[2 * n] = reach(host, port, SOCK_STREAM);
		fds[2 * n + 1] = accept(server, NULL, NULL);
		if (fds[2 * n] < 0 || fds[2 * n + 1] < 0)
			fail("connect");
		put(fds[2 * n], "x", 1);
	}
	kill(getpid(), SIGSTOP);
	for (size_t n = 0; n < 2 * count; n++)
		close(fds[n]);
	_exit(0);
}

#define STORM_PART 4000 /* connections for each process: a limit of files is one of processes */

static void talk_storm(const char *host, char **args)
{
	size_t count = strtoul(args[0], NULL, 10), parts = (count + STORM_PART - 1) / STORM_PART;
	struct rlimit files = { 3 * STORM_PART, 3 * STORM_PART };
	pid_t *children = calloc(parts, sizeof(*children));
	int status, failed = 0;

	setrlimit(RLIMIT_NOFILE, &files);
	for (size_t n = 0; n < parts; n++) {
		children[n] = fork();
		if (children[n] == 0)
			storm_part(host, n + 1 < parts ? STORM_PART : count - n * STORM_PART);
		waitpid(children[n], &status, WUNTRACED);
		failed += !WIFSTOPPED(status);
	}
	/* All are open now. */
	usleep(1500000);
	for (size_t n = 0; n < parts; n++) {
		kill(children[n], SIGCONT);
		waitpid(children[n], &status, 0);
	}
	printf("{\"client\":%d,\"connections\":%zu,\"failed\":%d}\n", (int)getpid(), count, failed);
	exit(failed != 0);
}

static void talk_noise(const char *host, char **args)
{
	size_t count = strtoul(args[0], NULL, 10);
	int server = serve(host, 0, SOCK_STREAM), port = port_of(server);
	int names = serve(host, 53, SOCK_DGRAM), ask = reach(host, 53, SOCK_DGRAM);
	uint8_t record[2048];

	srandom(1);
	for (size_t n = 0; n < count; n++) {
		int near = reach(host, port, SOCK_STREAM), far = accept(server, NULL, NULL);
		size_t bytes = client_hello(record, "hostile.example");

		/* One byte in ten is another one; lengths lie, messages end early. */
		for (size_t at = n % 9; at < bytes; at += 1 + (size_t)random() % 20)
			record[at] = (uint8_t)random();
		put(near, record, 1 + (size_t)random() % bytes);
		for (size_t at = 0; at < sizeof(record); at++)
			record[at] = (uint8_t)random();
		put(far, record, 1 + (size_t)random() % sizeof(record));
		close(near);
		close(far);
		/* Counts of questions and answers that are not there, names that point at
		 * themselves. */
		if (n % 2) {
			memset(record, 0, 12);
			record[2] = (uint8_t)(random() % 2 ? 0x81 : 1);
			record[5] = record[7] = record[11] = (uint8_t)random();
			record[12] = 0xc0;
			record[13] = 12;
		}
		put(ask, record, 1 + (size_t)random() % 1400);
		while (recv(names, record, sizeof(record), MSG_DONTWAIT) > 0)
			;
	}
	say(getpid(), 0, port);
}

static const struct {
	const char *name;
	int args;
	void (*talk)(const char *host, char **args);
} whats[] = {
	{ "tcp", 2, talk_tcp },	    { "refused", 0, talk_refused }, { "reset", 0, talk_reset },
	{ "open", 1, talk_open },   { "udp", 2, talk_udp },	    { "dns", 1, talk_dns },
	{ "tls", 1, talk_tls },	    { "http", 1, talk_http },	    { "storm", 1, talk_storm },
	{ "noise", 1, talk_noise },
};

int main(int argc, char **argv)
{
	for (size_t n = 0; argc > 2 && n < sizeof(whats) / sizeof(whats[0]); n++) {
		if (strcmp(argv[1], whats[n].name) != 0 || argc != whats[n].args + 3)
			continue;
		whats[n].talk(argv[2], argv + 3);
		return 0;
	}
	fprintf(stderr, "usage: talk WHAT HOST [ARG...]; see the head of the source\n");
	return 2;
}

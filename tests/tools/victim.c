/* SPDX-License-Identifier: Apache-2.0 */
/*
 * victim - a forking server with a stack overflow behind a stack protector: what blind return
 * oriented programming feeds on. For tests, on the loopback interface only.
 *
 *	victim [SECONDS]	prints its port, serves for so long (60) and ends
 *
 * A request is two bytes of length, low byte first, and so many bytes; the answer is "ok\n". The
 * length is believed. Every connection is served by a forked child, so that all children share
 * one canary and one layout of addresses, which a prober finds byte by byte.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int victim_read(int fd, void *at, size_t bytes)
{
	for (size_t have = 0; have < bytes;) {
		ssize_t r = read(fd, (char *)at + have, bytes - have);

		if (r <= 0)
			return -1;
		have += (size_t)r;
	}
	return 0;
}

/* The bug: `bytes` comes from the peer, the buffer is ours. */
__attribute__((noinline)) static int victim_take_request(int fd, size_t bytes)
{
	volatile char buffer[64];

	if (victim_read(fd, (void *)buffer, bytes) < 0)
		return -1;
	return buffer[0] + buffer[63];
}

__attribute__((noinline)) static int victim_serve(int fd)
{
	unsigned char length[2];

	if (victim_read(fd, length, sizeof(length)) < 0)
		return 1;
	victim_take_request(fd, length[0] | (size_t)length[1] << 8);
	return write(fd, "ok\n", 3) != 3;
}

static int victim_listen(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, bytes) < 0 || listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &bytes) < 0)
		return -1;
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	int listener = victim_listen();

	if (listener < 0) {
		perror("victim: listen on the loopback interface");
		return 1;
	}
	alarm(argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 60);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		if (fork() == 0) {
			alarm(5);
			close(listener);
			_exit(victim_serve(fd));
		}
		close(fd);
	}
}

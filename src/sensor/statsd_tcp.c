/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/statsd_tcp.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/listen.h"

struct statsd_client {
	struct list node;
	struct statsd_tcp *tcp;
	struct loop_fd socket;
	size_t bytes; /* of a line whose end has not come */
	bool skips;   /* up to the end of a line that is too long */
	char line[STATSD_TCP_LINE_BYTES];
};

static void statsd_tcp_drop(struct statsd_client *client)
{
	struct statsd_tcp *tcp = client->tcp;
	int fd = client->socket.fd;

	loop_fd_remove(tcp->loop, &client->socket);
	close(fd);
	list_unlink(&client->node);
	tcp->count--;
	free(client);
}

/* Gives the lines that are whole to the owner and keeps the rest. */
static void statsd_tcp_split(struct statsd_client *client)
{
	struct slice rest = { client->line, client->bytes }, line;

	while (slice_cut(&rest, '\n', &line)) {
		if (!client->skips)
			client->tcp->line(client->tcp, line);
		client->skips = false;
	}
	client->bytes = rest.bytes;
	memmove(client->line, rest.at, rest.bytes);
	if (client->bytes < sizeof(client->line))
		return;
	if (!client->skips)
		client->tcp->cut(client->tcp);
	client->skips = true;
	client->bytes = 0;
}

static void statsd_tcp_on_bytes(struct loop_fd *watch, uint32_t events)
{
	struct statsd_client *client = container_of(watch, struct statsd_client, socket);
	ssize_t n =
		read(watch->fd, client->line + client->bytes, sizeof(client->line) - client->bytes);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		client->bytes += (size_t)n;
		list_remove(&client->node);
		list_append(&client->tcp->clients, &client->node);
		statsd_tcp_split(client);
		return;
	}
	if (client->bytes && n == 0 && !client->skips)
		client->tcp->line(client->tcp, (struct slice){ client->line, client->bytes });
	else if (client->bytes)
		client->tcp->cut(client->tcp);
	statsd_tcp_drop(client);
}

static void statsd_tcp_evict(struct statsd_tcp *tcp)
{
	struct statsd_client *client = list_first(&tcp->clients, struct statsd_client, node);

	if (client->bytes && !client->skips)
		tcp->cut(tcp);
	tcp->evicted++;
	statsd_tcp_drop(client);
}

static int statsd_tcp_add(struct statsd_tcp *tcp, int fd)
{
	struct statsd_client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	client->tcp = tcp;
	client->socket = (struct loop_fd){ .fd = -1, .ready = statsd_tcp_on_bytes };
	if (loop_fd_add(tcp->loop, &client->socket, fd, EPOLLIN, NULL) < 0) {
		free(client);
		return -EIO;
	}
	list_init(&client->node);
	list_append(&tcp->clients, &client->node);
	tcp->count++;
	return 0;
}

/* When as many are there as may be, the one longest silent makes room. */
static void statsd_tcp_on_client(struct loop_fd *watch, uint32_t events)
{
	struct statsd_tcp *tcp = container_of(watch, struct statsd_tcp, listener);
	int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	if (tcp->count == STATSD_TCP_CLIENTS)
		statsd_tcp_evict(tcp);
	if (statsd_tcp_add(tcp, fd) < 0)
		close(fd);
}

int statsd_tcp_start(struct statsd_tcp *tcp, struct loop *loop, const char *address,
		     struct error *err)
{
	int fd = listen_open(address, SOCK_STREAM, err), r;

	if (fd < 0)
		return fd;
	tcp->loop = loop;
	list_init(&tcp->clients);
	tcp->listener = (struct loop_fd){ .fd = -1, .ready = statsd_tcp_on_client };
	r = loop_fd_add(loop, &tcp->listener, fd, EPOLLIN, err);
	if (r < 0) {
		close(fd);
		tcp->loop = NULL;
	}
	return r;
}

void statsd_tcp_stop(struct statsd_tcp *tcp)
{
	int fd = tcp->listener.fd;

	if (!tcp->loop)
		return;
	loop_fd_remove(tcp->loop, &tcp->listener);
	close(fd);
	while (!list_is_empty(&tcp->clients))
		statsd_tcp_drop(list_first(&tcp->clients, struct statsd_client, node));
}

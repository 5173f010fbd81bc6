/* SPDX-License-Identifier: Apache-2.0 */
#include "base/listen.h"

#include <errno.h>
#include <netdb.h>

#include "base/slice.h"

#define LISTEN_BACKLOG 64

int listen_resolve(const char *words, struct listen_address *ret_address, struct error *err)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(words, ':');
	struct slice host = { words, colon ? (size_t)(colon - words) : 0 };
	struct addrinfo *found;
	char name[64];
	int r;

	if (!colon || !colon[1])
		return error_say(err, EINVAL,
				 "listen on '%s': write ADDRESS:PORT, such as 127.0.0.1:9469",
				 words);
	if (slice_eat(&host, SLICE("[")) && slice_ends(host, SLICE("]")))
		host.bytes--;
	slice_copy(host, name, sizeof(name));
	r = getaddrinfo(host.bytes ? name : NULL, colon + 1, &hints, &found);
	if (r != 0)
		return error_say(err, EINVAL, "listen on '%s': %s", words, gai_strerror(r));
	memcpy(&ret_address->socket, found->ai_addr, found->ai_addrlen);
	ret_address->bytes = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

int listen_open(const char *words, int type, struct error *err)
{
	struct listen_address address = { 0 };
	auto_fd int fd = -1;
	int r = listen_resolve(words, &address, err), one = 1;

	if (r < 0)
		return r;
	fd = socket(address.socket.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_errno(err, errno, "listen on '%s'", words);
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&address.socket, address.bytes) < 0 ||
	    (type == SOCK_STREAM && listen(fd, LISTEN_BACKLOG) < 0))
		return error_errno(err, errno, "listen on '%s'", words);
	return take_fd(&fd);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* listen - addresses to serve on: "127.0.0.1:9469", "[::1]:9469", ":9469" for every address. */
#ifndef BASE_LISTEN_H
#define BASE_LISTEN_H

#include <sys/socket.h>

#include "base/error.h"

struct listen_address {
	struct sockaddr_storage socket;
	socklen_t bytes;
};

/* Reads one; no names of hosts or services. -EINVAL. */
must_check int listen_resolve(const char *words, struct listen_address *ret_address,
			      struct error *err);

/* Opens a socket there, SOCK_STREAM (listening) or SOCK_DGRAM; it doesn't block. */
must_check int listen_open(const char *words, int type, struct error *err);

#endif

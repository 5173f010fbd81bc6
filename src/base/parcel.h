/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parcel - one message on a unix socket, and a descriptor that may go along (unix(7), SCM_RIGHTS).
 */
#ifndef BASE_PARCEL_H
#define BASE_PARCEL_H

#include <sys/types.h>

#include "base/auto.h"

/* `fd` -1: none goes along; it stays the caller's. Returns 0 or -errno; a peer that is gone is
 * -EPIPE, no signal. */
must_check int parcel_send(int socket, const void *bytes, size_t size, int fd);

/* Returns the bytes of a message; 0 at the end; -errno. *ret_fd = the descriptor that came along,
 * close-on-exec, or -1; with NULL it is closed. Of several that a peer sends the first alone is
 * taken, and none is left open. */
must_check ssize_t parcel_receive(int socket, void *bytes, size_t size, int *ret_fd);

#endif

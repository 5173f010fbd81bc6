/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holder - a small process that keeps the /dev/fuse descriptor, and the listeners of trapped calls,
 * when sysvisor-fs dies: as long as somebody has them, programs in containers wait instead of
 * failing, and the next server answers them. When none comes within `patience`, the holder lets go,
 * and what waits fails (ENOTCONN).
 *
 * It listens at a unix socket; the server that has the descriptor stays connected.
 */
#ifndef SYSVISOR_FS_HOLDER_H
#define SYSVISOR_FS_HOLDER_H

#include "sysvisor/common/daemon.h"

/* The main() of the holder; its socket is descriptor 3. */
int holder_run(struct daemon *daemon, struct error *err);

/* Asks a holder for the descriptor. Returns it; -ENOENT: there is no holder, or it has none.
 * *ret_link = the connection, to be kept open. */
must_check int holder_get(const struct daemon *daemon, int *ret_link, struct error *err);

/* Starts a holder and gives it the descriptor (which stays the caller's, too); returns the
 * connection. */
must_check int holder_start(const struct daemon *daemon, int fuse_fd, struct error *err);

/* Has it keep a listener of trapped calls as well, until nobody is left who could call. -ENOSPC. */
must_check int holder_keep(int link, uint64_t key, int fd);
/* The one that follows *key, whose key it becomes. Returns its descriptor; -ENOENT: none does. */
must_check int holder_next(int link, uint64_t *key);

/* Tells it to end. */
void holder_drop(int link);

/* A socket below --root where root of the host alone can connect (SOCK_SEQPACKET). */
struct sockaddr_un;
must_check int holder_address(const struct daemon *daemon, const char *path,
			      struct sockaddr_un *ret_address, struct error *err);
must_check int holder_listen(const struct sockaddr_un *address, struct error *err);

#endif

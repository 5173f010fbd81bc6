/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session - the FUSE mount and the threads that serve it: mounted by the first server, and taken
 * over by the next ones from the holder, with the requests that were under way.
 */
#ifndef SYSVISOR_FS_SESSION_H
#define SYSVISOR_FS_SESSION_H

#include "sysvisor/fs/server.h"

must_check int session_start(struct server *server, struct error *err);
/* `unmount`: nobody uses it any more. Otherwise it waits with the holder for the next server. */
void session_stop(struct server *server, bool unmount);

/* Requests that took longer than --deadline: in all, and when the last one did (mono; 0: never). */
struct session_delays {
	uint64_t count, last_ns;
};
struct session_delays session_delays(const struct server *server);

/* The connection to the holder. */
int session_link(const struct server *server);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trap - one trapped call of a container (sysvisor/common/trapped.h), seen to by two processes. The
 * outer one stays on the host: it copies what the call says out of the caller's memory once, starts
 * the inner one, waits for it no longer than a deadline, and answers. The inner one is the call's
 * own: it steps into the caller's namespaces, root and working directory, takes its ids and
 * capabilities, and makes the call from the copy: what the kernel refuses the caller it refuses us.
 *
 * "Continue", which lets the kernel read the caller's memory again, is only said where nothing
 * hangs on it: where we would have helped and don't.
 */
#ifndef SYSVISOR_FS_TRAP_H
#define SYSVISOR_FS_TRAP_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/auto.h"
#include "sysvisor/common/trapped.h"

/* What is the same for all calls of a container. */
struct trap_place {
	char mount[600]; /* its directory in our file system */
	dev_t device;	 /* of that */
	ino_t user_ns;
	uint64_t shown; /* rows of node_rows[] that it is shown, a bit each */
	uint64_t deadline_ns;
};

/* How it ends: 0 or an errno; or one of these. */
enum {
	TRAP_continue = 254, /* the kernel is to make it */
	TRAP_answered = 255, /* that has been said already */
};

/* Sees to a call, in a process without other threads; `notice` may be anybody's memory that nobody
 * changes, `link_fd` is a descriptor that the inner process is not to keep. Returns how it ends;
 * *ret_spent: the inner process was killed, for the deadline or by root of the container, with our
 * memory in its hands: this process is good for no other call. */
must_check int trap_run(const struct trap_place *place, const struct trapped_row *row,
			int listener_fd, const struct seccomp_notif *notice, int link_fd,
			bool *ret_spent);

/* Answers a call; that its caller is gone is fine. */
void trap_answer(int listener_fd, uint64_t id, int outcome);

#endif

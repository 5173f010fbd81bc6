/* SPDX-License-Identifier: Apache-2.0 */
/* trap_caller - who has made a trapped call: its memory, its files, its place, and how to be it. */
#ifndef SYSVISOR_FS_TRAP_CALLER_H
#define SYSVISOR_FS_TRAP_CALLER_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/text.h"
#include "kernel/capability.h"
#include "kernel/namespace.h"

struct trap_caller {
	const struct seccomp_notif *notice;
	int listener_fd;
	int proc_fd; /* /proc/TID */
	int pidfd, root_fd, cwd_fd;
	int copies[4]; /* of its descriptors */
	size_t copy_count;
	/* Those of a thread that isn't its process's first, whose pidfd tells them: -1, or this
	 * kernel has none. */
	int namespaces[NAMESPACE_KINDS];
	uint32_t tgid;
	uint32_t uids[4], gids[4]; /* real, effective, saved, file system; the host's numbers */
	gid_t *groups;
	size_t group_count;
	struct capability_sets caps;
};

/* -ESRCH: it is gone, or waits no more. */
must_check int trap_caller_open(struct trap_caller *caller, int listener_fd,
				const struct seccomp_notif *notice);
/* Whether it still waits, and all that was read was its. */
bool trap_caller_waits(const struct trap_caller *caller);

/* Copies bytes of its memory. -EFAULT. */
must_check int trap_caller_copy(const struct trap_caller *caller, uint64_t at, void *bytes,
				size_t count);
must_check int trap_caller_put(const struct trap_caller *caller, uint64_t at, const void *bytes,
			       size_t count);
/* A text, with its end. -EFAULT; -ENAMETOOLONG, unless `cut`: then it ends where the room does. */
must_check int trap_caller_text(const struct trap_caller *caller, uint64_t at, char *room,
				size_t size, bool cut);
/* A copy of one of its descriptors; AT_FDCWD stays. */
must_check int trap_caller_fd(struct trap_caller *caller, int fd);
/* Lets go of all that is the caller's, as has to be before it goes on: it may want to unmount. */
void trap_caller_close(struct trap_caller *caller);

/* Becomes the caller, in two steps: into the namespaces that are entered with the host's rights but
 * for mount and user (the pid namespace is entered by who is forked next), and the rest. */
must_check int trap_caller_enter_pid(const struct trap_caller *caller);
must_check int trap_caller_enter_first(const struct trap_caller *caller);
must_check int trap_caller_enter_rest(const struct trap_caller *caller);

/* What /proc/PID/status says; pure. */
bool trap_caller_parse(struct slice status, struct trap_caller *ret_caller);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* trap_call - a trapped call between the parts that see to it (trap.h). */
#ifndef SYSVISOR_FS_TRAP_CALL_H
#define SYSVISOR_FS_TRAP_CALL_H

#include <linux/openat2.h>
#include <sys/stat.h>

#include "sysvisor/fs/trap.h"
#include "sysvisor/fs/trap_caller.h"

/* Mounts of the container's files, not attached yet; -1 where there is none. */
#define TRAP_NODES 64 /* bits of `shown` */
struct trap_nodes {
	int at[TRAP_NODES];
	int sys; /* /proc/sys */
};

struct trap {
	const struct trap_place *place;
	const struct trapped_row *row;
	struct trap_caller caller;

	/* Copies of what the arguments point to; NULL where they do. */
	char *path, *source, *type, *data;
	char rooms[4][4096];
	struct open_how how;

	int link_fd;

	/* The inner process's. */
	int self_fd; /* its own /proc/PID, of the host's procfs */
	int dir_fd;  /* the caller's `dir_arg`, or AT_FDCWD */
	int from_fd; /* move_mount's first */
	int bare_fd; /* a mount of what it wants to mount, made without its mount namespace; or -1
		      */
	bool may_use_bare;
	struct trap_nodes nodes;
};

/* In the inner process, on the host still, and in the caller's place. Outcomes as above. */
int trap_make_ready(struct trap *trap);
int trap_make(struct trap *trap);
/* In the outer process. */
int trap_sysinfo(const struct trap *trap);

/* Where mounts of proc and sysfs are made: the container's files over the kernel's. */
void trap_no_nodes(struct trap_nodes *nodes);
must_check int trap_open_nodes(const struct trap_place *place, bool proc, struct trap_nodes *nodes);
must_check int trap_show_nodes(const struct trap_place *place, const struct trap_nodes *nodes,
			       int mount_fd, bool read_only);
void trap_turn_nodes(const struct trap_place *place, int mount_fd, bool read_only);

/* A line of mountinfo. */
struct trap_mount {
	uint64_t id, parent;
	dev_t device;
	struct slice root, point, type;
};
bool trap_next_mount(struct slice *mountinfo, struct trap_mount *ret_mount);
/* Whether a mount of this type (proc, sysfs) can be seen whole, but for what we show over it, and
 * one more therefore shows nothing new: the kernel's rule, for which ours count as hidden parts. */
bool trap_is_visible(struct slice mountinfo, const char *type, dev_t device);

#endif

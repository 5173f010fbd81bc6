/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trapped - THE table of system calls of a system container that sysvisor-fs makes in place of the
 * caller: sysvisor-runc makes a filter of it (seccomp_unotify(2)), sysvisor-fs knows them by it.
 */
#ifndef SYSVISOR_COMMON_TRAPPED_H
#define SYSVISOR_COMMON_TRAPPED_H

#include <stddef.h>
#include <stdint.h>

/* What is done for it. */
enum trapped_kind {
	TRAPPED_mount,
	TRAPPED_umount,
	TRAPPED_move_mount,
	TRAPPED_openat2,
	TRAPPED_sysinfo,
	TRAPPED_chown,
	TRAPPED_KINDS,
};

/* Those that cost too much to be trapped unasked: each switch is a variable of the container's
 * environment (sysvisor/runc/plan.c). */
enum {
	TRAPPED_always = 0,
	TRAPPED_if_sysinfo = 1, /* SYSVISOR_TRAP_SYSINFO */
	TRAPPED_if_chown = 2,	/* SYSVISOR_IGNORE_SYSFS_CHOWN */
};

#define TRAPPED_NONE (-1)

/* How a listener is handed in at PATHS_FS_TRAPS (SOCK_SEQPACKET): one message, the container's id,
 * with the descriptor; the answer is this byte, or words that say why not. */
#define TRAPPED_TAKEN '\n'

struct trapped_row {
	const char *name;
	enum trapped_kind kind;
	unsigned int when; /* TRAPPED_if_*, or always */
	/* Which arguments name the file; TRAPPED_NONE: there is none. */
	int8_t dir_arg, path_arg;
	int8_t flags_arg; /* of AT_* */
	int at_flags;	  /* that the call has by its name */
};

extern const struct trapped_row trapped_rows[];
extern const size_t trapped_count;

#endif

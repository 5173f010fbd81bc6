/* SPDX-License-Identifier: Apache-2.0 */
/* namespace - the namespaces that Linux has: their names and clone flags. */
#ifndef KERNEL_NAMESPACE_H
#define KERNEL_NAMESPACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

enum namespace_kind {
	NAMESPACE_mount,
	NAMESPACE_pid,
	NAMESPACE_network,
	NAMESPACE_ipc,
	NAMESPACE_uts,
	NAMESPACE_cgroup,
	NAMESPACE_time,
	NAMESPACE_user, /* the last: who has joined it can't join what it doesn't own */
	NAMESPACE_KINDS,
};

struct namespace_row {
	const char *name; /* as OCI calls it: "network" */
	const char *file; /* in /proc/PID/ns: "net" */
	unsigned int clone_flag;
};

extern const struct namespace_row namespace_rows[NAMESPACE_KINDS];

/* The kind by its OCI name; -1 when there is none. */
int namespace_by_name(const char *name);

/* Opens /proc/PID/ns/FILE. */
must_check int namespace_open(pid_t pid, enum namespace_kind kind, struct error *err);

/* Whether two fds, or paths, are one namespace. */
bool namespace_same(int fd, int other_fd);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* birth - a child made from within namespaces that, once joined, can't be left again. */
#ifndef SYSVISOR_RUNC_BIRTH_H
#define SYSVISOR_RUNC_BIRTH_H

#include <sys/types.h>

#include "base/error.h"

/* Runs in the helper: joins, and clones with CLONE_PARENT. Returns in the helper only. */
typedef int (*birth_give)(void *owner, pid_t *ret_pid, struct error *err);

/* Makes a helper that calls `give`, tells the pid and goes: the child is the caller's own. Both
 * begin in the group of cgroup v2 that is open as `cgroup_fd`; -1: in ours. Fails as `give` does;
 * EPIPE: the helper has died; EBUSY: the group takes no process, as its children are in use. */
must_check int birth_by_helper(birth_give give, void *owner, int cgroup_fd, pid_t *ret_pid,
			       struct error *err);

#endif

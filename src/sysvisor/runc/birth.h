/* SPDX-License-Identifier: Apache-2.0 */
/* birth - a child made from within namespaces that, once joined, can't be left again. */
#ifndef SYSVISOR_RUNC_BIRTH_H
#define SYSVISOR_RUNC_BIRTH_H

#include <sys/types.h>

#include "base/error.h"

/* Runs in the helper: joins, and clones with CLONE_PARENT. Returns in the helper only. */
typedef int (*birth_give)(void *owner, pid_t *ret_pid, struct error *err);

/* Forks a helper that calls `give`, tells the pid and goes: the child is the caller's own. Fails as
 * `give` does; EPIPE: the helper has died. */
must_check int birth_by_helper(birth_give give, void *owner, pid_t *ret_pid, struct error *err);

#endif

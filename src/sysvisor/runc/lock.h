/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock - what a volume may not be used for, root inside can't undo.
 *
 * Attributes of a mount (ro, nosuid, nodev, noexec) are whoever's may change its mount namespace,
 * and root of a system container may. The kernel keeps them from him where a mount came from a
 * namespace of somebody with more rights (user_namespaces(7), MNT_LOCK_READONLY and its kin), and a
 * copy of such a mount keeps the lock. So each is brought into a mount namespace of the container's
 * user namespace once, by a helper, and what is attached later is the copy that was made there.
 */
#ifndef SYSVISOR_RUNC_LOCK_H
#define SYSVISOR_RUNC_LOCK_H

#include "sysvisor/runc/plan.h"

/* Sends binds of the plan that have such attributes, locked, to the container's first process.
 * After their ids are mapped: that is done to mounts that were never attached. */
must_check int lock_mounts(const struct plan *plan, int userns_fd, int init_fd, struct error *err);
/* In that process: takes them in place of those that it was born with. */
must_check int lock_receive(struct plan *plan, int channel_fd, struct error *err);

#endif

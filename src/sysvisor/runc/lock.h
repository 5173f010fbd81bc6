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
/* Likewise a root that is read-only: returns the mount that root inside can't make writable, and
 * sends the process another one, in which it makes places for mounts. `root_fd` is attached
 * elsewhere then, and of no more use. */
must_check int lock_root(int root_fd, int userns_fd, int init_fd, struct error *err);
/* In that process: takes them in place of those that it was born with; *ret_root_fd = where it
 * makes places, or what it was. */
must_check int lock_receive(struct plan *plan, int channel_fd, int *ret_root_fd, struct error *err);

#endif

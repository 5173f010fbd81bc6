/* SPDX-License-Identifier: Apache-2.0 */
/*
 * devfs - the container's /dev: a tmpfs with its device nodes in it.
 *
 * The runtime makes it, not the container: a user namespace may make no device nodes, and those of
 * a tmpfs that it has mounted itself don't work. Made by us, nodes have the container's owner, and
 * no bind mount is needed for any of them.
 */
#ifndef SYSVISOR_RUNC_DEVFS_H
#define SYSVISOR_RUNC_DEVFS_H

#include "sysvisor/runc/plan.h"

/* Returns a detached mount. */
must_check int devfs_make(const struct plan *plan, const struct plan_mount *mount,
			  struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * services - what sysvisor-mgr and sysvisor-fs do for a container: ids and volumes of its own, and
 * its own view of /proc and /sys.
 */
#ifndef SYSVISOR_RUNC_SERVICES_H
#define SYSVISOR_RUNC_SERVICES_H

#include "sysvisor/runc/plan.h"

/* Asks the manager for ids and volumes, and puts them into the plan. Repeated for a container that
 * is started again: it gets what it had. */
must_check int services_plan(const struct runtime *runtime, struct plan *plan, const char *id,
			     const char *bundle, struct error *err);

/* Tells the manager which process and namespaces the container has, so that others may share these.
 */
must_check int services_update(const struct runtime *runtime, const char *id, pid_t pid,
			       struct error *err);

/* Has the file system know the container, whose first process is in its namespaces and groups, and
 * passes what is to be bound over its /proc and /sys to that process (CHANNEL_bind). */
must_check int services_show(const struct runtime *runtime, const struct plan *plan, const char *id,
			     pid_t pid, int channel_fd, struct error *err);

/* Hands the listener of trapped calls to sysvisor-fs, which makes them for the container. */
must_check int services_trap(const struct runtime *runtime, const char *id, int listener_fd,
			     struct error *err);

/* The container has ended, or was never made. Ids and volumes stay while the engine keeps it. */
void services_end(const struct runtime *runtime, const char *id);

/* Whether a sysctl is of a namespace, and the kernel keeps it for each container. */
bool services_sysctl_is_kernels(const char *key);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * services - what sysvisor-mgr and sysvisor-fs do for a container: ids and volumes of its own, and
 * its own view of /proc and /sys.
 */
#ifndef SYSVISOR_RUNC_SERVICES_H
#define SYSVISOR_RUNC_SERVICES_H

#include "sysvisor/common/client.h"
#include "sysvisor/common/paths.h"
#include "sysvisor/runc/plan.h"

/* Who is asked, in the course of one command. */
struct services {
	const struct runtime *runtime;
	struct paths_buffer mgr_socket, fs_socket;
	struct client mgr, fs;
};

must_check int services_init(struct services *services, const struct runtime *runtime,
			     struct error *err);
/* Lets go of the connections. */
void services_done(struct services *services);

/* Asks the manager for ids and volumes, and puts them into the plan. Repeated for a container that
 * is started again: it gets what it had. */
must_check int services_plan(struct services *services, struct plan *plan, const char *id,
			     const char *bundle, struct error *err);

/* The container's first process is in its namespaces and groups. Tells the manager which these are,
 * so that others may share them; has the file system know the container, and passes what is to be
 * bound over its /proc and /sys to that process (CHANNEL_bind). */
must_check int services_show(struct services *services, const struct plan *plan, const char *id,
			     pid_t pid, int channel_fd, struct error *err);

/* Hands the listener of trapped calls to sysvisor-fs, which makes them for the container. */
must_check int services_trap(const struct runtime *runtime, const char *id, int listener_fd,
			     struct error *err);

/* The container has ended, or was never made. Ids and volumes stay while the engine keeps it. */
void services_end(const struct runtime *runtime, const char *id);

/* Whether a sysctl (its path below /proc/sys) is of a namespace, and the kernel keeps it for each
 * container. */
bool services_sysctl_is_kernels(const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init - what the container's first process does between its birth and its program.
 *
 * It lives in the container's namespaces already and is nobody on the host: all that it does with
 * paths of the container, it does with the container's rights. What needs the host's rights was
 * opened by the runtime before (see create.h), and is only attached here.
 */
#ifndef SYSVISOR_RUNC_INIT_H
#define SYSVISOR_RUNC_INIT_H

#include "sysvisor/runc/process.h"
#include "sysvisor/runc/state.h"

struct init {
	struct plan *plan;
	const struct state *state;
	int channel_fd; /* to the runtime */
	int start_fd;	/* listening: who connects has us start; -1: start at once */
	int console_fd; /* the socket that wants the terminal's master, or -1 */
	bool no_pivot;
	const struct filter *filter, *traps;
	unsigned int keep_fds;
	bool new_keyring;

	/* its own */
	int root_fd;
	int places_fd; /* the same where it can be written to, while root_fd can't; or -1 */
	struct process process;
	bool has_services; /* what isn't the kernel's to keep, sysvisor-fs keeps */
};

/* Never returns. */
void init_run(struct init *init) __attribute__((noreturn));

/* The steps of init_mounts.c. */
must_check int init_attach_root(struct init *init, struct error *err);
must_check int init_mount_first(struct init *init, struct error *err);
must_check int init_mount_rest(struct init *init, struct error *err);
/* What sysvisor-fs shows, as it comes from the runtime. */
must_check int init_binds(struct init *init, struct error *err);
must_check int init_sysctl(struct init *init, struct error *err);
must_check int init_mask_paths(struct init *init, struct error *err);
must_check int init_pivot(struct init *init, struct error *err);

#endif

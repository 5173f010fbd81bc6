/* SPDX-License-Identifier: Apache-2.0 */
/* exec - one more process in a container that runs. */
#ifndef SYSVISOR_RUNC_EXEC_H
#define SYSVISOR_RUNC_EXEC_H

#include "kernel/cgroup_tree.h"
#include "sysvisor/runc/process.h"
#include "sysvisor/runc/runtime.h"
#include "sysvisor/runc/state.h"

struct exec {
	const struct runtime *runtime;
	struct state state;
	struct spec spec; /* its process */
	struct filter filter, traps;
	struct cgroup_tree tree;
	bool beside;	   /* to the first process's group: the container's takes none */
	const char *group; /* below the container's, or NULL */
	const char *label; /* SELinux's, or NULL */
	unsigned int keep_fds;
	int pidfd; /* of the first process */
	int console_fd;
	int channel[2];
	pid_t pid; /* of the new process */
};

/* Makes the process, up to the program itself; state, spec and the options are set. */
must_check int exec_make(struct exec *exec, struct error *err);
void exec_done(struct exec *exec);

#endif

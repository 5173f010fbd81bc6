/* SPDX-License-Identifier: Apache-2.0 */
/* start - has the first process of a container become its program. */
#ifndef SYSVISOR_RUNC_START_H
#define SYSVISOR_RUNC_START_H

#include "sysvisor/runc/runtime.h"
#include "sysvisor/runc/state.h"

struct start {
	const struct runtime *runtime;
	const struct state *state;
	enum state_status status; /* of the container, as its listeners' owners are told */
	int64_t pid; /* of the process, which is the container's first or another one */
};

/* Waits until the program runs, or can't, and hands on the listeners of its filters: to
 * sysvisor-fs, and to the specification's linux.seccomp.listenerPath with the container process
 * state. `fd`: who is connected with the process. Where that fails nobody would answer the
 * process's calls: it has to be killed. */
must_check int start_wait(const struct start *start, int fd, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* foreground - stands between a person and a process of the container until that ends. */
#ifndef SYSVISOR_RUNC_FOREGROUND_H
#define SYSVISOR_RUNC_FOREGROUND_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct foreground {
	int signal_fd;
	int console[2]; /* the pair over which the terminal's master comes, or -1: ours, theirs */
	sigset_t mask_before;
};

/* Before the process is made: signals are kept for it. `terminal`: its master will come. */
must_check int foreground_init(struct foreground *foreground, bool terminal, struct error *err);
/* Passes signals and a terminal's bytes on until the child ends; returns its exit status as a shell
 * would give it (128 + signal). */
must_check int foreground_wait(struct foreground *foreground, pid_t pid, struct error *err);
void foreground_done(struct foreground *foreground);

#endif

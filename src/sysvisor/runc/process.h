/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process - turns the calling process into one of the container: user, capabilities, filter,
 * program.
 *
 * Runs inside the container's namespaces, for its first process and for those of `exec`.
 */
#ifndef SYSVISOR_RUNC_PROCESS_H
#define SYSVISOR_RUNC_PROCESS_H

#include "sysvisor/runc/filter.h"
#include "sysvisor/runc/plan.h"

struct process {
	const struct spec_process *spec;
	struct capability_sets caps;
	const struct filter *filter, *traps;
	int reply_fd; /* who started it: gets the filters' listeners */
	const char *personality;
	const char *label;     /* plan_label()'s, or NULL */
	unsigned int keep_fds; /* fds 3 to 2+keep_fds stay open */
	bool new_keyring;
	const char *id;

	char path[4096]; /* found by process_find() */
	const char **env;
	int terminal_fd; /* slave to be given to the user, or -1 */
};

/* clone3(2) with these flags of namespaces, into the group of cgroup v2 that is open as `cgroup_fd`
 * (-1: into ours). A child has no parent to tell of its end with CLONE_PARENT. Returns as fork().
 */
must_check pid_t process_clone(unsigned int flags, int cgroup_fd);

/* The directory, and the program: errors that a person makes show up at `create`. */
must_check int process_find(struct process *process, struct arena *arena, struct error *err);
/* What has to be done while all rights are there. */
must_check int process_prepare(struct process *process, struct error *err);
/* Drops rights and becomes the program; returns only on failure. */
int process_become(struct process *process, struct error *err);

/* Raises or lowers limits of another process, as the one who still may. `clamp`: what can't be
 * raised stays where it is, and *ret_clamped says so. */
must_check int process_limit(pid_t pid, const struct spec_list *rlimits, bool clamp,
			     const char **ret_clamped, struct error *err);
must_check int process_oom(pid_t pid, int64_t score, struct error *err);
/* process.scheduler and process.ioPriority. */
must_check int process_schedule(pid_t pid, const struct spec_process *process, struct error *err);
/* Has it run on these processors alone ("0-3,7"); without a list it stays as it is. 0 is the
 * caller. */
must_check int process_pin(pid_t pid, const char *list, struct error *err);
/* Gives fds 0 to 2 to the container's user, where they are pipes that he would open again. */
void process_give_stdio(const struct plan *plan, const struct spec_user *user);

#endif

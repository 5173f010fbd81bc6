/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup - which control group hierarchy tells whose a process is, and its paths.
 *
 * With cgroup v2 alone there is one hierarchy. On a v1 or hybrid host engines put their containers
 * into every v1 controller, so one that is nearly always there (memory, else pids) is asked.
 */
#ifndef KERNEL_CGROUP_H
#define KERNEL_CGROUP_H

#include "base/error.h"
#include "base/slice.h"
#include "bpf/event.h"

/* The hierarchy to ask, from the text of some /proc/PID/cgroup (the agent's own will do). */
enum ring_hierarchy cgroup_pick_hierarchy(struct slice proc_cgroup);

/* The path in that hierarchy, from the text of a /proc/PID/cgroup; empty when it has no such line.
 * Relative to the reader's cgroup namespace. */
struct slice cgroup_path(struct slice proc_cgroup, enum ring_hierarchy hierarchy);

/* The kernel's id of a control group (kernfs node id, the directory's inode number), looked up in
 * the mounted file system; 0 when it isn't mounted in a usual place or there is no such group. */
uint64_t cgroup_id(struct slice path, enum ring_hierarchy hierarchy);

/* Opens the unified hierarchy's root as this process sees it, wherever it is mounted, or a group
 * below by its path in the file system. Returns the fd. */
must_check int cgroup_open(const char *path, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_tree - one control group in every hierarchy that is mounted: v1, v2, or both.
 *
 * The hierarchies are found once by what lies in /sys/fs/cgroup; each is held by fd.
 */
#ifndef KERNEL_CGROUP_TREE_H
#define KERNEL_CGROUP_TREE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

#define CGROUP_TREE_MOST 24

struct cgroup_hierarchy {
	char name[64]; /* of its directory: "cpu,cpuacct", "systemd", "unified"; "" for v2 alone */
	bool v2;
	int root_fd;
	int group_fd; /* -1: the group isn't there, or not opened yet */
	int tasks_fd; /* v1: its "tasks", once cgroup_tree_open_tasks() was called; or -1 */
};

struct cgroup_tree {
	struct cgroup_hierarchy hierarchies[CGROUP_TREE_MOST];
	size_t count;
	bool v2_only;
};

/* Finds the hierarchies. */
must_check int cgroup_tree_init(struct cgroup_tree *tree, struct error *err);
void cgroup_tree_done(struct cgroup_tree *tree);

/* Makes the group, with those above it, and opens it. `path` is absolute, "/" is the root of what
 * this mount shows. */
must_check int cgroup_tree_make(struct cgroup_tree *tree, const char *path, struct error *err);
/* Opens what is there of it; that nothing is there is no error. */
must_check int cgroup_tree_open(struct cgroup_tree *tree, const char *path, struct error *err);
/* Removes it with all below; waits some time for processes that are still ending. */
must_check int cgroup_tree_remove(struct cgroup_tree *tree, const char *path, struct error *err);

/* Moves a process in. That stops each fork, exec and exit of the whole machine, after a grace
 * period of RCU's that takes milliseconds (kernel/cgroup/cgroup.c, cgroup_attach_lock()): where it
 * can be, a process is made in its v2 group (CLONE_INTO_CGROUP), and enters those of v1 itself. */
must_check int cgroup_tree_attach(const struct cgroup_tree *tree, pid_t pid, struct error *err);
/* Enters the groups of v1 that have been opened for it, by somebody who may; the caller has one
 * thread. */
must_check int cgroup_tree_enter(const struct cgroup_tree *tree, struct error *err);
must_check int cgroup_tree_open_tasks(struct cgroup_tree *tree, struct error *err);
/* Gives the group to an owner, who may then make groups below it but not raise its limits. */
must_check int cgroup_tree_give(const struct cgroup_tree *tree, uid_t uid, gid_t gid,
				struct error *err);

/* The hierarchy that has a v1 controller; or the v2 one. NULL: there is none, or no group in it. */
const struct cgroup_hierarchy *cgroup_tree_v1(const struct cgroup_tree *tree,
					      const char *controller);
const struct cgroup_hierarchy *cgroup_tree_v2(const struct cgroup_tree *tree);

/* Writes a file of the group. */
must_check int cgroup_write(const struct cgroup_hierarchy *hierarchy, const char *file,
			    struct slice value, struct error *err);
/* Appends a file of the group. */
must_check int cgroup_read(const struct cgroup_hierarchy *hierarchy, const char *file,
			   struct text *out);

/* Calls with each process of the group, and of those below it. */
must_check int cgroup_tree_each(const struct cgroup_tree *tree,
				int (*found)(void *owner, pid_t pid, struct error *err),
				void *owner, struct error *err);

must_check int cgroup_tree_freeze(const struct cgroup_tree *tree, bool freeze, struct error *err);
bool cgroup_tree_is_frozen(const struct cgroup_tree *tree);

#endif

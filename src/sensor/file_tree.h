/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_tree - what has a mark of fanotify's: directories that are watched, those on the way to what
 * is, and files that are watched by themselves.
 *
 * A mark holds for one directory, so each below a watched one gets its own; the tree follows what
 * is made, moved and deleted. It is bounded. A mark holds the inode, but no mount.
 */
#ifndef SENSOR_FILE_TREE_H
#define SENSOR_FILE_TREE_H

#include "base/list.h"
#include "base/map.h"
#include "kernel/fanotify.h"
#include "sensor/file_watch.h"

struct file_node {
	struct file_node *parent;     /* NULL: a root directory */
	struct list children, node;   /* node: among the parent's, or the roots */
	struct list unread;	      /* linked: what lies in it is still to be looked at */
	struct ring_file_node at;     /* where in the tree of names, and what holds here */
	uint32_t device, stat_device; /* as the kernel numbers it, and as stat(2) does */
	uint32_t round;
	uint32_t root_pid, root_ns; /* of a container's root: one who has it, mount namespace */
	bool is_file;
	bool fresh; /* made a moment ago: what lies in it was made before its mark */
	char *name;
	size_t key_bytes;
	char key[];
};

struct file_tree {
	int fanotify_fd, root_fd, proc_fd; /* borrowed; root_fd: the host's */
	enum fanotify_grade grade;
	const struct file_watch *watch;
	struct map by_key;
	struct list unread;
	struct list roots; /* the host's first */
	size_t limit;	   /* directories at most */
	uint32_t round;	   /* of looking at all */
	bool sweeps;	   /* what this round doesn't find is gone */
	bool torn;	   /* what is known can't be: it is to be looked at again */
	uint64_t unmarked; /* directories and files that got no mark */
	int refused;	   /* errno of the last that the kernel gave none */
	/* Something watched lies in a fresh directory. */
	void (*found)(struct file_tree *tree, const struct file_node *dir, struct slice name,
		      const struct fanotify_key *key);
};

/* Marks the root directory; the fds and `watch` are to outlive the tree. */
must_check int file_tree_start(struct file_tree *tree, struct error *err);
void file_tree_done(struct file_tree *tree);

/* The root directory of a process in a container, added where it isn't in the tree yet; NULL: it is
 * the host's, or gets no mark. */
struct file_node *file_tree_add_root(struct file_tree *tree, uint32_t pid, uint32_t ns);

/* Marks what is still to be marked, for so long. True: there is more. */
bool file_tree_read(struct file_tree *tree, uint64_t budget_ns);
/* Looks at all again, for something may have been missed. */
void file_tree_again(struct file_tree *tree);

/* As records name it. */
struct slice file_node_key(const void *node);

/* What a record names; NULL: none of these. */
struct file_node *file_tree_find(const struct file_tree *tree, struct slice key);
struct file_node *file_node_child(const struct file_node *dir, struct slice name);

/* Something has got this name: marks it, where it or what lies below is watched. `fresh`: it has
 * been made, not moved. */
void file_tree_enter(struct file_tree *tree, struct file_node *dir, struct slice name, bool fresh);
void file_tree_move(struct file_tree *tree, struct file_node *dir, struct file_node *to,
		    struct slice name);
/* It is gone, or in a place where nothing is watched. */
void file_tree_leave(struct file_tree *tree, struct file_node *dir);

/* The name's path as records have it: from the name up to the root, each ends in NUL. An empty
 * name: the directory's own. Returns the bytes, at most RING_FILE_NAMES. */
size_t file_node_names(const struct file_node *dir, struct slice name, char *room, bool *ret_cut);

#endif

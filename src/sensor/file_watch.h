/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_watch - which files are watched: paths become a tree of names, and numbers.
 *
 * A path holds for what lies at and below it; of several that hold, the longest decides. Names in
 * the tree are compared as they are: no links are followed. The numbers are those that the host's
 * paths lead to now, links followed.
 */
#ifndef SENSOR_FILE_WATCH_H
#define SENSOR_FILE_WATCH_H

#include "base/error.h"
#include "base/slice.h"
#include "bpf/event.h"

#define FILE_WATCH_PATHS 256 /* watched and excluded ones together */

struct file_watch_step {
	struct ring_file_step step;
	struct ring_file_node node;
};

struct file_watch_id {
	struct ring_file_id id;
	uint32_t rule;
};

struct file_watch {
	struct file_watch_step *steps;
	size_t step_count, step_room;
	struct file_watch_id ids[FILE_WATCH_PATHS];
	size_t id_count, id_count_files; /* files: no directories */
	size_t path_count;
	bool root_watched;
};

/* Absolute paths, one a line; `exclude` may be NULL. proc_fd: the host's procfs; -1: no numbers.
 * -EINVAL names the path that can't be. */
must_check int file_watch_read(struct file_watch *watch, const char *paths, const char *exclude,
			       int proc_fd, struct error *err);
/* Also watches (or excludes) what the paths lead to now, all links followed, by its own name. */
void file_watch_follow(struct file_watch *watch, const char *paths, const char *exclude,
		       int root_fd);
void file_watch_done(struct file_watch *watch);

/* Where a name leads in the tree of names (node 0: out of it), and what holds there. */
struct ring_file_node file_watch_step(const struct file_watch *watch, struct ring_file_node at,
				      struct slice name);

/* The kernel's own numbers of an open file, which stat(2) doesn't tell for all file systems. */
must_check int file_watch_identify(int fd, struct ring_file_id *ret_id);

/* The host's root directory, for an agent in a container; where that is refused, its own. O_PATH;
 * -1: neither can be opened. */
must_check int file_watch_root(int proc_fd);

#endif

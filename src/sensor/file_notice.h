/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_notice - what fanotify(7) tells of watched files, as events.
 *
 * The kernel merges what one process does with one file until it is read; of that the mask tells
 * what there was, not in which order or how often.
 */
#ifndef SENSOR_FILE_NOTICE_H
#define SENSOR_FILE_NOTICE_H

#include "sensor/file_rate.h"
#include "sensor/file_tree.h"
#include "sensor/sensor.h"

#define FILE_NOTICE_FOUND  1024 /* at most, until all that has been told is read */
#define FILE_NOTICE_WRITES 1024

/* What a record names: a name in a directory of the tree. */
struct file_place {
	struct file_node *dir; /* NULL: not one of these */
	struct slice name;     /* empty: the root directory */
	uint32_t device;
	bool watched;
};

struct file_notice_write {
	uint64_t hash, told_ns;
};

struct file_notices {
	const struct sensor_env *env;
	const struct file_tree *tree;
	struct file_rate rate;
	struct list found; /* struct file_notice_found */
	size_t found_count;
	uint64_t seed[2];
	struct file_notice_write writes[FILE_NOTICE_WRITES]; /* told lately */
	uint64_t lost;
};

/* Of a zeroed one. */
void file_notices_init(struct file_notices *notices, const struct sensor_env *env,
		       const struct file_tree *tree);
void file_notices_done(struct file_notices *notices);

/* Where a record's directory and name are; or, where that is nothing to us, its file: one watched
 * by itself, by the name that it is watched by. */
struct file_place file_place_of(const struct file_tree *tree, struct slice directory,
				struct slice name, struct slice file);

/* A record of something in, or from, `from`; a rename goes `to` there. */
void file_notices_tell(struct file_notices *notices, const struct fanotify_record *told,
		       const struct file_place *from, const struct file_place *to,
		       uint64_t boot_ns);

/* Something lies in a directory since before that had its mark: unless a record tells who made it,
 * it is told without that once all records have been read. */
void file_notices_find(struct file_notices *notices, const struct file_node *dir, struct slice name,
		       const struct fanotify_key *key);
void file_notices_settle(struct file_notices *notices, uint64_t boot_ns);

#endif

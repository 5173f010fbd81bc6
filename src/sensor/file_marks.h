/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_marks - watches files with fanotify(7): for kernels where no function may be traced, at no
 * cost for files that nobody watches.
 */
#ifndef SENSOR_FILE_MARKS_H
#define SENSOR_FILE_MARKS_H

#include "sensor/file_notice.h"
#include "sensor/file_roots.h"

struct file_marks {
	const struct sensor_env *env; /* NULL: not started */
	int fanotify_fd, root_fd, mounts_fd;
	struct loop_fd ready, mounts;
	struct loop_timer timer, again;
	struct file_watch watch;
	struct file_tree tree;
	struct file_notices notices;
	struct file_roots roots;
	bool refusal_told;
	struct metric held, lost, rates_lost, overflows, unmarked, directories;
};

/* Of a zeroed one. It is to be stopped in any case. */
must_check int file_marks_start(struct file_marks *marks, const struct sensor_env *env,
				enum fanotify_grade grade, struct error *err);
void file_marks_stop(struct file_marks *marks);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_marks - what is done with watched files, as fanotify(7) tells it: for kernels where no
 * function may be traced, at no cost for files that nobody watches.
 *
 * The kernel merges what one process does with one file until it is read; of that the mask tells
 * what there was, not in which order or how often.
 */
#ifndef SENSOR_FILE_MARKS_H
#define SENSOR_FILE_MARKS_H

#include "sensor/file_rate.h"
#include "sensor/file_tree.h"
#include "sensor/sensor.h"

struct file_marks {
	const struct sensor_env *env; /* NULL: not started */
	int fanotify_fd, root_fd;
	struct loop_fd ready;
	struct loop_timer timer;
	struct file_watch watch;
	struct file_tree tree;
	struct file_rate rate;
	bool refusal_told;
	struct metric held, overflows, unmarked, directories;
};

/* Of a zeroed one. It is to be stopped in any case. */
must_check int file_marks_start(struct file_marks *marks, const struct sensor_env *env,
				enum fanotify_grade grade, struct error *err);
void file_marks_stop(struct file_marks *marks);

#endif

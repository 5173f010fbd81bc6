/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_roots - the root directories of containers, for the tree of what is marked.
 *
 * Each program that starts in another mount namespace than the host's may have one that isn't
 * known yet. It is held by nothing but a pid, so that no container's mounts outlive it.
 */
#ifndef SENSOR_FILE_ROOTS_H
#define SENSOR_FILE_ROOTS_H

#include "sensor/file_tree.h"
#include "sensor/sensor.h"

struct file_roots {
	const struct sensor_env *env; /* NULL: not started */
	struct file_tree *tree;
	struct loop_timer *turn; /* set when there is something to mark */
	struct loop_timer look;
	uint32_t host_ns;
};

/* Of a zeroed one, once the host's root is in the tree: adds those that there are, and follows. */
must_check int file_roots_start(struct file_roots *roots, const struct sensor_env *env,
				struct file_tree *tree, struct loop_timer *turn, struct error *err);
void file_roots_stop(struct file_roots *roots);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns - two tables in the kernel that take turns: while one is read, programs count in the other.
 *
 * Once an interval they are told to use the other table; a moment later the first is drained: a
 * program that was at it then has finished.
 */
#ifndef SENSOR_TURNS_H
#define SENSOR_TURNS_H

#include "base/loop.h"

struct turns {
	/* The owner's: */
	const uint64_t *interval_ns; /* looked at each time */
	void (*turn)(struct turns *turns);
	void (*drain)(struct turns *turns); /* the table that was turned away from */

	struct loop *loop;
	struct loop_timer timer;
	bool turned; /* and not drained yet */
};

void turns_start(struct turns *turns, struct loop *loop);
/* Drains both. Harmless when it hasn't started. */
void turns_stop(struct turns *turns);

/* Takes all out of a table in the kernel. */
void turns_take(int map_fd, size_t key_bytes, size_t value_bytes,
		void (*item)(void *owner, const void *key, const void *value), void *owner);

#endif

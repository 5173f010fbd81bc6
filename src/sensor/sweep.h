/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep - takes out of tables in the kernel what nobody has ended (bpf/table.bpf.h).
 *
 * Once a second each table that is more than half full is gone through by a program of its own,
 * which takes out what is over.
 */
#ifndef SENSOR_SWEEP_H
#define SENSOR_SWEEP_H

#include "sensor/programs.h"

struct sweep_table {
	const char *program; /* kind "iter", of `programs` */
	const struct ring_table *table;
	uint64_t room; /* entries that it can hold */
};

struct sweep {
	struct loop *loop;
	struct loop_timer timer;
	const struct programs *programs;
	struct sweep_table tables[3];
};

/* `tables` up to the first without a program. */
void sweep_start(struct sweep *sweep, struct loop *loop, const struct programs *programs);
/* Harmless when it hasn't started. */
void sweep_stop(struct sweep *sweep);

#endif

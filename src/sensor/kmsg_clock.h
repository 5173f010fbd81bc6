/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kmsg_clock - the wall time of a kernel log record.
 *
 * Records are stamped with a clock of the scheduler's: it stands still in suspend like
 * CLOCK_MONOTONIC, but no one disciplines it, so the two drift apart by seconds in weeks. A record
 * that is read as it is written is never older than the moment of reading; the smallest difference
 * seen of late is therefore how far the clocks are apart.
 */
#ifndef SENSOR_KMSG_CLOCK_H
#define SENSOR_KMSG_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* How long a smallest difference counts. */
#define KMSG_CLOCK_WINDOW_NS (300ull * 1000000000)

struct kmsg_clock {
	int64_t least[2]; /* smallest CLOCK_MONOTONIC - stamp, in this window and the one before */
	bool seen[2];
	uint64_t window_ns; /* when this window began, CLOCK_MONOTONIC */
};

struct kmsg_clock_now {
	uint64_t mono_ns, boot_ns, wall_ns; /* the three clocks at one moment */
};

/* The clocks now. */
struct kmsg_clock_now kmsg_clock_read(void);

/* Learns from a record that was just read. */
void kmsg_clock_learn(struct kmsg_clock *clock, const struct kmsg_clock_now *now,
		      uint64_t stamp_ns);

/* When a stamp was, on the two other clocks. Before anything was learnt the clocks are taken to be
 * equal. */
uint64_t kmsg_clock_wall_ns(const struct kmsg_clock *clock, const struct kmsg_clock_now *now,
			    uint64_t stamp_ns);
uint64_t kmsg_clock_boot_ns(const struct kmsg_clock *clock, const struct kmsg_clock_now *now,
			    uint64_t stamp_ns);

#endif

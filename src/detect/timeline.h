/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timeline - one time that never runs backwards, made from the two that events carry.
 *
 * The boot clock is believed where an event has it. Wall time, which may be stepped, is what is
 * left for saved logs and ticks: a step back is taken out, a step forward can't be told from a
 * long silence and ages what is remembered. Nothing here asks a clock.
 */
#ifndef DETECT_TIMELINE_H
#define DETECT_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

struct timeline {
	uint64_t now_ns;		       /* the latest time given out; 0 before the first */
	uint64_t wall_shift_ns, boot_shift_ns; /* what to add to each clock, modulo 2^64 */
	bool has_boot;
};

/* When an event or tick happened; `boot_ns` 0 = not known. May lie up to a minute before now_ns:
 * sensors deliver a little out of order. */
uint64_t timeline_at(struct timeline *timeline, uint64_t wall_ns, uint64_t boot_ns);

/* The start of a window that ends now; 0 when it reaches beyond the beginning. */
static inline uint64_t timeline_since(uint64_t now_ns, uint64_t window_ns)
{
	return now_ns > window_ns ? now_ns - window_ns : 0;
}

#endif

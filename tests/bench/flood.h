/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* flood - what flood.bpf.c writes, for both sides. */
#ifndef BENCH_FLOOD_H
#define BENCH_FLOOD_H

#include "bpf/event.h"

#define FLOOD_BATCH 16
#define FLOOD_BYTES 256 /* at most */

struct flood {
	struct ring_exit exit;
	char rest[FLOOD_BYTES - sizeof(struct ring_exit)];
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place - where an instruction lies, as print_vma_addr() writes it behind a crash.
 *
 *	 in libc.so.6[7f1c2b000000+155000]		mapping's start and size
 *	 in libc.so.6[a45c1,7f1c2b000000+155000]	and the offset in the file (since 6.8)
 *	 likely on CPU 3 (core 1, socket 0)		(since 6.1)
 *
 * The file's name may hold any of these words; its end is found from the right.
 */
#ifndef SENSOR_KLOG_PLACE_H
#define SENSOR_KLOG_PLACE_H

#include "event/event.h"

struct place {
	struct slice file;
	uint64_t start, bytes, offset, cpu;
	bool known, has_offset, has_cpu;
};

/* `rest` is what stands behind the last number of the message. */
struct place place_parse(struct slice rest);

/* Adds it to the event; code.module.offset, too, where the kernel prints none, but only if `ip`
 * lies in the mapping: kernels 4.15 and 4.16 print a hash of it. */
void place_put(const struct place *place, struct event *event, uint64_t ip);

#endif

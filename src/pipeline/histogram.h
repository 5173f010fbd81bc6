/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram - how often which values came, within 0.8 %: as many buckets as there are values unlike
 * each other, at most HISTOGRAM_BUCKETS; pure.
 */
#ifndef PIPELINE_HISTOGRAM_H
#define PIPELINE_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 3840 /* of 64-bit values */

struct histogram_bucket {
	uint32_t index;
	uint32_t count;
};

struct histogram {
	struct histogram_bucket *buckets; /* by index */
	size_t count, room;
	uint64_t total;
};

void histogram_done(struct histogram *histogram);
/* Adds a value that came so many times; drops it when memory is out. */
void histogram_add(struct histogram *histogram, uint64_t value, uint32_t times);
/* The value that so many percent of all don't exceed. */
uint64_t histogram_percentile(const struct histogram *histogram, unsigned int percent);

#endif

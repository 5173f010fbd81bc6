/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/histogram.h"

#include <stdlib.h>
#include <string.h>

/* Values below 128 are exact; above, the six bits behind the first one. */
#define HISTOGRAM_BITS 6

static uint32_t histogram_index(uint64_t value)
{
	unsigned int bits = 64 - (unsigned int)__builtin_clzll(value | 1);
	unsigned int shift = bits > HISTOGRAM_BITS + 1 ? bits - HISTOGRAM_BITS - 1 : 0;

	return (shift << HISTOGRAM_BITS) + (uint32_t)(value >> shift);
}

/* The middle of a bucket. */
static uint64_t histogram_value(uint32_t index)
{
	uint32_t shift = index >> HISTOGRAM_BITS;
	uint64_t value;

	if (shift <= 1)
		return index;
	shift--;
	value = (uint64_t)(index - (shift << HISTOGRAM_BITS)) << shift;
	return value + (1ull << shift) / 2;
}

void histogram_done(struct histogram *histogram)
{
	free(histogram->buckets);
	*histogram = (struct histogram){ 0 };
}

/* The first bucket whose index is not below. */
static size_t histogram_find(const struct histogram *histogram, uint32_t index)
{
	size_t low = 0, high = histogram->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (histogram->buckets[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool histogram_grow(struct histogram *histogram)
{
	size_t room = histogram->room ? histogram->room * 2 : 8;
	struct histogram_bucket *more;

	if (histogram->count < histogram->room)
		return true;
	more = realloc(histogram->buckets, room * sizeof(*more));
	if (!more)
		return false;
	histogram->buckets = more;
	histogram->room = room;
	return true;
}

void histogram_add(struct histogram *histogram, uint64_t value, uint32_t times)
{
	uint32_t index = histogram_index(value);
	size_t at = histogram_find(histogram, index);
	struct histogram_bucket *buckets;

	if (at < histogram->count && histogram->buckets[at].index == index) {
		histogram->buckets[at].count += times;
	} else {
		if (!histogram_grow(histogram))
			return;
		buckets = histogram->buckets;
		memmove(&buckets[at + 1], &buckets[at], (histogram->count - at) * sizeof(*buckets));
		buckets[at] = (struct histogram_bucket){ index, times };
		histogram->count++;
	}
	histogram->total += times;
}

uint64_t histogram_percentile(const struct histogram *histogram, unsigned int percent)
{
	uint64_t wanted = (histogram->total * percent + 99) / 100, seen = 0;

	for (size_t n = 0; n < histogram->count; n++) {
		seen += histogram->buckets[n].count;
		if (seen >= wanted)
			return histogram_value(histogram->buckets[n].index);
	}
	return 0;
}

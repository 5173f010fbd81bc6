/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statsd_series - what has to be known of a StatsD series from one line to the next: where a gauge
 * stands, and the part of a counter that is no whole number yet; pure.
 */
#ifndef SENSOR_STATSD_SERIES_H
#define SENSOR_STATSD_SERIES_H

#include "base/list.h"
#include "base/map.h"
#include "sensor/statsd_line.h"

struct statsd_series_table {
	struct map all;
	struct list used; /* the one that was not used for longest is first */
	size_t limit;
	uint64_t evicted;
	struct text key;
};

void statsd_series_init(struct statsd_series_table *table, size_t limit);
void statsd_series_done(struct statsd_series_table *table);

/* The number of the line's series, 0 for a new one: a new one takes the place of the one longest
 * not used when there are as many as may be. NULL when memory is out. */
double *statsd_series_find(struct statsd_series_table *table, const struct statsd_line *line);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aggregate - measurements of one name and the same tags, summed; pure.
 *
 * Counters are added up, of a gauge the last value counts, of a set how many unlike elements it
 * has; spans and histograms also yield percentiles (within 0.8 %).
 */
#ifndef PIPELINE_AGGREGATE_H
#define PIPELINE_AGGREGATE_H

#include "base/map.h"
#include "event/measure.h"

struct aggregate_settings {
	size_t max_series;
	size_t top; /* of one name, that many are told apart, the rest is added up; 0: all */
	bool percentiles;
};

struct aggregate {
	struct aggregate_settings settings;
	struct map series;
	struct text key;
	size_t buckets;	   /* of all histograms */
	size_t elements;   /* of all sets */
	uint64_t since_ns; /* wall: the first measurement */
};

void aggregate_init(struct aggregate *aggregate, const struct aggregate_settings *settings);
void aggregate_done(struct aggregate *aggregate);

/* Adds a measurement. -ENOSPC: there is as much as may be, emit it first; -ENOMEM. */
int aggregate_add(struct aggregate *aggregate, const struct event *measurement);

/* Hands out what was summed, and starts anew. */
void aggregate_emit(struct aggregate *aggregate, uint64_t wall_ns, struct measure_port *port);

#endif

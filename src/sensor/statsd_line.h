/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statsd_line - what StatsD clients say, line by line; pure.
 *
 *	NAME[;TAG=TEXT...]:VALUE[:VALUE...]|TYPE[|@RATE][|#TAG[:TEXT],...]
 *
 * TYPE is c, g, ms, h, d or s. Several values and "|#" are DogStatsD's, ";" is Graphite's.
 *DogStatsD's container, time and external data ("|c:", "|T", "|e:") are passed over; its events and
 *service checks are no lines of this kind.
 */
#ifndef SENSOR_STATSD_LINE_H
#define SENSOR_STATSD_LINE_H

#include "event/measure.h"

#define STATSD_NAME_BYTES 200
#define STATSD_TEXT_BYTES 200 /* of a tag, and of a set's element */

enum statsd_type {
	STATSD_counter,
	STATSD_gauge,
	STATSD_timer, /* milliseconds */
	STATSD_histogram,
	STATSD_set,
};

struct statsd_line {
	struct slice name;
	enum statsd_type type;
	double rate;	     /* 0 < rate <= 1: so much of what happened is told */
	struct slice values; /* those not read yet */
	struct event_pair tags[MEASURE_TAGS];
	size_t tag_count;
	size_t tags_cut; /* that found no room */
};

struct statsd_value {
	double number;	      /* finite */
	bool relative;	      /* of a gauge: a step from the value before */
	struct slice element; /* of a set */
};

/* Reads a line, without its end. All slices lie in it. */
must_check bool statsd_parse(struct slice text, struct statsd_line *ret_line);

/* The line's next value: 1, 0 when there is none left, -EINVAL when it is none. */
int statsd_next_value(struct statsd_line *line, struct statsd_value *ret_value);

#endif

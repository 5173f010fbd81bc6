/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure - events as measurements: a name, a number with its unit, and tags.
 *
 * A measurement is an event itself, of kind `measurement`: it goes the way of every event, and each
 * sink can take it. It keeps whose it was (process, container, pod) beside its tags, so that steps
 * may still ask.
 */
#ifndef EVENT_MEASURE_H
#define EVENT_MEASURE_H

#include "event/event.h"

/* What a measurement may be read as; bits, as ingraind's consumers know them. */
enum measure_kind {
	MEASURE_COUNTER = 1,
	MEASURE_GAUGE = 2,
	MEASURE_METER = 4,
	MEASURE_HISTOGRAM = 8,
	MEASURE_TIMER = 16,
	MEASURE_SET = 32,
	MEASURE_SET_UNIQUES = 64,
	MEASURE_PERCENTILE = 128,
};

#define MEASURE_TAGS	  24
#define MEASURE_TAG_BYTES 256 /* of one tag's text, at most */

/* Where the measurements of an event go; they live until `take` returns. */
struct measure_port {
	void (*take)(struct measure_port *port, struct event *measurement);
};

/* Makes the measurements of an event: at least how often it happened, or, where it carries a number
 * of its own, that. `weight` is how many events this one stands for, after sampling. */
void measure_event(const struct event *event, uint64_t weight, struct measure_port *port);

/* For those who make their own. Name and pairs are borrowed. */
struct measure {
	struct slice name;
	struct slice unit; /* "count", "byte" or "duration" */
	unsigned int kinds;
	int64_t value;	  /* the sum, of several */
	uint64_t samples; /* how many these are; 0 as 1 */
	struct event_map tags;
};
void measure_make(struct event *event, const struct measure *measure, uint64_t wall_ns);

/* Whether a measurement says how much there is now, so that of several the last counts. */
bool measure_is_gauge(const struct event *measurement);

#endif

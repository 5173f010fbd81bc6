/* SPDX-License-Identifier: Apache-2.0 */
/* statsd_line - measurements in StatsD's words; pure. */
#ifndef SINK_STATSD_LINE_H
#define SINK_STATSD_LINE_H

#include "event/event.h"
#include "sink/settings.h"

/*
 * "prefix.name:3|c", without a line end. What a value is read as follows from its kinds and unit: a
 * span of time is "ms", a gauge or percentile is "g", all others count. Bytes that the protocol has
 * a meaning for become '_'.
 */
void statsd_put_line(const struct event *measurement, struct slice prefix, enum statsd_tags tags,
		     struct text *out);

#endif

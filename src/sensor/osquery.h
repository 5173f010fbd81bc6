/* SPDX-License-Identifier: Apache-2.0 */
/* osquery - what is asked of osquery, and what it answers; pure but for the sensor (osquery.c). */
#ifndef SENSOR_OSQUERY_H
#define SENSOR_OSQUERY_H

#include "base/error.h"
#include "event/event.h"

/* One question. Texts are NULL when not set. */
struct osquery_query {
	char *name;	      /* the measurements are "osquery.NAME" */
	char *query;	      /* SQL */
	char *pack;	      /* or the name of a pack */
	char *measurement;    /* the column with the value; NULL: each row counts 1 */
	int unit;	      /* enum osquery_unit */
	int aggregation;      /* enum osquery_aggregation */
	uint64_t iterations;  /* 0: for ever */
	uint64_t interval_ns; /* 0: as the others */
	bool run_at_start;
};

/* In the order of the settings' choices. */
enum osquery_unit { OSQUERY_count, OSQUERY_byte };
enum osquery_aggregation { OSQUERY_counter, OSQUERY_gauge, OSQUERY_meter, OSQUERY_histogram };

struct osquery_queries {
	struct osquery_query *items;
	size_t count;
};

/* What comes of an answer; the event lives until `take` returns. */
struct osquery_rows {
	void (*take)(struct osquery_rows *rows, struct event *event);
	size_t limit;		      /* of rows */
	size_t taken, malformed, cut; /* cut: rows beyond the limit */
};

/* Reads what osqueryi prints with --json: arrays of objects, one after the other. -EINVAL: it is no
 * such thing; what came before the place counts. */
must_check int osquery_read(const struct osquery_query *query, struct slice answer,
			    uint64_t wall_ns, struct osquery_rows *rows, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* report - a detection as an event, with all that is known of whom it concerns. */
#ifndef DETECT_REPORT_H
#define DETECT_REPORT_H

#include "detect/detector.h"

struct report {
	const struct program *program;
	const struct detector *detector;
	const struct program_case *of;
	const struct place *place;   /* NULL: not told */
	struct slice values, events; /* JSON; empty: not told */
	uint64_t wall_ns;	     /* when it is told */
	bool resolved;
};

/* Borrows from the report; what it makes itself is in the event. `host` tells cases of different
 * machines apart. */
void report_make(const struct report *report, struct slice host, struct event *event);

#endif

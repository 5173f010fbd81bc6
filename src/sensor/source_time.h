/* SPDX-License-Identifier: Apache-2.0 */
/* source_time - the times that stand before the lines of saved logs. */
#ifndef SENSOR_SOURCE_TIME_H
#define SENSOR_SOURCE_TIME_H

#include "base/slice.h"

struct source_time {
	uint64_t wall_ns; /* 0: not said */
	uint64_t us;	  /* since boot, or on the wall clock where only that is said */
	bool has_us;
};

/* Each steps over the time at the start of the text; false, nothing changed, when none is there. */

/* dmesg's, in brackets: "[ 1370.208517]", "[ 1370.208517 <    0.000012>]",
 * "[Sun Nov 22 14:50:47 2026]", "[Nov22 14:50]"; "[  +0.000012]" and "[<    0.000012>]" count from
 * `last`. */
bool source_time_bracket(struct slice *text, uint64_t now_wall_ns, const struct source_time *last,
			 struct source_time *ret_time);

/* "Nov 22 14:50:47", with or without a fraction. */
bool source_time_syslog(struct slice *text, uint64_t now_wall_ns, struct source_time *ret_time);

/* "2026-11-22T14:50:47.123456+01:00"; dmesg writes a comma, journalctl's zone lacks the colon. */
bool source_time_iso(struct slice *text, struct source_time *ret_time, bool *ret_comma);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter - conditions on events, as a user writes them.
 *
 *	event.name == "process.exec" and process.user.id == 0 and not process.comm in ["sh", "cron"]
 *	measurement.value > 1M or measurement.tags["proto"] == "udp"
 *	severity >= warning and container.name like "web-*"
 *
 * Words: `and`, `or`, `not`, parentheses; `==` `!=` on all, `<` `<=` `>` `>=` on numbers, spans
 * (10ms, 5s) and severity, `contains` `starts` `ends` `like` (with * and ?) on texts, `in` with a
 * list, or with "10.0.0.0/8" on an address. A name alone asks whether the event has the field. An
 * absent field equals nothing, and is neither less nor more. There are no loops and no functions: a
 * condition takes as long as it is long.
 */
#ifndef PIPELINE_FILTER_H
#define PIPELINE_FILTER_H

#include "base/error.h"
#include "event/event.h"

struct filter;

/* Errors begin with "column N: ". */
must_check int filter_parse(struct filter **ret_filter, struct slice words, struct error *err);
void filter_free(struct filter *filter);

bool filter_matches(const struct filter *filter, const struct event *event,
		    const struct event_origin *origin);

/* Whether the text is as the pattern says: '*' is any bytes, '?' any one. */
bool filter_is_like(struct slice text, struct slice pattern);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* probe - what a settings file calls a source of events, which events these are, and who makes
 * them.
 */
#ifndef PIPELINE_PROBE_H
#define PIPELINE_PROBE_H

#include "event/event.h"

struct probe_kind {
	const char *name;
	const char *const *events; /* how their names begin; NULL-terminated, like all lists here */
	const char *const *sensors; /* who has to run for it, by name; "*": whose switch is on */
	const char *const
		*dropped;   /* keys of older releases that have no use any more; may be NULL */
	const char *prefix; /* its settings are those of the program that begin so; NULL: none */
	bool has_queries;
};

extern const struct probe_kind probe_kinds[];
extern const size_t probe_kind_count;

/* Bits: the kinds of events. */
uint64_t probe_events(const struct probe_kind *kind);
bool probe_wants_sensor(const struct probe_kind *kind, const char *sensor);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* probe - what a settings file calls a source of events, and which events these are. */
#ifndef PIPELINE_PROBE_H
#define PIPELINE_PROBE_H

#include "event/event.h"

struct probe_kind {
	const char *name;
	const char *const *events; /* how their names begin; NULL-terminated */
	const char *const *keys;   /* of older releases, that have no use any more */
};

extern const struct probe_kind probe_kinds[];
extern const size_t probe_kind_count;

/* Bits: the kinds of events. */
uint64_t probe_events(const struct probe_kind *kind);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence - the latest crashes of all programs, as JSON, for detections that show them.
 *
 * A queue of at most max_event_count events; when full, the event_drop_count oldest go, and each
 * that goes early is counted. Used with justification "full" alone.
 */
#ifndef DETECT_EVIDENCE_H
#define DETECT_EVIDENCE_H

#include "base/metric.h"
#include "detect/program.h"
#include "event/encode.h"

struct evidence {
	struct list all; /* oldest first */
	size_t count;
	struct metric dropped;
};

void evidence_init(struct evidence *evidence);
void evidence_done(struct evidence *evidence);

void evidence_add(struct evidence *evidence, const struct program *program,
		  const struct event *event, const struct event_origin *origin, uint64_t at_ns,
		  const struct detect_settings *settings);

/* A program's events that are not older than event_lifetime, as a JSON array; bounded. */
void evidence_put(const struct evidence *evidence, const struct program *program, uint64_t now_ns,
		  const struct detect_settings *settings, struct text *out);

/* The program is going to be freed. */
void evidence_forget(struct evidence *evidence, const struct program *program);

#endif

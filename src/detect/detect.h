/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detect - what a run of crashes means: events in, detections out.
 *
 *	detect_new(&detect, &(struct detect_env){ &settings, &origin, &port, &metrics }, err);
 *	detect_take(detect, event);          // every event, after identity, before sinks
 *	detect_tick(detect, clock_wall_ns()); // about once a second
 *
 * Pure and deterministic: time is what events and ticks say, and nothing is read or written. Which
 * detections there are is the table in detect/detector.c; docs/detection.md says what each sees.
 *
 * A detection is an event of its own kind that already carries its process, container and pod, so
 * identity has nothing to add. It is emitted when its case is raised, again after
 * collection_timeout while the case grows (then after twice that time, and so on), and a last time
 * when it is resolved; all with the same detection.key.
 */
#ifndef DETECT_DETECT_H
#define DETECT_DETECT_H

#include "base/metric.h"
#include "detect/settings.h"
#include "event/event.h"

struct detect;

/* What is lent; all of it must outlive the detector. */
struct detect_env {
	const struct detect_settings *settings;
	const struct event_origin *origin; /* goes into keys, and into events of events */
	struct event_port *out;		   /* may call detect_take(): detections are ignored */
	struct metrics *metrics;	   /* NULL: nobody counts */
};

/* Fails on settings that contradict each other. */
must_check int detect_new(struct detect **ret_detect, const struct detect_env *env,
			  struct error *err);
void detect_free(struct detect *detect);

/* Takes an event in; those that tell of no crash are dismissed at once. */
void detect_take(struct detect *detect, const struct event *event);

/* Time has passed: tells what has grown, resolves what has been quiet. While a saved log is read,
 * its latest event's time is the time. */
void detect_tick(struct detect *detect, uint64_t wall_ns);

/* No more will come: tells what has grown since it was told last, due or not. */
void detect_end(struct detect *detect);

#endif

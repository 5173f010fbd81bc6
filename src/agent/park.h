/* SPDX-License-Identifier: Apache-2.0 */
/*
 * park - events that wait a moment to learn whose they are.
 *
 * An event of a container whose engine was just asked waits for the answer, but no longer than the
 * time set, and no more than PARK_LIMIT wait at once: then they go on without. Times in events are
 * those of what happened, so waiting changes the order only.
 */
#ifndef AGENT_PARK_H
#define AGENT_PARK_H

#include "base/loop.h"
#include "base/metric.h"
#include "event/event.h"

#define PARK_LIMIT    1024
#define PARK_RETRY_MS 25

struct park {
	struct loop *loop;
	uint64_t wait_ns;
	/* Tries again: true when the event is complete and was passed on. `last`: it must go now.
	 */
	bool (*retry)(void *owner, struct event *event, bool last);
	void *owner;
	struct list waiting; /* struct parked, the oldest first */
	struct loop_timer timer;
	struct metric count, late;
};

void park_init(struct park *park, struct loop *loop, uint64_t wait_ns,
	       bool (*retry)(void *owner, struct event *event, bool last), void *owner);
/* Passes on what still waits. */
void park_done(struct park *park);

/* Takes a copy of the event; false when it can't wait: too many do, or no memory. */
bool park_put(struct park *park, const struct event *event);

/* Tries all that wait again: something has become known. */
void park_retry(struct park *park);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * losses - counters of things lost, watched: when one has grown, that is an event of its own.
 */
#ifndef AGENT_LOSSES_H
#define AGENT_LOSSES_H

#include "base/loop.h"
#include "base/metric.h"
#include "event/event.h"

#define LOSSES_COUNT 24

struct losses {
	struct loop *loop;
	const struct metrics *metrics;
	struct event_port *out;
	struct loop_timer timer;
	uint64_t told[LOSSES_COUNT];
};

void losses_start(struct losses *losses, struct loop *loop, const struct metrics *metrics,
		  struct event_port *out);
/* Tells now what has grown. Before a counter goes: a sensor takes its own along. */
void losses_look(struct losses *losses);
/* Looks a last time. */
void losses_stop(struct losses *losses);

#endif

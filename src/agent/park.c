/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/park.h"

#include "base/clock.h"

struct parked {
	struct list node;
	uint64_t until_ns; /* CLOCK_MONOTONIC */
	struct event *event;
};

static void park_on_timer(struct loop_timer *timer)
{
	park_retry(container_of(timer, struct park, timer));
}

void park_init(struct park *park, struct loop *loop, uint64_t wait_ns,
	       bool (*retry)(void *owner, struct event *event, bool last), void *owner)
{
	*park = (struct park){ .loop = loop, .wait_ns = wait_ns, .retry = retry, .owner = owner };
	list_init(&park->waiting);
	park->timer.fire = park_on_timer;
}

static void park_drop(struct park *park, struct parked *parked)
{
	list_remove(&parked->node);
	park->count.value--;
	free(parked->event);
	free(parked);
}

void park_done(struct park *park)
{
	struct parked *parked;

	loop_timer_clear(&park->timer);
	while ((parked = list_first(&park->waiting, struct parked, node))) {
		park->retry(park->owner, parked->event, true);
		park_drop(park, parked);
	}
}

bool park_put(struct park *park, const struct event *event)
{
	struct parked *parked;

	if (park->count.value >= PARK_LIMIT || park->wait_ns == 0)
		goto late;
	parked = calloc(1, sizeof(*parked));
	if (!parked)
		goto late;
	parked->event = event_dup(event);
	if (!parked->event) {
		free(parked);
		goto late;
	}
	parked->until_ns = clock_mono_ns() + park->wait_ns;
	list_append(&park->waiting, &parked->node);
	park->count.value++;
	if (park->timer.due_ns == 0)
		loop_timer_set(park->loop, &park->timer, PARK_RETRY_MS * NS_PER_MS);
	return true;
late:
	park->late.value++;
	return false;
}

void park_retry(struct park *park)
{
	uint64_t now = clock_mono_ns();
	struct list again;
	struct parked *parked;

	list_init(&again);
	while ((parked = list_first(&park->waiting, struct parked, node))) {
		bool last = parked->until_ns <= now;

		if (park->retry(park->owner, parked->event, last)) {
			park->late.value += last;
			park_drop(park, parked);
		} else {
			list_remove(&parked->node);
			list_append(&again, &parked->node);
		}
	}
	while ((parked = list_first(&again, struct parked, node))) {
		list_remove(&parked->node);
		list_append(&park->waiting, &parked->node);
	}
	if (!list_is_empty(&park->waiting))
		loop_timer_set(park->loop, &park->timer, PARK_RETRY_MS * NS_PER_MS);
}

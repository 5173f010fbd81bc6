/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/timeline.h"

#include "base/clock.h"

/* Further back than sensors are ever late: the clock itself went back. */
#define TIMELINE_LATE_NS (60 * NS_PER_S)

static bool timeline_is_back(const struct timeline *timeline, uint64_t at_ns)
{
	return (int64_t)(timeline->now_ns - at_ns) > (int64_t)TIMELINE_LATE_NS;
}

static uint64_t timeline_of_wall(struct timeline *timeline, uint64_t wall_ns)
{
	uint64_t at_ns = wall_ns + timeline->wall_shift_ns;

	if (!timeline_is_back(timeline, at_ns))
		return at_ns;
	timeline->wall_shift_ns = timeline->now_ns - wall_ns;
	return timeline->now_ns;
}

static uint64_t timeline_of_boot(struct timeline *timeline, uint64_t wall_ns, uint64_t boot_ns)
{
	uint64_t at_ns = boot_ns + timeline->boot_shift_ns;

	/* A first boot clock, or the one of another boot in a saved log: wall time ties it in. */
	if (!timeline->has_boot || timeline_is_back(timeline, at_ns)) {
		at_ns = timeline_of_wall(timeline, wall_ns);
		timeline->boot_shift_ns = at_ns - boot_ns;
		timeline->has_boot = true;
	}
	timeline->wall_shift_ns = at_ns - wall_ns;
	return at_ns;
}

uint64_t timeline_at(struct timeline *timeline, uint64_t wall_ns, uint64_t boot_ns)
{
	uint64_t at_ns;

	/* Day one, not zero: a window may reach back, and 0 means never. */
	if (timeline->now_ns == 0) {
		timeline->now_ns = 86400 * NS_PER_S;
		timeline->wall_shift_ns = timeline->now_ns - wall_ns;
	}
	at_ns = boot_ns ? timeline_of_boot(timeline, wall_ns, boot_ns)
			: timeline_of_wall(timeline, wall_ns);
	if ((int64_t)(at_ns - timeline->now_ns) > 0)
		timeline->now_ns = at_ns;
	return at_ns;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/kmsg_clock.h"

#include "base/clock.h"

struct kmsg_clock_now kmsg_clock_read(void)
{
	return (struct kmsg_clock_now){ clock_mono_ns(), clock_boot_ns(), clock_wall_ns() };
}

void kmsg_clock_learn(struct kmsg_clock *clock, const struct kmsg_clock_now *now, uint64_t stamp_ns)
{
	int64_t difference = (int64_t)(now->mono_ns - stamp_ns);

	if (now->mono_ns - clock->window_ns > KMSG_CLOCK_WINDOW_NS) {
		clock->least[1] = clock->least[0];
		clock->seen[1] = clock->seen[0];
		clock->seen[0] = false;
		clock->window_ns = now->mono_ns;
	}
	if (!clock->seen[0] || difference < clock->least[0])
		clock->least[0] = difference;
	clock->seen[0] = true;
}

/* The stamp on CLOCK_MONOTONIC; never after now. */
static uint64_t kmsg_clock_mono_ns(const struct kmsg_clock *clock, const struct kmsg_clock_now *now,
				   uint64_t stamp_ns)
{
	int64_t apart = clock->seen[0] ? clock->least[0] : 0;
	uint64_t mono_ns;

	if (clock->seen[1] && (!clock->seen[0] || clock->least[1] < apart))
		apart = clock->least[1];
	mono_ns = stamp_ns + (uint64_t)apart;
	return mono_ns < now->mono_ns ? mono_ns : now->mono_ns;
}

uint64_t kmsg_clock_wall_ns(const struct kmsg_clock *clock, const struct kmsg_clock_now *now,
			    uint64_t stamp_ns)
{
	return now->wall_ns - (now->mono_ns - kmsg_clock_mono_ns(clock, now, stamp_ns));
}

uint64_t kmsg_clock_boot_ns(const struct kmsg_clock *clock, const struct kmsg_clock_now *now,
			    uint64_t stamp_ns)
{
	return now->boot_ns - (now->mono_ns - kmsg_clock_mono_ns(clock, now, stamp_ns));
}

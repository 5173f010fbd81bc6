/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sweep.h"

#include <errno.h>

#include "base/clock.h"

#define SWEEP_INTERVAL_MS 1000

/* The program writes nothing: reading is what makes it run. */
static void sweep_run(const struct sweep *sweep, const char *program)
{
	int fd = programs_read_begin(sweep->programs, program, NULL);
	char byte;

	if (fd < 0)
		return;
	while (read(fd, &byte, 1) < 0 && errno == EAGAIN)
		;
	close(fd);
}

static void sweep_on_timer(struct loop_timer *timer)
{
	const struct sweep *sweep = container_of(timer, struct sweep, timer);

	for (size_t n = 0; n < array_count(sweep->tables) && sweep->tables[n].program; n++) {
		const struct sweep_table *row = &sweep->tables[n];

		if (__atomic_load_n(&row->table->present, __ATOMIC_RELAXED) > row->room / 2)
			sweep_run(sweep, row->program);
	}
	loop_timer_set(sweep->loop, timer, SWEEP_INTERVAL_MS * NS_PER_MS);
}

void sweep_start(struct sweep *sweep, struct loop *loop, const struct programs *programs)
{
	sweep->loop = loop;
	sweep->programs = programs;
	sweep->timer.fire = sweep_on_timer;
	loop_timer_set(loop, &sweep->timer, SWEEP_INTERVAL_MS * NS_PER_MS);
}

void sweep_stop(struct sweep *sweep)
{
	if (sweep->loop)
		loop_timer_clear(&sweep->timer);
}

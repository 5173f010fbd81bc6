/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that sum measurements over an interval: Buffer, TopK. */
#include "pipeline/pipeline.h"

#include <errno.h>

#include "base/clock.h"
#include "pipeline/aggregate.h"

struct step_sums {
	struct step *step;
	struct aggregate aggregate;
	struct loop_timer timer;
	uint64_t interval_ns;
	struct measure_port port;
};

static void step_sums_take_sum(struct measure_port *port, struct event *measurement)
{
	struct step *step = container_of(port, struct step_sums, port)->step;

	measurement->serial = ++*step->pipeline->env->serial;
	step->pipeline->weight = 1;
	step_pass(step, measurement);
}

static void step_sums_flush(struct step *step)
{
	struct step_sums *sums = step->state;

	aggregate_emit(&sums->aggregate, clock_wall_ns(), &sums->port);
}

static void step_sums_on_timer(struct loop_timer *timer)
{
	struct step_sums *sums = container_of(timer, struct step_sums, timer);

	step_sums_flush(sums->step);
	loop_timer_set(pipeline_loop(sums->step->pipeline), timer, sums->interval_ns);
}

static void step_sums_open(struct step *step)
{
	const struct step_settings *settings = step->settings;
	const struct aggregate_settings wanted = {
		.max_series = settings->max_series,
		.top = step->kind == &step_top ? settings->top : 0,
		.percentiles = settings->histograms,
	};
	struct step_sums *sums = step->state;

	sums->step = step;
	sums->port.take = step_sums_take_sum;
	sums->timer.fire = step_sums_on_timer;
	sums->interval_ns = settings->interval_s_ns    ? settings->interval_s_ns
			    : settings->interval_ms_ns ? settings->interval_ms_ns
						       : settings->interval_ns;
	aggregate_init(&sums->aggregate, &wanted);
	loop_timer_set(pipeline_loop(step->pipeline), &sums->timer, sums->interval_ns);
}

/* When as many series are there as may be, they go out early: memory is bounded, and no sum is
 * lost. */
static void step_sums_take(struct step *step, struct event *event)
{
	struct step_sums *sums = step->state;
	int r = aggregate_add(&sums->aggregate, event);

	if (r == -ENOSPC) {
		step_sums_flush(step);
		r = aggregate_add(&sums->aggregate, event);
	}
	if (r < 0)
		step_pass(step, event);
}

static void step_sums_close(struct step *step)
{
	struct step_sums *sums = step->state;

	loop_timer_clear(&sums->timer);
	aggregate_done(&sums->aggregate);
}

const struct step_kind step_buffer = {
	.name = "Buffer",
	.help = "sums measurements of the same name and tags over an interval",
	.about_tags = true,
	.sums = true,
	.state_bytes = sizeof(struct step_sums),
	.open = step_sums_open,
	.take = step_sums_take,
	.flush = step_sums_flush,
	.close = step_sums_close,
};

const struct step_kind step_top = {
	.name = "TopK",
	.help = "sums like Buffer, and tells only the largest apart",
	.about_tags = true,
	.sums = true,
	.state_bytes = sizeof(struct step_sums),
	.open = step_sums_open,
	.take = step_sums_take,
	.flush = step_sums_flush,
	.close = step_sums_close,
};

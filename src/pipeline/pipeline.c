/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/pipeline.h"

#include <errno.h>
#include <stdio.h>

const struct event_origin *pipeline_origin(const struct pipeline *pipeline)
{
	return pipeline->env->sinks.origin;
}

struct loop *pipeline_loop(const struct pipeline *pipeline)
{
	return pipeline->env->sinks.loop;
}

void pipeline_trouble(const struct pipeline *pipeline, const struct error *why)
{
	struct error wrapped = *why;

	(void)error_wrap(&wrapped, 0, "pipeline '%s'", pipeline->config->name);
	if (pipeline->env->trouble)
		pipeline->env->trouble(pipeline->env->sinks.owner, &wrapped);
}

/* --- the way of an event --- */

static void pipeline_deliver(struct pipeline *pipeline, const struct event *event)
{
	for (size_t n = 0; n < pipeline->sink_count; n++)
		sink_put_weighed(&pipeline->sinks[n], event, pipeline->weight);
}

struct pipeline_measures {
	struct measure_port port;
	struct pipeline *pipeline;
	size_t step;
};

static void pipeline_enter(struct pipeline *pipeline, size_t step, struct event *event);

static void pipeline_take_measurement(struct measure_port *port, struct event *measurement)
{
	struct pipeline_measures *measures = container_of(port, struct pipeline_measures, port);

	pipeline_enter(measures->pipeline, measures->step, measurement);
}

/* Gives an event to step `step`, or behind the last one to the sinks. */
static void pipeline_enter(struct pipeline *pipeline, size_t step, struct event *event)
{
	struct pipeline_measures measures = { { pipeline_take_measurement }, pipeline, step };

	if (pipeline->measures && step >= pipeline->measure_at && event->kind != EVENT_measurement)
		measure_event(event, pipeline->weight, &measures.port);
	else if (step < pipeline->step_count)
		pipeline->steps[step].kind->take(&pipeline->steps[step], event);
	else
		pipeline_deliver(pipeline, event);
}

void step_pass(struct step *step, struct event *event)
{
	pipeline_enter(step->pipeline, step->index + 1, event);
}

static void pipeline_put(struct pipeline *pipeline, const struct event *event)
{
	struct event copy;

	pipeline->events.value++;
	pipeline->weight = 1;
	if (!pipeline->step_count) {
		pipeline_deliver(pipeline, event);
		return;
	}
	memcpy(&copy, event,
	       offsetof(struct event, values) + event->count * sizeof(copy.values[0]));
	copy.scratch_bytes = 0; /* its texts stay where they are */
	pipeline_enter(pipeline, 0, &copy);
}

void pipelines_put(struct pipelines *pipelines, const struct event *event)
{
	for (struct pipeline *pipeline = pipelines->first; pipeline; pipeline = pipeline->next)
		if (pipeline->config->kinds >> event->kind & 1)
			pipeline_put(pipeline, event);
}

/* --- opening and closing --- */

static void pipeline_flush_steps(struct pipeline *pipeline)
{
	for (size_t n = 0; n < pipeline->step_count; n++)
		if (pipeline->steps[n].kind->flush)
			pipeline->steps[n].kind->flush(&pipeline->steps[n]);
}

static void pipeline_close(struct pipeline *pipeline)
{
	pipeline_flush_steps(pipeline); /* sums are not lost when settings are read again */
	while (pipeline->step_count) {
		struct step *step = &pipeline->steps[--pipeline->step_count];

		if (step->kind->close)
			step->kind->close(step);
		metric_remove(&step->dropped);
		free(step->state);
	}
	while (pipeline->sink_count)
		sink_close(&pipeline->sinks[--pipeline->sink_count]);
	metric_remove(&pipeline->events);
	free(pipeline->steps);
	free(pipeline);
}

void pipelines_close(struct pipelines *pipelines)
{
	struct pipeline *pipeline;

	while ((pipeline = pipelines->first)) {
		pipelines->first = pipeline->next;
		pipeline_close(pipeline);
	}
}

static int pipeline_open_step(struct pipeline *pipeline, const struct step_config *config,
			      struct error *err)
{
	struct step *step = &pipeline->steps[pipeline->step_count];
	char label[sizeof(step->dropped.label)];

	step->state = calloc(1, config->kind->state_bytes + 1);
	if (!step->state)
		return error_errno(err, ENOMEM, "open step '%s'", config->kind->name);
	step->kind = config->kind;
	step->settings = &config->values;
	step->pipeline = pipeline;
	step->index = pipeline->step_count++;
	snprintf(label, sizeof(label), "%s.%zu", pipeline->config->name, step->index);
	metric_add(pipeline->env->sinks.metrics, METRIC_pipeline_dropped, &step->dropped, label);
	if (step->kind->open)
		step->kind->open(step);
	if (step->kind->about_tags && step->index < pipeline->measure_at)
		pipeline->measure_at = step->index;
	pipeline->measures = pipeline->measures || step->kind->sums;
	return 0;
}

static int pipeline_open_steps(struct pipeline *pipeline, struct error *err)
{
	const struct pipeline_config *config = pipeline->config;
	int r = 0;

	pipeline->measure_at = SIZE_MAX;
	pipeline->steps = calloc(config->step_count + 1, sizeof(*pipeline->steps));
	if (!pipeline->steps)
		return error_errno(err, ENOMEM, "open its steps");
	for (size_t n = 0; r == 0 && n < config->step_count; n++)
		r = pipeline_open_step(pipeline, &config->steps[n], err);
	return r;
}

static int pipeline_open_sinks(struct pipeline *pipeline, struct error *err)
{
	pipeline->sink_env = pipeline->env->sinks;
	pipeline->sink_env.settings = &pipeline->sink_settings;
	pipeline->sink_env.name = pipeline->config->name;
	for (size_t n = 0; n < sink_kind_count; n++) {
		struct sink *sink = &pipeline->sinks[pipeline->sink_count];
		int r;

		if (!sink_kinds[n]->wanted(&pipeline->sink_settings) ||
		    pipeline->sink_count == PIPELINE_SINKS)
			continue;
		r = sink_open(sink, sink_kinds[n], &pipeline->sink_env, err);
		if (r < 0)
			return r;
		sink->report = pipeline->env->report;
		pipeline->sink_count++;
		pipeline->measures = pipeline->measures || sink->measures;
	}
	return 0;
}

static int pipeline_open(struct pipelines *pipelines, const struct pipelines_config *configs,
			 const struct pipeline_config *config, struct error *err)
{
	struct pipeline *pipeline = calloc(1, sizeof(*pipeline));
	int r;

	if (!pipeline)
		return error_errno(err, ENOMEM, "open pipeline '%s'", config->name);
	pipeline->config = config;
	pipeline->env = &pipelines->env;
	pipeline->sink_settings = *pipeline_sink_settings(configs, config);
	pipeline->sink_settings.spool = pipelines->env.sinks.settings->spool;
	metric_add(pipelines->env.sinks.metrics, METRIC_pipeline_events, &pipeline->events,
		   config->name);
	r = pipeline_open_sinks(pipeline, err);
	if (r == 0)
		r = pipeline_open_steps(pipeline, err);
	if (r < 0) {
		pipeline_close(pipeline);
		return error_wrap(err, r, "pipeline '%s'", config->name);
	}
	pipeline->next = pipelines->first;
	pipelines->first = pipeline;
	return 0;
}

int pipelines_open(struct pipelines *pipelines, const struct pipelines_config *config,
		   const struct pipelines_env *env, struct error *err)
{
	*pipelines = (struct pipelines){ .env = *env };
	for (const struct pipeline_config *one = config->first; one; one = one->next) {
		int r = pipeline_open(pipelines, config, one, err);

		if (r == 0)
			continue;
		pipelines_close(pipelines);
		return r;
	}
	return 0;
}

/* --- all sinks --- */

void pipelines_flush(struct pipelines *pipelines)
{
	for (struct pipeline *pipeline = pipelines->first; pipeline; pipeline = pipeline->next) {
		pipeline_flush_steps(pipeline);
		for (size_t n = 0; n < pipeline->sink_count; n++)
			sink_flush(&pipeline->sinks[n]);
	}
}

static bool pipeline_is_busy(const struct pipeline *pipeline)
{
	for (size_t n = 0; n < pipeline->sink_count; n++)
		if (sink_busy(&pipeline->sinks[n]))
			return true;
	for (size_t n = 0; n < pipeline->step_count; n++)
		if (pipeline->steps[n].kind->busy &&
		    pipeline->steps[n].kind->busy(&pipeline->steps[n]))
			return true;
	return false;
}

bool pipelines_busy(const struct pipelines *pipelines)
{
	for (struct pipeline *pipeline = pipelines->first; pipeline; pipeline = pipeline->next)
		if (pipeline_is_busy(pipeline))
			return true;
	return false;
}

void pipelines_reopen(struct pipelines *pipelines)
{
	for (struct pipeline *pipeline = pipelines->first; pipeline; pipeline = pipeline->next)
		for (size_t n = 0; n < pipeline->sink_count; n++)
			sink_reopen(&pipeline->sinks[n]);
}

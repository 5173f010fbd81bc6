/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipeline - which events go which way to which sinks.
 *
 *	event -> (filter, sample, ...) -> measurement -> (tags, sums) -> sinks
 *
 * Pipelines are many, as the settings say (pipeline/config.h); each has its own steps and sinks.
 */
#ifndef PIPELINE_PIPELINE_H
#define PIPELINE_PIPELINE_H

#include "pipeline/config.h"
#include "pipeline/step.h"
#include "sink/sink.h"

#define PIPELINE_SINKS 4

struct pipelines_env {
	struct sink_env sinks; /* settings: whose spool is to be used */
	void (*report)(struct sink *sink, const struct error *news);
	void (*trouble)(void *owner, const struct error *why); /* of the sinks' owner */
	uint64_t *serial; /* of the last event, for those that pipelines make */
};

struct pipeline {
	struct pipeline *next;
	const struct pipeline_config *config;
	const struct pipelines_env *env;
	bool measures;	    /* makes measurements of events */
	bool changes;	    /* a step changes events */
	size_t measure_at;  /* the first step that wants measurements */
	uint64_t weight;    /* how many events the one under way stands for */
	struct step *steps; /* as many as the config has */
	size_t step_count;  /* opened */
	struct sink_settings sink_settings;
	struct sink_env sink_env;
	struct sink sinks[PIPELINE_SINKS];
	size_t sink_count;
	struct metric events;
};

struct pipelines {
	struct pipelines_env env;
	struct pipeline *first;
};

/* On failure nothing stays open. */
must_check int pipelines_open(struct pipelines *pipelines, const struct pipelines_config *config,
			      const struct pipelines_env *env, struct error *err);
void pipelines_put(struct pipelines *pipelines, const struct event *event);
/* Sends what waits, in steps and sinks. */
void pipelines_flush(struct pipelines *pipelines);
bool pipelines_busy(const struct pipelines *pipelines);
void pipelines_reopen(struct pipelines *pipelines);
void pipelines_close(struct pipelines *pipelines);

/* For the steps. */
const struct event_origin *pipeline_origin(const struct pipeline *pipeline);
struct loop *pipeline_loop(const struct pipeline *pipeline);
void pipeline_trouble(const struct pipeline *pipeline, const struct error *why);

#endif

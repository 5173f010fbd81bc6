/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step - what a pipeline does to events on their way: leaves some out, changes them, sums them.
 *
 * A step gets one event after the other and hands on none, one or more. In pipelines that measure,
 * events have become measurements before the first step that is about tags.
 */
#ifndef PIPELINE_STEP_H
#define PIPELINE_STEP_H

#include <regex.h>

#include "base/metric.h"
#include "base/settings.h"
#include "event/measure.h"
#include "pipeline/filter.h"

struct pipeline;
struct step;

struct step_pattern {
	char *key, *regex, *replace_with;
	regex_t compiled;
};

/* All that a step can be told; which of it counts is the kind's. */
struct step_settings {
	uint64_t interval_ns, interval_s_ns, interval_ms_ns; /* 0: not given */
	bool histograms;
	uint64_t max_series, top;
	char *allow; /* names, one a line */
	char *keep, *drop;
	uint64_t one_of;
	uint64_t per_second, burst;
	char *by;
	int system;
	char *command; /* its words, one a line */
	uint64_t parallel, max_waiting, timeout_ns;
	struct step_pattern *patterns;
	size_t pattern_count;
	struct filter *keep_filter, *drop_filter;
};

struct step_kind {
	const char *name; /* as in the file's `type` */
	const char *help;
	const char *patterns_key; /* the list that is read into `patterns`; NULL: none */
	bool about_tags;	  /* wants measurements, where the pipeline measures */
	bool sums;		  /* makes every event a measurement */
	bool changes;		  /* alters the events it gets */
	size_t state_bytes;
	/* All may be NULL but `take`. */
	int (*check)(struct step_settings *settings, struct error *err);
	void (*open)(struct step *step);
	void (*take)(struct step *step, struct event *event);
	void (*flush)(struct step *step);
	bool (*busy)(const struct step *step); /* something is on its way that ends soon */
	void (*close)(struct step *step);
};

struct step {
	const struct step_kind *kind;
	const struct step_settings *settings;
	struct pipeline *pipeline;
	size_t index; /* in the pipeline */
	void *state;
	struct metric dropped;
};

extern const struct step_kind *const step_kinds[];
extern const size_t step_kind_count;

/* The rows of all steps; a step's keys stand behind its name and a dot. */
extern const struct setting step_setting_rows[];
extern const size_t step_setting_count;

/* Hands an event on to what comes behind the step. */
void step_pass(struct step *step, struct event *event);

/* The tags of a measurement, or NULL. */
struct event_map *step_tags(struct event *event);

bool step_pattern_fits(const struct step_pattern *pattern, struct slice name, struct slice text);
/* Compiles the settings' patterns. */
must_check int step_patterns_compile(struct step_settings *settings, struct error *err);

extern const struct step_kind step_details, step_buffer, step_top, step_whitelist, step_allow,
	step_regex, step_container, step_filter, step_sample, step_rate, step_exec;

#endif

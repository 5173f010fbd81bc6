/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config - [[probe]] and [pipeline.NAME] of a settings file.
 *
 *	[[probe]]
 *	pipelines = ["store"]
 *	[probe.config]
 *	type = "Network"
 *
 *	[pipeline.store.config]
 *	backend = "S3"
 *	bucket = "facts"
 *
 *	[[pipeline.store.steps]]
 *	type = "Buffer"
 *	interval_s = 30
 *
 * Without any probe each pipeline gets every event, and all sensors run whose switches are on; with
 * probes, those that they want.
 */
#ifndef PIPELINE_CONFIG_H
#define PIPELINE_CONFIG_H

#include "pipeline/step.h"
#include "sensor/osquery.h"
#include "sink/settings.h"

#define PIPELINE_NAME_BYTES 32

struct step_config {
	const struct step_kind *kind;
	struct step_settings values;
	struct settings settings;
};

struct pipeline_config {
	struct pipeline_config *next;
	char name[PIPELINE_NAME_BYTES];
	uint64_t kinds; /* bits: events that it gets */
	struct step_config *steps;
	size_t step_count;
	void *values; /* as large as the owner's settings */
	struct settings settings;
};

/* A probe's wish, until all pipelines are known. */
struct probe_wish {
	struct probe_wish *next;
	char *pipeline, *place;
	const struct probe_kind *kind;
};

struct pipelines_config {
	/* The owner's: how backends are set, and where in these settings they are. */
	struct settings_table table;
	size_t values_bytes, sinks_at;

	struct pipeline_config *first;
	struct probe_wish *wishes;
	bool probed; /* there are probes */
	struct osquery_queries queries;
	struct settings *query_settings; /* one for each query: owns its texts */
};

/* Reads [probe] or [pipeline]: a settings' read_other(), whose owner is a pipelines_config. */
int pipelines_read(const struct settings_file *file, const char *key, struct json_t *value,
		   struct error *err);
/* When all is read: gives pipelines what probes want. */
must_check int pipelines_config_finish(struct pipelines_config *config, struct error *err);
/* Whether a sensor of this name has anything to do. */
bool pipelines_want_sensor(const struct pipelines_config *config, const char *name);
void pipelines_config_done(struct pipelines_config *config);

const struct sink_settings *pipeline_sink_settings(const struct pipelines_config *config,
						   const struct pipeline_config *pipeline);

#endif

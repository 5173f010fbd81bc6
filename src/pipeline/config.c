/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/config_part.h"

#include <errno.h>

const struct sink_settings *pipeline_sink_settings(const struct pipelines_config *config,
						   const struct pipeline_config *pipeline)
{
	const void *at = (const char *)pipeline->values + config->sinks_at;

	return at;
}

/* --- pipelines --- */

static int config_check_name(struct config_part *part, const char *name)
{
	struct slice rest = slice_of(name);

	if (rest.bytes == 0 || rest.bytes >= PIPELINE_NAME_BYTES)
		return config_say(part, NULL, "a pipeline's name has 1 to %d letters",
				  PIPELINE_NAME_BYTES - 1);
	for (; rest.bytes; rest = slice_skip(rest, 1))
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-",
			    rest.at[0]))
			return config_say(part, NULL,
					  "pipeline '%s': a name has letters, digits, '-' and '_'",
					  name);
	return 0;
}

/* The console's default is for the whole program; a pipeline has what it names. */
static void config_clear_console(struct pipelines_config *config, struct pipeline_config *pipeline)
{
	struct sink_settings *sinks =
		(struct sink_settings *)(void *)((char *)pipeline->values + config->sinks_at);

	sinks->console.format = -1;
}

static int config_read_pipeline(struct config_part *part, const char *name, json_t *table)
{
	struct pipeline_config *pipeline;
	const char *key;
	json_t *value;
	int r = config_check_name(part, name);

	if (r < 0)
		return r;
	if (!json_is_object(table))
		return config_say(part, NULL, "write [pipeline.%s.config]", name);
	pipeline = calloc(1, sizeof(*pipeline));
	if (!pipeline)
		return error_errno(part->err, ENOMEM, "read pipeline '%s'", name);
	slice_copy(slice_of(name), pipeline->name, sizeof(pipeline->name));
	pipeline->next = part->config->first;
	part->config->first = part->pipeline = pipeline;
	pipeline->values = calloc(1, part->config->values_bytes);
	if (!pipeline->values)
		return error_errno(part->err, ENOMEM, "read pipeline '%s'", name);
	r = settings_init(&pipeline->settings, &part->config->table, pipeline->values, part->err);
	config_clear_console(part->config, pipeline);
	json_object_foreach(table, key, value)
		if (r == 0 && strcmp(key, "config") != 0 && strcmp(key, "steps") != 0)
			r = config_say(part, key,
				       "key '%s' is not known; a pipeline has 'config' and 'steps'",
				       key);
	if (r == 0)
		r = config_read_backend(part, json_object_get(table, "config"));
	return r < 0 ? r : config_read_steps(part, json_object_get(table, "steps"));
}

static int config_read_pipelines(struct config_part *part, json_t *tables)
{
	const char *name;
	json_t *table;
	int r = 0;

	text_put(&part->at, SLICE("pipeline"));
	if (!json_is_object(tables))
		return config_say(part, NULL, "write [pipeline.NAME.config]");
	json_object_foreach(tables, name, table) {
		text_clear(&part->at);
		text_printf(&part->at, "pipeline.%s", name);
		if (r == 0)
			r = config_read_pipeline(part, name, table);
	}
	return r;
}

/* --- all of it --- */

int pipelines_read(const struct settings_file *file, const char *key, struct json_t *value,
		   struct error *err)
{
	struct config_part part = { .file = file, .config = file->settings->owner, .err = err };
	bool probe = strcmp(key, "probe") == 0;
	int r;

	if (!probe && strcmp(key, "pipeline") != 0)
		return 0;
	r = probe ? config_read_probes(&part, value) : config_read_pipelines(&part, value);
	text_done(&part.at);
	return r < 0 ? r : 1;
}

int pipelines_config_finish(struct pipelines_config *config, struct error *err)
{
	struct pipeline_config *pipeline;

	for (pipeline = config->first; pipeline && !config->probed; pipeline = pipeline->next)
		pipeline->kinds = UINT64_MAX;
	for (const struct probe_wish *wish = config->wishes; wish; wish = wish->next) {
		for (pipeline = config->first; pipeline; pipeline = pipeline->next)
			if (strcmp(pipeline->name, wish->pipeline) == 0)
				break;
		if (!pipeline)
			return error_say(err, EINVAL, "%s: there is no [pipeline.%s.config]",
					 wish->place, wish->pipeline);
		pipeline->kinds |= probe_events(wish->kind);
	}
	return 0;
}

bool pipelines_want_sensor(const struct pipelines_config *config, const char *name)
{
	for (const struct probe_wish *wish = config->wishes; wish; wish = wish->next)
		if (probe_wants_sensor(wish->kind, name))
			return true;
	return !config->probed;
}

void pipelines_config_done(struct pipelines_config *config)
{
	struct pipeline_config *pipeline;
	struct probe_wish *wish;

	while ((pipeline = config->first)) {
		config->first = pipeline->next;
		for (size_t n = 0; n < pipeline->step_count; n++)
			config_step_done(&pipeline->steps[n]);
		free(pipeline->steps);
		settings_done(&pipeline->settings);
		free(pipeline->values);
		free(pipeline);
	}
	while ((wish = config->wishes)) {
		config->wishes = wish->next;
		free(wish->pipeline);
		free(wish->place);
		free(wish);
	}
	config_queries_done(config);
}

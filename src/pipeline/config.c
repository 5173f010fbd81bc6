/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/config_part.h"

#include <errno.h>
#include <stdio.h>

#include "pipeline/probe.h"

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

/* --- probes --- */

static const char *config_probe_name(size_t n)
{
	return probe_kinds[n].name;
}

static const struct probe_kind *config_find_probe(struct config_part *part, json_t *table)
{
	auto_free char *type = NULL;

	if (config_take_text(part, table, "type", &type) < 0)
		return NULL;
	for (size_t n = 0; n < probe_kind_count; n++)
		if (strcmp(probe_kinds[n].name, type) == 0)
			return &probe_kinds[n];
	config_unknown(part, "type", "probe", type,
		       config_nearest(slice_of(type), config_probe_name, probe_kind_count));
	return NULL;
}

/* Keys that older releases wanted to know are passed over with a word. */
static int config_check_probe_keys(struct config_part *part, const struct probe_kind *kind,
				   json_t *table)
{
	struct text *notices = &part->file->settings->notices;
	const char *key;
	json_t *value;

	json_object_foreach(table, key, value) {
		const char *const *known = kind->keys;

		while (*known && strcmp(*known, key) != 0)
			known++;
		if (!*known)
			return config_say(part, key, "key '%s' is not known of probe '%s'", key,
					  kind->name);
		text_printf(notices, "%s:%s: '%s' has no effect here\n", part->file->name,
			    config_place(part, key), key);
	}
	if (probe_events(kind) == 0)
		text_printf(notices, "%s:%s: no sensor of this program makes events for '%s'\n",
			    part->file->name, config_place(part, NULL), kind->name);
	return 0;
}

static int config_add_wish(struct config_part *part, const struct probe_kind *kind,
			   const char *pipeline)
{
	struct probe_wish *wish = calloc(1, sizeof(*wish));

	if (!wish)
		return error_errno(part->err, ENOMEM, "read a probe");
	wish->next = part->config->wishes;
	part->config->wishes = wish;
	wish->kinds = probe_events(kind);
	wish->pipeline = strdup(pipeline);
	if (asprintf(&wish->place, "%s:%s", part->file->name, config_place(part, "pipelines")) < 0)
		wish->place = NULL;
	return wish->pipeline && wish->place ? 0 : error_errno(part->err, ENOMEM, "read a probe");
}

static int config_read_probe(struct config_part *part, json_t *table)
{
	json_t *names = json_object_get(table, "pipelines"), *name;
	json_t *settings = json_object_get(table, "config");
	const struct probe_kind *kind;
	size_t bytes = part->at.bytes, n;
	int r;

	if (!json_is_array(names) || json_array_size(names) == 0)
		return config_say(part, names ? "pipelines" : NULL,
				  "a probe needs pipelines = [\"NAME\", ...]");
	if (!json_is_object(settings))
		return config_say(part, NULL, "[probe.config] with a 'type' is missing");
	text_put(&part->at, SLICE(".config"));
	kind = config_find_probe(part, settings);
	r = kind ? config_check_probe_keys(part, kind, settings) : -EINVAL;
	part->at.bytes = bytes;
	json_array_foreach(names, n, name)
		if (r == 0)
			r = json_is_string(name)
				    ? config_add_wish(part, kind, json_string_value(name))
				    : config_say(part, "pipelines", "'pipelines' wants texts");
	return r;
}

static int config_read_probes(struct config_part *part, json_t *list)
{
	json_t *table;
	size_t n;
	int r = 0;

	text_put(&part->at, SLICE("probe"));
	if (!json_is_array(list))
		return config_say(part, NULL, "write [[probe]], in two brackets");
	part->config->probed = true;
	json_array_foreach(list, n, table) {
		text_clear(&part->at);
		text_printf(&part->at, "probe.%zu", n);
		if (r == 0)
			r = config_read_probe(part, table);
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
		pipeline->kinds |= wish->kinds;
	}
	return 0;
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
}

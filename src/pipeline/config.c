/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/config.h"

#include <errno.h>
#include <stdio.h>

#include "base/settings_file.h"
#include "base/toml.h"
#include "event/encode.h"
#include "pipeline/probe.h"
#include "sink/sink.h"

/* A part of the file while it is read. */
struct config_part {
	const struct settings_file *file;
	struct pipelines_config *config;
	struct pipeline_config *pipeline; /* NULL: a probe */
	struct text at;			  /* "pipeline.NAME.steps.0" */
	struct error *err;
};

/* "FILE:LINE:COLUMN: words"; `key` below the part, NULL: the part itself. */
#define config_say(part, key, fmt, ...)                                                            \
	error_say((part)->err, EINVAL, "%s:%s: " fmt, (part)->file->name, config_place(part, key), \
		  ##__VA_ARGS__)

static const char *config_place(struct config_part *part, const char *key)
{
	auto_text struct text path = { 0 };

	text_put(&path, text_slice(&part->at));
	if (key)
		text_printf(&path, ".%s", key);
	return toml_place(part->file->toml, text_str(&path));
}

/* Finds what is named like the word, for "did you mean". */
static const char *config_nearest(struct slice word, const char *(*name)(size_t n), size_t count)
{
	const char *nearest = NULL;
	size_t distance = 5; /* farther away is no typing error */

	for (size_t n = 0; n < count; n++) {
		size_t d = slice_distance(word, slice_of(name(n)));

		if (d >= distance)
			continue;
		distance = d;
		nearest = name(n);
	}
	return nearest;
}

static int config_unknown(struct config_part *part, const char *key, const char *what,
			  const char *word, const char *nearest)
{
	if (nearest)
		return config_say(part, key, "%s '%s' is not known; did you mean '%s'?", what, word,
				  nearest);
	return config_say(part, key, "%s '%s' is not known", what, word);
}

/* Takes a text out of a table; NULL, with err set, when it isn't there. */
static int config_take_text(struct config_part *part, json_t *table, const char *key,
			    char **ret_text)
{
	const char *text = json_string_value(json_object_get(table, key));

	if (!text)
		return config_say(part, json_object_get(table, key) ? key : NULL,
				  "'%s', a text in quotes, is missing", key);
	*ret_text = strdup(text);
	json_object_del(table, key);
	return *ret_text ? 0 : error_errno(part->err, ENOMEM, "read '%s'", key);
}

/* Reads what is left of a table by rows. */
static int config_read_rows(struct config_part *part, struct settings *settings, const char *prefix,
			    json_t *table)
{
	struct settings_file file = *part->file;
	auto_text struct text at = { 0 };

	text_put(&at, text_slice(&part->at));
	text_putc(&at, '.');
	file.settings = settings;
	file.at = text_str(&at);
	file.prefix = prefix;
	return settings_read_object(&file, table, part->err);
}

/* --- steps --- */

static const struct settings_table config_step_table = {
	.program = "step",
	.program_bit = 1,
	.rows = step_setting_rows,
};

static struct settings_table *config_step_rows(void)
{
	static struct settings_table table;

	table = config_step_table;
	table.row_count = step_setting_count;
	return &table;
}

static const char *config_step_name(size_t n)
{
	return step_kinds[n]->name;
}

static int config_read_pattern(struct config_part *part, json_t *table,
			       struct step_pattern *pattern)
{
	struct step_settings values = { 0 };
	struct settings settings;
	int r;

	if (!json_is_object(table))
		return config_say(part, NULL, "a pattern is { key, regex, replace_with }");
	r = settings_init(&settings, config_step_rows(), &values, part->err);
	if (r == 0)
		r = config_read_rows(part, &settings, "pattern.", table);
	if (r == 0) {
		pattern->key = take_ptr(values.allow);
		pattern->regex = take_ptr(values.keep);
		pattern->replace_with = take_ptr(values.drop);
		if (!pattern->replace_with)
			pattern->replace_with = strdup("");
	}
	settings_done(&settings);
	return r;
}

static int config_read_patterns(struct config_part *part, json_t *list, struct step_config *step)
{
	size_t bytes = part->at.bytes, count = json_array_size(list);
	int r = 0;

	if (!json_is_array(list))
		return config_say(part, "patterns",
				  "'patterns' is a list of { key, regex, replace_with }");
	step->values.patterns = calloc(count + 1, sizeof(*step->values.patterns));
	if (!step->values.patterns)
		return error_errno(part->err, ENOMEM, "read patterns");
	for (size_t n = 0; r == 0 && n < count; n++) {
		text_printf(&part->at, ".patterns.%zu", n);
		r = config_read_pattern(part, json_array_get(list, n),
					&step->values.patterns[step->values.pattern_count]);
		step->values.pattern_count += r == 0;
		part->at.bytes = bytes;
	}
	return r;
}

static int config_check_step(struct config_part *part, struct step_config *step)
{
	struct error why;

	if (!step->kind->check || step->kind->check(&step->values, &why) == 0)
		return 0;
	return config_say(part, NULL, "step %s: %s", step->kind->name, why.text);
}

static int config_find_step(struct config_part *part, json_t *table, struct step_config *step)
{
	auto_free char *type = NULL;
	int r = config_take_text(part, table, "type", &type);

	if (r < 0)
		return r;
	for (size_t n = 0; n < step_kind_count; n++)
		if (strcmp(step_kinds[n]->name, type) == 0)
			step->kind = step_kinds[n];
	if (step->kind)
		return 0;
	if (strcmp(type, "Exec") == 0)
		return config_say(part, "type",
				  "step 'Exec' ran a program for every event and is gone; give "
				  "the program a pipeline of its own, such as backend = \"HTTP\"");
	return config_unknown(part, "type", "step", type,
			      config_nearest(slice_of(type), config_step_name, step_kind_count));
}

static int config_read_step(struct config_part *part, json_t *table, struct step_config *step)
{
	char prefix[32];
	json_t *patterns;
	int r;

	if (!json_is_object(table))
		return config_say(part, NULL, "a step is a table with a 'type'");
	r = settings_init(&step->settings, config_step_rows(), &step->values, part->err);
	if (r == 0)
		r = config_find_step(part, table, step);
	if (r < 0)
		return r;
	patterns = json_object_get(table, "patterns");
	if (patterns && step->kind == &step_regex) {
		r = config_read_patterns(part, patterns, step);
		json_object_del(table, "patterns");
	}
	snprintf(prefix, sizeof(prefix), "%s.", step->kind->name);
	if (r == 0)
		r = config_read_rows(part, &step->settings, prefix, table);
	return r < 0 ? r : config_check_step(part, step);
}

static int config_read_steps(struct config_part *part, json_t *list)
{
	struct pipeline_config *pipeline = part->pipeline;
	size_t bytes = part->at.bytes, count = json_array_size(list);
	int r = 0;

	if (list && !json_is_array(list))
		return config_say(part, "steps", "'steps' is a list: write [[%s.steps]]",
				  text_str(&part->at));
	pipeline->steps = calloc(count + 1, sizeof(*pipeline->steps));
	if (!pipeline->steps)
		return error_errno(part->err, ENOMEM, "read steps");
	for (size_t n = 0; r == 0 && n < count; n++) {
		text_printf(&part->at, ".steps.%zu", n);
		pipeline->step_count++;
		r = config_read_step(part, json_array_get(list, n), &pipeline->steps[n]);
		part->at.bytes = bytes;
	}
	return r;
}

/* --- backends --- */

static const struct config_backend {
	const char *name, *prefix, *needs;
} config_backends[] = {
	{ "Console", "console.", "format" },
	{ "File", "logfile.", "filepath" },
	{ "Syslog", "syslog.", "format" },
	{ "HTTP", "http.", "url" },
	{ "S3", "s3.", "bucket" },
	{ "StatsD", "statsd.", "host" },
	{ "OTLP", "otlp.", "endpoint" },
	{ "NATS", "nats.", "url" },
	{ "Polycorder", "polycorder.", "auth_key" },
	{ "PagerDuty", "pagerduty.", "routing_key" },
};

/* What the environment says where the file says nothing. */
static const struct {
	const char *key, *variable;
} config_environment[] = {
	{ "s3.bucket", "AWS_S3_BUCKET" },
	{ "s3.bucket", "AWS_BUCKET" },
	{ "statsd.host", "STATSD_HOST" },
	{ "statsd.port", "STATSD_PORT" },
};

static const char *config_backend_name(size_t n)
{
	return config_backends[n].name;
}

static const struct config_backend *config_find_backend(struct config_part *part, json_t *table)
{
	auto_free char *name = NULL;

	if (config_take_text(part, table, "backend", &name) < 0)
		return NULL;
	for (size_t n = 0; n < array_count(config_backends); n++)
		if (strcasecmp(config_backends[n].name, name) == 0)
			return &config_backends[n];
	config_unknown(
		part, "backend", "backend", name,
		config_nearest(slice_of(name), config_backend_name, array_count(config_backends)));
	return NULL;
}

/* { "X-Key" = "value", ... } becomes lines of one text. */
static int config_read_headers(struct config_part *part, json_t *table, const char *prefix)
{
	json_t *headers = json_object_get(table, "headers"), *value;
	auto_text struct text words = { 0 };
	auto_text struct text key = { 0 };
	const char *name;

	if (!headers)
		return 0;
	text_printf(&key, "%sheader", prefix);
	if (!json_is_object(headers) || !settings_find(&part->config->table, text_str(&key)))
		return config_say(part, "headers", "'headers' is a table of an HTTP backend");
	json_object_foreach(headers, name, value) {
		if (!json_is_string(value) || strpbrk(name, "\r\n") ||
		    strpbrk(json_string_value(value), "\r\n"))
			return config_say(part, "headers", "header '%s' wants a text in one line",
					  name);
		if (words.bytes)
			text_putc(&words, '\n');
		text_printf(&words, "%s: %s", name, json_string_value(value));
	}
	if (words.bytes)
		json_object_set_new(table, "header", json_stringn(words.at, words.bytes));
	json_object_del(table, "headers");
	return 0;
}

static int config_read_environment(struct config_part *part, struct settings *settings,
				   const char *prefix)
{
	for (size_t n = 0; n < array_count(config_environment); n++) {
		const char *key = config_environment[n].key;
		const char *words = getenv(config_environment[n].variable);
		auto_text struct text place = { 0 };
		const struct setting *row = settings_find(settings->table, key);
		int r;

		if (!slice_starts(slice_of(key), slice_of(prefix)) || !words || !*words || !row ||
		    settings_source(settings, key) != SETTINGS_default)
			continue;
		text_printf(&place, "$%s", config_environment[n].variable);
		r = settings_set(settings, row, slice_of(words),
				 (struct settings_place){ SETTINGS_environment, text_str(&place) },
				 part->err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A backend that has a choice of formats, and none chosen, gets measurements. */
static void config_set_format(const struct pipeline_config *pipeline, const char *prefix)
{
	auto_text struct text key = { 0 };
	const struct setting *row;
	int *format;

	text_printf(&key, "%sformat", prefix);
	row = settings_find(pipeline->settings.table, text_str(&key));
	format = row ? (int *)((char *)pipeline->values + row->at) : NULL;
	if (format && *format < 0)
		*format = FORMAT_measurement;
}

static bool config_has_sink(const struct pipelines_config *config,
			    const struct pipeline_config *pipeline)
{
	return sink_any_wanted(pipeline_sink_settings(config, pipeline));
}

static int config_read_backend(struct config_part *part, json_t *table)
{
	struct pipeline_config *pipeline = part->pipeline;
	const struct config_backend *backend;
	size_t bytes = part->at.bytes;
	int r;

	if (!json_is_object(table))
		return config_say(part, NULL, "[%s.config] with a 'backend' is missing",
				  text_str(&part->at));
	text_put(&part->at, SLICE(".config"));
	backend = config_find_backend(part, table);
	if (!backend)
		return -EINVAL;
	r = config_read_headers(part, table, backend->prefix);
	if (r == 0)
		r = config_read_rows(part, &pipeline->settings, backend->prefix, table);
	if (r == 0)
		r = config_read_environment(part, &pipeline->settings, backend->prefix);
	if (r < 0)
		return r;
	config_set_format(pipeline, backend->prefix);
	if (!config_has_sink(part->config, pipeline))
		return config_say(part, "backend", "backend '%s' needs '%s'", backend->name,
				  backend->needs);
	part->at.bytes = bytes;
	return 0;
}

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

static void config_step_done(struct step_config *step)
{
	for (size_t n = 0; n < step->values.pattern_count; n++) {
		struct step_pattern *pattern = &step->values.patterns[n];

		regfree(&pattern->compiled);
		free(pattern->key);
		free(pattern->regex);
		free(pattern->replace_with);
	}
	free(step->values.patterns);
	filter_free(step->values.keep_filter);
	filter_free(step->values.drop_filter);
	settings_done(&step->settings);
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

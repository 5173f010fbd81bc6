/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/config_part.h"

#include <errno.h>
#include <stdio.h>

#include "event/encode.h"
#include "sink/sink.h"

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
		r = settings_set(
			settings, row, slice_of(words),
			(struct settings_place){ SETTINGS_environment, text_str(&place), NULL },
			part->err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A backend that has a choice of formats, and none chosen, gets measurements. */
static int config_set_format(struct config_part *part, const char *prefix)
{
	struct settings *settings = &part->pipeline->settings;
	auto_text struct text key = { 0 };
	const struct setting *row;

	text_printf(&key, "%sformat", prefix);
	row = settings_find(settings->table, text_str(&key));
	if (!row || *(int *)((char *)settings->values + row->at) >= 0)
		return 0;
	return settings_set(settings, row, slice_of(event_format_names[FORMAT_measurement]),
			    (struct settings_place){ SETTINGS_file, text_str(&key), NULL },
			    part->err);
}

static bool config_has_sink(const struct pipelines_config *config,
			    const struct pipeline_config *pipeline)
{
	return sink_any_wanted(pipeline_sink_settings(config, pipeline));
}

int config_read_backend(struct config_part *part, json_t *table)
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
	if (r == 0)
		r = config_set_format(part, backend->prefix);
	if (r < 0)
		return r;
	r = settings_check(&pipeline->settings, part->err);
	if (r < 0)
		return r;
	if (!config_has_sink(part->config, pipeline))
		return config_say(part, "backend", "backend '%s' needs '%s'", backend->name,
				  backend->needs);
	part->at.bytes = bytes;
	return 0;
}

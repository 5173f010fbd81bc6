/* SPDX-License-Identifier: Apache-2.0 */
/* [[probe]]: what is wanted by whom, and the settings of the sensors that find it out. */
#include "pipeline/config_part.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"

/* --- what osquery is asked --- */

static const char *const config_query_units[] = { "count", "byte", NULL };
static const char *const config_query_aggregations[] = { "counter", "gauge", "meter", "histogram",
							 NULL };

#define AT(member) .at = offsetof(struct osquery_query, member), .programs = 1
static const struct setting config_query_rows[] = {
	{ .key = "query.name", .type = SETTING_text, AT(name) },
	{ .key = "query.query", .type = SETTING_text, AT(query), .lines = true },
	{ .key = "query.pack", .type = SETTING_text, AT(pack) },
	{ .key = "query.measurement", .type = SETTING_text, AT(measurement) },
	{ .key = "query.measurement_type",
	  .type = SETTING_choice,
	  AT(unit),
	  .choices = config_query_units,
	  .fallback = "count" },
	{ .key = "query.aggregation_type",
	  .type = SETTING_choice,
	  AT(aggregation),
	  .choices = config_query_aggregations,
	  .fallback = "counter" },
	{ .key = "query.iterations", .type = SETTING_count, AT(iterations) },
	{ .key = "query.interval_ms",
	  .type = SETTING_duration,
	  AT(interval_ns),
	  .scale = NS_PER_MS,
	  .min = 100 * NS_PER_MS,
	  .max = 604800 * NS_PER_S },
	{ .key = "query.run_at_start", .type = SETTING_flag, AT(run_at_start) },
};

static const struct settings_table config_query_table = {
	.program = "query",
	.program_bit = 1,
	.rows = config_query_rows,
	.row_count = array_count(config_query_rows),
};

static int config_check_query(struct config_part *part, const struct osquery_query *query)
{
	if (!query->name)
		return config_say(part, NULL, "a query needs a 'name'");
	if (!query->query == !query->pack)
		return config_say(part, NULL, "query '%s' needs either 'query', in SQL, or 'pack'",
				  query->name);
	for (const char *at = query->query ? query->query : query->pack; *at == '-';)
		return config_say(part, query->query ? "query" : "pack",
				  "'%s' would be an option of osqueryi", at);
	return 0;
}

static int config_read_query(struct config_part *part, json_t *table)
{
	struct osquery_queries *queries = &part->config->queries;
	struct osquery_query *query;
	struct settings *settings;
	int r;

	if (!json_is_object(table))
		return config_say(part, NULL, "write [[probe.config.queries]]");
	query = &queries->items[queries->count];
	settings = &part->config->query_settings[queries->count++];
	r = settings_init(settings, &config_query_table, query, part->err);
	if (r == 0)
		r = config_read_rows(part, settings, "query.", table);
	return r < 0 ? r : config_check_query(part, query);
}

static int config_read_queries(struct config_part *part, json_t *list)
{
	struct pipelines_config *config = part->config;
	size_t bytes = part->at.bytes, count = json_array_size(list);
	int r = 0;

	if (!json_is_array(list))
		return config_say(part, "queries", "write [[probe.config.queries]]");
	if (config->queries.items)
		return config_say(part, "queries", "put all queries into one probe");
	config->queries.items = calloc(count + 1, sizeof(*config->queries.items));
	config->query_settings = calloc(count + 1, sizeof(*config->query_settings));
	if (!config->queries.items || !config->query_settings)
		return error_errno(part->err, ENOMEM, "read queries");
	for (size_t n = 0; r == 0 && n < count; n++) {
		text_printf(&part->at, ".queries.%zu", n);
		r = config_read_query(part, json_array_get(list, n));
		part->at.bytes = bytes;
	}
	return r;
}

void config_queries_done(struct pipelines_config *config)
{
	for (size_t n = 0; n < config->queries.count; n++)
		settings_done(&config->query_settings[n]);
	free(config->queries.items);
	free(config->query_settings);
	config->queries = (struct osquery_queries){ 0 };
	config->query_settings = NULL;
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
static int config_drop_key(struct config_part *part, const struct probe_kind *kind, const char *key)
{
	auto_text struct text row = { 0 };
	const char *const *dropped = kind->dropped;

	while (dropped && *dropped && strcmp(*dropped, key) != 0)
		dropped++;
	if (dropped && *dropped) {
		text_printf(&part->file->settings->notices, "%s:%s: '%s' has no effect here\n",
			    part->file->name, config_place(part, key), key);
		return 1;
	}
	text_printf(&row, "%s%s", kind->prefix ? kind->prefix : "", key);
	if (kind->prefix && settings_knows(part->file->settings->table, text_str(&row)))
		return 0;
	return config_say(part, key, "key '%s' is not known of probe '%s'", key, kind->name);
}

/* What is left of a probe's table are settings of its sensor. */
static int config_read_probe_keys(struct config_part *part, const struct probe_kind *kind,
				  json_t *table)
{
	const char *key;
	json_t *value;
	void *next;
	int r = 0;

	if (kind->has_queries && json_object_get(table, "queries")) {
		r = config_read_queries(part, json_object_get(table, "queries"));
		json_object_del(table, "queries");
	}
	json_object_foreach_safe(table, next, key, value)
	{
		if (r < 0)
			return r;
		r = config_drop_key(part, kind, key);
		if (r > 0)
			json_object_del(table, key);
	}
	if (r < 0 || !kind->prefix)
		return r < 0 ? r : 0;
	return config_read_rows(part, part->file->settings, kind->prefix, table);
}

/* A sensor that a probe asks for runs, unless its switch is off in so many words. */
static int config_switch_sensors(struct config_part *part, const struct probe_kind *kind)
{
	struct settings *settings = part->file->settings;

	for (const char *const *sensor = kind->sensors; *sensor; sensor++) {
		auto_text struct text key = { 0 };
		const struct setting *row;
		int r;

		text_printf(&key, "sensors.%s", *sensor);
		row = settings_find(settings->table, text_str(&key));
		if (!row)
			continue;
		r = settings_set(settings, row,
				 SLICE("true"),
				       (struct settings_place){ SETTINGS_default, row->key, NULL },
				       part->err);
		if (r < 0)
			return r;
	}
	if (probe_events(kind) == 0)
		text_printf(&settings->notices,
			    "%s:%s: no sensor of this program makes events for '%s'\n",
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
	wish->kind = kind;
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
	r = kind ? config_read_probe_keys(part, kind, settings) : -EINVAL;
	if (r == 0)
		r = config_switch_sensors(part, kind);
	part->at.bytes = bytes;
	json_array_foreach(names, n, name)
		if (r == 0)
			r = json_is_string(name)
				    ? config_add_wish(part, kind, json_string_value(name))
				    : config_say(part, "pipelines", "'pipelines' wants texts");
	return r;
}

int config_read_probes(struct config_part *part, json_t *list)
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

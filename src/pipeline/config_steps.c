/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/config_part.h"

#include <errno.h>
#include <stdio.h>

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
	struct settings settings = { 0 };
	int r = 0;

	if (!json_is_object(table))
		return config_say(part, NULL, "a pattern is { key, regex, ... }");
	/* It may be empty. */
	if (json_object_get(table, "replace_with"))
		r = config_take_text(part, table, "replace_with", &pattern->replace_with);
	else
		pattern->replace_with = strdup("");
	if (r == 0 && !pattern->replace_with)
		r = error_errno(part->err, ENOMEM, "read a pattern");
	if (r == 0)
		r = settings_init(&settings, config_step_rows(), &values, part->err);
	if (r == 0)
		r = config_read_rows(part, &settings, "pattern.", table);
	if (r == 0) {
		pattern->key = take_ptr(values.allow);
		pattern->regex = take_ptr(values.keep);
	}
	settings_done(&settings);
	return r;
}

static int config_read_patterns(struct config_part *part, json_t *list, struct step_config *step)
{
	const char *key = step->kind->patterns_key;
	size_t bytes = part->at.bytes, count = json_array_size(list);
	int r = 0;

	if (!json_is_array(list))
		return config_say(part, key, "'%s' is a list of { key, regex, ... }", key);
	step->values.patterns = calloc(count + 1, sizeof(*step->values.patterns));
	if (!step->values.patterns)
		return error_errno(part->err, ENOMEM, "read patterns");
	for (size_t n = 0; r == 0 && n < count; n++) {
		text_printf(&part->at, ".%s.%zu", key, n);
		r = config_read_pattern(part, json_array_get(list, n),
					&step->values.patterns[step->values.pattern_count++]);
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
	patterns =
		step->kind->patterns_key ? json_object_get(table, step->kind->patterns_key) : NULL;
	if (patterns) {
		r = config_read_patterns(part, patterns, step);
		json_object_del(table, step->kind->patterns_key);
	}
	snprintf(prefix, sizeof(prefix), "%s.", step->kind->name);
	if (r == 0)
		r = config_read_rows(part, &step->settings, prefix, table);
	return r < 0 ? r : config_check_step(part, step);
}

int config_read_steps(struct config_part *part, json_t *list)
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

void config_step_done(struct step_config *step)
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/settings_row.h"

#include <ctype.h>
#include <errno.h>

const struct setting *settings_find(const struct settings_table *table, const char *key)
{
	for (size_t n = 0; n < table->row_count; n++) {
		const struct setting *row = &table->rows[n];

		if (row->key && setting_is_ours(table, row) && strcmp(row->key, key) == 0)
			return row;
	}
	return NULL;
}

bool settings_knows(const struct settings_table *table, const char *key)
{
	for (size_t n = 0; n < table->alias_count; n++)
		if (strcmp(table->aliases[n].old_key, key) == 0)
			return true;
	return settings_find(table, key) != NULL;
}

unsigned char *settings_source_of(const struct settings *settings, const struct setting *row)
{
	return &settings->sources[row - settings->table->rows];
}

/* Remembers where a file sets a row, and that it may do so once: under one name. */
static int settings_keep_place(struct settings *settings, const struct setting *row,
			       struct settings_place place, struct error *err)
{
	char **kept = &settings->places[row - settings->table->rows];

	if (!place.line)
		return 0;
	if (*kept)
		return error_say(err, EINVAL, "%s: is '%s', which is set at %s already",
				 place.words, row->key, *kept);
	*kept = strdup(place.line);
	return *kept ? 0 : error_errno(err, ENOMEM, "%s", place.words);
}

static void settings_clear_text(const struct settings *settings, const struct setting *row)
{
	char **text = (char **)((char *)settings->values + row->at);

	free(*text);
	*text = NULL;
}

/* Sets a row, unless a source of higher rank has set it. */
int settings_set(struct settings *settings, const struct setting *row, struct slice words,
		 struct settings_place place, struct error *err)
{
	unsigned char *source = settings_source_of(settings, row);
	int r = settings_keep_place(settings, row, place, err);

	if (r < 0 || *source > place.source)
		return r;
	/* Lists add up within one source. */
	if (row->type == SETTING_list && *source < place.source)
		settings_clear_text(settings, row);
	r = setting_parse(row, words, (char *)settings->values + row->at, place.words, err);
	if (r == 0)
		*source = (unsigned char)place.source;
	return r;
}

int settings_init(struct settings *settings, const struct settings_table *table, void *values,
		  struct error *err)
{
	*settings = (struct settings){ .table = table, .values = values };
	settings->sources = calloc(table->row_count, 1);
	settings->places = calloc(table->row_count, sizeof(*settings->places));
	if (!settings->sources || !settings->places)
		return error_errno(err, ENOMEM, "make room for the settings");
	for (size_t n = 0; n < table->row_count; n++) {
		const struct setting *row = &table->rows[n];
		struct settings_place place = { SETTINGS_default, row->key, NULL };
		int r;

		if (!setting_is_ours(table, row))
			continue;
		if (row->type == SETTING_choice)
			*(int *)((char *)values + row->at) = -1;
		if (!row->fallback)
			continue;
		r = settings_set(settings, row, slice_of(row->fallback), place, err);
		if (r < 0)
			return r;
	}
	return 0;
}

void settings_done(struct settings *settings)
{
	for (size_t n = 0; settings->table && n < settings->table->row_count; n++) {
		const struct setting *row = &settings->table->rows[n];

		if (setting_is_text(row))
			settings_clear_text(settings, row);
	}
	for (size_t n = 0; settings->places && n < settings->table->row_count; n++)
		free(settings->places[n]);
	free(settings->places);
	free(settings->sources);
	text_done(&settings->notices);
	*settings = (struct settings){ 0 };
}

enum settings_source settings_source(const struct settings *settings, const char *key)
{
	const struct setting *row = settings_find(settings->table, key);

	return row ? *settings_source_of(settings, row) : SETTINGS_default;
}

const char *settings_place(const struct settings *settings, const char *key)
{
	const struct setting *row = settings_find(settings->table, key);

	return row ? settings->places[row - settings->table->rows] : NULL;
}

const char *settings_other_option(const struct settings *settings, const char *except)
{
	for (size_t n = 0; n < settings->table->row_count; n++) {
		const struct setting *row = &settings->table->rows[n];

		if (settings->sources[n] == SETTINGS_option && strcmp(row->option, except) != 0)
			return row->option;
	}
	return NULL;
}

int settings_check(const struct settings *settings, struct error *err)
{
	for (size_t n = 0; n < settings->table->row_count; n++) {
		const struct setting *row = &settings->table->rows[n];
		const struct setting *other;

		if (!row->needs || settings->sources[n] == SETTINGS_default)
			continue;
		other = settings_find(settings->table, row->needs);
		if (!other || *settings_source_of(settings, other) != SETTINGS_default)
			continue;
		if (settings->sources[n] == SETTINGS_option && other->option)
			return error_say(err, EINVAL, "option '--%s' needs '--%s'", row->option,
					 other->option);
		if (settings->places[n])
			return error_say(err, EINVAL, "%s: '%s' needs '%s'", settings->places[n],
					 row->key, other->key);
		return error_say(err, EINVAL, "'%s' needs '%s'", row->key, other->key);
	}
	return 0;
}

/* --- the environment --- */

void settings_variable(const char *key, struct text *out)
{
	text_put(out, SLICE("BULWARK_"));
	for (; *key; key++)
		text_putc(out,
			  isalnum((unsigned char)*key) ? (char)toupper((unsigned char)*key) : '_');
}

int settings_read_environment(struct settings *settings, struct error *err)
{
	const struct settings_table *table = settings->table;

	for (size_t n = 0; n < table->row_count; n++) {
		const struct setting *row = &table->rows[n];
		auto_text struct text name = { 0 };
		struct settings_place place = { .source = SETTINGS_environment };
		const char *words;
		int r;

		if (!row->key || !setting_is_ours(table, row))
			continue;
		text_putc(&name, '$');
		settings_variable(row->key, &name);
		place.words = text_str(&name);
		words = getenv(place.words + (name.bytes ? 1 : 0));
		if (!words)
			continue;
		r = settings_set(settings, row, slice_of(words), place, err);
		if (r < 0)
			return r;
	}
	return 0;
}

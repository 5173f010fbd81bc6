/* SPDX-License-Identifier: Apache-2.0 */
#include "base/settings_row.h"

#include <errno.h>

#include "base/file.h"
#include "base/toml.h"

struct settings_file {
	struct settings *settings;
	const char *name;
	struct toml_file toml;
};

/* Keeps `candidate` when it is nearer to the key than what was kept. */
static void settings_keep_nearer(struct slice key, struct slice candidate, struct slice *nearest,
				 size_t *distance)
{
	size_t d = slice_distance(key, candidate);

	if (candidate.bytes && d < *distance) {
		*distance = d;
		*nearest = candidate;
	}
}

static int settings_unknown_key(const struct settings_file *file, const char *key,
				struct error *err)
{
	const struct settings_table *table = file->settings->table;
	const char *place = toml_place(&file->toml, key);
	struct slice wanted = slice_of(key), nearest = { NULL, 0 };
	size_t distance = 5; /* farther away is no typing error */

	for (size_t n = 0; n < table->row_count; n++) {
		struct slice known = slice_of(table->rows[n].key);
		ssize_t dot = slice_find_last(known, SLICE("."));

		if (!known.at || !setting_is_ours(table, &table->rows[n]))
			continue;
		settings_keep_nearer(wanted, known, &nearest, &distance);
		settings_keep_nearer(wanted, slice_first(known, dot > 0 ? (size_t)dot : 0),
				     &nearest, &distance);
	}
	if (nearest.bytes)
		return error_say(err, EINVAL, "%s:%s: key '%s' is not known; did you mean '%.*s'?",
				 file->name, place, key, SLICE_ARG(nearest));
	return error_say(err, EINVAL, "%s:%s: key '%s' is not known", file->name, place, key);
}

/* A TOML value in the words that setting_parse() reads; false when the type can't serve. */
static bool settings_words(const struct setting *row, const json_t *value, struct text *out)
{
	if (json_is_string(value) && row->type != SETTING_flag && row->type != SETTING_count)
		text_put(out,
			 (struct slice){ json_string_value(value), json_string_length(value) });
	else if (json_is_boolean(value) && row->type == SETTING_flag)
		text_put(out, json_is_true(value) ? SLICE("true") : SLICE("false"));
	else if (json_is_integer(value) && !setting_is_text(row) && row->type != SETTING_flag &&
		 row->type != SETTING_choice)
		text_printf(out, "%lld", (long long)json_integer_value(value));
	else
		return false;
	return true;
}

static int settings_set_key(struct settings_file *file, const struct setting *row, const char *key,
			    const json_t *value, struct error *err)
{
	static const char *const wanted[] = {
		[SETTING_text] = "a text in quotes",
		[SETTING_secret] = "a text in quotes",
		[SETTING_lines] = "a text in quotes",
		[SETTING_flag] = "true or false, without quotes",
		[SETTING_count] = "a whole number",
		[SETTING_tally] = "a whole number",
		[SETTING_bytes] = "a number, or a text such as \"16M\"",
		[SETTING_duration] = "a number, or a text such as \"10s\"",
		[SETTING_choice] = "a text in quotes",
	};
	auto_text struct text words = { 0 };
	auto_text struct text place = { 0 };

	text_printf(&place, "%s:%s: '%s'", file->name, toml_place(&file->toml, key), key);
	if (!settings_words(row, value, &words))
		return error_say(err, EINVAL, "%s wants %s", text_str(&place), wanted[row->type]);
	return settings_set(file->settings, row, text_slice(&words),
			    (struct settings_place){ SETTINGS_file, text_str(&place) }, err);
}

/* Follows an old name to the row that took its place; false when it is none. */
static bool settings_follow_alias(struct settings_file *file, const char *key,
				  const struct setting **ret_row)
{
	const struct settings_table *table = file->settings->table;

	for (size_t n = 0; n < table->alias_count; n++) {
		const struct setting_alias *alias = &table->aliases[n];

		if (strcmp(alias->old_key, key) != 0)
			continue;
		*ret_row = alias->key ? settings_find(table, alias->key) : NULL;
		if (alias->key)
			text_printf(&file->settings->notices,
				    "%s:%s: '%s' is the old name of '%s'\n", file->name,
				    toml_place(&file->toml, key), key, alias->key);
		else
			text_printf(&file->settings->notices,
				    "%s:%s: '%s' has no effect any more\n", file->name,
				    toml_place(&file->toml, key), key);
		return true;
	}
	return false;
}

/* Whether some key, of today or old, lies below this path. */
static bool settings_is_table(const struct settings_table *table, const char *path)
{
	size_t bytes = strlen(path);

	for (size_t n = 0; n < table->row_count; n++) {
		const char *key = table->rows[n].key;

		if (key && setting_is_ours(table, &table->rows[n]) &&
		    strncmp(key, path, bytes) == 0 && key[bytes] == '.')
			return true;
	}
	for (size_t n = 0; n < table->alias_count; n++)
		if (strncmp(table->aliases[n].old_key, path, bytes) == 0 &&
		    table->aliases[n].old_key[bytes] == '.')
			return true;
	return false;
}

static int settings_read_table(struct settings_file *file, const char *path, json_t *table,
			       struct error *err);

static int settings_read_key(struct settings_file *file, const char *key, json_t *value,
			     struct error *err)
{
	const struct settings_table *table = file->settings->table;
	const struct setting *row = settings_find(table, key);

	if (!row && settings_follow_alias(file, key, &row) && !row)
		return 0;
	if (row)
		return settings_set_key(file, row, key, value, err);
	if (!settings_is_table(table, key))
		return settings_unknown_key(file, key, err);
	if (!json_is_object(value))
		return error_say(err, EINVAL, "%s:%s: '%s' is a table: write [%s]", file->name,
				 toml_place(&file->toml, key), key, key);
	return settings_read_table(file, key, value, err);
}

static int settings_read_table(struct settings_file *file, const char *path, json_t *table,
			       struct error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach(table, name, value) {
		auto_text struct text key = { 0 };
		int r;

		if (*path)
			text_printf(&key, "%s.", path);
		text_put(&key, slice_of(name));
		r = settings_read_key(file, text_str(&key), value, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int settings_read_text(struct settings *settings, struct slice text, const char *name,
		       struct error *err)
{
	struct settings_file file = { .settings = settings, .name = name };
	int r;

	r = toml_parse(text.at, text.bytes, name, &file.toml, err);
	if (r < 0)
		return r;
	r = settings_read_table(&file, "", file.toml.tree, err);
	toml_done(&file.toml);
	return r;
}

int settings_read_file(struct settings *settings, const char *path, struct error *err)
{
	auto_text struct text text = { 0 };
	int r;

	r = file_read(path, 1 << 20, &text, err);
	if (r < 0)
		return r;
	return settings_read_text(settings, text_slice(&text), path, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/config_part.h"

#include <errno.h>

const char *config_place(struct config_part *part, const char *key)
{
	auto_text struct text path = { 0 };

	text_put(&path, text_slice(&part->at));
	if (key)
		text_printf(&path, ".%s", key);
	return toml_place(part->file->toml, text_str(&path));
}

const char *config_nearest(struct slice word, const char *(*name)(size_t n), size_t count)
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

int config_unknown(struct config_part *part, const char *key, const char *what, const char *word,
		   const char *nearest)
{
	if (nearest)
		return config_say(part, key, "%s '%s' is not known; did you mean '%s'?", what, word,
				  nearest);
	return config_say(part, key, "%s '%s' is not known", what, word);
}

int config_take_text(struct config_part *part, json_t *table, const char *key, char **ret_text)
{
	const char *text = json_string_value(json_object_get(table, key));

	if (!text)
		return config_say(part, json_object_get(table, key) ? key : NULL,
				  "'%s', a text in quotes, is missing", key);
	*ret_text = strdup(text);
	json_object_del(table, key);
	return *ret_text ? 0 : error_errno(part->err, ENOMEM, "read '%s'", key);
}

int config_read_rows(struct config_part *part, struct settings *settings, const char *prefix,
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

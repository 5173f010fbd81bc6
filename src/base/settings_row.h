/* SPDX-License-Identifier: Apache-2.0 */
/* settings_row - what the parts of settings share: rows, their values, and where these came from.
 */
#ifndef BASE_SETTINGS_ROW_H
#define BASE_SETTINGS_ROW_H

#include "base/settings.h"

/* Where a value came from, for error messages: "--node", "$BULWARK_X", "file:3:1: 'a.b'". */
struct settings_place {
	enum settings_source source;
	const char *words;
	const char *line; /* "file:3:1"; NULL for what is no file */
};

/* Whether the program of this table has the row. */
bool setting_is_ours(const struct settings_table *table, const struct setting *row);
bool setting_is_text(const struct setting *row);
/* Whether its option is followed by a value. */
bool setting_takes_word(const struct setting *row);

/* The row with this key, or NULL. */
const struct setting *settings_find(const struct settings_table *table, const char *key);
/* Whether the key is one, of today or old. */
bool settings_knows(const struct settings_table *table, const char *key);
unsigned char *settings_source_of(const struct settings *settings, const struct setting *row);

/* "BULWARK_..." of a key. */
void settings_variable(const char *key, struct text *out);

/* Reads words into the value at `at`, which has the row's type. -EINVAL, -ERANGE, -ENOMEM. */
must_check int setting_parse(const struct setting *row, struct slice words, void *at,
			     const char *place, struct error *err);

/* Sets a row, unless a source of higher rank has set it. */
must_check int settings_set(struct settings *settings, const struct setting *row,
			    struct slice words, struct settings_place place, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings_file - for those who read parts of a settings file that no row of its table describes,
 * such as arrays of tables: their own tables of rows, with the same words for what is wrong.
 */
#ifndef BASE_SETTINGS_FILE_H
#define BASE_SETTINGS_FILE_H

#include "base/settings_row.h"

struct toml_file;
struct json_t;

/* A table within a file, and the settings that it is read into. */
struct settings_file {
	struct settings *settings;
	const char *name; /* the file's, for people */
	const struct toml_file *toml;
	const char *at;	    /* the table's path and a dot; "" for the whole file */
	const char *prefix; /* what stands before its keys in the rows; "" for nothing */
};

/* Reads the keys of a table into the rows. */
must_check int settings_read_object(const struct settings_file *file, struct json_t *object,
				    struct error *err);

/* "line:column" of a key of the table. Borrowed. */
const char *settings_file_place(const struct settings_file *file, const char *key);

/* Says that the key is not known, and which one may have been meant. -EINVAL. */
int settings_unknown_key(const struct settings_file *file, const char *key, struct error *err);

#endif

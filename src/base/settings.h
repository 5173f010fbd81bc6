/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings - one row for each thing a user can set: its command line option, its key in the TOML
 * file, its environment variable, default, help and man page entry all come from the row.
 *
 * Precedence: command line, then environment, then file, then default. The environment variable is
 * derived from the key: "polycorder.auth_key" is BULWARK_POLYCORDER_AUTH_KEY.
 *
 * Errors name the place (file:line:column, option or variable), the reason and the remedy, with
 * the nearest known name for one that isn't.
 */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include "base/error.h"
#include "base/text.h"

enum setting_type {
	SETTING_text,	  /* char *, owned; NULL = not set */
	SETTING_secret,	  /* the same, never printed back */
	SETTING_flag,	  /* bool */
	SETTING_count,	  /* uint64_t */
	SETTING_bytes,	  /* uint64_t; "64k", "16M", "1G" (powers of 1024) */
	SETTING_duration, /* uint64_t nanoseconds; "500ms", "10s", "5m", "1h", or a bare number of
			     `scale` ns */
	SETTING_list,	  /* char *, owned: texts, one a line; an option given again adds one;
			     NULL = not set */
	SETTING_choice,	  /* int: index into `choices`; -1 = not set */
	SETTING_tally,	  /* uint64_t: counts how often the option is given; a number in the file */
};

struct setting {
	const char *key;	  /* dotted path in the file; NULL: command line only */
	const char *option;	  /* long option; NULL: file and environment only */
	const char *option_value; /* set: the option takes this word to switch the row on, and other
				     rows may share the option */
	char letter;		  /* short option, or 0 */
	bool lines;		  /* a text that may have several lines */
	enum setting_type type;
	size_t at;		    /* offset in the program's settings struct */
	const char *fallback;	    /* default, as a user would write it; NULL: not set */
	const char *const *choices; /* SETTING_choice: NULL-terminated */
	uint64_t min, max;	    /* counts, bytes and durations; max 0 = no limit */
	uint64_t scale;		    /* SETTING_duration: ns of a bare number's unit */
	const char *argument;	    /* what help calls the value */
	const char *needs;	    /* key that must be set too */
	const char *help;	    /* one sentence without a full stop */
	unsigned int programs;	    /* bits: who has it */
};

/* A key of an older release, still accepted with a notice. `key` NULL: read and ignored. */
struct setting_alias {
	const char *old_key, *key;
};

struct settings_table {
	const char *program;
	unsigned int program_bit;
	const struct setting *rows;
	size_t row_count;
	const struct setting_alias *aliases;
	size_t alias_count;
};

enum settings_source {
	SETTINGS_default,
	SETTINGS_file,
	SETTINGS_environment,
	SETTINGS_option,
};

struct json_t;
struct settings_file;

struct settings {
	const struct settings_table *table;
	void *values;
	unsigned char *sources; /* enum settings_source, for each row */
	char **places;		/* "file:line:column" of each row that a file has set, or NULL */
	struct text notices;	/* what a user should know though nothing is wrong; one a line */
	/* Set after settings_init(), NULL: nobody. Is asked about keys of a file that no row has
	 * (base/settings_file.h): 1 when it has read it, 0 when it knows no such key, or -errno. */
	int (*read_other)(const struct settings_file *file, const char *key, struct json_t *value,
			  struct error *err);
	void *owner; /* for read_other */
};

/* Fills `values` (zeroed, as large as the rows' offsets say) with the defaults. */
must_check int settings_init(struct settings *settings, const struct settings_table *table,
			     void *values, struct error *err);
/* Frees the texts among the values. */
void settings_done(struct settings *settings);

/* Options, from argv[1]; *rest = index of the first argument that is none. */
must_check int settings_read_options(struct settings *settings, int argc, char **argv, int *rest,
				     struct error *err);
must_check int settings_read_environment(struct settings *settings, struct error *err);
must_check int settings_read_file(struct settings *settings, const char *path, struct error *err);
/* A file's text, already read; `name` is what errors call it. */
must_check int settings_read_text(struct settings *settings, struct slice text, const char *name,
				  struct error *err);

/* What only the whole can show: rows that need others. Run it last. */
must_check int settings_check(const struct settings *settings, struct error *err);

/* Where the row with this key got its value; SETTINGS_default for a key that isn't there. */
enum settings_source settings_source(const struct settings *settings, const char *key);

/* "file:line:column" of the key, for errors that only the whole can show; NULL when no file set it.
 */
const char *settings_place(const struct settings *settings, const char *key);

/* The option of some row that was given on the command line and is not `except`, or NULL. */
const char *settings_other_option(const struct settings *settings, const char *except);

/* The options for --help; the file's keys with their defaults, as a commented TOML file; the man
 * page's OPTIONS and FILES in mdoc(7). */
void settings_print_help(const struct settings_table *table, struct text *out);
void settings_print_sample(const struct settings_table *table, struct text *out);
void settings_print_man(const struct settings_table *table, struct text *out);

#endif

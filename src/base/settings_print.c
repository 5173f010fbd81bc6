/* SPDX-License-Identifier: Apache-2.0 */
#include "base/settings_row.h"

static const char *setting_argument(const struct setting *row)
{
	return row->argument ? row->argument : "VALUE";
}

static void setting_put_value(const struct setting *row, struct text *out)
{
	if (row->choices)
		for (size_t n = 0; row->choices[n]; n++)
			text_printf(out, "%s%s", n ? "|" : "", row->choices[n]);
	else
		text_put(out, slice_of(setting_argument(row)));
}

void settings_print_help(const struct settings_table *table, struct text *out)
{
	for (size_t n = 0; n < table->row_count; n++) {
		const struct setting *row = &table->rows[n];

		if (!row->option || !setting_is_ours(table, row))
			continue;
		text_put(out, SLICE("  "));
		if (row->letter)
			text_printf(out, "-%c, ", row->letter);
		text_printf(out, "--%s", row->option);
		if (row->option_value)
			text_printf(out, " %s", row->option_value);
		else if (setting_takes_word(row)) {
			text_putc(out, ' ');
			setting_put_value(row, out);
		}
		text_printf(out, "\n\t%s", row->help);
		if (row->fallback && row->type != SETTING_tally)
			text_printf(out, " (default %s)", row->fallback);
		text_putc(out, '\n');
	}
}

/* The key's table; empty at the top. */
static struct slice setting_table(const char *key)
{
	const char *dot = strrchr(key, '.');

	return (struct slice){ key, dot ? (size_t)(dot - key) : 0 };
}

static void setting_print_sample(const struct setting *row, struct text *out)
{
	bool bare = row->type == SETTING_flag || row->type == SETTING_count ||
		    row->type == SETTING_tally;
	struct slice table = setting_table(row->key);
	const char *name = row->key + table.bytes + (table.bytes ? 1 : 0);
	const char *example = row->fallback		  ? row->fallback
			      : row->choices		  ? row->choices[0]
			      : !bare			  ? ""
			      : row->type == SETTING_flag ? "false"
							  : "0";

	text_printf(out, "# %s\n", row->help);
	if (row->choices) {
		text_put(out, SLICE("# one of "));
		setting_put_value(row, out);
		text_putc(out, '\n');
	}
	text_printf(out, bare ? "#%s = %s\n" : "#%s = \"%s\"\n", name, example);
}

/* All rows of one table; keys at the top have to come first in a file. */
static void settings_print_sample_table(const struct settings_table *table, struct slice name,
					struct text *out)
{
	if (name.bytes)
		text_printf(out, "\n[%.*s]\n", SLICE_ARG(name));
	for (size_t n = 0; n < table->row_count; n++) {
		const struct setting *row = &table->rows[n];

		if (row->key && setting_is_ours(table, row) &&
		    slice_eq(setting_table(row->key), name))
			setting_print_sample(row, out);
	}
}

/* Whether a row before this one is in the same table. */
static bool settings_table_seen(const struct settings_table *table, size_t row_at)
{
	struct slice name = setting_table(table->rows[row_at].key);

	for (size_t n = 0; n < row_at; n++)
		if (table->rows[n].key && setting_is_ours(table, &table->rows[n]) &&
		    slice_eq(setting_table(table->rows[n].key), name))
			return true;
	return false;
}

void settings_print_sample(const struct settings_table *table, struct text *out)
{
	settings_print_sample_table(table, (struct slice){ "", 0 }, out);
	for (size_t n = 0; n < table->row_count; n++) {
		const struct setting *row = &table->rows[n];

		if (row->key && setting_is_ours(table, row) && setting_table(row->key).bytes &&
		    !settings_table_seen(table, n))
			settings_print_sample_table(table, setting_table(row->key), out);
	}
}

static void setting_man_row(const struct setting *row, struct text *out)
{
	auto_text struct text variable = { 0 };

	if (row->option) {
		text_printf(out, ".It Fl -%s", row->option);
		if (row->option_value)
			text_printf(out, " %s", row->option_value);
		else if (setting_takes_word(row)) {
			text_put(out, SLICE(" Ar "));
			setting_put_value(row, out);
		}
		text_putc(out, '\n');
	} else {
		text_printf(out, ".It Ic %s\n", row->key);
	}
	text_printf(out, "%s.\n", row->help);
	if (row->fallback && row->type != SETTING_tally)
		text_printf(out, "Default: %s.\n", row->fallback);
	if (!row->key)
		return;
	settings_variable(row->key, &variable);
	text_printf(out, "File: %s, environment: %s.\n", row->key, text_str(&variable));
}

void settings_print_man(const struct settings_table *table, struct text *out)
{
	text_put(out, SLICE(".Bl -tag -width Ds\n"));
	for (size_t n = 0; n < table->row_count; n++)
		if (setting_is_ours(table, &table->rows[n]))
			setting_man_row(&table->rows[n], out);
	text_put(out, SLICE(".El\n"));
}

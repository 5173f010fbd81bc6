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
		if (row->fallback && row->type != SETTING_flag && row->type != SETTING_tally)
			text_printf(out, " (default %s)", row->fallback);
		text_putc(out, '\n');
	}
}

/* "[table]" when the row's table differs from the one before. Returns the key's last part. */
static const char *setting_put_header(const char *key, struct slice *table, struct text *out)
{
	const char *dot = strrchr(key, '.');
	struct slice path = { key, dot ? (size_t)(dot - key) : 0 };

	if (!slice_eq(path, *table))
		text_printf(out, "\n[%.*s]\n", SLICE_ARG(path));
	*table = path;
	return dot ? dot + 1 : key;
}

void settings_print_sample(const struct settings_table *table, struct text *out)
{
	struct slice section = { 0 };

	for (size_t n = 0; n < table->row_count; n++) {
		const struct setting *row = &table->rows[n];
		bool bare = row->type == SETTING_flag || row->type == SETTING_count ||
			    row->type == SETTING_tally;
		const char *name;

		if (!row->key || !setting_is_ours(table, row))
			continue;
		name = setting_put_header(row->key, &section, out);
		text_printf(out, "# %s\n", row->help);
		if (row->choices) {
			text_put(out, SLICE("# one of "));
			setting_put_value(row, out);
			text_putc(out, '\n');
		}
		if (row->fallback)
			text_printf(out, bare ? "#%s = %s\n" : "#%s = \"%s\"\n", name,
				    row->fallback);
		else
			text_printf(out, bare ? "#%s =\n" : "#%s = \"\"\n", name);
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
	if (row->fallback && row->type != SETTING_flag && row->type != SETTING_tally)
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

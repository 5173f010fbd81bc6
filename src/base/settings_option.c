/* SPDX-License-Identifier: Apache-2.0 */
#include "base/settings_row.h"

#include <errno.h>
#include <getopt.h>

struct settings_options {
	struct option *longs;
	const struct setting **rows; /* for each long option */
	char *letters;
	size_t count;
};

static void settings_options_done(struct settings_options *options)
{
	free(options->longs);
	free(options->rows);
	free(options->letters);
}

/* What getopt_long() wants, made from the rows. */
static int settings_options_init(struct settings_options *options,
				 const struct settings_table *table, struct error *err)
{
	size_t letter_count = 0;

	*options = (struct settings_options){
		.longs = calloc(table->row_count + 1, sizeof(struct option)),
		.rows = calloc(table->row_count, sizeof(struct setting *)),
		.letters = calloc(table->row_count * 2 + 2, 1),
	};
	if (!options->longs || !options->rows || !options->letters)
		return error_errno(err, ENOMEM, "read the command line");
	options->letters[letter_count++] = '+'; /* stop at the first that is no option */
	for (size_t n = 0; n < table->row_count; n++) {
		const struct setting *row = &table->rows[n];
		struct option *option = &options->longs[options->count];

		if (!row->option || !setting_is_ours(table, row))
			continue;
		if (options->count && strcmp(option[-1].name, row->option) == 0)
			continue; /* rows that share an option stand together */
		option->name = row->option;
		option->has_arg = setting_takes_word(row) ? required_argument : no_argument;
		options->rows[options->count++] = row;
		if (!row->letter)
			continue;
		options->letters[letter_count++] = row->letter;
		if (setting_takes_word(row))
			options->letters[letter_count++] = ':';
	}
	return 0;
}

/* The row that an option's word selects among those that share it. */
static const struct setting *settings_pick_row(const struct settings_table *table,
					       const struct setting *row, const char *word,
					       struct error *err)
{
	auto_text struct text known = { 0 };
	const struct setting *end = table->rows + table->row_count;
	const char *option = row->option;

	for (; row < end && row->option && strcmp(row->option, option) == 0; row++) {
		if (strcasecmp(row->option_value, word) == 0)
			return row;
		text_printf(&known, "%s'%s'", known.bytes ? ", " : "", row->option_value);
	}
	error_say(err, EINVAL, "option '--%s': '%s' is not known; use %s", option, word,
		  text_str(&known));
	return NULL;
}

static int settings_set_option(struct settings *settings, const struct setting *row,
			       const char *word, struct error *err)
{
	char words[80];
	struct settings_place place = { SETTINGS_option, words, NULL };

	snprintf(words, sizeof(words), "option '--%s'", row->option);
	if (row->option_value) {
		row = settings_pick_row(settings->table, row, word, err);
		if (!row)
			return -EINVAL;
		word = "true";
	}
	if (row->type == SETTING_tally) {
		++*(uint64_t *)((char *)settings->values + row->at);
		*settings_source_of(settings, row) = SETTINGS_option;
		return 0;
	}
	if (*settings_source_of(settings, row) == SETTINGS_option && row->type != SETTING_list)
		return error_say(err, EINVAL, "%s is given twice", words);
	return settings_set(settings, row, word ? slice_of(word) : SLICE("true"), place, err);
}

static int settings_unknown_option(const struct settings_options *options, const char *word,
				   struct error *err)
{
	struct slice name = slice_of(word);
	const char *nearest = NULL;
	size_t distance = 4;

	while (slice_eat(&name, SLICE("-")))
		;
	slice_cut(&name, '=', &name);
	if (distance > name.bytes)
		distance = name.bytes; /* no letter left of it would be no likeness */
	for (size_t n = 0; n < options->count; n++) {
		size_t d = slice_distance(name, slice_of(options->longs[n].name));

		if (d < distance) {
			distance = d;
			nearest = options->longs[n].name;
		}
	}
	if (nearest)
		return error_say(err, EINVAL, "option '%s' is not known; did you mean '--%s'?",
				 word, nearest);
	return error_say(err, EINVAL, "option '%s' is not known; see --help", word);
}

/* getopt_long() takes any unambiguous beginning for a long option: what that is would change with
 * every option that is added. */
static bool settings_is_whole(const char *word, const char *option)
{
	size_t bytes = strlen(option);

	return strncmp(word, "--", 2) == 0 && strncmp(word + 2, option, bytes) == 0 &&
	       (word[2 + bytes] == '\0' || word[2 + bytes] == '=');
}

static const struct setting *settings_row_of_letter(const struct settings_options *options, int c)
{
	for (size_t n = 0; n < options->count; n++)
		if (options->rows[n]->letter == c)
			return options->rows[n];
	return NULL;
}

static int settings_run_getopt(struct settings *settings, const struct settings_options *options,
			       int argc, char **argv, struct error *err)
{
	optind = 0; /* also forgets an earlier run */
	opterr = 0;
	for (;;) {
		int before = optind ? optind : 1, at = 0, c, r;
		const struct setting *row;

		c = getopt_long(argc, argv, options->letters, options->longs, &at);
		if (c == -1)
			return 0;
		if (c == '?') {
			const char *word = argv[before];

			for (size_t n = 0; n < options->count; n++)
				if (strncmp(word, "--", 2) == 0 &&
				    strcmp(word + 2, options->longs[n].name) == 0)
					return error_say(err, EINVAL, "option '%s' needs a value",
							 word);
			return settings_unknown_option(options, word, err);
		}
		if (c == 0 && !settings_is_whole(argv[before], options->rows[at]->option))
			return settings_unknown_option(options, argv[before], err);
		row = c ? settings_row_of_letter(options, c) : options->rows[at];
		r = settings_set_option(settings, row, optarg, err);
		if (r < 0)
			return r;
	}
}

int settings_read_options(struct settings *settings, int argc, char **argv, int *rest,
			  struct error *err)
{
	struct settings_options options;
	int r;

	r = settings_options_init(&options, settings->table, err);
	if (r == 0)
		r = settings_run_getopt(settings, &options, argc, argv, err);
	if (r == 0)
		*rest = optind;
	settings_options_done(&options);
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/settings_row.h"

#include <ctype.h>
#include <errno.h>

#include "base/clock.h"

bool setting_is_ours(const struct settings_table *table, const struct setting *row)
{
	return row->programs & table->program_bit;
}

bool setting_is_text(const struct setting *row)
{
	return row->type == SETTING_text || row->type == SETTING_secret ||
	       row->type == SETTING_list;
}

bool setting_takes_word(const struct setting *row)
{
	return row->option_value || (row->type != SETTING_flag && row->type != SETTING_tally);
}

struct setting_unit {
	const char *name;
	uint64_t factor;
};

static const struct setting_unit bytes_units[] = {
	{ "", 1 },	     { "B", 1 },	  { "k", 1ull << 10 }, { "K", 1ull << 10 },
	{ "M", 1ull << 20 }, { "G", 1ull << 30 }, { "T", 1ull << 40 }, { NULL, 0 },
};

static const struct setting_unit duration_units[] = {
	{ "ns", 1 },
	{ "us", NS_PER_US },
	{ "ms", NS_PER_MS },
	{ "s", NS_PER_S },
	{ "m", 60 * NS_PER_S },
	{ "h", 3600 * NS_PER_S },
	{ "d", 86400 * NS_PER_S },
	{ NULL, 0 },
};

/* A number and a unit; `bare` is the factor of a number without one. */
static bool setting_eat_amount(struct slice words, const struct setting_unit *units, uint64_t bare,
			       uint64_t *ret_value)
{
	uint64_t value;

	if (!slice_eat_u64(&words, &value))
		return false;
	words = slice_trim(words);
	if (words.bytes == 0)
		return !__builtin_mul_overflow(value, bare, ret_value);
	for (; units->name; units++)
		if (slice_is(words, units->name))
			return !__builtin_mul_overflow(value, units->factor, ret_value);
	return false;
}

static int setting_parse_number(const struct setting *row, struct slice words, uint64_t *ret_value,
				const char *place, struct error *err)
{
	static const char *const examples[] = {
		[SETTING_count] = "a whole number",
		[SETTING_tally] = "a whole number",
		[SETTING_bytes] = "bytes such as 65536, 64k or 16M",
		[SETTING_duration] = "a time such as 500ms, 10s or 5m",
	};
	uint64_t max = row->max ? row->max : UINT64_MAX;
	bool ok;

	if (row->type == SETTING_bytes)
		ok = setting_eat_amount(words, bytes_units, 1, ret_value);
	else if (row->type == SETTING_duration)
		ok = setting_eat_amount(words, duration_units, row->scale, ret_value);
	else
		ok = slice_u64(words, ret_value);
	if (!ok)
		return error_say(err, EINVAL, "%s: '%.*s' is not %s", place, SLICE_ARG(words),
				 examples[row->type]);
	if (*ret_value < row->min || *ret_value > max) {
		uint64_t scale = row->type == SETTING_duration ? row->scale : 1;

		if (row->max == 0)
			return error_say(err, ERANGE, "%s: '%.*s' is too small; at least %llu",
					 place, SLICE_ARG(words),
					 (unsigned long long)(row->min / scale));
		return error_say(err, ERANGE, "%s: '%.*s' is out of range; use %llu to %llu", place,
				 SLICE_ARG(words), (unsigned long long)(row->min / scale),
				 (unsigned long long)(max / scale));
	}
	return 0;
}

static void setting_list_choices(const struct setting *row, struct text *out)
{
	for (size_t n = 0; row->choices[n]; n++) {
		if (n)
			text_put(out, row->choices[n + 1] ? SLICE(", ") : SLICE(" or "));
		text_put(out, slice_of(row->choices[n]));
	}
}

static int setting_parse_choice(const struct setting *row, struct slice words, int *ret_choice,
				const char *place, struct error *err)
{
	auto_text struct text choices = { 0 };

	for (int n = 0; row->choices[n]; n++) {
		if (strlen(row->choices[n]) == words.bytes &&
		    strncasecmp(row->choices[n], words.at, words.bytes) == 0) {
			*ret_choice = n;
			return 0;
		}
	}
	setting_list_choices(row, &choices);
	return error_say(err, EINVAL, "%s: '%.*s' is not known; use %s", place, SLICE_ARG(words),
			 text_str(&choices));
}

static int setting_parse_flag(struct slice words, bool *ret_flag, const char *place,
			      struct error *err)
{
	bool yes = slice_is(words, "true") || slice_is(words, "yes") || slice_is(words, "1");

	if (!yes && !slice_is(words, "false") && !slice_is(words, "no") && !slice_is(words, "0"))
		return error_say(err, EINVAL, "%s: '%.*s' is not true or false", place,
				 SLICE_ARG(words));
	*ret_flag = yes;
	return 0;
}

static int setting_parse_text(const struct setting *row, struct slice words, char **text,
			      const char *place, struct error *err)
{
	bool lines = row->lines || row->type == SETTING_list;
	char *copy;

	words = slice_trim(words);
	if (words.bytes == 0)
		return error_say(err, EINVAL, "%s: must not be empty", place);
	for (size_t n = 0; n < words.bytes; n++)
		if (iscntrl((unsigned char)words.at[n]) && !(lines && words.at[n] == '\n'))
			return error_say(err, EINVAL, "%s: must not contain control characters",
					 place);
	copy = strndup(words.at, words.bytes);
	if (!copy)
		return error_errno(err, ENOMEM, "%s", place);
	free(*text);
	*text = copy;
	return 0;
}

/* Adds a line to those that are there. */
/* Adds to the list. */
static int setting_parse_line(const struct setting *row, struct slice words, char **text,
			      const char *place, struct error *err)
{
	auto_text struct text lines = { 0 };

	if (*text)
		text_printf(&lines, "%s\n", *text);
	text_put(&lines, words);
	return lines.failed ? error_errno(err, ENOMEM, "%s", place)
			    : setting_parse_text(row, text_slice(&lines), text, place, err);
}

int setting_parse(const struct setting *row, struct slice words, void *at, const char *place,
		  struct error *err)
{
	switch (row->type) {
	case SETTING_text:
	case SETTING_secret:
		return setting_parse_text(row, words, at, place, err);
	case SETTING_list:
		return setting_parse_line(row, words, at, place, err);
	case SETTING_flag:
		return setting_parse_flag(words, at, place, err);
	case SETTING_choice:
		return setting_parse_choice(row, words, at, place, err);
	case SETTING_count:
	case SETTING_bytes:
	case SETTING_duration:
	case SETTING_tally:
		break;
	}
	return setting_parse_number(row, words, at, place, err);
}

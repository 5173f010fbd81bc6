/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/klog/pattern.h"

static bool pattern_step(const char *pattern, struct slice text, struct match *match);

static struct slice pattern_skip_blanks(struct slice text)
{
	while (text.bytes && text.at[0] == ' ')
		text = slice_skip(text, 1);
	return text;
}

static bool pattern_number(const char *pattern, struct slice text, struct match *match, char letter,
			   bool decimal)
{
	uint64_t value = 0;
	bool known = true;

	text = pattern_skip_blanks(text);
	if (decimal) {
		if (!slice_eat_u64(&text, &value))
			return false;
	} else if (slice_eat(&text, SLICE("(____ptrval____)")) ||
			     slice_eat(&text, SLICE("(ptrval)"))) {
		known = false;
	} else if (!slice_eat(&text, SLICE("(null)")) && !slice_eat_hex(&text, &value)) {
		return false;
	}
	if (!pattern_step(pattern, text, match))
		return false;
	if (known) {
		match->number[letter - 'a'] = value;
		match->numbers |= 1u << (letter - 'a');
	}
	return true;
}

static bool pattern_keep_text(struct match *match, char letter, struct slice text)
{
	match->text[letter - 'a'] = text;
	match->texts |= 1u << (letter - 'a');
	return true;
}

static bool pattern_name(const char *pattern, struct slice text, struct match *match, char letter)
{
	size_t bytes = text.bytes < PATTERN_NAME_BYTES ? text.bytes : PATTERN_NAME_BYTES;

	for (size_t n = bytes + 1; n-- > 0;)
		if (pattern_step(pattern, slice_skip(text, n), match))
			return pattern_keep_text(match, letter, slice_first(text, n));
	return false;
}

static bool pattern_text(const char *pattern, struct slice text, struct match *match, char letter,
			 bool word)
{
	char mark = *pattern; /* a literal can be searched for; what else may follow can not */

	if (mark == '\0' || mark == '$') {
		match->rest = slice_skip(text, text.bytes);
		return (!word || !memchr(text.at, ' ', text.bytes)) &&
		       pattern_keep_text(match, letter, text);
	}
	for (size_t n = 0; n <= text.bytes; n++) {
		if (mark != '<' && mark != '{') {
			const char *at = memchr(text.at + n, mark, text.bytes - n);

			if (!at)
				return false;
			n = (size_t)(at - text.at);
		}
		if (word && n && memchr(text.at, ' ', n))
			return false;
		if (pattern_step(pattern, slice_skip(text, n), match))
			return pattern_keep_text(match, letter, slice_first(text, n));
	}
	return false;
}

static bool pattern_capture(const char *pattern, struct slice text, struct match *match)
{
	char letter = pattern[1], kind = pattern[2];

	pattern += kind == '}' ? 3 : 4;
	switch (kind) {
	case '#':
	case '}':
		return pattern_number(pattern, text, match, letter, kind == '#');
	case '@':
		return pattern_name(pattern, text, match, letter);
	default:
		return pattern_text(pattern, text, match, letter, kind == '^');
	}
}

static bool pattern_option(const char *pattern, struct slice text, struct match *match)
{
	return pattern_step(pattern + 1, text, match) ||
	       pattern_step(strchr(pattern, '>') + 1, text, match);
}

/* Values are kept on the way back, so a way that leads nowhere leaves none behind. */
static bool pattern_step(const char *pattern, struct slice text, struct match *match)
{
	for (;; pattern++) {
		switch (*pattern) {
		case '\0':
			match->rest = text;
			return true;
		case '$':
			match->rest = text;
			return text.bytes == 0;
		case '{':
			if (pattern[1] != '{')
				return pattern_capture(pattern, text, match);
			pattern++;
			break;
		case '<':
			return pattern_option(pattern, text, match);
		case '>':
			continue;
		default:
			break;
		}
		if (text.bytes == 0 || text.at[0] != *pattern)
			return false;
		text = slice_skip(text, 1);
	}
}

bool pattern_match(const char *pattern, struct slice text, struct match *match)
{
	match->numbers = match->texts = 0;
	return pattern_step(pattern, text, match);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns that the text of a tag or field may fit: for the steps Regex and Exec. */
#include "pipeline/step.h"

#include <errno.h>

bool step_pattern_fits(const struct step_pattern *pattern, struct slice name, struct slice text)
{
	regmatch_t range = { .rm_so = 0, .rm_eo = (regoff_t)text.bytes };

	return slice_is(name, pattern->key) && text.at &&
	       regexec(&pattern->compiled, text.at, 1, &range, REG_STARTEND) == 0;
}

/* regex(3) lacks some words that older settings files use: \d, \D and (?:...). */
static void step_put_regex(const char *regex, struct text *out)
{
	bool bracket = false;

	for (struct slice rest = slice_of(regex); rest.bytes;) {
		if (slice_eat(&rest, SLICE("\\d"))) {
			text_put(out, bracket ? SLICE("0-9") : SLICE("[0-9]"));
		} else if (!bracket && slice_eat(&rest, SLICE("\\D"))) {
			text_put(out, SLICE("[^0-9]"));
		} else if (!bracket && slice_eat(&rest, SLICE("(?:"))) {
			text_putc(out, '(');
		} else if (!bracket && rest.at[0] == '\\' && rest.bytes > 1) {
			text_put(out, slice_first(rest, 2));
			rest = slice_skip(rest, 2);
		} else {
			bracket = rest.at[0] == '[' || (bracket && rest.at[0] != ']');
			text_putc(out, rest.at[0]);
			rest = slice_skip(rest, 1);
		}
	}
}

int step_patterns_compile(struct step_settings *settings, struct error *err)
{
	for (size_t n = 0; n < settings->pattern_count; n++) {
		struct step_pattern *pattern = &settings->patterns[n];
		auto_text struct text regex = { 0 };
		char words[160];
		int r;

		if (!pattern->key || !pattern->regex)
			return error_say(err, EINVAL, "pattern %zu needs 'key' and 'regex'", n + 1);
		step_put_regex(pattern->regex, &regex);
		r = regcomp(&pattern->compiled, text_str(&regex), REG_EXTENDED);
		if (r == 0)
			continue;
		regerror(r, &pattern->compiled, words, sizeof(words));
		regfree(&pattern->compiled);
		memset(&pattern->compiled, 0, sizeof(pattern->compiled));
		return error_say(err, EINVAL, "'regex' is '%s': %s", pattern->regex, words);
	}
	return 0;
}

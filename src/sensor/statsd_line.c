/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/statsd_line.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>

#define STATSD_NUMBER_BYTES 40

static const struct {
	const char *name;
	enum statsd_type type;
} statsd_types[] = {
	{ "c", STATSD_counter }, { "g", STATSD_gauge },	    { "ms", STATSD_timer },
	{ "s", STATSD_set },	 { "h", STATSD_histogram }, { "d", STATSD_histogram },
};

/* Decimal digits with at most a sign, a point and an exponent: strtod(3) knows more than that. */
static bool statsd_number(struct slice text, double *ret_number)
{
	char words[STATSD_NUMBER_BYTES], *end;

	if (text.bytes == 0 || text.bytes >= sizeof(words))
		return false;
	for (size_t n = 0; n < text.bytes; n++)
		if (!isdigit((unsigned char)text.at[n]) && !strchr("+-.eE", text.at[n]))
			return false;
	slice_copy(text, words, sizeof(words));
	*ret_number = strtod(words, &end);
	return *end == '\0' && end != words && isfinite(*ret_number);
}

static bool statsd_is_plain(struct slice text)
{
	for (size_t n = 0; n < text.bytes; n++)
		if (iscntrl((unsigned char)text.at[n]))
			return false;
	return true;
}

static bool statsd_read_type(struct statsd_line *line, struct slice name)
{
	for (size_t n = 0; n < array_count(statsd_types); n++) {
		if (!slice_is(name, statsd_types[n].name))
			continue;
		line->type = statsd_types[n].type;
		return true;
	}
	return false;
}

/* A tag without a text is one that is true. */
static void statsd_add_tag(struct statsd_line *line, struct slice words, char mark)
{
	struct event_pair pair;

	if (words.bytes == 0)
		return;
	if (line->tag_count == MEASURE_TAGS) {
		line->tags_cut++;
		return;
	}
	if (!slice_cut(&words, mark, &pair.name)) {
		pair.name = words;
		words = SLICE("true");
	}
	pair.name = slice_first(pair.name, STATSD_TEXT_BYTES);
	pair.text = slice_first(words, STATSD_TEXT_BYTES);
	if (pair.name.bytes)
		line->tags[line->tag_count++] = pair;
}

/* "@0.1", "#tag:text", and what newer clients add. */
static bool statsd_read_part(struct statsd_line *line, struct slice part)
{
	struct slice tag;

	if (slice_eat(&part, SLICE("@")))
		return statsd_number(part, &line->rate) && line->rate > 0 && line->rate <= 1;
	if (!slice_eat(&part, SLICE("#")))
		return slice_starts(part, SLICE("c:")) ||
				    slice_starts(part, SLICE("e:")) ||
						 slice_starts(part, SLICE("T")) ||
							      slice_starts(part, SLICE("card:"));
	while (slice_next(&part, ',', &tag))
		statsd_add_tag(line, tag, ':');
	return true;
}

static bool statsd_read_name(struct statsd_line *line, struct slice words)
{
	struct slice tag;

	if (!slice_next(&words, ';', &line->name) || line->name.bytes == 0 ||
	    line->name.bytes > STATSD_NAME_BYTES)
		return false;
	while (slice_next(&words, ';', &tag))
		statsd_add_tag(line, tag, '=');
	return true;
}

bool statsd_parse(struct slice text, struct statsd_line *ret_line)
{
	struct slice name, part;

	ret_line->rate = 1;
	ret_line->tag_count = ret_line->tags_cut = 0;
	if (!statsd_is_plain(text) || !slice_cut(&text, ':', &name) ||
	    !slice_cut(&text, '|', &ret_line->values) || !statsd_read_name(ret_line, name) ||
	    !slice_next(&text, '|', &part) || !statsd_read_type(ret_line, part))
		return false;
	while (slice_next(&text, '|', &part))
		if (!statsd_read_part(ret_line, part))
			return false;
	return ret_line->values.bytes > 0;
}

int statsd_next_value(struct statsd_line *line, struct statsd_value *ret_value)
{
	struct slice words;

	*ret_value = (struct statsd_value){ 0 };
	if (line->values.bytes == 0)
		return 0;
	if (line->type == STATSD_set) { /* an element may be an address */
		ret_value->element = slice_first(line->values, STATSD_TEXT_BYTES);
		line->values.bytes = 0;
		return 1;
	}
	if (!slice_next(&line->values, ':', &words) || !statsd_number(words, &ret_value->number))
		return -EINVAL;
	ret_value->relative = line->type == STATSD_gauge && strchr("+-", words.at[0]);
	if (line->type == STATSD_timer && ret_value->number < 0)
		return -EINVAL;
	return 1;
}

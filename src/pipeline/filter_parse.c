/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/filter_node.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"

struct filter_parser {
	struct filter *filter;
	struct slice all, rest;
	unsigned int depth;
	struct error *err;
};

/* --- saying what is wrong --- */

static int filter_column(const struct filter_parser *parser, const char *at)
{
	return (int)(at - parser->all.at) + 1;
}

#define filter_say(parser, place, fmt, ...)                                                        \
	error_say((parser)->err, EINVAL, "column %d: " fmt, filter_column(parser, place),          \
		  ##__VA_ARGS__)

static int filter_want(const struct filter_parser *parser, const char *what)
{
	if (parser->rest.bytes == 0)
		return filter_say(parser, parser->rest.at, "%s is missing at the end", what);
	return filter_say(parser, parser->rest.at, "%s is missing before '%.*s'", what,
			  SLICE_ARG(slice_first(parser->rest, 20)));
}

/* --- pieces --- */

static void filter_skip_blanks(struct filter_parser *parser)
{
	while (parser->rest.bytes && isspace((unsigned char)parser->rest.at[0]))
		parser->rest = slice_skip(parser->rest, 1);
}

static bool filter_eat(struct filter_parser *parser, const char *mark)
{
	filter_skip_blanks(parser);
	return slice_eat(&parser->rest, slice_of(mark));
}

static bool filter_is_word_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

/* The word that stands next, without stepping over it. */
static struct slice filter_peek_word(struct filter_parser *parser)
{
	size_t bytes = 0;

	filter_skip_blanks(parser);
	while (bytes < parser->rest.bytes && filter_is_word_byte(parser->rest.at[bytes]))
		bytes++;
	return slice_first(parser->rest, bytes);
}

static bool filter_eat_word(struct filter_parser *parser, const char *word)
{
	struct slice next = filter_peek_word(parser);

	if (!slice_is(next, word))
		return false;
	parser->rest = slice_skip(parser->rest, next.bytes);
	return true;
}

/* "text" or 'text'; a backslash keeps the mark behind it. The text is undone in place: the words
 * are the filter's own. */
static int filter_eat_text(struct filter_parser *parser, struct slice *ret_text)
{
	char quote = parser->rest.at[0],
	     *to = parser->filter->words + (parser->rest.at + 1 - parser->all.at);
	const char *start = parser->rest.at;

	ret_text->at = to;
	parser->rest = slice_skip(parser->rest, 1);
	while (parser->rest.bytes && parser->rest.at[0] != quote) {
		if (parser->rest.at[0] == '\\' && parser->rest.bytes > 1)
			parser->rest = slice_skip(parser->rest, 1);
		*to++ = parser->rest.at[0];
		parser->rest = slice_skip(parser->rest, 1);
	}
	if (parser->rest.bytes == 0)
		return filter_say(parser, start, "the text that begins here has no end");
	parser->rest = slice_skip(parser->rest, 1);
	ret_text->bytes = (size_t)(to - ret_text->at);
	return 0;
}

static bool filter_at_quote(struct filter_parser *parser)
{
	filter_skip_blanks(parser);
	return parser->rest.bytes && (parser->rest.at[0] == '"' || parser->rest.at[0] == '\'');
}

static int filter_new_node(struct filter_parser *parser, const char *place, unsigned short *ret_at)
{
	if (parser->filter->count == FILTER_NODES)
		return filter_say(parser, place, "the condition is longer than %d parts",
				  FILTER_NODES);
	*ret_at = parser->filter->count++;
	parser->filter->nodes[*ret_at] = (struct filter_node){ 0 };
	return 0;
}

/* --- the left side --- */

static int filter_unknown_field(struct filter_parser *parser, struct slice word)
{
	const char *nearest = NULL;
	size_t distance = 5; /* farther away is no typing error */

	for (size_t n = 0; n < FIELD_COUNT; n++) {
		size_t d = slice_distance(word, slice_of(event_fields[n].name));

		if (d >= distance)
			continue;
		distance = d;
		nearest = event_fields[n].name;
	}
	if (nearest)
		return filter_say(parser, word.at, "field '%.*s' is not known; did you mean '%s'?",
				  SLICE_ARG(word), nearest);
	return filter_say(parser, word.at, "field '%.*s' is not known; 'bulwark events' lists them",
			  SLICE_ARG(word));
}

/* "field", "map.key" or map["key"]. */
static int filter_eat_field(struct filter_parser *parser, struct slice word,
			    struct filter_node *node)
{
	for (size_t n = 0; n < FIELD_COUNT; n++) {
		struct slice name = slice_of(event_fields[n].name), rest = word;

		node->field = (enum event_field)n;
		if (slice_eq(word, name))
			break;
		if (event_fields[n].type == TYPE_map && slice_eat(&rest, name) &&
		    slice_eat(&rest, SLICE("."))) {
			node->key = rest;
			return 0;
		}
		if (n + 1 == FIELD_COUNT)
			return filter_unknown_field(parser, word);
	}
	if (event_fields[node->field].type != TYPE_map || !filter_eat(parser, "["))
		return 0;
	if (!filter_at_quote(parser))
		return filter_want(parser, "a key in quotes");
	if (filter_eat_text(parser, &node->key) < 0)
		return -EINVAL;
	return filter_eat(parser, "]") ? 0 : filter_want(parser, "']'");
}

static enum filter_form filter_form_of(const struct filter_node *node)
{
	enum event_type type = event_fields[node->field].type;

	if (node->subject == FILTER_severity)
		return FILTER_as_number;
	if (node->subject != FILTER_field || type == TYPE_text || type == TYPE_json ||
	    type == TYPE_map)
		return FILTER_as_text;
	return type == TYPE_i64 ? FILTER_as_signed : FILTER_as_number;
}

static int filter_eat_subject(struct filter_parser *parser, struct filter_node *node)
{
	static const char *const names[] = {
		[FILTER_event_name] = "event.name",
		[FILTER_severity] = "severity",
		[FILTER_host] = "host.name",
	};
	struct slice word = filter_peek_word(parser);
	int r = 0;

	if (word.bytes == 0)
		return filter_want(parser, "the name of a field");
	parser->rest = slice_skip(parser->rest, word.bytes);
	node->subject = FILTER_field;
	for (size_t n = 0; n < array_count(names); n++)
		if (names[n] && slice_is(word, names[n]))
			node->subject = (enum filter_subject)n;
	if (node->subject == FILTER_field)
		r = filter_eat_field(parser, word, node);
	node->form = filter_form_of(node);
	return r;
}

/* --- the right side --- */

/* The factor of a number's unit: 1M of bytes, 10ms of a span. A bare number of a span is seconds.
 */
static bool filter_unit(enum event_type type, struct slice unit, uint64_t *ret_factor)
{
	static const struct {
		const char *name;
		bool span;
		uint64_t factor;
	} units[] = {
		{ "k", false, 1ull << 10 },	{ "M", false, 1ull << 20 },
		{ "G", false, 1ull << 30 },	{ "ns", true, 1 },
		{ "us", true, NS_PER_US },	{ "ms", true, NS_PER_MS },
		{ "s", true, NS_PER_S },	{ "m", true, 60 * NS_PER_S },
		{ "h", true, 3600 * NS_PER_S },
	};

	*ret_factor = type == TYPE_ns ? NS_PER_S : 1;
	for (size_t n = 0; n < array_count(units); n++) {
		if (!slice_is(unit, units[n].name) || units[n].span != (type == TYPE_ns))
			continue;
		*ret_factor = units[n].factor;
		return true;
	}
	return unit.bytes == 0;
}

static int filter_eat_number(struct filter_parser *parser, const struct filter_node *node,
			     uint64_t *ret_number)
{
	struct slice word = filter_peek_word(parser), rest = word;
	enum event_type type =
		node->subject == FILTER_severity ? TYPE_u64 : event_fields[node->field].type;
	bool minus = type == TYPE_i64 && slice_eat(&rest, SLICE("-"));
	uint64_t factor;

	if (type == TYPE_flag) {
		*ret_number = slice_is(word, "true");
		if (!*ret_number && !slice_is(word, "false"))
			return filter_want(parser, "true or false");
	} else if (slice_starts(rest, SLICE("0x"))) {
		if (!slice_hex(rest, ret_number))
			return filter_want(parser, "a number");
	} else {
		if (!slice_eat_u64(&rest, ret_number))
			return filter_want(parser, "a number");
		if (!filter_unit(type, rest, &factor) ||
		    __builtin_mul_overflow(*ret_number, factor, ret_number))
			return filter_say(parser, word.at, "'%.*s' is no number of this field",
					  SLICE_ARG(word));
	}
	if (minus)
		*ret_number = -*ret_number;
	parser->rest = slice_skip(parser->rest, word.bytes);
	return 0;
}

/* A severity, in quotes or without. */
static int filter_eat_severity(struct filter_parser *parser, uint64_t *ret_number)
{
	struct slice word = filter_peek_word(parser);
	const char *place = parser->rest.at;

	if (filter_at_quote(parser)) {
		if (filter_eat_text(parser, &word) < 0)
			return -EINVAL;
	} else {
		parser->rest = slice_skip(parser->rest, word.bytes);
	}
	for (uint64_t n = 0; n < SEVERITY_COUNT; n++) {
		if (!slice_is(word, event_severities[n].name))
			continue;
		*ret_number = n;
		return 0;
	}
	return filter_say(parser, place,
			  "'%.*s' is no severity; use debug, info, warning, error or critical",
			  SLICE_ARG(word));
}

static int filter_eat_value(struct filter_parser *parser, struct filter_node *node)
{
	struct filter *filter = parser->filter;
	struct filter_value *value;

	filter_skip_blanks(parser);
	if (filter->value_count == FILTER_NODES)
		return filter_say(parser, parser->rest.at, "the condition has more than %d values",
				  FILTER_NODES);
	value = &filter->values[filter->value_count++];
	*value = (struct filter_value){ 0 };
	node->value_count++;
	if (node->subject == FILTER_severity)
		return filter_eat_severity(parser, &value->number);
	if (node->form != FILTER_as_text)
		return filter_eat_number(parser, node, &value->number);
	if (!filter_at_quote(parser))
		return filter_want(parser, "a text in quotes");
	return filter_eat_text(parser, &value->text);
}

/* "10.0.0.0/8", "fe80::/10" or a single address. */
static int filter_eat_network(struct filter_parser *parser, struct filter_node *node)
{
	const char *place = parser->rest.at;
	struct filter_value *value;
	struct slice rest, address;
	char words[INET6_ADDRSTRLEN];
	uint64_t bits = UINT64_MAX, most;

	if (filter_eat_value(parser, node) < 0)
		return -EINVAL;
	value = &parser->filter->values[node->first];
	rest = value->text;
	value->network.v6 = slice_find(rest, SLICE(":")) >= 0;
	most = value->network.v6 ? 128 : 32;
	if (!slice_cut(&rest, '/', &address)) {
		address = rest;
		bits = most;
	} else if (!slice_u64(rest, &bits)) {
		bits = UINT64_MAX;
	}
	if (bits > most || address.bytes >= sizeof(words))
		return filter_say(parser, place, "'%.*s' is no network such as 10.0.0.0/8",
				  SLICE_ARG(value->text));
	slice_copy(address, words, sizeof(words));
	value->network.bits = (unsigned int)bits;
	if (inet_pton(value->network.v6 ? AF_INET6 : AF_INET, words, value->network.bytes) != 1)
		return filter_say(parser, place, "'%.*s' is no network such as 10.0.0.0/8",
				  SLICE_ARG(value->text));
	node->op = FILTER_within;
	return 0;
}

static int filter_eat_list(struct filter_parser *parser, struct filter_node *node)
{
	if (!filter_eat(parser, "[")) {
		if (node->form != FILTER_as_text || !filter_at_quote(parser))
			return filter_want(parser, "a list such as [\"a\", \"b\"]");
		return filter_eat_network(parser, node);
	}
	do {
		if (filter_eat_value(parser, node) < 0)
			return -EINVAL;
	} while (filter_eat(parser, ","));
	return filter_eat(parser, "]") ? 0 : filter_want(parser, "',' or ']'");
}

/* --- comparisons and what joins them --- */

/* Longer marks first. */
static const struct filter_mark {
	const char *mark;
	bool word, text, number; /* a word needs an end; what it can compare */
	enum filter_op op;
} filter_marks[] = {
	{ "==", false, true, true, FILTER_equal },
	{ "!=", false, true, true, FILTER_unequal },
	{ "<=", false, false, true, FILTER_at_most },
	{ ">=", false, false, true, FILTER_at_least },
	{ "<", false, false, true, FILTER_less },
	{ ">", false, false, true, FILTER_more },
	{ "=", false, true, true, FILTER_equal },
	{ "contains", true, true, false, FILTER_contains },
	{ "starts", true, true, false, FILTER_starts },
	{ "ends", true, true, false, FILTER_ends },
	{ "like", true, true, false, FILTER_like },
	{ "in", true, true, true, FILTER_in },
};

static const struct filter_mark *filter_eat_mark(struct filter_parser *parser)
{
	for (size_t n = 0; n < array_count(filter_marks); n++)
		if (filter_marks[n].word ? filter_eat_word(parser, filter_marks[n].mark)
					 : filter_eat(parser, filter_marks[n].mark))
			return &filter_marks[n];
	return NULL;
}

static int filter_parse_comparison(struct filter_parser *parser, unsigned short *ret_at)
{
	const struct filter_mark *mark;
	struct filter_node *node;
	const char *place;

	filter_skip_blanks(parser);
	place = parser->rest.at;
	if (filter_new_node(parser, place, ret_at) < 0)
		return -EINVAL;
	node = &parser->filter->nodes[*ret_at];
	if (filter_eat_subject(parser, node) < 0)
		return -EINVAL;
	filter_skip_blanks(parser);
	place = parser->rest.at;
	mark = filter_eat_mark(parser);
	node->op = mark ? mark->op : FILTER_has;
	if (!mark)
		return 0;
	if (node->subject == FILTER_field && event_fields[node->field].type == TYPE_map &&
	    !node->key.at)
		return filter_say(parser, place, "this field has keys: write '%s[\"key\"]'",
				  event_fields[node->field].name);
	if (!(node->form == FILTER_as_text ? mark->text : mark->number))
		return filter_say(parser, place, "'%s' can't compare a %s", mark->mark,
				  node->form == FILTER_as_text ? "text" : "number");
	node->first = parser->filter->value_count;
	return node->op == FILTER_in ? filter_eat_list(parser, node)
				     : filter_eat_value(parser, node);
}

static int filter_parse_or(struct filter_parser *parser, unsigned short *ret_at);

static int filter_parse_unary(struct filter_parser *parser, unsigned short *ret_at)
{
	unsigned short below = 0;
	int r;

	filter_skip_blanks(parser);
	if (++parser->depth > FILTER_DEPTH)
		return filter_say(parser, parser->rest.at, "more than %d levels deep",
				  FILTER_DEPTH);
	if (filter_eat_word(parser, "not") || filter_eat(parser, "!")) {
		r = filter_parse_unary(parser, &below);
		if (r == 0)
			r = filter_new_node(parser, parser->rest.at, ret_at);
		if (r == 0)
			parser->filter->nodes[*ret_at] =
				(struct filter_node){ .op = FILTER_not, .left = below };
	} else if (filter_eat(parser, "(")) {
		r = filter_parse_or(parser, ret_at);
		if (r == 0 && !filter_eat(parser, ")"))
			r = filter_want(parser, "')'");
	} else {
		r = filter_parse_comparison(parser, ret_at);
	}
	parser->depth--;
	return r;
}

/* Joined to the left: a chain of them is not deep for the parser, but for those who ask. */
static int filter_join(struct filter_parser *parser, enum filter_op op, unsigned short left,
		       unsigned short right, unsigned short *ret_at)
{
	int r = filter_new_node(parser, parser->rest.at, ret_at);

	if (r == 0)
		parser->filter->nodes[*ret_at] =
			(struct filter_node){ .op = op, .left = left, .right = right };
	return r;
}

static int filter_parse_and(struct filter_parser *parser, unsigned short *ret_at)
{
	int r = filter_parse_unary(parser, ret_at);

	while (r == 0 && (filter_eat_word(parser, "and") || filter_eat(parser, "&&"))) {
		unsigned short left = *ret_at, right = 0;

		r = filter_parse_unary(parser, &right);
		if (r == 0)
			r = filter_join(parser, FILTER_and, left, right, ret_at);
	}
	return r;
}

static int filter_parse_or(struct filter_parser *parser, unsigned short *ret_at)
{
	int r = filter_parse_and(parser, ret_at);

	while (r == 0 && (filter_eat_word(parser, "or") || filter_eat(parser, "||"))) {
		unsigned short left = *ret_at, right = 0;

		r = filter_parse_and(parser, &right);
		if (r == 0)
			r = filter_join(parser, FILTER_or, left, right, ret_at);
	}
	return r;
}

int filter_parse(struct filter **ret_filter, struct slice words, struct error *err)
{
	struct filter *filter = calloc(1, sizeof(*filter));
	struct filter_parser parser = { .filter = filter, .err = err };
	int r;

	if (!filter)
		return error_errno(err, ENOMEM, "read a condition");
	filter->words = malloc(words.bytes + 1);
	if (!filter->words) {
		free(filter);
		return error_errno(err, ENOMEM, "read a condition");
	}
	slice_copy(words, filter->words, words.bytes + 1);
	parser.all = parser.rest = (struct slice){ filter->words, words.bytes };
	r = filter_parse_or(&parser, &filter->root);
	filter_skip_blanks(&parser);
	if (r == 0 && parser.rest.bytes)
		r = filter_say(&parser, parser.rest.at, "'%.*s' is too much; use and, or",
			       SLICE_ARG(slice_first(parser.rest, 20)));
	if (r < 0) {
		filter_free(filter);
		return r;
	}
	*ret_filter = filter;
	return 0;
}

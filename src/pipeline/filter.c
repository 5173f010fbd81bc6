/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/filter_node.h"

#include <arpa/inet.h>

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	free(filter->words);
	free(filter);
}

/* Where a star didn't reach far enough it takes one byte more: no two stars are ever tried against
 * each other, so the time is at most text times pattern. */
bool filter_is_like(struct slice text, struct slice pattern)
{
	size_t t = 0, p = 0, star = SIZE_MAX, from = 0;

	while (t < text.bytes) {
		if (p < pattern.bytes && pattern.at[p] == '*') {
			star = p++;
			from = t;
		} else if (p < pattern.bytes &&
			   (pattern.at[p] == '?' || pattern.at[p] == text.at[t])) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.bytes && pattern.at[p] == '*')
		p++;
	return p == pattern.bytes;
}

/* --- the left side --- */

struct filter_left {
	struct slice text;
	uint64_t number;
};

static bool filter_find_pair(const struct event_map *map, struct slice key, struct slice *ret_text)
{
	for (size_t n = map->count; n-- > 0;) {
		if (!slice_eq(map->pairs[n].name, key))
			continue;
		*ret_text = map->pairs[n].text;
		return true;
	}
	return false;
}

static bool filter_read_field(const struct filter_node *node, const struct event *event,
			      struct filter_left *left)
{
	const struct event_value *value = event_find(event, node->field);

	if (!value)
		return false;
	switch (event_fields[node->field].type) {
	case TYPE_text:
	case TYPE_json:
		left->text = value->text;
		return true;
	case TYPE_map:
		return node->key.at ? filter_find_pair(&value->map, node->key, &left->text)
				    : value->map.count > 0;
	case TYPE_u64:
	case TYPE_i64:
	case TYPE_hex:
	case TYPE_flag:
	case TYPE_ns:
	case TYPE_time:
	case TYPE_bytes:
		break;
	}
	left->number = value->number;
	return true;
}

static bool filter_read(const struct filter_node *node, const struct event *event,
			const struct event_origin *origin, struct filter_left *left)
{
	switch (node->subject) {
	case FILTER_event_name:
		left->text = slice_of(event_kinds[event->kind].name);
		return true;
	case FILTER_host:
		left->text = slice_of(origin->host);
		return true;
	case FILTER_severity:
		left->number = event->severity;
		return true;
	case FILTER_field:
		break;
	}
	return filter_read_field(node, event, left);
}

/* --- comparing --- */

static bool filter_is_within(struct slice text, const struct filter_network *network)
{
	unsigned char bytes[16];
	char words[INET6_ADDRSTRLEN];
	unsigned int whole = network->bits / 8, rest = network->bits % 8;

	if (text.bytes >= sizeof(words))
		return false;
	slice_copy(text, words, sizeof(words));
	if (inet_pton(network->v6 ? AF_INET6 : AF_INET, words, bytes) != 1 ||
	    memcmp(bytes, network->bytes, whole) != 0)
		return false;
	return rest == 0 || (bytes[whole] ^ network->bytes[whole]) >> (8 - rest) == 0;
}

static bool filter_equals(enum filter_form form, const struct filter_left *left,
			  const struct filter_value *value)
{
	if (form == FILTER_as_text)
		return slice_eq(left->text, value->text);
	return left->number == value->number;
}

static bool filter_is_less(enum filter_form form, uint64_t a, uint64_t b)
{
	return form == FILTER_as_signed ? (int64_t)a < (int64_t)b : a < b;
}

static bool filter_is_in(const struct filter *filter, const struct filter_node *node,
			 const struct filter_left *left)
{
	for (unsigned int n = 0; n < node->value_count; n++)
		if (filter_equals(node->form, left, &filter->values[node->first + n]))
			return true;
	return false;
}

static bool filter_compare(const struct filter *filter, const struct filter_node *node,
			   const struct filter_left *left)
{
	const struct filter_value *value = &filter->values[node->first];

	switch (node->op) {
	case FILTER_equal:
		return filter_equals(node->form, left, value);
	case FILTER_unequal:
		return !filter_equals(node->form, left, value);
	case FILTER_less:
		return filter_is_less(node->form, left->number, value->number);
	case FILTER_at_least:
		return !filter_is_less(node->form, left->number, value->number);
	case FILTER_more:
		return filter_is_less(node->form, value->number, left->number);
	case FILTER_at_most:
		return !filter_is_less(node->form, value->number, left->number);
	case FILTER_contains:
		return slice_find(left->text, value->text) >= 0;
	case FILTER_starts:
		return slice_starts(left->text, value->text);
	case FILTER_ends:
		return slice_ends(left->text, value->text);
	case FILTER_like:
		return filter_is_like(left->text, value->text);
	case FILTER_in:
		return filter_is_in(filter, node, left);
	case FILTER_within:
		return filter_is_within(left->text, &value->network);
	case FILTER_and:
	case FILTER_or:
	case FILTER_not:
	case FILTER_has:
		break;
	}
	return true;
}

/* As deep as the parser permits. */
static bool filter_ask(const struct filter *filter, unsigned int at, const struct event *event,
		       const struct event_origin *origin)
{
	const struct filter_node *node = &filter->nodes[at];
	struct filter_left left = { .text = SLICE("") };

	if (node->op == FILTER_and)
		return filter_ask(filter, node->left, event, origin) &&
		       filter_ask(filter, node->right, event, origin);
	if (node->op == FILTER_or)
		return filter_ask(filter, node->left, event, origin) ||
		       filter_ask(filter, node->right, event, origin);
	if (node->op == FILTER_not)
		return !filter_ask(filter, node->left, event, origin);
	if (!filter_read(node, event, origin, &left))
		return node->op == FILTER_unequal;
	return filter_compare(filter, node, &left);
}

bool filter_matches(const struct filter *filter, const struct event *event,
		    const struct event_origin *origin)
{
	return filter_ask(filter, filter->root, event, origin);
}

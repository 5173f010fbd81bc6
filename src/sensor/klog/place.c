/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/klog/place.h"

#include "sensor/klog/inside.h"

/* "[a45c1,7f1c2b000000+155000" without the bracket at its end. */
static bool place_parse_range(struct slice range, struct place *place)
{
	struct match match;

	if (!pattern_match("[<{o},>{s}+{n}$", range, &match))
		return false;
	place->start = match_number(&match, 's');
	place->bytes = match_number(&match, 'n');
	place->offset = match_number(&match, 'o');
	place->has_offset = match_has_number(&match, 'o');
	return true;
}

struct place place_parse(struct slice rest)
{
	ssize_t end = slice_find_last(rest, SLICE("]")), start;
	struct place place = { .known = false };
	struct slice behind = slice_skip(rest, (size_t)(end + 1)), file;
	struct match match;

	if (pattern_match(" likely on CPU {u#}", behind, &match)) {
		place.cpu = match_number(&match, 'u');
		place.has_cpu = true;
	}
	file = slice_first(rest, end < 0 ? 0 : (size_t)end);
	start = slice_find_last(file, SLICE("["));
	if (start < 0 || !place_parse_range(slice_skip(file, (size_t)start), &place))
		return place;
	place.file = slice_first(file, (size_t)start);
	place.known = slice_eat(&place.file, SLICE(" in "));
	return place;
}

void place_put(const struct place *place, struct event *event, uint64_t ip)
{
	if (place->has_cpu)
		klog_put_number(event, FIELD_cpu, place->cpu);
	if (!place->known)
		return;
	klog_put_text(event, FIELD_module, place->file);
	klog_put_number(event, FIELD_module_start, place->start);
	klog_put_number(event, FIELD_module_bytes, place->bytes);
	if (place->has_offset)
		klog_put_number(event, FIELD_module_offset, place->offset);
	else if (ip >= place->start && ip - place->start < place->bytes)
		klog_put_number(event, FIELD_module_offset, ip - place->start);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Measurements in the schema that ingraind's consumers know. */
#include "event/encode.h"

#include "base/json.h"

/* The unit is part of the name there. */
static void measurement_put_name(struct json *json, const struct event *event)
{
	struct slice unit = event_text_of(event, FIELD_measure_unit);
	auto_text struct text name = { 0 };

	text_put(&name, event_text_of(event, FIELD_measure_name));
	text_putc(&name, '_');
	text_put(&name, unit);
	json_key(json, SLICE("name"));
	json_text(json, text_slice(&name));
}

static bool measurement_is_later(const struct event_map *tags, size_t at)
{
	for (size_t n = at + 1; n < tags->count; n++)
		if (slice_eq(tags->pairs[n].name, tags->pairs[at].name))
			return true;
	return false;
}

void event_put_json_measurement(const struct event *event, const struct event_origin *origin,
				struct text *out)
{
	const struct event_value *tags = event_find(event, FIELD_measure_tags);
	struct json json = { .out = out };

	if (event->kind != EVENT_measurement) {
		event_put_json(event, origin, out);
		return;
	}
	json_open(&json, '{');
	json_key(&json, SLICE("timestamp"));
	json_u64(&json, event->wall_ns);
	json_key(&json, SLICE("kind"));
	json_u64(&json, event_number_of(event, FIELD_measure_kinds));
	measurement_put_name(&json, event);
	json_key(&json, SLICE("measurement"));
	json_i64(&json, (int64_t)event_number_of(event, FIELD_measure_value));
	json_key(&json, SLICE("tags"));
	json_open(&json, '{');
	for (size_t n = 0; tags && n < tags->map.count; n++) {
		if (measurement_is_later(&tags->map, n))
			continue; /* of one name the last counts */
		json_key(&json, tags->map.pairs[n].name);
		json_text(&json, tags->map.pairs[n].text);
	}
	if (event_has(event, FIELD_measure_element)) {
		json_key(&json, SLICE("set_element"));
		json_text(&json, event_text_of(event, FIELD_measure_element));
	}
	json_close(&json, '}');
	json_close(&json, '}');
}

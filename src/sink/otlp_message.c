/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/otlp_message.h"

#include "base/clock.h"
#include "event/encode.h"
#include "event/measure.h"
#include "wire/protobuf.h"

/* Numbers of fields, by message. */
enum { OTLP_REQUEST_RESOURCE_ITEMS = 1 };
enum { OTLP_RESOURCE_ITEMS_RESOURCE = 1, OTLP_RESOURCE_ITEMS_SCOPE_ITEMS = 2 };
enum { OTLP_RESOURCE_ATTRIBUTES = 1 };
enum { OTLP_SCOPE_ITEMS_SCOPE = 1, OTLP_SCOPE_ITEMS_ITEM = 2 };
enum { OTLP_SCOPE_NAME = 1, OTLP_SCOPE_VERSION = 2 };
enum { OTLP_KEY_VALUE_KEY = 1, OTLP_KEY_VALUE_VALUE = 2 };
enum { OTLP_LIST_VALUES = 1 };
enum {
	OTLP_ANY_STRING = 1,
	OTLP_ANY_BOOL = 2,
	OTLP_ANY_INT = 3,
	OTLP_ANY_DOUBLE = 4,
	OTLP_ANY_LIST = 6,
};
enum {
	OTLP_LOG_TIME = 1,
	OTLP_LOG_SEVERITY_NUMBER = 2,
	OTLP_LOG_SEVERITY_TEXT = 3,
	OTLP_LOG_BODY = 5,
	OTLP_LOG_ATTRIBUTES = 6,
	OTLP_LOG_EVENT_NAME = 12,
};
enum { OTLP_METRIC_NAME = 1, OTLP_METRIC_UNIT = 3, OTLP_METRIC_GAUGE = 5, OTLP_METRIC_SUM = 7 };
enum { OTLP_DATA_POINTS = 1, OTLP_SUM_TEMPORALITY = 2, OTLP_SUM_IS_MONOTONIC = 3 };
enum {
	OTLP_POINT_START = 2,
	OTLP_POINT_TIME = 3,
	OTLP_POINT_INT = 6,
	OTLP_POINT_ATTRIBUTES = 7,
};
#define OTLP_DELTA 1

/* protobuf's strings are UTF-8: what isn't becomes U+FFFD, or a receiver refuses the whole batch.
 */
static void otlp_put_string(struct text *out, unsigned int field, struct slice text)
{
	size_t opened = protobuf_open(out, field);

	while (text.bytes) {
		size_t bytes = slice_utf8_bytes(text);

		text_put(out, bytes ? slice_first(text, bytes) : SLICE("\xef\xbf\xbd"));
		text = slice_skip(text, bytes ? bytes : 1);
	}
	protobuf_close(out, opened);
}

static void otlp_put_pair(struct text *out, unsigned int field, struct slice key, struct slice text)
{
	size_t pair = protobuf_open(out, field), value;

	otlp_put_string(out, OTLP_KEY_VALUE_KEY, key);
	value = protobuf_open(out, OTLP_KEY_VALUE_VALUE);
	otlp_put_string(out, OTLP_ANY_STRING, text);
	protobuf_close(out, value);
	protobuf_close(out, pair);
}

static void otlp_put_map(struct text *out, const struct event_map *map)
{
	size_t list = protobuf_open(out, OTLP_ANY_LIST);

	for (size_t n = 0; n < map->count; n++)
		otlp_put_pair(out, OTLP_LIST_VALUES, map->pairs[n].name, map->pairs[n].text);
	protobuf_close(out, list);
}

static void otlp_put_any(struct text *out, const struct event_value *value)
{
	auto_text struct text words = { 0 };

	switch (event_fields[value->field].type) {
	case TYPE_u64:
	case TYPE_i64:
	case TYPE_bytes:
		protobuf_u64(out, OTLP_ANY_INT, value->number);
		return;
	case TYPE_flag:
		protobuf_u64(out, OTLP_ANY_BOOL, value->number != 0);
		return;
	case TYPE_ns:
		protobuf_double(out, OTLP_ANY_DOUBLE, (double)value->number / NS_PER_S);
		return;
	case TYPE_map:
		otlp_put_map(out, &value->map);
		return;
	case TYPE_text:
	case TYPE_json:
		otlp_put_string(out, OTLP_ANY_STRING, value->text);
		return;
	case TYPE_hex:
	case TYPE_time:
		break;
	}
	event_put_value(value, &words);
	otlp_put_string(out, OTLP_ANY_STRING, text_slice(&words));
}

void otlp_put_log(const struct event *event, const struct event_origin *origin, struct text *out)
{
	const struct event_kind_row *kind = &event_kinds[event->kind];
	const struct event_severity_row *severity = &event_severities[event->severity];
	auto_text struct text words = { 0 };
	size_t body;

	protobuf_fixed64(out, OTLP_LOG_TIME, event->wall_ns);
	protobuf_u64(out, OTLP_LOG_SEVERITY_NUMBER, severity->otel);
	otlp_put_string(out, OTLP_LOG_SEVERITY_TEXT, slice_of(severity->name));
	event_put_message(event, &words);
	body = protobuf_open(out, OTLP_LOG_BODY);
	otlp_put_string(out, OTLP_ANY_STRING, text_slice(&words));
	protobuf_close(out, body);
	otlp_put_pair(out, OTLP_LOG_ATTRIBUTES, SLICE("event.name"), slice_of(kind->name));
	text_clear(&words);
	event_put_id(event, origin, &words);
	otlp_put_pair(out, OTLP_LOG_ATTRIBUTES, SLICE("event.id"), text_slice(&words));
	for (size_t n = 0; n < event->count; n++) {
		size_t pair = protobuf_open(out, OTLP_LOG_ATTRIBUTES), value;

		otlp_put_string(out, OTLP_KEY_VALUE_KEY,
				slice_of(event_fields[event->values[n].field].name));
		value = protobuf_open(out, OTLP_KEY_VALUE_VALUE);
		otlp_put_any(out, &event->values[n]);
		protobuf_close(out, value);
		protobuf_close(out, pair);
	}
	otlp_put_string(out, OTLP_LOG_EVENT_NAME, slice_of(kind->name));
}

/* --- metrics --- */

/* UCUM's names, as OpenTelemetry wants. */
static struct slice otlp_unit(struct slice unit)
{
	if (slice_is(unit, "byte"))
		return SLICE("By");
	return slice_is(unit, "duration") ? SLICE("ns") : SLICE("1");
}

static void otlp_put_point(const struct event *measurement, struct text *out)
{
	const struct event_value *tags = event_find(measurement, FIELD_measure_tags);
	uint64_t span_ns = event_number_of(measurement, FIELD_measure_span);
	size_t point = protobuf_open(out, OTLP_DATA_POINTS);

	protobuf_fixed64(out, OTLP_POINT_START, measurement->wall_ns - span_ns);
	protobuf_fixed64(out, OTLP_POINT_TIME, measurement->wall_ns);
	protobuf_fixed64(out, OTLP_POINT_INT, event_number_of(measurement, FIELD_measure_value));
	for (size_t n = 0; tags && n < tags->map.count; n++)
		otlp_put_pair(out, OTLP_POINT_ATTRIBUTES, tags->map.pairs[n].name,
			      tags->map.pairs[n].text);
	protobuf_close(out, point);
}

void otlp_put_metric(const struct event *measurement, struct text *out)
{
	bool gauge = measure_is_gauge(measurement);
	size_t data;

	otlp_put_string(out, OTLP_METRIC_NAME, event_text_of(measurement, FIELD_measure_name));
	otlp_put_string(out, OTLP_METRIC_UNIT,
			otlp_unit(event_text_of(measurement, FIELD_measure_unit)));
	data = protobuf_open(out, gauge ? OTLP_METRIC_GAUGE : OTLP_METRIC_SUM);
	otlp_put_point(measurement, out);
	if (!gauge) {
		protobuf_u64(out, OTLP_SUM_TEMPORALITY, OTLP_DELTA);
		protobuf_u64(out, OTLP_SUM_IS_MONOTONIC,
			     (int64_t)event_number_of(measurement, FIELD_measure_value) >= 0);
	}
	protobuf_close(out, data);
}

/* --- the request --- */

static void otlp_put_resource(const struct event_origin *origin, struct text *out)
{
	const struct {
		const char *key, *text;
	} rows[] = {
		{ "host.name", origin->host },
		{ "service.name", origin->program },
		{ "service.version", origin->version },
		{ "service.instance.id", origin->run_id },
	};
	size_t resource = protobuf_open(out, OTLP_RESOURCE_ITEMS_RESOURCE);

	for (size_t n = 0; n < array_count(rows); n++)
		otlp_put_pair(out, OTLP_RESOURCE_ATTRIBUTES, slice_of(rows[n].key),
			      slice_of(rows[n].text));
	protobuf_close(out, resource);
}

void otlp_put_request(const struct event_origin *origin, const struct spool_item *items,
		      size_t count, struct text *out)
{
	size_t resource_items = protobuf_open(out, OTLP_REQUEST_RESOURCE_ITEMS), scope_items, scope;

	otlp_put_resource(origin, out);
	scope_items = protobuf_open(out, OTLP_RESOURCE_ITEMS_SCOPE_ITEMS);
	scope = protobuf_open(out, OTLP_SCOPE_ITEMS_SCOPE);
	otlp_put_string(out, OTLP_SCOPE_NAME, SLICE("bulwark"));
	otlp_put_string(out, OTLP_SCOPE_VERSION, slice_of(origin->version));
	protobuf_close(out, scope);
	for (size_t n = 0; n < count; n++)
		protobuf_bytes(out, OTLP_SCOPE_ITEMS_ITEM, items[n].payload);
	protobuf_close(out, scope_items);
	protobuf_close(out, resource_items);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/osquery.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>

#include "event/measure.h"

/* Columns are texts, also those with numbers. */
static bool osquery_number(const json_t *column, int64_t *ret_number)
{
	const char *words = json_string_value(column);
	char *end;
	double number;

	if (json_is_number(column)) {
		number = json_number_value(column);
	} else {
		if (!words || !*words)
			return false;
		errno = 0;
		*ret_number = strtoll(words, &end, 10);
		if (*end == '\0' && errno == 0)
			return true;
		number = strtod(words, &end);
		if (*end != '\0')
			return false;
	}
	if (!isfinite(number) || fabs(number) > 9e18)
		return false;
	*ret_number = llround(number);
	return true;
}

static struct event_map osquery_tags(const struct osquery_query *query, json_t *row,
				     struct event_pair pairs[MEASURE_TAGS])
{
	struct event_map tags = { pairs, 0 };
	const char *name;
	json_t *column;

	json_object_foreach(row, name, column) {
		if (!json_is_string(column) || tags.count == MEASURE_TAGS ||
		    (query->measurement && strcmp(name, query->measurement) == 0))
			continue;
		pairs[tags.count].name = slice_of(name);
		pairs[tags.count++].text = slice_first(
			(struct slice){ json_string_value(column), json_string_length(column) },
			MEASURE_TAG_BYTES);
	}
	return tags;
}

static void osquery_take_row(const struct osquery_query *query, json_t *row, uint64_t wall_ns,
			     struct osquery_rows *rows)
{
	static const unsigned int kinds[] = {
		[OSQUERY_counter] = MEASURE_COUNTER,
		[OSQUERY_gauge] = MEASURE_GAUGE,
		[OSQUERY_meter] = MEASURE_METER,
		[OSQUERY_histogram] = MEASURE_HISTOGRAM,
	};
	struct event_pair pairs[MEASURE_TAGS];
	struct event event;
	int64_t value = 1;

	if (!json_is_object(row) ||
	    (query->measurement &&
	     !osquery_number(json_object_get(row, query->measurement), &value))) {
		rows->malformed++;
		return;
	}
	event_init(&event, EVENT_osquery_row, wall_ns, 0);
	event_printf(&event, FIELD_measure_name, "osquery.%s", query->name);
	event_number(&event, FIELD_measure_value, (uint64_t)value);
	event_text(&event, FIELD_measure_unit,
		   query->unit == OSQUERY_byte ? SLICE("byte") : SLICE("count"));
	event_number(&event, FIELD_measure_kinds, kinds[query->aggregation]);
	event_map(&event, FIELD_measure_tags, osquery_tags(query, row, pairs));
	rows->taken++;
	rows->take(rows, &event);
}

static void osquery_take_array(const struct osquery_query *query, json_t *array, uint64_t wall_ns,
			       struct osquery_rows *rows)
{
	json_t *row;
	size_t n;

	json_array_foreach(array, n, row) {
		if (rows->taken == rows->limit)
			rows->cut++;
		else
			osquery_take_row(query, row, wall_ns, rows);
	}
}

int osquery_read(const struct osquery_query *query, struct slice answer, uint64_t wall_ns,
		 struct osquery_rows *rows, struct error *err)
{
	answer = slice_trim(answer);
	if (answer.bytes == 0)
		return error_say(err, EINVAL, "its answer is empty");
	while (answer.bytes) {
		json_error_t place = { 0 };
		json_t *array = json_loadb(answer.at, answer.bytes, JSON_DISABLE_EOF_CHECK, &place);

		if (!json_is_array(array)) {
			json_decref(array);
			return error_say(err, EINVAL, "its answer is no list in JSON: %s",
					 place.text);
		}
		osquery_take_array(query, array, wall_ns, rows);
		json_decref(array);
		answer = slice_trim(slice_skip(answer, (size_t)place.position));
	}
	return 0;
}

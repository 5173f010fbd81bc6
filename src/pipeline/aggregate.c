/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/aggregate.h"

#include <errno.h>
#include <stdio.h>

#include "pipeline/histogram.h"

#define AGGREGATE_BUCKETS  (1u << 20) /* 8 MiB */
#define AGGREGATE_ELEMENTS (1u << 16)
#define AGGREGATE_WORDS	   256 /* of what elements a set has */

static const unsigned int aggregate_percents[] = { 25, 50, 75, 90, 95, 99 };

/* One that a set has. */
struct element {
	struct slice name;
	char bytes[];
};

struct series {
	struct slice key;
	struct slice name, unit;
	uint64_t kinds;
	int64_t value;
	uint64_t samples;
	struct map elements; /* with a set's first one */
	struct histogram histogram;
	struct event_map tags;
	struct event_pair pairs[MEASURE_TAGS];
	char bytes[]; /* all texts above */
};

static struct slice series_key(const void *item)
{
	return ((const struct series *)item)->key;
}

static struct slice element_key(const void *item)
{
	return ((const struct element *)item)->name;
}

static void series_free(struct series *series)
{
	struct element *element;

	map_each(&series->elements, element) {
		free(element);
	}
	map_done(&series->elements);
	histogram_done(&series->histogram);
	free(series);
}

void aggregate_init(struct aggregate *aggregate, const struct aggregate_settings *settings)
{
	*aggregate = (struct aggregate){ .settings = *settings };
	map_init(&aggregate->series, series_key);
}

static void aggregate_clear(struct aggregate *aggregate)
{
	struct series *series;

	map_each(&aggregate->series, series) {
		series_free(series);
	}
	map_done(&aggregate->series);
	map_init(&aggregate->series, series_key);
}

void aggregate_done(struct aggregate *aggregate)
{
	aggregate_clear(aggregate);
	map_done(&aggregate->series);
	text_done(&aggregate->key);
}

/* --- adding --- */

static void aggregate_put_part(struct text *key, struct slice part)
{
	uint32_t bytes = (uint32_t)part.bytes;

	/* With lengths in front, no text can look like two. */
	text_put(key, (struct slice){ (const char *)&bytes, sizeof(bytes) });
	text_put(key, part);
}

static struct event_map aggregate_tags(const struct event *measurement)
{
	const struct event_value *tags = event_find(measurement, FIELD_measure_tags);
	struct event_map map = tags ? tags->map : (struct event_map){ 0 };

	if (map.count > MEASURE_TAGS)
		map.count = MEASURE_TAGS;
	return map;
}

static void aggregate_make_key(struct aggregate *aggregate, const struct event *measurement)
{
	struct event_map tags = aggregate_tags(measurement);
	uint64_t kinds = event_number_of(measurement, FIELD_measure_kinds);
	struct text *key = &aggregate->key;

	text_clear(key);
	text_put(key, (struct slice){ (const char *)&kinds, sizeof(kinds) });
	aggregate_put_part(key, event_text_of(measurement, FIELD_measure_name));
	aggregate_put_part(key, event_text_of(measurement, FIELD_measure_unit));
	for (size_t n = 0; n < tags.count; n++) {
		aggregate_put_part(key, tags.pairs[n].name);
		aggregate_put_part(key, tags.pairs[n].text);
	}
}

/* The next text of the key that the series keeps. */
static struct slice series_take_part(struct slice *rest)
{
	uint32_t bytes;
	struct slice part;

	memcpy(&bytes, rest->at, sizeof(bytes));
	*rest = slice_skip(*rest, sizeof(bytes));
	part = slice_first(*rest, bytes);
	*rest = slice_skip(*rest, bytes);
	return part;
}

static struct series *series_new(struct slice key, size_t tag_count)
{
	struct series *series = calloc(1, sizeof(*series) + key.bytes);
	struct slice rest;

	if (!series)
		return NULL;
	memcpy(series->bytes, key.at, key.bytes);
	rest = series->key = (struct slice){ series->bytes, key.bytes };
	memcpy(&series->kinds, rest.at, sizeof(series->kinds));
	rest = slice_skip(rest, sizeof(series->kinds));
	series->name = series_take_part(&rest);
	series->unit = series_take_part(&rest);
	series->tags = (struct event_map){ series->pairs, tag_count };
	for (size_t n = 0; n < tag_count; n++) {
		series->pairs[n].name = series_take_part(&rest);
		series->pairs[n].text = series_take_part(&rest);
	}
	return series;
}

static int aggregate_find(struct aggregate *aggregate, const struct event *measurement,
			  struct series **ret_series)
{
	struct series *series;

	aggregate_make_key(aggregate, measurement);
	if (aggregate->key.failed)
		return -ENOMEM;
	*ret_series = map_get(&aggregate->series, text_slice(&aggregate->key));
	if (*ret_series)
		return 0;
	if (aggregate->series.count >= aggregate->settings.max_series)
		return -ENOSPC;
	series = series_new(text_slice(&aggregate->key), aggregate_tags(measurement).count);
	if (!series || map_put(&aggregate->series, series, NULL) < 0) {
		free(series);
		return -ENOMEM;
	}
	*ret_series = series;
	return 0;
}

static int series_add_element(struct aggregate *aggregate, struct series *series, struct slice name)
{
	struct element *element;

	if (!series->elements.key)
		map_init(&series->elements, element_key);
	if (map_get(&series->elements, name))
		return 0;
	element = calloc(1, sizeof(*element) + name.bytes);
	if (!element)
		return -ENOMEM;
	memcpy(element->bytes, name.at, name.bytes);
	element->name = (struct slice){ element->bytes, name.bytes };
	if (map_put(&series->elements, element, NULL) < 0) {
		free(element);
		return -ENOMEM;
	}
	series->value = (int64_t)series->elements.count;
	aggregate->elements++;
	return 0;
}

/* What counts events is a histogram in name only: each of its values is 1. */
static bool series_has_percentiles(const struct aggregate *aggregate, const struct series *series)
{
	return aggregate->settings.percentiles &&
	       series->kinds & (MEASURE_HISTOGRAM | MEASURE_TIMER) &&
	       !(slice_is(series->unit, "count") && series->kinds & MEASURE_COUNTER);
}

static void series_add_value(struct aggregate *aggregate, struct series *series, int64_t value,
			     uint64_t samples)
{
	int64_t each = value / (int64_t)samples;

	series->value += value;
	if (!series_has_percentiles(aggregate, series))
		return;
	aggregate->buckets -= series->histogram.count;
	histogram_add(&series->histogram, each > 0 ? (uint64_t)each : 0,
		      samples < UINT32_MAX ? (uint32_t)samples : UINT32_MAX);
	aggregate->buckets += series->histogram.count;
}

int aggregate_add(struct aggregate *aggregate, const struct event *measurement)
{
	int64_t value = (int64_t)event_number_of(measurement, FIELD_measure_value);
	uint64_t samples = event_number_of(measurement, FIELD_measure_samples);
	struct series *series;
	int r = aggregate_find(aggregate, measurement, &series);

	if (r < 0)
		return r;
	if (aggregate->buckets > AGGREGATE_BUCKETS || aggregate->elements > AGGREGATE_ELEMENTS)
		return -ENOSPC;
	samples = samples ? samples : 1;
	if (aggregate->since_ns == 0)
		aggregate->since_ns = measurement->wall_ns;
	if (measure_is_gauge(measurement))
		series->value = value;
	else if (event_has(measurement, FIELD_measure_element))
		r = series_add_element(aggregate, series,
				       event_text_of(measurement, FIELD_measure_element));
	else
		series_add_value(aggregate, series, value, samples);
	series->samples += samples;
	return r;
}

/* --- emitting --- */

struct aggregate_emission {
	const struct aggregate *aggregate;
	uint64_t wall_ns;
	struct measure_port *port;
};

static void aggregate_take(const struct aggregate_emission *emission, const struct measure *measure,
			   uint64_t samples)
{
	uint64_t since_ns = emission->aggregate->since_ns;
	struct event event;

	measure_make(&event, measure, emission->wall_ns);
	event_number(&event, FIELD_measure_samples, samples);
	if (since_ns && since_ns < emission->wall_ns)
		event_number(&event, FIELD_measure_span, emission->wall_ns - since_ns);
	emission->port->take(emission->port, &event);
}

/* What a set has, as far as that fits, beside its tags. */
static void series_emit_set(const struct aggregate_emission *emission, const struct series *series,
			    struct measure measure)
{
	struct event_pair pairs[MEASURE_TAGS + 1];
	char words[AGGREGATE_WORDS];
	const struct element *element;
	size_t bytes = 0;

	map_each(&series->elements, element) {
		if (bytes + element->name.bytes + 1 > sizeof(words))
			break;
		if (bytes)
			words[bytes++] = ',';
		memcpy(words + bytes, element->name.at, element->name.bytes);
		bytes += element->name.bytes;
	}
	memcpy(pairs, series->pairs, series->tags.count * sizeof(pairs[0]));
	pairs[series->tags.count] = (struct event_pair){ SLICE("set_elements"), { words, bytes } };
	measure.tags = (struct event_map){ pairs, series->tags.count + 1 };
	aggregate_take(emission, &measure, series->samples);
}

static void series_emit(const struct aggregate_emission *emission, const struct series *series)
{
	struct measure measure = { .name = series->name,
				   .unit = series->unit,
				   .kinds = (unsigned int)series->kinds,
				   .value = series->value,
				   .tags = series->tags };

	if (series->elements.count) {
		series_emit_set(emission, series, measure);
		return;
	}
	aggregate_take(emission, &measure, series->samples);
	measure.kinds = MEASURE_PERCENTILE;
	for (size_t n = 0; series->histogram.total && n < array_count(aggregate_percents); n++) {
		char name[256];

		snprintf(name, sizeof(name), "%.*s_%u", SLICE_ARG(slice_first(series->name, 240)),
			 aggregate_percents[n]);
		measure.name = slice_of(name);
		measure.value =
			(int64_t)histogram_percentile(&series->histogram, aggregate_percents[n]);
		aggregate_take(emission, &measure, series->samples);
	}
}

/* Those of one name beside each other, the largest first. */
static int series_order(const void *left, const void *right)
{
	const struct series *a = *(const struct series *const *)left;
	const struct series *b = *(const struct series *const *)right;
	size_t bytes = a->name.bytes < b->name.bytes ? a->name.bytes : b->name.bytes;
	int order = memcmp(a->name.at, b->name.at, bytes);

	if (order == 0 && a->name.bytes != b->name.bytes)
		order = a->name.bytes < b->name.bytes ? -1 : 1;
	if (order == 0 && a->kinds != b->kinds)
		order = a->kinds < b->kinds ? -1 : 1;
	if (order == 0 && !slice_eq(a->unit, b->unit))
		order = a->unit.bytes < b->unit.bytes ? -1 : 1;
	if (order == 0 && a->value != b->value)
		order = a->value > b->value ? -1 : 1;
	return order;
}

static bool series_are_alike(const struct series *a, const struct series *b)
{
	return slice_eq(a->name, b->name) && slice_eq(a->unit, b->unit) && a->kinds == b->kinds;
}

/* The ones behind the largest, added up under one tag. */
static void series_emit_rest(const struct aggregate_emission *emission,
			     const struct series *const *all, size_t count)
{
	struct event_pair pair = { SLICE("other"), { NULL, 0 } };
	struct measure measure = { .name = all[0]->name,
				   .unit = all[0]->unit,
				   .kinds = (unsigned int)all[0]->kinds,
				   .tags = { &pair, 1 } };
	uint64_t samples = 0;
	char words[32];

	snprintf(words, sizeof(words), "%zu", count);
	pair.text = slice_of(words);
	for (size_t n = 0; n < count; n++) {
		measure.value += all[n]->value;
		samples += all[n]->samples;
	}
	aggregate_take(emission, &measure, samples);
}

static void aggregate_emit_top(const struct aggregate_emission *emission,
			       const struct series *const *all, size_t count)
{
	size_t top = emission->aggregate->settings.top;

	for (size_t first = 0, end; first < count; first = end) {
		for (end = first; end < count && series_are_alike(all[first], all[end]); end++)
			if (end - first < top)
				series_emit(emission, all[end]);
		if (end - first > top)
			series_emit_rest(emission, all + first + top, end - first - top);
	}
}

void aggregate_emit(struct aggregate *aggregate, uint64_t wall_ns, struct measure_port *port)
{
	const struct aggregate_emission emission = { aggregate, wall_ns, port };
	auto_free const struct series **all =
		calloc(aggregate->series.count + 1, sizeof(struct series *));
	const struct series *series;
	size_t count = 0;

	map_each(&aggregate->series, series) {
		if (all)
			all[count++] = series;
		else
			series_emit(&emission, series);
	}
	if (all && aggregate->settings.top) {
		qsort(all, count, sizeof(struct series *), series_order);
		aggregate_emit_top(&emission, all, count);
	}
	for (size_t n = 0; !aggregate->settings.top && n < count; n++)
		series_emit(&emission, all[n]);
	aggregate_clear(aggregate);
	aggregate->since_ns = 0;
	aggregate->buckets = aggregate->elements = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/statsd_line.h"

#include "base/clock.h"
#include "event/measure.h"

static void statsd_put_word(struct slice word, const char *marks, struct text *out)
{
	for (size_t n = 0; n < word.bytes; n++) {
		char c = word.at[n];

		text_putc(out, (unsigned char)c <= ' ' || c == 0x7f || strchr(marks, c) ? '_' : c);
	}
}

static void statsd_put_number(const struct event *measurement, struct text *out)
{
	uint64_t kinds = event_number_of(measurement, FIELD_measure_kinds);
	int64_t value = (int64_t)event_number_of(measurement, FIELD_measure_value);
	/* How many elements a set had is no count of events: it can't be added up. */
	bool gauge = measure_is_gauge(measurement) || kinds & MEASURE_SET;

	if (value < 0)
		text_putc(out, '-');
	text_u64(out, value < 0 ? -(uint64_t)value : (uint64_t)value, 0);
	text_put(out, gauge ? SLICE("|g") : SLICE("|c"));
}

static void statsd_put_span(const struct event *measurement, struct text *out)
{
	uint64_t value = event_number_of(measurement, FIELD_measure_value);
	uint64_t samples = event_number_of(measurement, FIELD_measure_samples);
	bool gauge = measure_is_gauge(measurement);

	/* A sum of spans is told as so many of their mean. */
	if (!gauge && samples > 1)
		value /= samples;
	text_u64(out, value / NS_PER_MS, 0);
	if (value % NS_PER_MS) {
		text_putc(out, '.');
		text_u64(out, value % NS_PER_MS / NS_PER_US, 3);
	}
	text_put(out, gauge ? SLICE("|g") : SLICE("|ms"));
	if (!gauge && samples > 1)
		text_printf(out, "|@%.9g", 1.0 / (double)samples);
}

static void statsd_put_tags(const struct event_map *tags, enum statsd_tags form, struct text *out)
{
	bool dog = form == STATSD_dogstatsd;
	const char *marks = dog ? ":|@#,\n" : ":|@#;=~\n";
	size_t count = 0;

	for (size_t n = 0; n < tags->count; n++) {
		if (tags->pairs[n].text.bytes == 0)
			continue;
		if (dog)
			text_put(out, count++ ? SLICE(",") : SLICE("|#"));
		else
			text_putc(out, ';');
		statsd_put_word(tags->pairs[n].name, marks, out);
		text_putc(out, dog ? ':' : '=');
		statsd_put_word(tags->pairs[n].text, marks, out);
	}
}

static void statsd_put_value(const struct event *measurement, struct text *out)
{
	if (event_has(measurement, FIELD_measure_element)) {
		statsd_put_word(event_text_of(measurement, FIELD_measure_element), ":|@#;", out);
		text_put(out, SLICE("|s"));
	} else if (slice_is(event_text_of(measurement, FIELD_measure_unit), "duration")) {
		statsd_put_span(measurement, out);
	} else {
		statsd_put_number(measurement, out);
	}
}

static void statsd_put_whole(const struct event *measurement, struct slice prefix,
			     enum statsd_tags form, struct text *out)
{
	const struct event_value *tags = event_find(measurement, FIELD_measure_tags);

	statsd_put_word(prefix, ":|@#;", out);
	statsd_put_word(event_text_of(measurement, FIELD_measure_name), ":|@#;", out);
	if (tags && form == STATSD_graphite)
		statsd_put_tags(&tags->map, form, out);
	text_putc(out, ':');
	statsd_put_value(measurement, out);
	if (tags && form == STATSD_dogstatsd)
		statsd_put_tags(&tags->map, form, out);
}

void statsd_put_line(const struct event *measurement, struct slice prefix, enum statsd_tags form,
		     struct text *out)
{
	int64_t value = (int64_t)event_number_of(measurement, FIELD_measure_value);

	/* A sign makes a gauge's value a step from the one before: step down from nought. */
	if (value < 0 && measure_is_gauge(measurement)) {
		struct event nought = *measurement;

		for (size_t n = 0; n < nought.count; n++)
			if (nought.values[n].field == FIELD_measure_value)
				nought.values[n].number = 0;
		statsd_put_whole(&nought, prefix, form, out);
		text_putc(out, '\n');
	}
	statsd_put_whole(measurement, prefix, form, out);
}

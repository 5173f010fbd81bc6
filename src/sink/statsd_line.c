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

static void statsd_put_value(const struct event *measurement, struct text *out)
{
	uint64_t value = event_number_of(measurement, FIELD_measure_value);
	uint64_t kinds = event_number_of(measurement, FIELD_measure_kinds);
	uint64_t samples = event_number_of(measurement, FIELD_measure_samples);
	bool gauge = kinds & (MEASURE_GAUGE | MEASURE_PERCENTILE) && !(kinds & MEASURE_COUNTER);

	if (!slice_is(event_text_of(measurement, FIELD_measure_unit), "duration")) {
		text_u64(out, value, 0);
		text_put(out, gauge ? SLICE("|g") : SLICE("|c"));
		return;
	}
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

void statsd_put_line(const struct event *measurement, struct slice prefix, enum statsd_tags form,
		     struct text *out)
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

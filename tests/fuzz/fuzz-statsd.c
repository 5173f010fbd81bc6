/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-statsd - any bytes as a datagram of a StatsD client. */
#include <assert.h>
#include <math.h>

#include "sensor/statsd_series.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void assert_inside(struct slice part, struct slice whole)
{
	assert(part.bytes == 0 || slice_is(part, "true") ||
	       (part.at >= whole.at && part.at + part.bytes <= whole.at + whole.bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct slice rest = { (const char *)data, bytes }, text;
	struct statsd_series_table table;
	struct statsd_value value;
	struct statsd_line line;

	statsd_series_init(&table, 4);
	while (slice_next(&rest, '\n', &text)) {
		if (!statsd_parse(text, &line))
			continue;
		assert(line.name.bytes > 0 && line.name.bytes <= STATSD_NAME_BYTES);
		assert(line.rate > 0 && line.rate <= 1 && line.tag_count <= MEASURE_TAGS);
		assert_inside(line.name, text);
		for (size_t n = 0; n < line.tag_count; n++) {
			assert_inside(line.tags[n].name, text);
			assert_inside(line.tags[n].text, text);
		}
		while (statsd_next_value(&line, &value) > 0) {
			assert(isfinite(value.number));
			assert_inside(value.element, text);
		}
		assert(statsd_series_find(&table, &line));
		assert(table.all.count <= 4);
	}
	statsd_series_done(&table);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-osquery - any bytes as what osqueryi prints. */
#include <assert.h>

#include "sensor/osquery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void on_row(struct osquery_rows *rows, struct event *event)
{
	(void)rows;
	assert(event_has(event, FIELD_measure_name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const struct osquery_query query = { .name = (char *)"q", .measurement = (char *)"n" };
	struct osquery_rows rows = { .take = on_row, .limit = 10 };
	struct error err;

	(void)!osquery_read(&query, (struct slice){ (const char *)data, bytes }, 1, &rows, &err);
	assert(rows.taken <= rows.limit);
	return 0;
}

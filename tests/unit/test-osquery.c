/* SPDX-License-Identifier: Apache-2.0 */
/* What osqueryi prints, as events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sensor/osquery.h"

static struct text out;

static void on_row(struct osquery_rows *rows, struct event *event)
{
	(void)rows;
	text_printf(&out, "%.*s %lld %.*s %llu",
		    SLICE_ARG(event_text_of(event, FIELD_measure_name)),
		    (long long)event_number_of(event, FIELD_measure_value),
		    SLICE_ARG(event_text_of(event, FIELD_measure_unit)),
		    (unsigned long long)event_number_of(event, FIELD_measure_kinds));
	for (size_t n = 0; n < event_find(event, FIELD_measure_tags)->map.count; n++) {
		const struct event_pair *pair =
			&event_find(event, FIELD_measure_tags)->map.pairs[n];

		text_printf(&out, " %.*s=%.*s", SLICE_ARG(pair->name), SLICE_ARG(pair->text));
	}
	text_putc(&out, '\n');
}

static int read_answer(const struct osquery_query *query, const char *answer,
		       struct osquery_rows *rows, struct error *err)
{
	text_clear(&out);
	*rows = (struct osquery_rows){ .take = on_row, .limit = 3 };
	return osquery_read(query, slice_of(answer), 1, rows, err);
}

static void rows_are_measured(void **state)
{
	const struct osquery_query query = { .name = (char *)"rss",
					     .measurement = (char *)"resident_size",
					     .unit = OSQUERY_byte,
					     .aggregation = OSQUERY_gauge };
	const struct osquery_query plain = { .name = (char *)"users" };
	struct osquery_rows rows;
	struct error err;

	(void)state;
	assert_int_equal(read_answer(&query,
				     "[\n  {\"name\":\"sh\",\"resident_size\":\"4096\"},\n"
				     "  {\"name\":\"a b\",\"resident_size\":\"-1.6\"}\n]\n",
				     &rows, &err),
			 0);
	assert_string_equal(text_str(&out), "osquery.rss 4096 byte 2 name=sh\n"
					    "osquery.rss -2 byte 2 name=a b\n");
	assert_int_equal(rows.taken, 2);
	/* A pack answers with one list after the other; without a column each row counts. */
	assert_int_equal(
		read_answer(&plain, "[{\"uid\":\"0\"}]\n[]\n[{\"uid\":\"1\"}]", &rows, &err), 0);
	assert_string_equal(text_str(&out),
			    "osquery.users 1 count 1 uid=0\nosquery.users 1 count 1 uid=1\n");
	text_done(&out);
}

static void what_is_wrong_is_counted(void **state)
{
	const struct osquery_query query = { .name = (char *)"q", .measurement = (char *)"n" };
	struct osquery_rows rows;
	struct error err;

	(void)state;
	assert_int_equal(read_answer(&query,
				     "[{\"n\":\"x\"},{},7,{\"n\":\"\"},{\"n\":\"1\"},{\"n\":2},"
				     "{\"n\":\"3\"},{\"n\":\"4\"}]",
				     &rows, &err),
			 0);
	assert_int_equal(rows.malformed, 4);
	assert_int_equal(rows.taken, 3);
	assert_int_equal(rows.cut, 1);
	assert_true(read_answer(&query, "Error: no such table: x\n", &rows, &err) < 0);
	assert_non_null(strstr(err.text, "its answer is no list in JSON"));
	assert_true(read_answer(&query, "{}", &rows, &err) < 0);
	assert_true(read_answer(&query, " \n", &rows, &err) < 0);
	assert_true(read_answer(&query, "[{\"n\":\"1\"}] [", &rows, &err) < 0);
	assert_int_equal(rows.taken, 1);
	text_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_measured),
		cmocka_unit_test(what_is_wrong_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What StatsD clients say, and what is remembered of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "sensor/statsd_line.h"
#include "sensor/statsd_series.h"
#include "sensor/statsd_tcp.h"

static void assert_slice(struct slice got, const char *expected)
{
	assert_int_equal(got.bytes, strlen(expected));
	assert_memory_equal(got.at, expected, got.bytes);
}

static void lines_are_read(void **state)
{
	static const struct {
		const char *text, *name;
		enum statsd_type type;
		int milli; /* the value */
		int rate_milli;
		bool relative;
	} rows[] = {
		{ "a.b:1|c", "a.b", STATSD_counter, 1000, 1000, false },
		{ "a:-3|c", "a", STATSD_counter, -3000, 1000, false },
		{ "a:2|c|@0.1", "a", STATSD_counter, 2000, 100, false },
		{ "a:2|c|@0.1|#x:y", "a", STATSD_counter, 2000, 100, false },
		{ "a:2|c|#x:y|@0.5", "a", STATSD_counter, 2000, 500, false },
		{ "load:0.75|g", "load", STATSD_gauge, 750, 1000, false },
		{ "load:+4|g", "load", STATSD_gauge, 4000, 1000, true },
		{ "load:-10|g", "load", STATSD_gauge, -10000, 1000, true },
		{ "t:320.5|ms", "t", STATSD_timer, 320500, 1000, false },
		{ "h:1e3|h", "h", STATSD_histogram, 1000000, 1000, false },
		{ "h:7|d", "h", STATSD_histogram, 7000, 1000, false },
		{ "a b/c:1|c|T1656581400|c:ci-83|e:x", "a b/c", STATSD_counter, 1000, 1000, false },
	};
	struct statsd_value value;
	struct statsd_line line;

	(void)state;
	for (size_t n = 0; n < array_count(rows); n++) {
		if (!statsd_parse(slice_of(rows[n].text), &line))
			fail_msg("%s", rows[n].text);
		assert_slice(line.name, rows[n].name);
		assert_int_equal(line.type, rows[n].type);
		assert_int_equal((int)(line.rate * 1000 + 0.5), rows[n].rate_milli);
		assert_int_equal(statsd_next_value(&line, &value), 1);
		assert_int_equal((int)(value.number * 1000), rows[n].milli);
		assert_int_equal(value.relative, rows[n].relative);
		assert_int_equal(statsd_next_value(&line, &value), 0);
	}
}

static void wrong_lines_are_refused(void **state)
{
	static const char *const rows[] = {
		"",	     "a",	"a:",	    ":1|c",	   "a:1",
		"a:1|",	     "a:|c",	"a:1|x",    "a:1|c|@0",	   "a:1|c|@2",
		"a:1|c|@-1", "a:1|c|@", "a:1|c|@x", "a:1|c|why",   "a:1|c\x01",
		"a\tb:1|c",  "a:1||c",	";a=b:1|c", "_e{1,1}:a|b",
	};
	static const char *const values[] = { "a:x|c",	   "a:0x10|c", "a:inf|g", "a:nan|g",
					      "a:1e999|g", "a:-1|ms",  "a:--1|c", "a:1 |c" };
	static char name[STATSD_NAME_BYTES + 8];
	struct statsd_value value;
	struct statsd_line line;

	(void)state;
	for (size_t n = 0; n < array_count(rows); n++)
		if (statsd_parse(slice_of(rows[n]), &line))
			fail_msg("%s", rows[n]);
	for (size_t n = 0; n < array_count(values); n++)
		if (statsd_parse(slice_of(values[n]), &line) &&
		    statsd_next_value(&line, &value) != -EINVAL)
			fail_msg("%s", values[n]);
	memset(name, 'n', STATSD_NAME_BYTES + 1);
	memcpy(name + STATSD_NAME_BYTES + 1, ":1|c", 5);
	assert_false(statsd_parse(slice_of(name), &line));
	assert_true(statsd_parse(slice_of(name + 1), &line));
}

/* The predecessor took the comma for a part of the text. */
static void tags_are_told_apart(void **state)
{
	struct statsd_line line;

	(void)state;
	assert_true(statsd_parse(SLICE("a:1|c|#env:prod,url:http://x/,bare,,k:"), &line));
	assert_int_equal(line.tag_count, 4);
	assert_slice(line.tags[0].name, "env");
	assert_slice(line.tags[0].text, "prod");
	assert_slice(line.tags[1].text, "http://x/");
	assert_slice(line.tags[2].name, "bare");
	assert_slice(line.tags[2].text, "true");
	assert_slice(line.tags[3].text, "");
	assert_true(statsd_parse(SLICE("a;host=web1;n=2:5|g"), &line));
	assert_slice(line.name, "a");
	assert_int_equal(line.tag_count, 2);
	assert_slice(line.tags[1].name, "n");
	assert_slice(line.tags[1].text, "2");
}

static void too_many_tags_are_counted(void **state)
{
	auto_text struct text words = { 0 };
	struct statsd_line line;

	(void)state;
	text_put(&words, SLICE("a:1|c|#"));
	for (unsigned int n = 0; n < MEASURE_TAGS + 3; n++)
		text_printf(&words, "t%u:x,", n);
	assert_true(statsd_parse(text_slice(&words), &line));
	assert_int_equal(line.tag_count, MEASURE_TAGS);
	assert_int_equal(line.tags_cut, 3);
}

static void a_line_may_have_several_values(void **state)
{
	struct statsd_value value;
	struct statsd_line line;

	(void)state;
	assert_true(statsd_parse(SLICE("t:1:2.5:3|h"), &line));
	assert_int_equal(statsd_next_value(&line, &value), 1);
	assert_int_equal(statsd_next_value(&line, &value), 1);
	assert_true(value.number == 2.5);
	assert_int_equal(statsd_next_value(&line, &value), 1);
	assert_int_equal(statsd_next_value(&line, &value), 0);
	/* An element of a set is one text. */
	assert_true(statsd_parse(SLICE("s:fe80::1|s"), &line));
	assert_int_equal(statsd_next_value(&line, &value), 1);
	assert_slice(value.element, "fe80::1");
	assert_int_equal(statsd_next_value(&line, &value), 0);
}

static double *series(struct statsd_series_table *table, const char *text)
{
	struct statsd_line line;

	assert_true(statsd_parse(slice_of(text), &line));
	return statsd_series_find(table, &line);
}

static void series_are_remembered_and_bounded(void **state)
{
	struct statsd_series_table table;

	(void)state;
	statsd_series_init(&table, 3);
	*series(&table, "a:1|g") = 5;
	*series(&table, "a:1|c") = 6; /* another type */
	*series(&table, "a:1|g|#x:y") = 7;
	assert_true(*series(&table, "a:1|g") == 5);
	assert_true(*series(&table, "a:1|c") == 6);
	*series(&table, "b:1|g") = 8; /* in place of the one with a tag */
	assert_int_equal(table.evicted, 1);
	assert_true(*series(&table, "a:1|g") == 5);
	assert_true(*series(&table, "a:1|g|#x:y") == 0);
	assert_int_equal(table.evicted, 2);
	assert_int_equal(table.all.count, 3);
	statsd_series_done(&table);
}

static size_t whole_lines, cut_lines;

static void on_line(struct statsd_tcp *tcp, struct slice line)
{
	(void)tcp;
	assert_slice(line, "whole:1|c");
	whole_lines++;
}

static void on_cut(struct statsd_tcp *tcp)
{
	(void)tcp;
	cut_lines++;
}

static void the_silent_client_makes_room_and_is_counted(void **state)
{
	struct statsd_tcp tcp = { .line = on_line, .cut = on_cut };
	int fds[STATSD_TCP_CLIENTS + 2];
	struct sockaddr_storage at;
	socklen_t bytes = sizeof(at);
	struct loop *loop;

	(void)state;
	assert_int_equal(loop_new(&loop, NULL), 0);
	assert_int_equal(statsd_tcp_start(&tcp, loop, "127.0.0.1:0", NULL), 0);
	assert_int_equal(getsockname(tcp.listener.fd, (struct sockaddr *)&at, &bytes), 0);
	for (size_t n = 0; n < array_count(fds); n++) {
		const char *words = n == 0 ? "half:1" : "whole:1|c\n";

		fds[n] = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fds[n], (struct sockaddr *)&at, bytes), 0);
		assert_int_equal(write(fds[n], words, strlen(words)), strlen(words));
		for (int turn = 0; turn < 4; turn++)
			assert_int_equal(loop_turn(loop, 1, NULL), 0);
	}
	assert_int_equal(tcp.count, STATSD_TCP_CLIENTS);
	assert_int_equal(tcp.evicted, 2);
	assert_int_equal(whole_lines, STATSD_TCP_CLIENTS + 1);
	assert_int_equal(cut_lines, 1); /* the half of the first */
	statsd_tcp_stop(&tcp);
	for (size_t n = 0; n < array_count(fds); n++)
		close(fds[n]);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(wrong_lines_are_refused),
		cmocka_unit_test(tags_are_told_apart),
		cmocka_unit_test(too_many_tags_are_counted),
		cmocka_unit_test(a_line_may_have_several_values),
		cmocka_unit_test(series_are_remembered_and_bounded),
		cmocka_unit_test(the_silent_client_makes_room_and_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What users write about sinks: the files of polytect's older releases, and its options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/settings.h"
#include "base/clock.h"
#include "event/encode.h"

#include <errno.h>

static struct agent_settings values;
static struct settings settings;
static struct settings_table table;

static int start(void **state)
{
	(void)state;
	table = agent_settings_table("polytect", PROGRAM_polytect);
	memset(&values, 0, sizeof(values));
	return settings_init(&settings, &table, &values, NULL);
}

static int stop(void **state)
{
	(void)state;
	settings_done(&settings);
	return 0;
}

static void read_file(const char *toml)
{
	struct error err;

	if (settings_read_text(&settings, slice_of(toml), "test.toml", &err) < 0 ||
	    settings_check(&settings, &err) < 0)
		fail_msg("%s", err.text);
}

static void nothing_is_on_by_default(void **state)
{
	const struct sink_settings *sinks = &values.sinks;

	(void)state;
	assert_int_equal(sinks->file.format, -1);
	assert_int_equal(sinks->syslog.format, -1);
	assert_int_equal(sinks->syslog.rfc, -1);
	assert_int_equal(sinks->syslog.destination, SYSLOG_default);
	assert_int_equal(sinks->syslog.framing, SYSLOG_octet_counting);
	assert_int_equal(sinks->syslog.facility, 3);
	assert_null(sinks->http.url);
	assert_null(sinks->polycorder.auth_key);
	assert_string_equal(sinks->polycorder.url, "https://polycorder.polyverse.com/v1/events");
	assert_int_equal(sinks->polycorder.flush_count, 10);
	assert_int_equal(sinks->polycorder.flush_ns, 10 * NS_PER_S);
	assert_null(sinks->pagerduty.routing_key);
	assert_string_equal(values.node_id, "unidentified");
	assert_string_equal(sinks->spool.directory, "/var/lib/polytect/spool");
	assert_int_equal(sinks->spool.bytes, 64 << 20);
}

static void files_of_the_first_release_are_read(void **state)
{
	(void)state;
	read_file("[polycorder_config]\n"
		  "auth_key = 'k'\n"
		  "node_id = 'n1'\n"
		  "flush_event_count = 7\n"
		  "flush_timeout = { secs = 3, nanos = 0 }\n");
	assert_string_equal(values.sinks.polycorder.auth_key, "k");
	assert_string_equal(values.node_id, "n1");
	assert_int_equal(values.sinks.polycorder.flush_count, 7);
	assert_int_equal(values.sinks.polycorder.flush_ns, 3 * NS_PER_S);
}

static void files_of_the_last_release_are_read(void **state)
{
	(void)state;
	read_file("pagerduty_routing_key = 'r'\n"
		  "[polycorder]\n"
		  "auth_key = 'k'\n"
		  "flush_timeout_seconds = 4\n"
		  "[syslog]\n"
		  "format = 'Cef'\n"
		  "destination = 'Udp'\n"
		  "server = '10.0.0.1:514'\n"
		  "local = '127.0.0.1:0'\n"
		  "hostname = 'ignored'\n"
		  "[logfile]\n"
		  "format = 'json'\n"
		  "filepath = '/var/log/polytect.log'\n"
		  "rotation_file_count = 3\n"
		  "rotation_file_max_size = 1000000\n");
	assert_string_equal(values.sinks.pagerduty.routing_key, "r");
	assert_int_equal(values.sinks.polycorder.flush_ns, 4 * NS_PER_S);
	assert_int_equal(values.sinks.syslog.format, FORMAT_cef);
	assert_int_equal(values.sinks.syslog.destination, SYSLOG_udp);
	assert_string_equal(values.sinks.syslog.server, "10.0.0.1:514");
	assert_string_equal(values.sinks.syslog.local, "127.0.0.1:0");
	assert_int_equal(values.sinks.file.format, FORMAT_json);
	assert_string_equal(values.sinks.file.path, "/var/log/polytect.log");
	assert_int_equal(values.sinks.file.rotation_count, 3);
	assert_int_equal(values.sinks.file.rotation_bytes, 1000000);
}

static void read_options(int expected, const char *const *words, const char *why)
{
	struct error err = { 0 };
	int count = 0, rest, r;

	while (words[count])
		count++;
	r = settings_read_options(&settings, count, (char **)words, &rest, &err);
	if (r == 0)
		r = settings_check(&settings, &err);
	assert_int_equal(r, expected);
	if (why)
		assert_non_null(strstr(err.text, why));
}

static void options_of_polytect_are_known(void **state)
{
	static const char *const words[] = { "polytect", "--polycorder",
					     "k",	 "--node",
					     "n1",	 "--flush-timeout-secs",
					     "5",	 "--flush-event-count",
					     "20",	 "--syslog",
					     "json",	 "--syslog-destination",
					     "UNIX",	 "--syslog-unix-socket-path",
					     "/x",	 "--log-file-format",
					     "text",	 "--log-file-path",
					     "/y",	 "--pagerduty",
					     "r",	 NULL };

	(void)state;
	read_options(0, words, NULL);
	assert_string_equal(values.sinks.polycorder.auth_key, "k");
	assert_string_equal(values.node_id, "n1");
	assert_int_equal(values.sinks.polycorder.flush_ns, 5 * NS_PER_S);
	assert_int_equal(values.sinks.syslog.destination, SYSLOG_unix);
	assert_string_equal(values.sinks.syslog.path, "/x");
	assert_string_equal(values.sinks.file.path, "/y");
}

static void options_that_need_others_say_so(void **state)
{
	static const char *const words[] = { "polytect", "--node", "n1", NULL };

	(void)state;
	read_options(-EINVAL, words, "'--polycorder'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_on_by_default, start, stop),
		cmocka_unit_test_setup_teardown(files_of_the_first_release_are_read, start, stop),
		cmocka_unit_test_setup_teardown(files_of_the_last_release_are_read, start, stop),
		cmocka_unit_test_setup_teardown(options_of_polytect_are_known, start, stop),
		cmocka_unit_test_setup_teardown(options_that_need_others_say_so, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

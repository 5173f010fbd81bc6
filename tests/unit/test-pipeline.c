/* SPDX-License-Identifier: Apache-2.0 */
/* Pipelines as settings files describe them, into files that are read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/settings.h"
#include "base/clock.h"
#include "base/file.h"
#include "pipeline/aggregate.h"
#include "pipeline/histogram.h"
#include "pipeline/pipeline.h"

static struct {
	struct loop *loop;
	struct metrics metrics;
	struct event_origin origin;
	struct agent_settings values;
	struct settings settings;
	struct settings_table table;
	struct sink_settings spool;
	struct pipelines pipelines;
	uint64_t serial;
	char directory[64], log[80];
	struct text lines;
} bench;

static int start(void **state)
{
	(void)state;
	memset(&bench, 0, sizeof(bench));
	snprintf(bench.directory, sizeof(bench.directory), "/tmp/bulwark-test-pipe-XXXXXX");
	assert_non_null(mkdtemp(bench.directory));
	snprintf(bench.log, sizeof(bench.log), "%s/log", bench.directory);
	assert_int_equal(loop_new(&bench.loop, NULL), 0);
	metrics_init(&bench.metrics, metric_kinds, METRIC_COUNT);
	bench.origin = (struct event_origin){
		.host = "web1", .run_id = "00112233445566aa", .program = "ingraind", .version = "1"
	};
	bench.table = agent_settings_table("ingraind", PROGRAM_ingraind);
	return 0;
}

static int stop(void **state)
{
	auto_text struct text command = { 0 };

	(void)state;
	pipelines_close(&bench.pipelines);
	pipelines_config_done(&bench.values.pipelines);
	settings_done(&bench.settings);
	loop_free(bench.loop);
	metrics_done(&bench.metrics);
	text_done(&bench.lines);
	text_printf(&command, "rm -rf '%s'", bench.directory);
	return system(text_str(&command));
}

static int read_settings(const char *toml, struct error *err)
{
	int r;

	bench.values.pipelines.table = bench.table;
	bench.values.pipelines.values_bytes = sizeof(bench.values);
	bench.values.pipelines.sinks_at = offsetof(struct agent_settings, sinks);
	r = settings_init(&bench.settings, &bench.table, &bench.values, err);
	bench.settings.read_other = pipelines_read;
	bench.settings.owner = &bench.values.pipelines;
	if (r == 0)
		r = settings_read_text(&bench.settings, slice_of(toml), "t.toml", err);
	return r < 0 ? r : agent_settings_finish(&bench.settings, &bench.values, err);
}

/* Opens a pipeline "p" with these steps, into a file in this format. */
static void open_steps(const char *format, const char *steps)
{
	const struct pipelines_env env = {
		.sinks = { .loop = bench.loop,
			   .metrics = &bench.metrics,
			   .origin = &bench.origin,
			   .settings = &bench.spool },
		.serial = &bench.serial,
	};
	auto_text struct text toml = { 0 };
	struct error err;

	text_printf(&toml,
		    "[pipeline.p.config]\nbackend = 'File'\nfilepath = '%s'\nformat = '%s'\n%s\n",
		    bench.log, format, steps);
	if (read_settings(text_str(&toml), &err) < 0 ||
	    pipelines_open(&bench.pipelines, &bench.values.pipelines, &env, &err) < 0)
		fail_msg("%s", err.text);
}

#define STEP "[[pipeline.p.steps]]\n"

static void put_exec(uint64_t pid, const char *comm)
{
	static struct event event;

	event_init(&event, EVENT_process_exec, 1000000000000000000ull + pid, 0);
	event.serial = ++bench.serial;
	event_text(&event, FIELD_comm, slice_of(comm));
	event_number(&event, FIELD_pid, pid);
	event_text(&event, FIELD_container_id, SLICE("c0ffee"));
	event_text(&event, FIELD_pod_name, SLICE("web-0"));
	pipelines_put(&bench.pipelines, &event);
}

static void put_suppressed(uint64_t count)
{
	static struct event event;

	event_init(&event, EVENT_kmsg_suppressed, 5, 0);
	event_text(&event, FIELD_suppressed_function, SLICE("f"));
	event_number(&event, FIELD_suppressed_count, count);
	pipelines_put(&bench.pipelines, &event);
}

static void put_oom(uint64_t bytes)
{
	static struct event event;

	event_init(&event, EVENT_kernel_oom_kill, 5, 0);
	event_text(&event, FIELD_comm, SLICE("hog"));
	event_number(&event, FIELD_oom_anon_rss, bytes);
	pipelines_put(&bench.pipelines, &event);
}

static const char *lines(void)
{
	pipelines_flush(&bench.pipelines);
	assert_int_equal(loop_turn(bench.loop, 0, NULL), 0);
	text_clear(&bench.lines);
	if (file_read(bench.log, 1 << 20, &bench.lines, NULL) < 0)
		return "";
	return text_str(&bench.lines);
}

static size_t count_lines(void)
{
	struct slice rest = slice_of(lines()), line;
	size_t count = 0;

	while (slice_next(&rest, '\n', &line))
		count++;
	return count;
}

static uint64_t dropped(void)
{
	return metrics_total(&bench.metrics, METRIC_pipeline_dropped);
}

/* --- measurements --- */

static void events_become_measurements(void **state)
{
	(void)state;
	open_steps("measurement", "");
	put_exec(7, "sh");
	put_suppressed(40);
	put_oom(4096);
	assert_string_equal(
		lines(),
		"{\"timestamp\":1000000000000000007,\"kind\":5,\"name\":\"process.exec_count\","
		"\"measurement\":1,\"tags\":{\"process_str\":\"sh\",\"process_id\":\"7\"}}\n"
		"{\"timestamp\":5,\"kind\":1,\"name\":\"kmsg.suppressed_count\","
		"\"measurement\":40,\"tags\":{\"function_str\":\"f\"}}\n"
		"{\"timestamp\":5,\"kind\":1,\"name\":\"kernel.oom_kill_count\","
		"\"measurement\":1,\"tags\":{\"process_str\":\"hog\"}}\n"
		"{\"timestamp\":5,\"kind\":9,\"name\":\"kernel.oom_kill.anon_rss_byte\","
		"\"measurement\":4096,\"tags\":{\"process_str\":\"hog\"}}\n");
}

static void details_and_container_are_tags(void **state)
{
	(void)state;
	open_steps("measurement",
		   STEP "type = 'AddSystemDetails'\n" STEP "type = 'Container'\n" STEP
			"type = 'Whitelist'\nallow = ['host', 'docker_id', "
			"'kubernetes_pod_name']\n");
	put_exec(7, "sh");
	assert_non_null(strstr(lines(), "\"tags\":{\"host\":\"web1\",\"docker_id\":\"c0ffee\","
					"\"kubernetes_pod_name\":\"web-0\"}}\n"));
}

static void one_system_of_containers(void **state)
{
	(void)state;
	open_steps("measurement", STEP "type = 'Container'\nsystem = 'Docker'\n");
	put_exec(7, "sh");
	assert_non_null(strstr(lines(), "\"docker_id\":\"c0ffee\"}}\n"));
}

static void patterns_replace_values(void **state)
{
	(void)state;
	open_steps(
		"measurement", STEP
		"type = 'Regex'\npatterns = [{ key = 'process_str', regex = '^(?:conn)\\d+[\\d]$', "
		"replace_with = 'conn*' }, { key = 'process_id', regex = '.', "
		"replace_with = '' }]\n");
	put_exec(7, "conn123");
	assert_non_null(strstr(lines(), "{\"process_str\":\"conn*\",\"process_id\":\"\"}"));
}

/* --- plain events --- */

static void events_keep_their_form(void **state)
{
	(void)state;
	open_steps("json", STEP "type = 'AddSystemDetails'\n" STEP
				"type = 'Allow'\nallow = ['process.comm']\n" STEP
				"type = 'Regex'\npatterns = [{ key = 'process.comm', regex = 'h', "
				"replace_with = 'x' }]\n");
	put_exec(7, "sh");
	assert_non_null(strstr(lines(), "\"event.name\":\"process.exec\""));
	assert_non_null(strstr(lines(), "\"host.name\":\"web1\",\"process.comm\":\"x\"}\n"));
}

static void filters_keep_and_drop(void **state)
{
	(void)state;
	open_steps("json", STEP "type = 'Filter'\nkeep = 'process.pid > 5'\n"
				"drop = \"process.comm == 'cron'\"\n");
	put_exec(5, "sh");
	put_exec(6, "cron");
	put_exec(7, "sh");
	put_suppressed(1);
	assert_int_equal(count_lines(), 1);
	assert_non_null(strstr(lines(), "\"process.pid\":7"));
	assert_int_equal(dropped(), 3);
}

static void filters_see_measurements(void **state)
{
	(void)state;
	open_steps("measurement", STEP "type = 'Buffer'\n" STEP
				       "type = 'Filter'\nkeep = 'measurement.value > 2 and "
				       "measurement.tags.process_str == \"sh\"'\n");
	for (unsigned int n = 0; n < 3; n++) {
		put_exec(7, "sh");
		put_exec(8, "ls");
	}
	put_exec(9, "sh");
	assert_int_equal(count_lines(), 1);
	assert_non_null(strstr(lines(), "\"process_id\":\"7\""));
}

static void rates_are_limited_for_each(void **state)
{
	(void)state;
	open_steps("json", STEP "type = 'Rate'\nper_second = 1\nburst = 3\nby = 'process.pid'\n");
	for (unsigned int n = 0; n < 10; n++) {
		put_exec(7, "sh");
		put_exec(8, "sh");
	}
	assert_in_range(count_lines(), 6, 8); /* a slow machine gives some time to refill */
	assert_int_equal(dropped() + count_lines(), 20);
}

static void samples_count_for_all(void **state)
{
	uint64_t sum = 0;
	struct slice rest, line;

	(void)state;
	open_steps("measurement", STEP "type = 'Sample'\none_of = 4\n" STEP "type = 'Buffer'\n");
	for (unsigned int n = 0; n < 10000; n++)
		put_exec(7, "sh");
	rest = slice_of(lines());
	while (slice_next(&rest, '\n', &line)) {
		ssize_t at = slice_find(line, SLICE("\"measurement\":"));
		uint64_t value;

		line = slice_skip(line, (size_t)at + 14);
		assert_true(slice_eat_u64(&line, &value));
		sum += value;
	}
	assert_in_range(sum, 8500, 11500);
	assert_int_equal(sum % 4, 0);
}

/* --- sums --- */

static void buffers_sum(void **state)
{
	(void)state;
	open_steps("measurement", STEP "type = 'Buffer'\ninterval_s = 30\n");
	for (unsigned int n = 0; n < 5; n++)
		put_suppressed(10 + n);
	assert_int_equal(count_lines(), 1);
	assert_non_null(strstr(lines(), "\"name\":\"kmsg.suppressed_count\",\"measurement\":60,"));
	put_suppressed(1); /* the next interval starts at zero */
	assert_non_null(strstr(lines(), "\"measurement\":1,"));
}

static void buffers_make_percentiles(void **state)
{
	(void)state;
	open_steps("measurement", STEP "type = 'Buffer'\n");
	for (uint64_t n = 1; n <= 100; n++)
		put_oom(n);
	assert_int_equal(count_lines(), 8); /* the count, the sum, six percentiles */
	assert_non_null(strstr(lines(), "anon_rss_byte\",\"measurement\":5050,"));
	assert_non_null(strstr(lines(),
			       "\"kind\":128,\"name\":\"kernel.oom_kill.anon_rss_50_byte\","
			       "\"measurement\":50,"));
	assert_non_null(strstr(lines(), "anon_rss_99_byte\",\"measurement\":99,"));
}

static void buffers_do_without_percentiles(void **state)
{
	(void)state;
	open_steps("measurement", STEP "type = 'Buffer'\nenable_histograms = false\n");
	put_oom(3);
	assert_int_equal(count_lines(), 2);
}

static void buffers_are_bounded(void **state)
{
	uint64_t sum = 0;
	struct slice rest, line;

	(void)state;
	open_steps("measurement", STEP "type = 'Buffer'\nmax_series = 10\n");
	for (unsigned int n = 0; n < 25; n++)
		put_exec(n, "sh");
	rest = slice_of(lines());
	while (slice_next(&rest, '\n', &line))
		sum += slice_find(line, SLICE("\"measurement\":1,")) >= 0;
	assert_int_equal(sum, 25); /* nothing is lost */
}

static void the_largest_are_told_apart(void **state)
{
	(void)state;
	open_steps("measurement", STEP "type = 'TopK'\nk = 2\n");
	for (uint64_t pid = 1; pid <= 5; pid++)
		for (uint64_t n = 0; n < pid; n++)
			put_exec(pid, "sh");
	assert_int_equal(count_lines(), 3);
	assert_non_null(strstr(lines(), "\"measurement\":5,\"tags\":{\"process_str\":\"sh\","
					"\"process_id\":\"5\"}"));
	assert_non_null(strstr(lines(), "\"measurement\":4,"));
	assert_non_null(strstr(lines(), "\"measurement\":6,\"tags\":{\"other\":\"3\"}"));
}

static void put_number(const char *name, unsigned int kinds, int64_t value, uint64_t samples,
		       struct slice element)
{
	static struct event event;

	event_init(&event, EVENT_statsd_metric, clock_wall_ns(), 0);
	event_text(&event, FIELD_measure_name, slice_of(name));
	event_number(&event, FIELD_measure_value, (uint64_t)value);
	event_text(&event, FIELD_measure_unit, SLICE("count"));
	event_number(&event, FIELD_measure_kinds, kinds);
	event_map(&event, FIELD_measure_tags, (struct event_map){ 0 });
	if (samples)
		event_number(&event, FIELD_measure_samples, samples);
	if (element.bytes)
		event_text(&event, FIELD_measure_element, element);
	pipelines_put(&bench.pipelines, &event);
}

static void numbers_of_others_are_summed(void **state)
{
	(void)state;
	open_steps("measurement", STEP "type = 'Buffer'\n");
	put_number("c", MEASURE_COUNTER, 5, 0, SLICE(""));
	put_number("c", MEASURE_COUNTER, -2, 0, SLICE(""));
	put_number("g", MEASURE_GAUGE, 9, 0, SLICE(""));
	put_number("g", MEASURE_GAUGE, -7, 0, SLICE(""));
	put_number("s", MEASURE_SET, 1, 0, SLICE("x"));
	put_number("s", MEASURE_SET, 1, 0, SLICE("x"));
	put_number("s", MEASURE_SET, 1, 0, SLICE("y"));
	assert_int_equal(count_lines(), 3);
	assert_non_null(strstr(lines(), "\"name\":\"c_count\",\"measurement\":3,"));
	assert_non_null(strstr(lines(), "\"name\":\"g_count\",\"measurement\":-7,"));
	assert_non_null(strstr(lines(), "\"name\":\"s_count\",\"measurement\":2,\"tags\":{"
					"\"set_elements\":\""));
}

/* A sampled value stands for several, each as large. */
static void samples_weigh_in_percentiles(void **state)
{
	(void)state;
	open_steps("measurement", STEP "type = 'Buffer'\n");
	put_number("h", MEASURE_HISTOGRAM, 100, 10, SLICE(""));
	put_number("h", MEASURE_HISTOGRAM, 1000, 1, SLICE(""));
	assert_int_equal(count_lines(), 7);
	assert_non_null(strstr(lines(), "\"name\":\"h_count\",\"measurement\":1100,"));
	assert_non_null(strstr(lines(), "\"name\":\"h_90_count\",\"measurement\":10,"));
	assert_non_null(strstr(lines(), "\"name\":\"h_99_count\",\"measurement\":100"));
}

static void histograms_are_near(void **state)
{
	struct histogram histogram = { 0 };

	(void)state;
	for (uint64_t n = 1; n <= 1000000; n += 7)
		histogram_add(&histogram, n * 1000, 1);
	for (unsigned int percent = 1; percent < 100; percent++) {
		uint64_t expected = percent * 10000000ull;
		uint64_t value = histogram_percentile(&histogram, percent);

		assert_in_range(value, expected - expected / 100, expected + expected / 100);
	}
	assert_true(histogram.count <= HISTOGRAM_BUCKETS);
	histogram_add(&histogram, UINT64_MAX, 1);
	histogram_add(&histogram, 0, 1);
	assert_int_equal(histogram_percentile(&histogram, 0), 0);
	histogram_done(&histogram);
}

/* --- settings --- */

static void probes_choose_pipelines(void **state)
{
	const struct pipeline_config *a, *b;
	struct error err;

	(void)state;
	if (read_settings("[[probe]]\npipelines = ['a', 'b']\n[probe.config]\ntype = 'Exec'\n"
			  "[[probe]]\npipelines = ['b']\n[probe.config]\ntype = 'Kernel'\n"
			  "[pipeline.a.config]\nbackend = 'Console'\n"
			  "[pipeline.b.config]\nbackend = 'HTTP'\nuri = 'http://x/'\n"
			  "headers = { X-Key = 'k', X-Two = 't' }\n",
			  &err) < 0)
		fail_msg("%s", err.text);
	b = bench.values.pipelines.first;
	a = b->next;
	if (strcmp(a->name, "b") == 0) {
		const struct pipeline_config *swap = a;

		a = b;
		b = swap;
	}
	assert_true(a->kinds >> EVENT_process_exec & 1);
	assert_false(a->kinds >> EVENT_process_trap & 1);
	assert_true(b->kinds >> EVENT_process_exec & 1);
	assert_true(b->kinds >> EVENT_process_trap & 1);
	assert_int_equal(pipeline_sink_settings(&bench.values.pipelines, a)->console.format,
			 FORMAT_measurement);
	assert_string_equal(pipeline_sink_settings(&bench.values.pipelines, b)->http.url,
			    "http://x/");
	assert_string_equal(pipeline_sink_settings(&bench.values.pipelines, b)->http.header,
			    "X-Key: k\nX-Two: t");
}

static void probes_choose_sensors(void **state)
{
	const struct pipelines_config *config = &bench.values.pipelines;
	struct error err;

	(void)state;
	if (read_settings("[[probe]]\npipelines = ['a']\n[probe.config]\ntype = 'StatsD'\n"
			  "bind_address = '127.0.0.1:1'\n"
			  "[[probe]]\npipelines = ['a']\n[probe.config]\ntype = 'DNS'\n"
			  "timeout = '2s'\n"
			  "[[probe]]\npipelines = ['a']\n[probe.config]\ntype = 'HTTP'\n"
			  "[[probe]]\npipelines = ['a']\n[probe.config]\ntype = 'Osquery'\n"
			  "interval_ms = 2000\n"
			  "[[probe.config.queries]]\nname = 'q'\nquery = 'select 1'\n"
			  "measurement_type = 'Byte'\ninterval_ms = 500\n"
			  "[sensors]\nhttp = false\n"
			  "[pipeline.a.config]\nbackend = 'Console'\n",
			  &err) < 0)
		fail_msg("%s", err.text);
	assert_true(pipelines_want_sensor(config, "dns"));
	assert_true(pipelines_want_sensor(config, "exec"));
	assert_true(pipelines_want_sensor(config, "statsd"));
	assert_false(pipelines_want_sensor(config, "tcp"));
	assert_false(pipelines_want_sensor(config, "kmsg"));
	assert_true(bench.values.watch.statsd);
	assert_true(bench.values.watch.osquery);
	assert_false(bench.values.watch.http); /* what is said of it counts */
	assert_false(bench.values.watch.privilege);
	assert_string_equal(bench.values.watch.statsd_address, "127.0.0.1:1");
	assert_int_equal(bench.values.watch.dns_timeout_ns, 2 * NS_PER_S);
	assert_int_equal(bench.values.watch.osquery_interval_ns, 2 * NS_PER_S);
	assert_int_equal(config->queries.count, 1);
	assert_string_equal(config->queries.items[0].query, "select 1");
	assert_int_equal(config->queries.items[0].unit, OSQUERY_byte);
	assert_int_equal(config->queries.items[0].interval_ns, 500 * NS_PER_MS);
}

static void probes_of_all_leave_the_switches(void **state)
{
	struct error err;

	(void)state;
	if (read_settings("[[probe]]\npipelines = ['a']\n[probe.config]\ntype = 'All'\n"
			  "[pipeline.a.config]\nbackend = 'Console'\n",
			  &err) < 0)
		fail_msg("%s", err.text);
	assert_true(pipelines_want_sensor(&bench.values.pipelines, "tcp"));
	assert_true(bench.values.watch.tcp);
	assert_false(bench.values.watch.statsd);
}

static void mistakes_have_a_place(void **state)
{
	static const struct {
		const char *toml, *said;
	} rows[] = {
		{ "[pipeline.p.config]\nbackend = 'S4'\n",
		  "t.toml:2:1: backend 'S4' is not known; did you mean 'S3'?" },
		{ "[pipeline.p.config]\nbackend = 'S3'\n",
		  "t.toml:2:1: backend 'S3' needs 'bucket'" },
		{ "[pipeline.p.config]\nbackend = 'S3'\nbuckt = 'x'\n",
		  "t.toml:3:1: key 'buckt' is not known; did you mean 'bucket'?" },
		{ "[pipeline.p.config]\nbackend = 'S3'\nbucket = 'b'\naccess_key = 'x'\n",
		  "t.toml:4:1: 's3.access_key' needs 's3.secret_key'" },
		{ "[pipeline.p]\nstep = []\n[pipeline.p.config]\nbackend = 'Console'\n",
		  "t.toml:2:1: key 'step' is not known; a pipeline has 'config' and 'steps'" },
		{ "[pipeline.p]\nsteps = []\n",
		  "t.toml:1:11: [pipeline.p.config] with a 'backend' is missing" },
		{ "[pipeline.'a b'.config]\nbackend = 'Console'\n",
		  "pipeline 'a b': a name has letters" },
		{ "[pipeline.p.config]\nbackend = 'Console'\n" STEP "type = 'Bufer'\n",
		  "t.toml:4:1: step 'Bufer' is not known; did you mean 'Buffer'?" },
		{ "[pipeline.p.config]\nbackend = 'Console'\n" STEP "type = 'Buffer'\n"
		  "interval_s = 'x'\n",
		  "t.toml:5:1: 'interval_s': 'x' is not a time" },
		{ "[pipeline.p.config]\nbackend = 'Console'\n" STEP "type = 'Buffer'\n"
		  "intervall = '1s'\n",
		  "t.toml:5:1: key 'intervall' is not known; did you mean 'interval'?" },
		{ "[pipeline.p.config]\nbackend = 'Console'\n" STEP "type = 'Filter'\n"
		  "keep = 'process.pidd == 1'\n",
		  "step Filter: 'keep': column 1: field 'process.pidd' is not known; did you "
		  "mean" },
		{ "[pipeline.p.config]\nbackend = 'Console'\n" STEP "type = 'Whitelist'\n",
		  "step Whitelist: 'allow' is missing" },
		{ "[pipeline.p.config]\nbackend = 'Console'\n" STEP "type = 'Regex'\n"
		  "patterns = [{ key = 'a', regex = '(', replace_with = '' }]\n",
		  "step Regex: 'regex' is '(': " },
		{ "[pipeline.p.config]\nbackend = 'Console'\n" STEP "type = 'Regex'\n"
		  "patterns = [{ key = 'a', regx = '(', replace_with = '' }]\n",
		  "key 'regx' is not known; did you mean 'regex'?" },
		{ "[pipeline.p.config]\nbackend = 'Console'\n" STEP "type = 'Exec'\n",
		  "t.toml:3:1: step Exec: 'command' is a list of 1 to 32 words" },
		{ "[pipeline.p.config]\nbackend = 'Console'\n" STEP
		  "type = 'Exec'\ncommand = ['true']\nonly_if = [{ key = 'a' }]\n",
		  "step Exec: pattern 1 needs 'key' and 'regex'" },
		{ "[[probe]]\npipelines = ['q']\n[probe.config]\ntype = 'Exec'\n",
		  "t.toml:2:1: there is no [pipeline.q.config]" },
		{ "[[probe]]\npipelines = ['q']\n[probe.config]\ntype = 'Netwrk'\n",
		  "t.toml:4:1: probe 'Netwrk' is not known; did you mean 'Network'?" },
		{ "[[probe]]\n[probe.config]\ntype = 'Exec'\n",
		  "a probe needs pipelines = [\"NAME\", ...]" },
		{ "[[probe]]\npipelines = ['p']\n[probe.config]\ntype = 'DNS'\ninterfce = 'x'\n",
		  "t.toml:5:1: key 'interfce' is not known of probe 'DNS'" },
		{ "[[probe]]\npipelines = ['p']\n[probe.config]\ntype = 'Osquery'\n"
		  "[[probe.config.queries]]\nname = 'q'\n",
		  "t.toml:5:1: query 'q' needs either 'query', in SQL, or 'pack'" },
		{ "[[probe]]\npipelines = ['p']\n[probe.config]\ntype = 'Osquery'\n"
		  "[[probe.config.queries]]\nname = 'q'\nquery = '--extension x'\n",
		  "t.toml:7:1: '--extension x' would be an option of osqueryi" },
		{ "[[probe]]\npipelines = ['p']\n[probe.config]\ntype = 'Osquery'\n"
		  "[[probe.config.queries]]\nnme = 'q'\n",
		  "t.toml:6:1: key 'nme' is not known; did you mean 'name'?" },
		{ "[[probe]]\npipelines = ['p']\n[probe.config]\ntype = 'StatsD'\nbind_address = "
		  "'a'\n"
		  "[[probe]]\npipelines = ['p']\n[probe.config]\ntype = 'StatsD'\nbind_address = "
		  "'b'\n",
		  "is 'statsd_listener.bind_address', which is set at" },
		{ "probe = 5\n", "t.toml:1:1: write [[probe]], in two brackets" },
		{ "pipeline = 5\n", "t.toml:1:1: write [pipeline.NAME.config]" },
	};

	(void)state;
	for (size_t n = 0; n < array_count(rows); n++) {
		struct error err = { 0 };

		if (read_settings(rows[n].toml, &err) == 0)
			fail_msg("taken: %s", rows[n].toml);
		if (!strstr(err.text, rows[n].said))
			fail_msg("%s\nsays: %s", rows[n].toml, err.text);
		pipelines_config_done(&bench.values.pipelines);
		bench.values.pipelines.probed = false;
		settings_done(&bench.settings);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(events_become_measurements),   TEST(details_and_container_are_tags),
		TEST(one_system_of_containers),	    TEST(patterns_replace_values),
		TEST(events_keep_their_form),	    TEST(filters_keep_and_drop),
		TEST(filters_see_measurements),	    TEST(rates_are_limited_for_each),
		TEST(samples_count_for_all),	    TEST(buffers_sum),
		TEST(buffers_make_percentiles),	    TEST(buffers_do_without_percentiles),
		TEST(buffers_are_bounded),	    TEST(the_largest_are_told_apart),
		TEST(numbers_of_others_are_summed), TEST(samples_weigh_in_percentiles),
		TEST(probes_choose_sensors),	    TEST(probes_of_all_leave_the_switches),
		TEST(histograms_are_near),	    TEST(probes_choose_pipelines),
		TEST(mistakes_have_a_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

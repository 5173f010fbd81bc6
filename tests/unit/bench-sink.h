/* SPDX-License-Identifier: Apache-2.0 */
/* bench-sink - what tests of sinks stand on: a loop, metrics, a directory, one sink. */
#ifndef TESTS_UNIT_BENCH_SINK_H
#define TESTS_UNIT_BENCH_SINK_H

#include "base/clock.h"
#include "sink/sink.h"

struct bench {
	struct loop *loop;
	struct metrics metrics;
	struct event_origin origin;
	struct sink_settings settings;
	struct sink_env env;
	struct sink sink;
	char directory[64], log[80];
	struct text news;
};

static struct bench bench;

static void note_news(struct sink *sink, const struct error *news)
{
	(void)sink;
	text_printf(&bench.news, "%s%s\n", news->code ? "" : "well: ", news->text);
}

static void bench_init(void)
{
	memset(&bench, 0, sizeof(bench));
	snprintf(bench.directory, sizeof(bench.directory), "/tmp/bulwark-test-sink-XXXXXX");
	assert_non_null(mkdtemp(bench.directory));
	snprintf(bench.log, sizeof(bench.log), "%s/log", bench.directory);
	assert_int_equal(loop_new(&bench.loop, NULL), 0);
	metrics_init(&bench.metrics, metric_kinds, METRIC_COUNT);
	bench.origin = (struct event_origin){ .host = "web1",
					      .run_id = "00112233445566aa",
					      .program = "polytect",
					      .version = "1.2" };
	bench.settings.file.format = FORMAT_text;
	bench.settings.file.path = bench.log;
	bench.settings.spool.directory = bench.directory;
	bench.settings.spool.bytes = 1 << 20;
	bench.settings.spool.sync_ns = NS_PER_S;
	bench.env = (struct sink_env){ .loop = bench.loop,
				       .metrics = &bench.metrics,
				       .origin = &bench.origin,
				       .settings = &bench.settings };
}

static void bench_open(const struct sink_kind *kind)
{
	struct error err;

	if (sink_open(&bench.sink, kind, &bench.env, &err) < 0)
		fail_msg("%s", err.text);
	bench.sink.report = note_news;
}

static void bench_done(void)
{
	auto_text struct text command = { 0 };

	sink_close(&bench.sink);
	loop_free(bench.loop);
	metrics_done(&bench.metrics);
	text_done(&bench.news);
	text_printf(&command, "rm -rf '%s'", bench.directory);
	assert_int_equal(system(text_str(&command)), 0);
}

static void turn(void)
{
	assert_int_equal(loop_turn(bench.loop, 0, NULL), 0);
}

/* An event whose line says which it is. */
static void put(unsigned int n)
{
	static struct event event;

	event_init(&event, EVENT_process_exec, 1795359047123456789ull, 0);
	event.serial = n;
	event_printf(&event, FIELD_comm, "e%u", n);
	sink_put(&bench.sink, &event);
}

#endif

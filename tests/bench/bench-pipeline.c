/* SPDX-License-Identifier: Apache-2.0 */
/* bench-pipeline - events a second of processor time: asked a condition, and summed by two tags. */
#include <stdio.h>

#include "agent/settings.h"
#include "bench.h"
#include "pipeline/pipeline.h"

#define EVENTS 500000

static struct event_origin origin = {
	.host = "bench",
	.run_id = "0123456789abcdef",
	.program = "bench",
	.version = "0",
};

static void die(const struct error *err)
{
	fprintf(stderr, "bench-pipeline: %s\n", err->text);
	exit(1);
}

/* Bound to fail at the last of three questions. */
static const char filter[] =
	"[[pipeline.p.steps]]\ntype = 'Filter'\n"
	"keep = \"event.name == 'process.exit' and process.user.id == 1000 and "
	"process.comm in ['sh', 'cron', 'python3']\"\n";
static const char buffer[] = "[[pipeline.p.steps]]\ntype = 'AddSystemDetails'\n"
			     "[[pipeline.p.steps]]\ntype = 'Whitelist'\n"
			     "allow = ['process_str', 'process_id', 'host']\n"
			     "[[pipeline.p.steps]]\ntype = 'Buffer'\ninterval = '1h'\n";

static void make_event(struct event *event, uint64_t n)
{
	event_init(event, EVENT_process_exit, 1795320578568000000ull + n, n);
	event->serial = n;
	event_number(event, FIELD_pid, 4711 + n % 1000);
	event_number(event, FIELD_ppid, 1200);
	event_number(event, FIELD_uid, 1000);
	event_number(event, FIELD_exit_code, n % 2);
	event_text(event, FIELD_comm, SLICE("syscaller"));
	event_text(event, FIELD_exe, SLICE("/usr/bin/syscaller"));
}

static void put_events(struct pipelines *pipelines)
{
	static struct event event;

	for (uint64_t n = 0; n < EVENTS; n++) {
		make_event(&event, n);
		pipelines_put(pipelines, &event);
	}
}

static void read_settings(struct settings *settings, struct agent_settings *values,
			  const struct settings_table *table, const char *steps)
{
	auto_text struct text toml = { 0 };
	struct error err;
	int r;

	text_printf(&toml, "[pipeline.p.config]\nbackend = 'File'\nfilepath = '/tmp/bench-%d'\n%s",
		    (int)getpid(), steps);
	values->pipelines.table = *table;
	values->pipelines.values_bytes = sizeof(*values);
	values->pipelines.sinks_at = offsetof(struct agent_settings, sinks);
	r = settings_init(settings, table, values, &err);
	settings->read_other = pipelines_read;
	settings->owner = &values->pipelines;
	if (r == 0)
		r = settings_read_text(settings, text_slice(&toml), "bench", &err);
	if (r == 0)
		r = agent_settings_finish(settings, values, &err);
	if (r < 0)
		die(&err);
}

static double million_a_second(const char *steps)
{
	static uint64_t serial;
	struct settings_table table = agent_settings_table("ingraind", PROGRAM_ingraind);
	struct agent_settings values = { 0 };
	struct pipelines_env env = { .sinks.origin = &origin, .serial = &serial };
	struct sink_settings spool = { 0 };
	double rounds[BENCH_ROUNDS];
	struct pipelines pipelines;
	struct settings settings;
	struct metrics metrics;
	struct error err;

	read_settings(&settings, &values, &table, steps);
	metrics_init(&metrics, metric_kinds, METRIC_COUNT);
	env.sinks.metrics = &metrics;
	env.sinks.settings = &spool;
	if (loop_new(&env.sinks.loop, &err) < 0 ||
	    pipelines_open(&pipelines, &values.pipelines, &env, &err) < 0)
		die(&err);
	for (int n = 0; n < BENCH_ROUNDS; n++) {
		double start = bench_cpu_s();

		put_events(&pipelines);
		rounds[n] = EVENTS / 1e6 / (bench_cpu_s() - start);
	}
	pipelines_close(&pipelines);
	unlink(values.pipelines.first
		       ? pipeline_sink_settings(&values.pipelines, values.pipelines.first)
				 ->file.path
		       : "");
	pipelines_config_done(&values.pipelines);
	settings_done(&settings);
	loop_free(env.sinks.loop);
	metrics_done(&metrics);
	return bench_median(rounds);
}

int main(void)
{
	double filtered = million_a_second(filter);
	double summed = million_a_second(buffer);

	printf("pipeline %.1f million events/CPU-s asked a condition, %.2f summed by three tags\n",
	       filtered, summed);
	return 0;
}

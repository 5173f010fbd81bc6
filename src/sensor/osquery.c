/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osquery - what osquery knows of this host: its shell is run now and then with the queries that
 * the probes have, one after the other, and bounded in time and output.
 */
#include "sensor/osquery.h"

#include <errno.h>

#include "base/clock.h"
#include "base/command.h"
#include "event/metrics.h"
#include "sensor/sensor.h"

#define OSQUERY_OUTPUT_BYTES (4u << 20)
#define OSQUERY_ROWS	     10000
#define OSQUERY_ARGS	     7

enum osquery_result { OSQUERY_ok, OSQUERY_failed, OSQUERY_results };
static const char *const osquery_result_names[OSQUERY_results] = { "ok", "failed" };

/* When a query runs next; in the order of the queries. */
struct osquery_turn {
	uint64_t due_ns; /* CLOCK_MONOTONIC; 0: it has run as often as it should */
	uint64_t runs;
	bool fails; /* and that has been said */
};

struct osquery_sensor {
	const struct sensor_env *env;
	struct osquery_turn *turns;
	size_t count;
	size_t under_way; /* which query the command runs */
	struct command command;
	const char *argv[OSQUERY_ARGS];
	struct loop_timer timer;
	struct osquery_rows rows;
	struct metric runs[OSQUERY_results], rows_lost;
};

/* Borrowed until the settings are read again. */
static const struct osquery_query *osquery_query(const struct osquery_sensor *osquery, size_t n)
{
	return &osquery->env->settings->queries.items[n];
}

static uint64_t osquery_interval_ns(const struct osquery_sensor *osquery, size_t n)
{
	uint64_t own_ns = osquery_query(osquery, n)->interval_ns;

	return own_ns ? own_ns : osquery->env->settings->watch.osquery_interval_ns;
}

static void osquery_next(struct osquery_sensor *osquery);

/* Says what is wrong once, until it is right again. */
static void osquery_count(struct osquery_sensor *osquery, struct error *err)
{
	struct osquery_turn *turn = &osquery->turns[osquery->under_way];

	osquery->runs[err->code ? OSQUERY_failed : OSQUERY_ok].value++;
	if (err->code && !turn->fails) {
		(void)error_wrap(err, 0, "osquery '%s'",
				 osquery_query(osquery, osquery->under_way)->name);
		osquery->env->trouble(osquery->env->owner, err);
	}
	turn->fails = err->code != 0;
}

static void osquery_on_row(struct osquery_rows *rows, struct event *event)
{
	struct osquery_sensor *osquery = container_of(rows, struct osquery_sensor, rows);

	osquery->env->out->emit(osquery->env->out, event);
}

static void osquery_on_end(struct command *command, const struct error *err)
{
	struct osquery_sensor *osquery = container_of(command, struct osquery_sensor, command);
	const struct osquery_query *query = osquery_query(osquery, osquery->under_way);
	struct error why = *err;

	osquery->rows = (struct osquery_rows){ .take = osquery_on_row, .limit = OSQUERY_ROWS };
	if (why.code == 0 && osquery_read(query, text_slice(&command->output), clock_wall_ns(),
					  &osquery->rows, &why) == 0)
		why.code = 0;
	osquery->rows_lost.value += osquery->rows.malformed + osquery->rows.cut;
	osquery_count(osquery, &why);
	osquery_next(osquery);
}

static void osquery_run(struct osquery_sensor *osquery, size_t n)
{
	const struct watch_settings *watch = &osquery->env->settings->watch;
	const struct osquery_query *query = osquery_query(osquery, n);
	struct osquery_turn *turn = &osquery->turns[n];
	size_t count = 0;
	struct error err;

	osquery->under_way = n;
	turn->due_ns += osquery_interval_ns(osquery, n);
	if (turn->due_ns < clock_mono_ns()) /* what was missed is not made up for */
		turn->due_ns = clock_mono_ns() + osquery_interval_ns(osquery, n);
	if (++turn->runs == query->iterations)
		turn->due_ns = 0;
	osquery->argv[count++] = watch->osquery_path;
	osquery->argv[count++] = "--json";
	if (watch->osquery_config) {
		osquery->argv[count++] = "--config_path";
		osquery->argv[count++] = watch->osquery_config;
	}
	if (query->pack)
		osquery->argv[count++] = "--pack";
	osquery->argv[count++] = query->pack ? query->pack : query->query;
	osquery->argv[count] = NULL;
	osquery->command.argv = osquery->argv;
	osquery->command.limit_bytes = OSQUERY_OUTPUT_BYTES;
	osquery->command.timeout_ns = watch->osquery_timeout_ns;
	osquery->command.ended = osquery_on_end;
	if (command_start(&osquery->command, osquery->env->loop, &err) < 0)
		osquery_count(osquery, &err);
}

/* Runs the query that is due first, or waits for it. */
static void osquery_next(struct osquery_sensor *osquery)
{
	uint64_t now_ns = clock_mono_ns();
	size_t first = osquery->count;

	if (command_runs(&osquery->command))
		return;
	for (size_t n = 0; n < osquery->count; n++)
		if (osquery->turns[n].due_ns &&
		    (first == osquery->count ||
		     osquery->turns[n].due_ns < osquery->turns[first].due_ns))
			first = n;
	if (first == osquery->count)
		return;
	if (osquery->turns[first].due_ns <= now_ns) {
		osquery_run(osquery, first);
		now_ns = clock_mono_ns();
	}
	if (!command_runs(&osquery->command))
		loop_timer_set(osquery->env->loop, &osquery->timer,
			       osquery->turns[first].due_ns > now_ns
				       ? osquery->turns[first].due_ns - now_ns
				       : 1);
}

static void osquery_on_timer(struct loop_timer *timer)
{
	osquery_next(container_of(timer, struct osquery_sensor, timer));
}

static int osquery_start(struct sensor *sensor, struct error *err)
{
	const struct sensor_settings *settings = sensor->env->settings;
	struct osquery_sensor *osquery = sensor->state;

	if (!settings->watch.osquery)
		return error_say(err, ENODATA, "not asked for (see sensors.osquery)");
	if (settings->queries.count == 0)
		return error_say(err, ENODATA, "no probe has queries for it");
	osquery->turns = calloc(settings->queries.count, sizeof(*osquery->turns));
	if (!osquery->turns)
		return error_errno(err, ENOMEM, "start");
	osquery->env = sensor->env;
	osquery->count = settings->queries.count;
	osquery->timer.fire = osquery_on_timer;
	for (size_t n = 0; n < osquery->count; n++)
		osquery->turns[n].due_ns =
			clock_mono_ns() + (osquery_query(osquery, n)->run_at_start
						   ? 0
						   : osquery_interval_ns(osquery, n));
	for (size_t n = 0; n < OSQUERY_results; n++)
		metric_add(sensor->env->metrics, METRIC_osquery_runs, &osquery->runs[n],
			   osquery_result_names[n]);
	metric_add(sensor->env->metrics, METRIC_osquery_rows_lost, &osquery->rows_lost, NULL);
	loop_timer_set(sensor->env->loop, &osquery->timer, 1);
	return 0;
}

static void osquery_stop(struct sensor *sensor)
{
	struct osquery_sensor *osquery = sensor->state;

	if (!osquery->env)
		return;
	command_done(&osquery->command);
	loop_timer_clear(&osquery->timer);
	for (size_t n = 0; n < OSQUERY_results; n++)
		metric_remove(&osquery->runs[n]);
	metric_remove(&osquery->rows_lost);
	free(osquery->turns);
}

static bool osquery_same_query(const struct osquery_query *a, const struct osquery_query *b)
{
	return sensor_same_text(a->name, b->name) && sensor_same_text(a->query, b->query) &&
	       sensor_same_text(a->pack, b->pack) &&
	       sensor_same_text(a->measurement, b->measurement) && a->unit == b->unit &&
	       a->aggregation == b->aggregation && a->iterations == b->iterations &&
	       a->interval_ns == b->interval_ns && a->run_at_start == b->run_at_start;
}

static bool osquery_same(const struct sensor_settings *old, const struct sensor_settings *fresh)
{
	bool same = old->watch.osquery == fresh->watch.osquery &&
		    old->queries.count == fresh->queries.count;

	for (size_t n = 0; same && n < old->queries.count; n++)
		same = osquery_same_query(&old->queries.items[n], &fresh->queries.items[n]);
	return same;
}

static const struct sensor_mechanism osquery_mechanisms[] = {
	{ .name = "osqueryi", .samples = true, .start = osquery_start },
};

const struct sensor_kind sensor_osquery = {
	.name = "osquery",
	.help = "what osquery answers to the queries of probes",
	.state_bytes = sizeof(struct osquery_sensor),
	.mechanisms = osquery_mechanisms,
	.mechanism_count = array_count(osquery_mechanisms),
	.same = osquery_same,
	.stop = osquery_stop,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statsd - numbers that programs of this host send, as StatsD clients do: UDP, and TCP if wanted.
 *
 * A line is an event at once. Gauges that move by steps are told as where they stand, counters
 * whole: what a sampled one has beyond that goes to its next line. So these series are remembered,
 * a bounded number of them. Gauges and histograms are rounded to whole numbers, timers to
 * nanoseconds.
 */
#include "sensor/sensor.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <math.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/listen.h"
#include "event/measure.h"
#include "event/metrics.h"
#include "sensor/statsd_series.h"
#include "sensor/statsd_tcp.h"

#define STATSD_BATCH	      16 /* datagrams of one call */
#define STATSD_DATAGRAM_BYTES 65536
#define STATSD_QUEUE_BYTES    (4 << 20) /* what the kernel may hold for us */
#define STATSD_LARGEST	      9e18

enum statsd_result { STATSD_read, STATSD_malformed, STATSD_results };
static const char *const statsd_result_names[STATSD_results] = { "read", "malformed" };

struct statsd_sensor {
	const struct sensor_env *env;
	struct loop_fd udp;
	struct statsd_tcp tcp;
	struct statsd_series_table series;
	uint64_t now_ns;
	struct metric lines[STATSD_results], lost, evicted, clients_evicted, tags_cut;
	char *datagrams; /* STATSD_BATCH of them */
};

/* --- from a value to an event --- */

/* How measurements of a type are. */
static const struct {
	unsigned int kinds;
	const char *unit;
	double scale;
} statsd_kinds[] = {
	[STATSD_counter] = { MEASURE_COUNTER, "count", 1 },
	[STATSD_gauge] = { MEASURE_GAUGE, "count", 1 },
	[STATSD_timer] = { MEASURE_TIMER, "duration", NS_PER_MS },
	[STATSD_histogram] = { MEASURE_HISTOGRAM, "count", 1 },
	[STATSD_set] = { MEASURE_SET, "count", 1 },
};

static int64_t statsd_whole(double number)
{
	if (number > STATSD_LARGEST)
		number = STATSD_LARGEST;
	return number < -STATSD_LARGEST ? (int64_t)-STATSD_LARGEST : llround(number);
}

static void statsd_emit(struct statsd_sensor *statsd, const struct statsd_line *line,
			int64_t number, uint64_t samples, struct slice element)
{
	struct event event;

	event_init(&event, EVENT_statsd_metric, statsd->now_ns, 0);
	event_text(&event, FIELD_measure_name, line->name);
	event_number(&event, FIELD_measure_value, (uint64_t)number);
	event_text(&event, FIELD_measure_unit, slice_of(statsd_kinds[line->type].unit));
	event_number(&event, FIELD_measure_kinds, statsd_kinds[line->type].kinds);
	if (samples > 1)
		event_number(&event, FIELD_measure_samples, samples);
	event_map(&event, FIELD_measure_tags, (struct event_map){ line->tags, line->tag_count });
	if (element.bytes)
		event_text(&event, FIELD_measure_element, element);
	statsd->env->out->emit(statsd->env->out, &event);
}

/* The series is told as a whole number; a counter keeps the rest. */
static void statsd_take_series(struct statsd_sensor *statsd, const struct statsd_line *line,
			       const struct statsd_value *value)
{
	double *kept = statsd_series_find(&statsd->series, line);
	double none = 0, number = value->number;
	int64_t whole;

	if (!kept)
		kept = &none;
	if (line->type == STATSD_counter)
		number /= line->rate;
	if (line->type == STATSD_counter || value->relative)
		number += *kept;
	if (!isfinite(number))
		number = 0;
	whole = statsd_whole(number);
	*kept = line->type == STATSD_counter ? number - (double)whole : number;
	if (whole || line->type == STATSD_gauge)
		statsd_emit(statsd, line, whole, 1, SLICE(""));
}

static void statsd_take_value(struct statsd_sensor *statsd, const struct statsd_line *line,
			      const struct statsd_value *value)
{
	uint64_t samples = (uint64_t)statsd_whole(1 / line->rate);
	double number = value->number;
	bool series = line->type == STATSD_gauge || line->type == STATSD_counter;

	/* Most counters are told whole, and nothing has to be remembered of them. */
	if (line->type == STATSD_counter && line->rate == 1 && number == floor(number))
		statsd_emit(statsd, line, statsd_whole(number), 1, SLICE(""));
	else if (series)
		statsd_take_series(statsd, line, value);
	else if (line->type == STATSD_set)
		statsd_emit(statsd, line, 1, 1, value->element);
	else
		statsd_emit(statsd, line,
			    statsd_whole(number * statsd_kinds[line->type].scale * (double)samples),
			    samples, SLICE(""));
}

static void statsd_take_line(struct statsd_sensor *statsd, struct slice text)
{
	struct statsd_line line;
	struct statsd_value value;
	int r;

	text = slice_trim(text);
	if (text.bytes == 0)
		return;
	r = statsd_parse(text, &line) ? 1 : -EINVAL;
	while (r > 0) {
		r = statsd_next_value(&line, &value);
		if (r > 0)
			statsd_take_value(statsd, &line, &value);
	}
	statsd->lines[r < 0 ? STATSD_malformed : STATSD_read].value++;
	if (r == 0)
		statsd->tags_cut.value += line.tags_cut;
}

static void statsd_take_lines(struct statsd_sensor *statsd, struct slice text)
{
	struct slice line;

	while (slice_next(&text, '\n', &line))
		statsd_take_line(statsd, line);
}

/* --- sockets --- */

static void statsd_on_datagrams(struct loop_fd *watch, uint32_t events)
{
	struct statsd_sensor *statsd = container_of(watch, struct statsd_sensor, udp);
	struct iovec parts[STATSD_BATCH];
	struct mmsghdr messages[STATSD_BATCH] = { 0 };
	int count;

	(void)events;
	for (size_t n = 0; n < STATSD_BATCH; n++) {
		parts[n] = (struct iovec){ statsd->datagrams + n * STATSD_DATAGRAM_BYTES,
					   STATSD_DATAGRAM_BYTES };
		messages[n].msg_hdr = (struct msghdr){ .msg_iov = &parts[n], .msg_iovlen = 1 };
	}
	count = recvmmsg(watch->fd, messages, STATSD_BATCH, MSG_DONTWAIT, NULL);
	statsd->now_ns = clock_wall_ns();
	for (int n = 0; n < count; n++)
		statsd_take_lines(statsd, (struct slice){ parts[n].iov_base, messages[n].msg_len });
}

static void statsd_on_line(struct statsd_tcp *tcp, struct slice line)
{
	struct statsd_sensor *statsd = container_of(tcp, struct statsd_sensor, tcp);

	statsd->now_ns = clock_wall_ns();
	statsd_take_line(statsd, line);
}

static void statsd_on_cut(struct statsd_tcp *tcp)
{
	container_of(tcp, struct statsd_sensor, tcp)->lines[STATSD_malformed].value++;
}

static int statsd_open_udp(struct statsd_sensor *statsd, const char *address, struct error *err)
{
	int fd = listen_open(address, SOCK_DGRAM, err), bytes = STATSD_QUEUE_BYTES, r;

	if (fd < 0)
		return fd;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	statsd->udp.ready = statsd_on_datagrams;
	r = loop_fd_add(statsd->env->loop, &statsd->udp, fd, EPOLLIN, err);
	if (r < 0) {
		close(fd);
		statsd->udp.fd = -1;
	}
	return r;
}

/* --- the sensor --- */

static uint64_t statsd_read_clients_evicted(const struct metric *metric)
{
	return ((const struct statsd_sensor *)metric->owner)->tcp.evicted;
}

static uint64_t statsd_read_evicted(const struct metric *metric)
{
	return ((const struct statsd_sensor *)metric->owner)->series.evicted;
}

/* Datagrams that found the queue full, as the kernel has counted them. */
static uint64_t statsd_read_lost(const struct metric *metric)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t bytes = sizeof(info);

	getsockopt(((const struct statsd_sensor *)metric->owner)->udp.fd, SOL_SOCKET, SO_MEMINFO,
		   info, &bytes);
	return info[SK_MEMINFO_DROPS];
}

static void statsd_add_metrics(struct statsd_sensor *statsd)
{
	struct metrics *metrics = statsd->env->metrics;

	for (size_t n = 0; n < STATSD_results; n++)
		metric_add(metrics, METRIC_statsd_lines, &statsd->lines[n], statsd_result_names[n]);
	metric_add_read(metrics, METRIC_statsd_lost, &statsd->lost, NULL, statsd_read_lost, statsd);
	metric_add_read(metrics, METRIC_statsd_evictions, &statsd->evicted, "series",
			statsd_read_evicted, statsd);
	metric_add_read(metrics, METRIC_statsd_evictions, &statsd->clients_evicted, "clients",
			statsd_read_clients_evicted, statsd);
	metric_add(metrics, METRIC_statsd_tags_cut, &statsd->tags_cut, NULL);
}

static int statsd_start(struct sensor *sensor, struct error *err)
{
	const struct watch_settings *watch = &sensor->env->settings->watch;
	struct statsd_sensor *statsd = sensor->state;
	int r;

	if (!watch->statsd)
		return error_say(err, ENODATA, "not asked for (see sensors.statsd)");
	statsd->env = sensor->env;
	statsd->udp.fd = statsd->tcp.listener.fd = -1;
	statsd->tcp.line = statsd_on_line;
	statsd->tcp.cut = statsd_on_cut;
	statsd_series_init(&statsd->series, watch->statsd_max_series);
	statsd_add_metrics(statsd);
	statsd->datagrams = malloc((size_t)STATSD_BATCH * STATSD_DATAGRAM_BYTES);
	if (!statsd->datagrams)
		return error_errno(err, ENOMEM, "listen");
	r = statsd_open_udp(statsd, watch->statsd_address, err);
	if (r == 0 && watch->statsd_tcp)
		r = statsd_tcp_start(&statsd->tcp, statsd->env->loop, watch->statsd_address, err);
	return r;
}

static void statsd_stop(struct sensor *sensor)
{
	struct statsd_sensor *statsd = sensor->state;
	int fd;

	if (!statsd->env)
		return;
	fd = statsd->udp.fd;
	loop_fd_remove(statsd->env->loop, &statsd->udp);
	if (fd >= 0)
		close(fd);
	statsd_tcp_stop(&statsd->tcp);
	statsd_series_done(&statsd->series);
	for (size_t n = 0; n < STATSD_results; n++)
		metric_remove(&statsd->lines[n]);
	metric_remove(&statsd->lost);
	metric_remove(&statsd->evicted);
	metric_remove(&statsd->clients_evicted);
	metric_remove(&statsd->tags_cut);
	free(statsd->datagrams);
}

static bool statsd_same(const struct sensor_settings *old, const struct sensor_settings *fresh)
{
	const struct watch_settings *a = &old->watch, *b = &fresh->watch;

	return a->statsd == b->statsd && a->statsd_tcp == b->statsd_tcp &&
	       a->statsd_max_series == b->statsd_max_series &&
	       sensor_same_text(a->statsd_address, b->statsd_address);
}

static const struct sensor_mechanism statsd_mechanisms[] = {
	{ .name = "sockets", .start = statsd_start },
};

const struct sensor_kind sensor_statsd = {
	.name = "statsd",
	.help = "numbers that StatsD clients send",
	.state_bytes = sizeof(struct statsd_sensor),
	.mechanisms = statsd_mechanisms,
	.mechanism_count = array_count(statsd_mechanisms),
	.same = statsd_same,
	.stop = statsd_stop,
};

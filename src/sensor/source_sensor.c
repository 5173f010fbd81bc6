/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_sensor - a saved kernel log instead of the live one.
 *
 * A pipe is read when it has something; a file, which is always ready, piece by piece between the
 * loop's other work.
 */
#include "sensor/sensor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "event/metrics.h"
#include "sensor/source.h"

#define SOURCE_PIECE_BYTES 65536
/* A message of several lines that comes through a pipe ends when nothing comes for so long. */
#define SOURCE_SILENCE_MS 250

struct source_sensor {
	struct sensor *sensor;
	int fd;
	struct loop_fd watch;	   /* a pipe's, a terminal's */
	struct loop_deferred turn; /* a file's */
	struct loop_timer silence;
	struct klog *klog;
	struct source *source;
	struct metric records, invalid;
};

static void source_sensor_end(struct source_sensor *state, const struct error *why)
{
	const struct sensor_env *env = state->sensor->env;

	loop_fd_remove(env->loop, &state->watch);
	loop_timer_clear(&state->silence);
	source_end(state->source);
	if (env->ended)
		env->ended(env->owner, why);
}

/* Reads once; false at the end. */
static bool source_sensor_read(struct source_sensor *state)
{
	char bytes[SOURCE_PIECE_BYTES];
	ssize_t got = read(state->fd, bytes, sizeof(bytes));
	struct error why;

	if (got > 0) {
		source_take(state->source, (struct slice){ bytes, (size_t)got });
		return true;
	}
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (got < 0)
		error_errno(&why, errno, "read '%s'", state->sensor->env->settings->source);
	source_sensor_end(state, got < 0 ? &why : NULL);
	return false;
}

static void source_sensor_on_turn(struct loop_deferred *turn)
{
	struct source_sensor *state = container_of(turn, struct source_sensor, turn);

	if (source_sensor_read(state))
		loop_defer(state->sensor->env->loop, turn);
}

static void source_sensor_on_ready(struct loop_fd *watch, uint32_t events)
{
	struct source_sensor *state = container_of(watch, struct source_sensor, watch);

	(void)events;
	if (source_sensor_read(state) && klog_is_open(state->klog))
		loop_timer_set(state->sensor->env->loop, &state->silence,
			       SOURCE_SILENCE_MS * NS_PER_MS);
}

static void source_sensor_on_silence(struct loop_timer *timer)
{
	klog_flush(container_of(timer, struct source_sensor, silence)->klog);
}

static uint64_t source_sensor_records(const struct metric *metric)
{
	return source_counts(metric->owner)->records;
}

static uint64_t source_sensor_invalid(const struct metric *metric)
{
	return source_counts(metric->owner)->invalid;
}

static int source_sensor_open(const char *path, struct error *err)
{
	struct stat stat;
	auto_fd int fd = -1;

	if (!path)
		return error_say(err, EINVAL, "no saved kernel log is named");
	fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
				    : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &stat) < 0)
		return error_errno(err, errno, "open '%s'", path);
	if (S_ISDIR(stat.st_mode))
		return error_errno(err, EISDIR, "open '%s'", path);
	return take_fd(&fd);
}

static int source_sensor_start(struct sensor *sensor, struct error *err)
{
	const struct sensor_env *env = sensor->env;
	struct source_sensor *state = sensor->state;
	int r;

	state->sensor = sensor;
	state->watch = (struct loop_fd){ .fd = -1, .ready = source_sensor_on_ready };
	state->turn.run = source_sensor_on_turn;
	state->silence.fire = source_sensor_on_silence;
	state->fd = r = source_sensor_open(env->settings->source, err);
	if (r >= 0)
		r = klog_new(&state->klog, env->out, err);
	if (r >= 0)
		r = source_new(&state->source, state->klog, clock_wall_ns(), err);
	if (r < 0)
		return r;
	metric_add_read(env->metrics, METRIC_kmsg_records, &state->records, NULL,
			source_sensor_records, state->source);
	metric_add_read(env->metrics, METRIC_kmsg_invalid, &state->invalid, NULL,
			source_sensor_invalid, state->source);
	r = loop_fd_add(env->loop, &state->watch, state->fd, EPOLLIN, err);
	if (r != -EPERM)
		return r;
	loop_defer(env->loop, &state->turn); /* a file */
	return 0;
}

static void source_sensor_stop(struct sensor *sensor)
{
	struct source_sensor *state = sensor->state;

	if (!state->sensor)
		return;
	loop_fd_remove(sensor->env->loop, &state->watch);
	loop_undefer(&state->turn);
	loop_timer_clear(&state->silence);
	metric_remove(&state->records);
	metric_remove(&state->invalid);
	source_free(state->source);
	klog_free(state->klog);
	if (state->fd >= 0)
		close(state->fd);
}

static const struct sensor_mechanism source_sensor_mechanisms[] = {
	{ .name = "saved log", .start = source_sensor_start },
};

const struct sensor_kind sensor_source = {
	.name = "source",
	.help = "a saved kernel log: dmesg, syslog, journal, pstore or /dev/kmsg",
	.state_bytes = sizeof(struct source_sensor),
	.mechanisms = source_sensor_mechanisms,
	.mechanism_count = array_count(source_sensor_mechanisms),
	.stop = source_sensor_stop,
};

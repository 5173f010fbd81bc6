/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting - kernel settings that decide what the kernel log tells.
 *
 * Those that the user asked for are set at the start and looked at again and again; each time one
 * is found changed it is put back and reported. One that can't be written (a read-only /proc/sys in
 * a container) is reported once and left alone.
 */
#include "sensor/sensor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "event/metrics.h"
#include "sensor/setting_before.h"

#define SETTING_VALUE_BYTES 32

struct setting_watch {
	bool wanted, told; /* told: reported since it last was as it should be */
	char expected[SETTING_VALUE_BYTES];
	char before[SETTING_VALUE_BYTES]; /* at the start; empty: not read */
};

struct setting_row {
	const char *name;
	const char *path; /* below procfs; absolute: elsewhere */
	/* What the setting should be; false: it is not ours to keep. */
	bool (*expect)(const struct kernel_settings *settings, char *value, size_t room);
};

static bool expect_yes(bool wanted, const char *word, char *value, size_t room)
{
	slice_copy(slice_of(word), value, room);
	return wanted;
}

static bool expect_number(bool wanted, uint64_t number, char *value, size_t room)
{
	snprintf(value, room, "%llu", (unsigned long long)number);
	return wanted;
}

static bool expect_exception_trace(const struct kernel_settings *s, char *value, size_t room)
{
	return expect_yes(s->exception_trace, "1", value, room);
}

static bool expect_fatal_signals(const struct kernel_settings *s, char *value, size_t room)
{
	return expect_yes(s->fatal_signals, "1", value, room);
}

static bool expect_timestamp(const struct kernel_settings *s, char *value, size_t room)
{
	return expect_yes(s->klog_timestamp, "Y", value, room);
}

static bool expect_ratelimit(const struct kernel_settings *s, char *value, size_t room)
{
	return expect_number(s->set_ratelimit, s->ratelimit_ns / NS_PER_S, value, room);
}

static bool expect_ratelimit_burst(const struct kernel_settings *s, char *value, size_t room)
{
	return expect_number(s->set_ratelimit_burst, s->ratelimit_burst, value, room);
}

static bool expect_devkmsg(const struct kernel_settings *s, char *value, size_t room)
{
	static const char *const words[] = { "on", "off", "ratelimit" };

	return s->printk_devkmsg >= 0 && expect_yes(true, words[s->printk_devkmsg], value, room);
}

static const struct setting_row setting_rows[] = {
	{ "debug.exception-trace", "sys/debug/exception-trace", expect_exception_trace },
	{ "kernel.print-fatal-signals", "sys/kernel/print-fatal-signals", expect_fatal_signals },
	{ "/sys/module/printk/parameters/time", "/sys/module/printk/parameters/time",
	  expect_timestamp },
	{ "kernel.printk_ratelimit", "sys/kernel/printk_ratelimit", expect_ratelimit },
	{ "kernel.printk_ratelimit_burst", "sys/kernel/printk_ratelimit_burst",
	  expect_ratelimit_burst },
	{ "kernel.printk_devkmsg", "sys/kernel/printk_devkmsg", expect_devkmsg },
};

struct setting_sensor {
	const struct sensor_env *env;
	struct loop_timer timer;
	struct setting_watch watches[array_count(setting_rows)];
	struct metric drifts;
};

static int setting_read(const struct setting_sensor *sensor, const struct setting_row *row,
			char *value)
{
	auto_text struct text text = { 0 };
	int r = file_read_at(sensor->env->proc_fd, row->path, 4096, &text);

	if (r < 0)
		return r;
	slice_copy(slice_trim(text_slice(&text)), value, SETTING_VALUE_BYTES);
	return 0;
}

static int setting_write(const struct setting_sensor *sensor, const struct setting_row *row,
			 const char *value)
{
	auto_fd int fd = openat(sensor->env->proc_fd, row->path, O_WRONLY | O_CLOEXEC);
	char line[SETTING_VALUE_BYTES + 1];
	int bytes = snprintf(line, sizeof(line), "%s\n", value); /* printk_devkmsg insists on it */

	if (fd < 0)
		return -errno;
	return write(fd, line, (size_t)bytes) < 0 ? -errno : 0;
}

static void setting_tell(struct setting_sensor *sensor, const struct setting_row *row,
			 const char *expected, const char *observed, int failed)
{
	struct event event;

	event_init(&event, EVENT_setting_drift, clock_wall_ns(), clock_boot_ns());
	event_copy(&event, FIELD_setting, slice_of(row->name));
	event_copy(&event, FIELD_setting_expected, slice_of(expected));
	if (observed)
		event_copy(&event, FIELD_setting_observed, slice_of(observed));
	event_number(&event, FIELD_setting_restored, failed == 0);
	if (failed)
		event_printf(&event, FIELD_setting_error, "%s", strerrordesc_np(-failed));
	sensor->env->out->emit(sensor->env->out, &event);
}

static void setting_check(struct setting_sensor *sensor, size_t n)
{
	const struct setting_row *row = &setting_rows[n];
	struct setting_watch *watch = &sensor->watches[n];
	char observed[SETTING_VALUE_BYTES];
	int failed = setting_read(sensor, row, observed);
	bool readable = failed == 0;

	if (readable && strcmp(observed, watch->expected) == 0) {
		watch->told = false;
		return;
	}
	if (readable) {
		sensor->drifts.value += !watch->told;
		failed = setting_write(sensor, row, watch->expected);
	}
	/* One that can't be mended is told once, not at every look. */
	if (!failed || !watch->told)
		setting_tell(sensor, row, watch->expected, readable ? observed : NULL, failed);
	watch->told = failed != 0;
}

static void setting_check_all(struct setting_sensor *sensor)
{
	for (size_t n = 0; n < array_count(setting_rows); n++)
		if (sensor->watches[n].wanted)
			setting_check(sensor, n);
	loop_timer_set(sensor->env->loop, &sensor->timer,
		       sensor->env->settings->kernel.interval_ns);
}

static void setting_on_timer(struct loop_timer *timer)
{
	setting_check_all(container_of(timer, struct setting_sensor, timer));
}

/* What one that was killed has left behind is not how it was before. */
static void setting_find_before(struct setting_sensor *sensor)
{
	const struct kernel_settings *settings = &sensor->env->settings->kernel;
	auto_text struct text known = { 0 }, now = { 0 };
	struct error err;

	if (setting_before_read(sensor->env->proc_fd, settings->restore_file, &known) < 0)
		text_clear(&known);
	for (size_t n = 0; n < array_count(setting_rows); n++) {
		struct setting_watch *watch = &sensor->watches[n];
		struct slice old = setting_before_find(text_slice(&known), setting_rows[n].name);

		if (!watch->before[0])
			continue;
		if (old.bytes && strcmp(watch->before, watch->expected) == 0)
			slice_copy(old, watch->before, sizeof(watch->before));
		text_printf(&now, "%s %s\n", setting_rows[n].name, watch->before);
	}
	if (setting_before_write(sensor->env->proc_fd, settings->restore_file, text_slice(&now),
				 &err) < 0)
		log_warning(
			"if this program is killed, nobody will know the kernel's old settings: "
			"%s (see auto_configure.restore_file)",
			err.text);
}

static int setting_start(struct sensor *owner, struct error *err)
{
	const struct kernel_settings *settings = &owner->env->settings->kernel;
	struct setting_sensor *sensor = owner->state;
	size_t wanted = 0;

	sensor->env = owner->env;
	sensor->timer.fire = setting_on_timer;
	for (size_t n = 0; n < array_count(setting_rows); n++) {
		struct setting_watch *watch = &sensor->watches[n];

		watch->wanted =
			setting_rows[n].expect(settings, watch->expected, sizeof(watch->expected));
		wanted += watch->wanted;
		if (watch->wanted && setting_read(sensor, &setting_rows[n], watch->before) < 0)
			watch->before[0] = '\0';
	}
	if (wanted == 0)
		return error_say(err, ENODATA, "not asked for (see auto_configure)");
	if (settings->restore)
		setting_find_before(sensor);
	metric_add(owner->env->metrics, METRIC_setting_drifts, &sensor->drifts, NULL);
	setting_check_all(sensor);
	return 0;
}

static void setting_restore(struct setting_sensor *sensor)
{
	for (size_t n = 0; n < array_count(setting_rows); n++) {
		const struct setting_watch *watch = &sensor->watches[n];
		int failed = 0;

		if (watch->wanted && watch->before[0] &&
		    strcmp(watch->before, watch->expected) != 0)
			failed = setting_write(sensor, &setting_rows[n], watch->before);
		if (failed)
			setting_tell(sensor, &setting_rows[n], watch->before, watch->expected,
				     failed);
	}
	unlink(sensor->env->settings->kernel.restore_file);
}

static void setting_stop(struct sensor *owner)
{
	struct setting_sensor *sensor = owner->state;

	if (!sensor->env)
		return;
	loop_timer_clear(&sensor->timer);
	metric_remove(&sensor->drifts);
	if (sensor->env->settings->kernel.restore)
		setting_restore(sensor);
}

static bool setting_same(const struct sensor_settings *old, const struct sensor_settings *fresh)
{
	(void)old, (void)fresh;
	return false; /* the kernel's settings are looked at anew */
}

static const struct sensor_mechanism setting_mechanisms[] = {
	{ .name = "/proc/sys", .start = setting_start },
};

const struct sensor_kind sensor_setting = {
	.name = "setting",
	.help = "kernel settings, kept as they should be",
	.state_bytes = sizeof(struct setting_sensor),
	.mechanisms = setting_mechanisms,
	.mechanism_count = array_count(setting_mechanisms),
	.same = setting_same,
	.stop = setting_stop,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kmsg - the live kernel log.
 *
 * One read(2) is one record. Records that the kernel overwrote before they were read show as a gap
 * in the sequence numbers, and are counted exactly.
 */
#include "sensor/sensor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "event/metrics.h"
#include "kernel/kmsg.h"
#include "sensor/klog/klog.h"
#include "sensor/kmsg_clock.h"

/* Records taken in one go; then others have their turn. */
#define KMSG_BUDGET 4096
/* Old records that are passed over one by one at start, about as many milliseconds as thousands. */
#define KMSG_PASSED_MAX	  16384
#define KMSG_SWITCH	  "sys/kernel/printk_devkmsg" /* below procfs */
#define KMSG_SWITCH_BYTES 64
/* A report of several lines ends when nothing comes for so long. */
#define KMSG_SILENCE_MS 250

struct kmsg_sensor {
	struct sensor *sensor;
	int fd;
	struct loop_fd watch;
	struct loop_timer silence;
	struct klog *klog;
	struct kmsg_clock clock;
	bool caught_up;		/* nothing older than now is left to read */
	uint64_t next_sequence; /* 0 = none read yet */
	struct metric records, lost, invalid, suppressed;
	char room[KMSG_RECORD_BYTES];
};

static void kmsg_count_gap(struct kmsg_sensor *kmsg, uint64_t sequence)
{
	if (kmsg->next_sequence && sequence > kmsg->next_sequence) {
		kmsg->lost.value += sequence - kmsg->next_sequence;
		/* What comes now need not belong to what was open before. */
		klog_flush(kmsg->klog);
	}
	kmsg->next_sequence = sequence + 1;
}

/* `fresh`: it was written the moment it was read. */
static void kmsg_take(struct kmsg_sensor *kmsg, struct slice bytes,
		      const struct kmsg_clock_now *now, bool fresh)
{
	struct kmsg_record record;
	uint64_t stamp_ns;

	if (!kmsg_parse(bytes, kmsg->room, &record)) {
		kmsg->invalid.value++;
		return;
	}
	kmsg->records.value++;
	kmsg_count_gap(kmsg, record.sequence);
	stamp_ns = record.us * NS_PER_US;
	if (fresh)
		kmsg_clock_learn(&kmsg->clock, now, stamp_ns);
	klog_take(kmsg->klog, &record, kmsg_clock_wall_ns(&kmsg->clock, now, stamp_ns),
		  kmsg_clock_boot_ns(&kmsg->clock, now, stamp_ns));
}

static void kmsg_on_ready(struct loop_fd *watch, uint32_t events)
{
	struct kmsg_sensor *kmsg = container_of(watch, struct kmsg_sensor, watch);
	struct kmsg_clock_now now = kmsg_clock_read();
	char bytes[KMSG_RECORD_BYTES];

	(void)events;
	for (int n = 0; n < KMSG_BUDGET; n++) {
		ssize_t got = read(kmsg->fd, bytes, sizeof(bytes));

		/* EPIPE: records were overwritten; the next one's number says how many. */
		if (got < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (got <= 0) {
			kmsg->caught_up = true;
			break;
		}
		/* The clocks were read when the first of the batch was. */
		kmsg_take(kmsg, (struct slice){ bytes, (size_t)got }, &now,
			  kmsg->caught_up && n == 0);
	}
	if (klog_is_open(kmsg->klog))
		loop_timer_set(kmsg->sensor->env->loop, &kmsg->silence,
			       KMSG_SILENCE_MS * NS_PER_MS);
}

static void kmsg_on_silence(struct loop_timer *timer)
{
	klog_flush(container_of(timer, struct kmsg_sensor, silence)->klog);
}

static uint64_t kmsg_read_suppressed(const struct metric *metric)
{
	return klog_suppressed(metric->owner);
}

/* --- start and end --- */

static bool kmsg_is_switched_off(const struct sensor_env *env)
{
	auto_text struct text text = { 0 };

	return file_read_at(env->proc_fd, KMSG_SWITCH, KMSG_SWITCH_BYTES, &text) >= 0 &&
	       slice_is(slice_trim(text_slice(&text)), "off");
}

static int kmsg_switch(const struct sensor_env *env, struct slice line)
{
	auto_fd int fd = openat(env->proc_fd, KMSG_SWITCH, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : file_write_all(fd, line);
}

static int kmsg_open_device(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/*
 * kernel.printk_devkmsg = off refuses readers, too (750afe7babd1, "printk: add kernel parameter to
 * control writes to /dev/kmsg"). If it is us who are to keep it off, the log is opened in a moment
 * in which it isn't; records written in that moment still show as user space's.
 */
static int kmsg_open(const struct sensor_env *env, struct error *err)
{
	int r, fd = kmsg_open_device();

	if (fd == -EPERM && kmsg_is_switched_off(env)) {
		if (env->settings->kernel.printk_devkmsg != KERNEL_DEVKMSG_off)
			return error_say(err, EPERM,
					 "open '/dev/kmsg': kernel.printk_devkmsg is off, which "
					 "refuses readers, too; set it to ratelimit");
		r = kmsg_switch(env, SLICE("ratelimit\n"));
		if (r < 0)
			return error_errno(err, -r, "switch kernel.printk_devkmsg");
		fd = kmsg_open_device();
		/* Should this fail, the sensor of settings finds it. */
		kmsg_switch(env, SLICE("off\n"));
	}
	if (fd < 0)
		return error_errno(err, -fd, "open '/dev/kmsg'%s",
				   fd == -EPERM ? " (needs CAP_SYSLOG, see kernel.dmesg_restrict)"
						: "");
	return fd;
}

/*
 * Goes to the end of the log. Seeking there would not say the number of the next record: were it
 * overwritten before it could be read, nobody would know how many were. So the old ones are read,
 * unless they are too many.
 */
static int kmsg_pass_old(struct kmsg_sensor *kmsg, struct error *err)
{
	struct kmsg_record record;
	char bytes[KMSG_RECORD_BYTES];

	for (int n = 0; n < KMSG_PASSED_MAX; n++) {
		ssize_t got = read(kmsg->fd, bytes, sizeof(bytes));

		if (got < 0 && errno == EAGAIN)
			return 0;
		if (got > 0 &&
		    kmsg_parse((struct slice){ bytes, (size_t)got }, kmsg->room, &record))
			kmsg->next_sequence = record.sequence + 1;
	}
	kmsg->next_sequence = 0;
	return lseek(kmsg->fd, 0, SEEK_END) < 0 ? error_errno(err, errno, "seek in '/dev/kmsg'")
						: 0;
}

static int kmsg_start(struct sensor *sensor, struct error *err)
{
	const struct sensor_env *env = sensor->env;
	struct kmsg_sensor *kmsg = sensor->state;
	int r;

	kmsg->sensor = sensor;
	kmsg->watch = (struct loop_fd){ .fd = -1, .ready = kmsg_on_ready };
	kmsg->silence.fire = kmsg_on_silence;
	kmsg->fd = kmsg_open(env, err);
	if (kmsg->fd < 0)
		return kmsg->fd;
	if (lseek(kmsg->fd, 0, env->settings->old_records ? SEEK_DATA : SEEK_SET) < 0)
		return error_errno(err, errno, "seek in '/dev/kmsg'");
	if (!env->settings->old_records) {
		r = kmsg_pass_old(kmsg, err);
		if (r < 0)
			return r;
		kmsg->caught_up = true;
	}
	r = klog_new(&kmsg->klog, env->out, err);
	if (r < 0)
		return r;
	metric_add(env->metrics, METRIC_kmsg_records, &kmsg->records, NULL);
	metric_add(env->metrics, METRIC_kmsg_lost, &kmsg->lost, NULL);
	metric_add(env->metrics, METRIC_kmsg_invalid, &kmsg->invalid, NULL);
	metric_add_read(env->metrics, METRIC_kmsg_suppressed, &kmsg->suppressed, NULL,
			kmsg_read_suppressed, kmsg->klog);
	return loop_fd_add(env->loop, &kmsg->watch, kmsg->fd, EPOLLIN, err);
}

static void kmsg_stop(struct sensor *sensor)
{
	struct kmsg_sensor *kmsg = sensor->state;

	if (!kmsg->sensor)
		return;
	loop_fd_remove(sensor->env->loop, &kmsg->watch);
	loop_timer_clear(&kmsg->silence);
	if (kmsg->klog)
		klog_flush(kmsg->klog);
	klog_free(kmsg->klog);
	metric_remove(&kmsg->records);
	metric_remove(&kmsg->lost);
	metric_remove(&kmsg->invalid);
	metric_remove(&kmsg->suppressed);
	if (kmsg->fd >= 0)
		close(kmsg->fd);
}

static const struct sensor_mechanism kmsg_mechanisms[] = {
	{ .name = "/dev/kmsg", .start = kmsg_start },
};

const struct sensor_kind sensor_kmsg = {
	.name = "kmsg",
	.help = "the kernel log: crashes, oopses, denials, lack of memory",
	.state_bytes = sizeof(struct kmsg_sensor),
	.mechanisms = kmsg_mechanisms,
	.mechanism_count = array_count(kmsg_mechanisms),
	.stop = kmsg_stop,
};

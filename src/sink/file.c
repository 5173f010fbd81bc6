/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file - one event a line, appended to a file.
 *
 * Lines are gathered and written once per turn of the loop. When the disk refuses them they wait,
 * up to FILE_BYTES, and beyond that they are counted as lost. The file may be moved or deleted by
 * others (logrotate) at any time: the next line makes a new one.
 */
#include "sink/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"

#define FILE_BYTES    (4u << 20)
#define FILE_RETRY_NS (1 * NS_PER_S)

struct file {
	struct sink *sink;
	event_encoder *encode;
	const char *path;
	uint64_t rotation_bytes; /* 0: no rotation */
	uint64_t rotation_count; /* the last is "path.rotation_count" */
	bool rotation_refused;	 /* it would be at every line: wait for a reopen */
	int fd;			 /* -1: could not be opened yet, or again */
	uint64_t size;		 /* of the file behind fd */
	struct text waiting;
	struct loop_deferred write;
	struct loop_timer retry; /* set while the disk refuses */
};

static bool file_wanted(const struct sink_settings *settings)
{
	return settings->file.format >= 0;
}

/* --- the file --- */

static int file_open_path(struct file *file, struct error *err)
{
	struct stat status;
	int fd;

	/* A pipe without a reader would hang us: O_NONBLOCK. */
	fd = open(file->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		  0600);
	if (fd < 0 || fstat(fd, &status) < 0) {
		int code = errno;

		if (fd >= 0)
			close(fd);
		return error_errno(err, code, "open '%s'", file->path);
	}
	if (!S_ISREG(status.st_mode)) {
		close(fd);
		return error_say(err, EINVAL,
				 "open '%s': not a regular file; for standard output use the "
				 "console",
				 file->path);
	}
	file->fd = fd;
	file->size = (uint64_t)status.st_size;
	return 0;
}

static void file_close_fd(struct file *file)
{
	if (file->fd >= 0)
		close(take_fd(&file->fd));
}

/* Whether what the path names now is the file that we have; others may have written to it. */
static bool file_is_current(struct file *file)
{
	struct stat ours, named;

	if (fstat(file->fd, &ours) < 0 || stat(file->path, &named) < 0)
		return false;
	file->size = (uint64_t)ours.st_size;
	return ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* path.1 -> path.2, path.0 -> path.1, path -> path.0; the last one is replaced. */
static int file_rotate(struct file *file, struct error *err)
{
	auto_text struct text from = { 0 };
	auto_text struct text to = { 0 };

	for (uint64_t n = file->rotation_count + 1; n-- > 0;) {
		text_clear(&from);
		text_clear(&to);
		text_put(&from, slice_of(file->path));
		if (n > 0)
			text_printf(&from, ".%llu", (unsigned long long)n - 1);
		text_printf(&to, "%s.%llu", file->path, (unsigned long long)n);
		if (rename(text_str(&from), text_str(&to)) < 0 && errno != ENOENT)
			return error_errno(err, errno, "rotate '%s' to '%s'", text_str(&from),
					   text_str(&to));
	}
	file_close_fd(file);
	return 0;
}

/* --- writing --- */

/* As many whole lines as the file may still take, but at least one. */
static struct slice file_next_part(const struct file *file, struct slice rest)
{
	uint64_t left = file->rotation_bytes > file->size ? file->rotation_bytes - file->size : 0;
	ssize_t end;

	if (!file->rotation_bytes || rest.bytes <= left)
		return rest;
	end = slice_find(slice_skip(rest, left ? left - 1 : 0), SLICE("\n"));
	return slice_first(rest, (left ? left - 1 : 0) + (size_t)end + 1);
}

static uint64_t file_count_lines(struct slice lines)
{
	struct slice line;
	uint64_t count = 0;

	while (slice_cut(&lines, '\n', &line))
		count++;
	return count;
}

/* Takes half a line back, if it stands at the end. Otherwise the next attempt goes on behind it. */
static bool file_take_back(const struct file *file, uint64_t end, size_t bytes)
{
	struct stat status;

	return fstat(file->fd, &status) == 0 && (uint64_t)status.st_size == end &&
	       ftruncate(file->fd, (off_t)(end - bytes)) == 0;
}

/* Returns how much was written; less than all of it with `err` set. */
static size_t file_write_part(struct file *file, struct slice part, struct error *err)
{
	size_t done = 0, whole;

	*err = (struct error){ 0 };
	while (done < part.bytes) {
		ssize_t n = write(file->fd, part.at + done, part.bytes - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			error_errno(err, errno, "write to '%s'", file->path);
			break;
		}
		done += (size_t)n;
	}
	whole = (size_t)(slice_find_last(slice_first(part, done), SLICE("\n")) + 1);
	if (whole < done && file_take_back(file, file->size + done, done - whole))
		done = whole;
	file->size += done;
	return done;
}

static int file_ready(struct file *file, struct error *err)
{
	if (file->fd >= 0 && !file_is_current(file))
		file_close_fd(file);
	if (file->fd < 0)
		return file_open_path(file, err);
	return 0;
}

/* Writes up to the next rotation; false when the disk refuses. */
static bool file_write_some(struct file *file, struct slice *rest)
{
	struct sink *sink = file->sink;
	struct slice part;
	struct error err;
	size_t done;

	if (file_ready(file, &err) < 0) {
		sink_trouble(sink, SINK_TROUBLE_disk, &err);
		return false;
	}
	part = file_next_part(file, *rest);
	done = file_write_part(file, part, &err);
	sink->delivered.value += file_count_lines(slice_first(part, done));
	*rest = slice_skip(*rest, done);
	if (err.code == 0 && file->rotation_bytes && file->size >= file->rotation_bytes &&
	    file_rotate(file, &err) < 0) {
		file->rotation_bytes = 0;
		file->rotation_refused = true;
	}
	if (err.code)
		sink_trouble(sink, SINK_TROUBLE_disk, &err);
	else if (!file->rotation_refused)
		sink_well(sink, SINK_TROUBLE_disk);
	return done == part.bytes;
}

static void file_write(struct file *file)
{
	struct slice rest = text_slice(&file->waiting);
	bool going = true;

	while (rest.bytes && going)
		going = file_write_some(file, &rest);
	if (rest.bytes) {
		memmove(file->waiting.at, rest.at, rest.bytes);
		loop_timer_set(file->sink->env->loop, &file->retry, FILE_RETRY_NS);
	}
	file->waiting.bytes = rest.bytes;
}

static void file_on_deferred(struct loop_deferred *deferred)
{
	file_write(container_of(deferred, struct file, write));
}

static void file_on_retry(struct loop_timer *timer)
{
	file_write(container_of(timer, struct file, retry));
}

/* --- the sink --- */

static void file_set_rotation(struct file *file)
{
	const struct sink_settings *settings = file->sink->env->settings;

	file->rotation_count = settings->file.rotation_count;
	file->rotation_bytes = file->rotation_count ? settings->file.rotation_bytes : 0;
	file->rotation_refused = false;
}

static int file_open(struct sink *sink, struct error *err)
{
	const struct sink_settings *settings = sink->env->settings;
	struct file *file = sink->state;

	file->sink = sink;
	file->fd = -1;
	file->write.run = file_on_deferred;
	file->retry.fire = file_on_retry;
	file->encode = event_encoder_of((enum event_format)settings->file.format);
	sink->measures = settings->file.format == FORMAT_measurement;
	file->path = settings->file.path;
	file_set_rotation(file);
	return file_open_path(file, err);
}

static void file_put(struct sink *sink, const struct event *event)
{
	struct file *file = sink->state;
	size_t before = file->waiting.bytes;

	if (before > FILE_BYTES) {
		sink->lost.value++;
		return;
	}
	file->encode(event, sink->env->origin, &file->waiting);
	text_putc(&file->waiting, '\n');
	if (file->waiting.failed) {
		file->waiting.failed = false;
		file->waiting.bytes = before;
		sink->lost.value++;
		return;
	}
	if (!file->retry.due_ns)
		loop_defer(sink->env->loop, &file->write);
}

static void file_flush(struct sink *sink)
{
	struct file *file = sink->state;

	loop_timer_clear(&file->retry);
	file_write(file);
}

static bool file_busy(const struct sink *sink)
{
	const struct file *file = sink->state;

	return file->waiting.bytes && !file->retry.due_ns;
}

static void file_reopen(struct sink *sink)
{
	struct file *file = sink->state;

	file_flush(sink);
	file_close_fd(file);
	file_set_rotation(file);
}

static void file_close(struct sink *sink)
{
	struct file *file = sink->state;

	if (!file->sink)
		return;
	file_flush(sink);
	sink->lost.value += file_count_lines(text_slice(&file->waiting));
	loop_undefer(&file->write);
	loop_timer_clear(&file->retry);
	file_close_fd(file);
	text_done(&file->waiting);
}

const struct sink_kind sink_file = {
	.name = "file",
	.help = "one event a line, appended to a file",
	.state_bytes = sizeof(struct file),
	.wanted = file_wanted,
	.open = file_open,
	.put = file_put,
	.flush = file_flush,
	.busy = file_busy,
	.reopen = file_reopen,
	.close = file_close,
};

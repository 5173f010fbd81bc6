/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console - one event a line on standard output.
 *
 * Lines are gathered and written once per turn of the loop. A reader that doesn't keep up makes the
 * pipe fill: then lines wait, up to CONSOLE_BYTES, and beyond that they are counted as lost.
 */
#include "sink/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define CONSOLE_BYTES (4u << 20)

struct console {
	struct sink *sink;
	event_encoder *encode;
	struct text waiting;
	uint64_t waiting_count;
	struct loop_deferred write;
	struct loop_fd writable; /* watched while the pipe is full */
	int flags;		 /* of standard output before; others may share them */
	bool closed;		 /* nobody reads any more */
};

static bool console_wanted(const struct sink_settings *settings)
{
	return settings->console.format >= 0;
}

static void console_lose(struct console *console)
{
	console->sink->lost.value += console->waiting_count;
	console->waiting_count = 0;
	text_clear(&console->waiting);
}

static void console_wait(struct console *console)
{
	struct loop *loop = console->sink->env->loop;

	if (console->writable.fd >= 0)
		return;
	/* A file can't be watched, and needs no watching: it never fills up. */
	if (loop_fd_add(loop, &console->writable, STDOUT_FILENO, EPOLLOUT, NULL) < 0)
		loop_defer(loop, &console->write);
}

static void console_write(struct console *console)
{
	struct slice rest = text_slice(&console->waiting);

	while (rest.bytes) {
		ssize_t n = write(STDOUT_FILENO, rest.at, rest.bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			struct error err;

			error_errno(&err, errno, "write to standard output");
			console->closed = true;
			console_lose(console);
			sink_trouble(console->sink, SINK_TROUBLE_delivery, &err);
			return;
		}
		if (n < 0)
			break;
		rest = slice_skip(rest, (size_t)n);
	}
	if (rest.bytes) {
		memmove(console->waiting.at, rest.at, rest.bytes);
		console->waiting.bytes = rest.bytes;
		console_wait(console);
		return;
	}
	console->sink->delivered.value += console->waiting_count;
	console->waiting_count = 0;
	text_clear(&console->waiting);
	loop_fd_remove(console->sink->env->loop, &console->writable);
}

static void console_on_deferred(struct loop_deferred *deferred)
{
	console_write(container_of(deferred, struct console, write));
}

static void console_on_writable(struct loop_fd *watch, uint32_t events)
{
	(void)events;
	console_write(container_of(watch, struct console, writable));
}

static int console_open(struct sink *sink, struct error *err)
{
	const struct sink_settings *settings = sink->env->settings;
	struct console *console = sink->state;
	const char *none = getenv("NO_COLOR"); /* see no-color.org */
	bool wanted = isatty(STDOUT_FILENO) && !(none && *none);
	bool colour = settings->console.colour == 1 || (settings->console.colour == 0 && wanted);

	console->sink = sink;
	console->writable.fd = -1;
	console->writable.ready = console_on_writable;
	console->write.run = console_on_deferred;
	console->encode = event_encoder_of((enum event_format)settings->console.format);
	sink->measures = settings->console.format == FORMAT_measurement;
	if (colour && settings->console.format == FORMAT_text)
		console->encode = event_put_text_coloured;
	console->flags = fcntl(STDOUT_FILENO, F_GETFL);
	if (console->flags < 0)
		return error_errno(err, errno, "use standard output");
	/* A terminal is shared with the shell, which would not expect it. */
	if (!isatty(STDOUT_FILENO) &&
	    fcntl(STDOUT_FILENO, F_SETFL, console->flags | O_NONBLOCK) < 0)
		return error_errno(err, errno, "use standard output");
	return 0;
}

static void console_put(struct sink *sink, const struct event *event)
{
	struct console *console = sink->state;
	size_t before = console->waiting.bytes;

	if (console->closed || before > CONSOLE_BYTES) {
		sink->lost.value++;
		return;
	}
	console->encode(event, sink->env->origin, &console->waiting);
	text_putc(&console->waiting, '\n');
	if (console->waiting.failed) {
		console->waiting.failed = false;
		console->waiting.bytes = before;
		sink->lost.value++;
		return;
	}
	console->waiting_count++;
	if (console->writable.fd < 0)
		loop_defer(sink->env->loop, &console->write);
}

static void console_flush(struct sink *sink)
{
	struct console *console = sink->state;

	if (console->waiting.bytes)
		console_write(console);
}

static bool console_busy(const struct sink *sink)
{
	const struct console *console = sink->state;

	return console->waiting.bytes && !console->closed;
}

static void console_close(struct sink *sink)
{
	struct console *console = sink->state;

	if (!console->sink)
		return;
	console_flush(sink);
	console_lose(console);
	loop_undefer(&console->write);
	loop_fd_remove(sink->env->loop, &console->writable);
	text_done(&console->waiting);
	if (console->flags >= 0)
		fcntl(STDOUT_FILENO, F_SETFL, console->flags);
}

const struct sink_kind sink_console = {
	.name = "console",
	.help = "one event a line on standard output",
	.state_bytes = sizeof(struct console),
	.wanted = console_wanted,
	.open = console_open,
	.put = console_put,
	.flush = console_flush,
	.busy = console_busy,
	.close = console_close,
};

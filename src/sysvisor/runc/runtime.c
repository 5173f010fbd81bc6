/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/runtime.h"

#include <fcntl.h>
#include <stdarg.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

static void runtime_log(const struct runtime *runtime, const char *level, const char *words)
{
	auto_text struct text line = { 0 };
	char now[CLOCK_RFC3339_BYTES + 1];
	struct json json = { .out = &line };
	auto_fd int fd = -1;

	if (!runtime->log_file)
		return;
	/* An engine's log may be a FIFO that nobody reads any more. */
	fd = open(runtime->log_file, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	*clock_rfc3339(now, clock_wall_ns()) = '\0';
	if (!runtime->log_format || strcmp(runtime->log_format, "json") != 0) {
		text_printf(&line, "time=\"%s\" level=%s msg=\"%s\"", now, level, words);
	} else {
		json_open(&json, '{');
		json_key(&json, SLICE("level"));
		json_text(&json, slice_of(level));
		json_key(&json, SLICE("msg"));
		json_text(&json, slice_of(words));
		json_key(&json, SLICE("time"));
		json_text(&json, slice_of(now));
		json_close(&json, '}');
	}
	text_putc(&line, '\n');
	(void)!file_write_all(fd, text_slice(&line));
}

void runtime_warn(const struct runtime *runtime, const char *fmt, ...)
{
	char words[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	runtime_log(runtime, "warning", words);
}

void runtime_fail(const struct runtime *runtime, const struct error *err)
{
	runtime_log(runtime, "error", err->text);
	fprintf(stderr, RUNTIME_NAME ": %s\n", err->text);
}

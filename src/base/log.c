/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>

#include "base/clock.h"
#include "base/json.h"

static struct {
	enum log_level level;
	bool json, times;
} log_state = { LOG_LEVEL_info, false, false };

void log_setup(enum log_level level, bool json)
{
	log_state.level = level;
	log_state.json = json;
}

void log_times(bool times)
{
	log_state.times = times;
}

bool log_wants(enum log_level level)
{
	return level <= log_state.level;
}

static const char *log_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_error:
		return "error";
	case LOG_LEVEL_warning:
		return "warning";
	case LOG_LEVEL_info:
		return "info";
	case LOG_LEVEL_debug:
		break;
	}
	return "debug";
}

/* Whether the site may write now; *held = lines held back since it last did. */
static bool log_passes(struct log_site *site, uint32_t *held)
{
	uint64_t now = clock_mono_ns();

	*held = 0;
	if (site->window_ns == 0 || now - site->window_ns > LOG_WINDOW_S * NS_PER_S) {
		if (site->count > LOG_BURST)
			*held = site->count - LOG_BURST;
		site->window_ns = now;
		site->count = 0;
	}
	return ++site->count <= LOG_BURST;
}

static void log_format(struct text *line, enum log_level level, struct slice words)
{
	char time[CLOCK_RFC3339_BYTES];
	struct json json = { .out = line };

	if (!log_state.json) {
		if (log_state.times)
			text_printf(line,
				    "%.*s %s: ", (int)(clock_rfc3339(time, clock_wall_ns()) - time),
				    time, log_name(level));
		else if (isatty(STDERR_FILENO))
			text_printf(line, "%s: ", log_name(level));
		else
			text_printf(line, "<%d>", level);
		text_put(line, words);
		return;
	}
	clock_rfc3339(time, clock_wall_ns());
	json_open(&json, '{');
	json_key(&json, SLICE("time"));
	json_text(&json, (struct slice){ time, sizeof(time) });
	json_key(&json, SLICE("level"));
	json_text(&json, slice_of(log_name(level)));
	json_key(&json, SLICE("message"));
	json_text(&json, words);
	json_close(&json, '}');
}

static void log_put(enum log_level level, struct slice words)
{
	auto_text struct text line = { 0 };

	log_format(&line, level, words);
	text_putc(&line, '\n');
	/* Nowhere to report it to if standard error itself fails. */
	if (!line.failed && write(STDERR_FILENO, line.at, line.bytes) < 0)
		return;
}

void log_lines(enum log_level level, struct slice text)
{
	struct slice line;

	while (log_wants(level) && slice_next(&text, '\n', &line))
		log_put(level, line);
}

void log_write(struct log_site *site, enum log_level level, const char *fmt, ...)
{
	char words[1024];
	uint32_t held;
	va_list args;
	size_t used;

	if (!log_passes(site, &held))
		return;
	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	used = strlen(words);
	if (held)
		snprintf(words + used, sizeof(words) - used, " (%u like it were held back)", held);
	log_put(level, slice_of(words));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log - what the program says about itself: one line each, on standard error.
 *
 * On a terminal a line starts with its level, otherwise with "<N>", which journald reads
 * (sd-daemon(3)); or every line is a JSON object. Names of things stand in single quotes. Each call
 * site is limited to LOG_BURST lines in LOG_WINDOW_S seconds; the next line that passes says how
 * many did not. Only programs and the agent log; what lies below returns errors.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/auto.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* The numbers are syslog's severities. */
enum log_level {
	LOG_LEVEL_error = 3,
	LOG_LEVEL_warning = 4,
	LOG_LEVEL_info = 6,
	LOG_LEVEL_debug = 7
};

#define LOG_BURST    10
#define LOG_WINDOW_S 5

struct log_site {
	uint64_t window_ns;
	uint32_t count;
};

/* Lines above `level` are not written. `json`: one object a line. */
void log_setup(enum log_level level, bool json);
/* Lines that are no JSON start with the time in UTC and the level's name: for log files. */
void log_times(bool times);
bool log_wants(enum log_level level);

/* Every line of a text, without limit: for what is said once. */
void log_lines(enum log_level level, struct slice text);

void log_write(struct log_site *site, enum log_level level, const char *fmt, ...) printf_like(3, 4);

#define log_at(level, ...)                                                                         \
	do {                                                                                       \
		static struct log_site log_site_;                                                  \
		if (log_wants(level))                                                              \
			log_write(&log_site_, level, __VA_ARGS__);                                 \
	} while (0)

#define log_error(...)	 log_at(LOG_LEVEL_error, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_warning, __VA_ARGS__)
#define log_info(...)	 log_at(LOG_LEVEL_info, __VA_ARGS__)
#define log_debug(...)	 log_at(LOG_LEVEL_debug, __VA_ARGS__)

#endif

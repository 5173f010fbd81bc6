/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdbool.h>

static void error_mark_cut(struct error *err, bool cut)
{
	if (cut)
		memcpy(err->text + sizeof(err->text) - 4, "...", 4);
}

static bool printf_like(2, 0) error_format(struct error *err, const char *fmt, va_list args)
{
	int n = vsnprintf(err->text, sizeof(err->text), fmt, args);

	return n < 0 || (size_t)n >= sizeof(err->text);
}

int error_errno(struct error *err, int code, const char *fmt, ...)
{
	char reason[96];
	va_list args;
	size_t used;
	bool cut;
	int n;

	if (!err)
		return -code;
	err->code = code;
	va_start(args, fmt);
	cut = error_format(err, fmt, args);
	va_end(args);
	used = strlen(err->text);
	n = snprintf(err->text + used, sizeof(err->text) - used, ": %s",
		     strerror_r(code, reason, sizeof(reason)));
	error_mark_cut(err, cut || n < 0 || (size_t)n >= sizeof(err->text) - used);
	return -code;
}

int error_say(struct error *err, int code, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return -code;
	err->code = code;
	va_start(args, fmt);
	error_mark_cut(err, error_format(err, fmt, args));
	va_end(args);
	return -code;
}

int error_wrap(struct error *err, int result, const char *fmt, ...)
{
	struct error inner;
	va_list args;
	size_t used;
	bool cut;
	int n;

	if (!err)
		return result;
	inner = *err;
	va_start(args, fmt);
	cut = error_format(err, fmt, args);
	va_end(args);
	used = strlen(err->text);
	n = snprintf(err->text + used, sizeof(err->text) - used, ": %s", inner.text);
	error_mark_cut(err, cut || n < 0 || (size_t)n >= sizeof(err->text) - used);
	return result;
}

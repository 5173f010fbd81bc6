/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error - what went wrong, in words, as a plain value.
 *
 * A fallible function returns 0 (or a count, or an fd) or -errno, and takes a `struct error *` as
 * its last parameter; NULL is fine. The error is written only on failure. It needs no memory, so a
 * forked child can send it over a socket as it is.
 *
 *	fd = open(path, O_RDONLY | O_CLOEXEC);
 *	if (fd < 0)
 *		return error_errno(err, errno, "open '%s'", path);
 *	...
 *	r = settings_load(path, &s, err);
 *	if (r < 0)
 *		return error_wrap(err, r, "start");
 *
 * gives "start: open '/x': Permission denied". It is printed once, at the top.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/auto.h"

struct error {
	int code;	/* errno value, positive; 0 = no error */
	char text[252]; /* always terminated; ends in "..." when cut */
};

/* Sets "words: strerror(code)"; returns -code. */
int error_errno(struct error *err, int code, const char *fmt, ...) printf_like(3, 4);

/* Sets the words alone, for failures that errno can't describe; returns -code. */
int error_say(struct error *err, int code, const char *fmt, ...) printf_like(3, 4);

/* Puts "words: " before the text that is there; returns `result` as it came. */
int error_wrap(struct error *err, int result, const char *fmt, ...) printf_like(3, 4);

#endif

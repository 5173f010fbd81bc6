/* SPDX-License-Identifier: Apache-2.0 */
/* file - whole small files: read them, and replace them so that nobody sees half of one. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/error.h"
#include "base/text.h"

/* Appends a whole file to `text`. -EFBIG above `limit_bytes`; otherwise open(2)'s and read(2)'s
 * errors. */
must_check int file_read(const char *path, size_t limit_bytes, struct text *text,
			 struct error *err);

/* The same without words, for files that often aren't there; path below dir_fd. */
must_check int file_read_at(int dir_fd, const char *path, size_t limit_bytes, struct text *text);

/* Writes a new file beside it, fsyncs, renames over. */
must_check int file_replace(const char *path, struct slice bytes, unsigned int mode,
			    struct error *err);

/* Writes to a file that exists and can't be replaced, such as one below /proc/sys, in one call. */
must_check int file_write(const char *path, struct slice bytes, struct error *err);

/* Makes a directory and those above it. */
must_check int file_make_dirs(const char *path, unsigned int mode, struct error *err);

/* Writes all of it, through short writes and EINTR. -errno. */
must_check int file_write_all(int fd, struct slice bytes);

#endif

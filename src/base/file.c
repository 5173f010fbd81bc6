/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

int file_read_at(int dir_fd, const char *path, size_t limit_bytes, struct text *text)
{
	auto_fd int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	size_t start = text->bytes;

	if (fd < 0)
		return -errno;
	for (;;) {
		char *at = text_reserve(text, 4096);
		ssize_t n;

		if (!at)
			return -ENOMEM;
		n = read(fd, at, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		text->bytes += (size_t)n;
		if (text->bytes - start > limit_bytes)
			return -EFBIG;
	}
}

int file_read(const char *path, size_t limit_bytes, struct text *text, struct error *err)
{
	int r = file_read_at(AT_FDCWD, path, limit_bytes, text);

	if (r == -EFBIG)
		return error_say(err, EFBIG, "read '%s': larger than %zu bytes", path, limit_bytes);
	return r < 0 ? error_errno(err, -r, "read '%s'", path) : 0;
}

int file_write_all(int fd, struct slice bytes)
{
	while (bytes.bytes) {
		ssize_t n = write(fd, bytes.at, bytes.bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes = slice_skip(bytes, (size_t)n);
	}
	return 0;
}

int file_replace(const char *path, struct slice bytes, unsigned int mode, struct error *err)
{
	auto_text struct text beside = { 0 };
	auto_fd int fd = -1;
	int r;

	text_printf(&beside, "%s.new", path);
	fd = open(text_str(&beside), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return error_errno(err, errno, "write '%s'", text_str(&beside));
	r = file_write_all(fd, bytes);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && rename(text_str(&beside), path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(text_str(&beside));
		return error_errno(err, -r, "replace '%s'", path);
	}
	return 0;
}

int file_write(const char *path, struct slice bytes, struct error *err)
{
	auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "open '%s' for writing", path);
	if (write(fd, bytes.at, bytes.bytes) < 0)
		return error_errno(err, errno, "write '%s'", path);
	return 0;
}

int file_make_dirs(const char *path, unsigned int mode, struct error *err)
{
	auto_text struct text part = { 0 };
	struct slice rest = slice_of(path), name;
	bool made = false;

	if (slice_eat(&rest, SLICE("/")))
		text_putc(&part, '/');
	while (slice_next(&rest, '/', &name)) {
		if (name.bytes == 0)
			continue;
		if (part.bytes && part.at[part.bytes - 1] != '/')
			text_putc(&part, '/');
		text_put(&part, name);
		made = mkdir(text_str(&part), mode) == 0;
		if (!made && errno != EEXIST)
			return error_errno(err, errno, "make directory '%s'", text_str(&part));
	}
	return 0;
}

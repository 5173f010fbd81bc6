/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/text.h"

static int path_open_how(int root_fd, const char *path, int flags, uint64_t resolve)
{
	const struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.resolve = resolve,
	};
	int fd;

	do {
		fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || (errno == EAGAIN && !(resolve & RESOLVE_CACHED))));
	return fd < 0 ? -errno : fd; /* EAGAIN: a rename on the way */
}

int path_open(int root_fd, const char *path, int flags)
{
	return path_open_how(root_fd, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int path_open_cached(int root_fd, const char *path)
{
	int fd = path_open_how(root_fd, path, O_PATH | O_NOFOLLOW,
			       RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_CACHED);

	return fd == -EINVAL ? -EAGAIN : fd;
}

int path_open_unmounted(int dir_fd, const char *path, int flags)
{
	return path_open_how(dir_fd, path, flags | O_NOFOLLOW,
			     RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
}

/* Opens the directory at the first `bytes` of a path; makes it in `parent_fd`, where it is the
 * name from `name_at` on. */
static int path_step(int root_fd, int parent_fd, const char *prefix, const char *name, mode_t mode,
		     struct error *err)
{
	int fd = path_open(root_fd, prefix, O_PATH | O_DIRECTORY);

	if (fd == -ENOENT) {
		if (mkdirat(parent_fd, name, mode) < 0 && errno != EEXIST)
			return error_errno(err, errno, "make directory '%s'", prefix);
		fd = path_open(root_fd, prefix, O_PATH | O_DIRECTORY);
	}
	return fd < 0 ? error_errno(err, -fd, "open directory '%s'", prefix) : fd;
}

static int path_walk(int root_fd, struct slice path, mode_t mode, struct error *err)
{
	auto_text struct text prefix = { 0 };
	auto_fd int at = fcntl(root_fd, F_DUPFD_CLOEXEC, 3);
	struct slice name;

	if (at < 0)
		return error_errno(err, errno, "open the root");
	while (slice_next(&path, '/', &name)) {
		size_t start;
		int next;

		if (name.bytes == 0 || slice_is(name, "."))
			continue;
		text_putc(&prefix, '/');
		start = prefix.bytes;
		text_put(&prefix, name);
		next = path_step(root_fd, at, text_str(&prefix), text_str(&prefix) + start, mode,
				 err);
		if (next < 0)
			return next;
		close(at);
		at = next;
	}
	return take_fd(&at);
}

int path_make_dir(int root_fd, const char *path, mode_t mode, struct error *err)
{
	int fd = path_open(root_fd, path, O_PATH | O_DIRECTORY);

	if (fd >= 0)
		return fd;
	if (fd != -ENOENT)
		return error_errno(err, -fd, "open directory '%s'", path);
	return path_walk(root_fd, slice_of(path), mode, err);
}

int path_make_parent(int root_fd, const char *path, const char **ret_name, struct error *err)
{
	struct slice whole = slice_of(path);
	ssize_t at;

	while (slice_ends(whole, SLICE("/")))
		whole.bytes--;
	at = slice_find_last(whole, SLICE("/"));
	*ret_name = path + at + 1;
	if (**ret_name == '\0' || strcmp(*ret_name, "..") == 0 || strcmp(*ret_name, ".") == 0)
		return error_say(err, EINVAL, "'%s' names no file", path);
	return path_walk(root_fd, slice_first(whole, at < 0 ? 0 : (size_t)at), 0755, err);
}

/* Where a link that leads to nothing leads: an image's /etc/resolv.conf often does, and what is
 * made is its end. */
static int path_follow(int parent_fd, const char *name, struct text *path)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(parent_fd, name, target, sizeof(target));
	ssize_t slash = slice_find_last(text_slice(path), SLICE("/"));

	if (n < 0)
		return -errno;
	if (n > 0 && target[0] == '/')
		path->bytes = 0;
	else
		path->bytes = (size_t)(slash + 1);
	text_put(path, (struct slice){ target, (size_t)n });
	return 0;
}

/* One try; -EEXIST: a link was there, and `path` is now where it leads. */
static int path_try_file(int root_fd, struct text *path, mode_t mode, struct error *err)
{
	auto_fd int parent = -1, made = -1;
	const char *name;
	int fd = path_open(root_fd, text_str(path), O_PATH);

	if (fd >= 0)
		return fd;
	if (fd != -ENOENT)
		return error_errno(err, -fd, "open '%s'", text_str(path));
	parent = path_make_parent(root_fd, text_str(path), &name, err);
	if (parent < 0)
		return parent;
	made = openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, mode);
	if (made < 0 && errno == EEXIST && path_follow(parent, name, path) == 0)
		return -EEXIST;
	if (made < 0)
		return error_errno(err, errno, "make file '%s'", text_str(path));
	fd = path_open(root_fd, text_str(path), O_PATH);
	return fd < 0 ? error_errno(err, -fd, "open '%s'", text_str(path)) : fd;
}

int path_make_file(int root_fd, const char *path, mode_t mode, struct error *err)
{
	auto_text struct text at = { 0 };

	text_put(&at, slice_of(path));
	for (int links = 0; links < 16; links++) {
		int fd = path_try_file(root_fd, &at, mode, err);

		if (fd != -EEXIST)
			return fd;
	}
	return error_errno(err, ELOOP, "make file '%s'", path);
}

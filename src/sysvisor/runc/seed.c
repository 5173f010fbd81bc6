/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/seed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/map.h"
#include "base/text.h"
#include "kernel/path.h"

#define SEED_MARK	 "trusted.sysvisor.seeding" /* of a volume that isn't complete */
#define SEED_DEPTH	 200			    /* two open directories for each */
#define SEED_XATTR_BYTES 65536

/* A file that has several names, by where it came from. */
struct seed_link {
	struct {
		dev_t device;
		ino_t inode;
	} origin;
	char *path; /* in the volume */
};

struct seed {
	int volume_fd;
	struct map links;
	struct text path; /* of what is being copied, below the directory */
};

static int seed_errno(struct seed *seed, int code, struct error *err)
{
	return error_errno(err, code, "copy '%s'", text_str(&seed->path));
}

/* --- what belongs to a file beside its contents --- */

static int seed_xattrs(int from_fd, int to_fd)
{
	auto_free char *names = malloc(SEED_XATTR_BYTES), *value = malloc(SEED_XATTR_BYTES);
	ssize_t bytes = names && value ? flistxattr(from_fd, names, SEED_XATTR_BYTES) : -1;

	if (!names || !value)
		return -ENOMEM;
	for (ssize_t at = 0; at < bytes; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t n = fgetxattr(from_fd, names + at, value, SEED_XATTR_BYTES);

		/* What the volume's file system doesn't know is no loss to an engine. */
		if (n >= 0 && fsetxattr(to_fd, names + at, value, (size_t)n, 0) < 0 &&
		    errno != ENOTSUP)
			return -errno;
	}
	return 0;
}

static int seed_facts(int from_fd, int to_fd, const struct stat *info)
{
	const struct timespec times[] = { info->st_atim, info->st_mtim };
	int r;

	/* In this order: a new owner takes set-id bits and capabilities away. */
	if (fchown(to_fd, info->st_uid, info->st_gid) < 0 ||
	    fchmod(to_fd, info->st_mode & 07777) < 0)
		return -errno;
	r = seed_xattrs(from_fd, to_fd);
	return r < 0 ? r : futimens(to_fd, times) < 0 ? -errno : 0;
}

/* --- hard links --- */

static struct slice seed_link_key(const void *item)
{
	const struct seed_link *link = item;

	return (struct slice){ (const char *)&link->origin, sizeof(link->origin) };
}

static const char *seed_find_link(const struct seed *seed, const struct stat *info)
{
	struct seed_link wanted;
	const struct seed_link *link;

	memset(&wanted, 0, sizeof(wanted));
	wanted.origin.device = info->st_dev;
	wanted.origin.inode = info->st_ino;
	link = map_get(&seed->links, seed_link_key(&wanted));
	return link ? link->path : NULL;
}

static int seed_keep_link(struct seed *seed, const struct stat *info)
{
	struct seed_link *link = calloc(1, sizeof(*link));

	if (!link)
		return -ENOMEM;
	link->origin.device = info->st_dev;
	link->origin.inode = info->st_ino;
	link->path = strdup(text_str(&seed->path));
	if (link->path && map_put(&seed->links, link, NULL) == 0)
		return 0;
	free(link->path);
	free(link);
	return -ENOMEM;
}

/* --- one of a directory --- */

static int seed_file(struct seed *seed, int from_dir, int to_dir, const char *name)
{
	auto_fd int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_fd int to = -1;
	const char *first;
	struct stat info;
	ssize_t n;
	int r;

	if (from < 0 || fstat(from, &info) < 0)
		return -errno;
	first = info.st_nlink > 1 ? seed_find_link(seed, &info) : NULL;
	if (first)
		return linkat(seed->volume_fd, first, to_dir, name, 0) < 0 ? -errno : 0;
	to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	do
		n = sendfile(to, from, NULL, 1u << 30);
	while (n > 0 || (n < 0 && errno == EINTR));
	r = n < 0 ? -errno : seed_facts(from, to, &info);
	return r == 0 && info.st_nlink > 1 ? seed_keep_link(seed, &info) : r;
}

static int seed_special(int from_dir, int to_dir, const char *name, const struct stat *info)
{
	const struct timespec times[] = { info->st_atim, info->st_mtim };
	char target[4096];
	int r = 0;

	if (S_ISLNK(info->st_mode)) {
		ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

		if (n < 0)
			return -errno;
		target[n] = '\0';
		r = symlinkat(target, to_dir, name);
	} else if (S_ISCHR(info->st_mode) && info->st_rdev == makedev(0, 0)) {
		/* A whiteout: without it a layer shows what it has deleted. */
		r = mknodat(to_dir, name, info->st_mode, info->st_rdev);
	} else {
		return 0;
	}
	if (r < 0 || fchownat(to_dir, name, info->st_uid, info->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

static int seed_directory(struct seed *seed, int from_fd, int to_fd, int depth, struct error *err);

static int seed_below(struct seed *seed, int from_dir, int to_dir, const char *name, int depth,
		      struct error *err)
{
	auto_fd int from = openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_fd int to = -1;
	struct stat info;
	int r;

	if (from < 0 || fstat(from, &info) < 0)
		return seed_errno(seed, errno, err);
	if (depth == SEED_DEPTH)
		return error_say(err, ELOOP, "copy '%.100s...': more than %d directories deep",
				 text_str(&seed->path), SEED_DEPTH);
	if (mkdirat(to_dir, name, 0700) < 0)
		return seed_errno(seed, errno, err);
	to = openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return seed_errno(seed, errno, err);
	r = seed_directory(seed, from, to, depth + 1, err);
	if (r < 0)
		return r;
	r = seed_facts(from, to, &info);
	return r < 0 ? seed_errno(seed, -r, err) : 0;
}

static int seed_entry(struct seed *seed, int from_dir, int to_dir, const char *name, int depth,
		      struct error *err)
{
	size_t before = seed->path.bytes;
	struct stat info;
	int r = 0;

	text_printf(&seed->path, "%s%s", before ? "/" : "", name);
	if (seed->path.failed)
		return error_errno(err, ENOMEM, "copy '%s'", name);
	if (fstatat(from_dir, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return seed_errno(seed, errno, err);
	if (S_ISDIR(info.st_mode))
		r = seed_below(seed, from_dir, to_dir, name, depth, err);
	else if ((r = S_ISREG(info.st_mode) ? seed_file(seed, from_dir, to_dir, name)
					    : seed_special(from_dir, to_dir, name, &info)) < 0)
		seed_errno(seed, -r, err);
	seed->path.bytes = before;
	return r;
}

static bool seed_is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static DIR *seed_open_list(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);

	if (!dir && copy >= 0)
		close(copy);
	return dir;
}

static int seed_directory(struct seed *seed, int from_fd, int to_fd, int depth, struct error *err)
{
	DIR *dir = seed_open_list(from_fd);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return seed_errno(seed, errno, err);
	while (r == 0 && (entry = readdir(dir)))
		if (!seed_is_dots(entry->d_name))
			r = seed_entry(seed, from_fd, to_fd, entry->d_name, depth, err);
	closedir(dir);
	return r;
}

/* --- the whole --- */

static bool seed_is_empty(int fd)
{
	DIR *dir = seed_open_list(fd);
	struct dirent *entry = NULL;

	while (dir && (entry = readdir(dir)) && seed_is_dots(entry->d_name))
		;
	if (dir)
		closedir(dir);
	return dir && !entry;
}

static void seed_clear(int dir_fd)
{
	DIR *dir = seed_open_list(dir_fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		auto_fd int below = -1;

		if (seed_is_dots(entry->d_name) || unlinkat(dir_fd, entry->d_name, 0) == 0)
			continue;
		below = openat(dir_fd, entry->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			seed_clear(below);
		unlinkat(dir_fd, entry->d_name, AT_REMOVEDIR);
	}
	if (dir)
		closedir(dir);
}

static int seed_copy(int from_fd, int volume_fd, struct error *err)
{
	struct seed seed = { .volume_fd = volume_fd };
	struct seed_link *link;
	int r;

	map_init(&seed.links, seed_link_key);
	r = seed_directory(&seed, from_fd, volume_fd, 0, err);
	map_each(&seed.links, link) {
		free(link->path);
		free(link);
	}
	map_done(&seed.links);
	text_done(&seed.path);
	return r;
}

int seed_volume(const char *rootfs, const char *destination, const char *volume, struct error *err)
{
	auto_fd int root = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC), from = -1, to = -1;
	bool marked;
	int r;

	if (root < 0)
		return error_errno(err, errno, "open '%s'", rootfs);
	/* The image is a stranger's: its links lead no further than its own root. */
	from = path_open(root, destination, O_RDONLY | O_DIRECTORY);
	if (from < 0 || seed_is_empty(from))
		return 0;
	to = open(volume, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return error_errno(err, errno, "open volume '%s'", volume);
	marked = fgetxattr(to, SEED_MARK, NULL, 0) >= 0;
	if (!marked && !seed_is_empty(to))
		return 0;
	if (marked)
		seed_clear(to);
	else if (fsetxattr(to, SEED_MARK, "1", 1, 0) < 0 && errno != ENOTSUP)
		return error_errno(err, errno, "mark volume '%s'", volume);
	r = seed_copy(from, to, err);
	if (r < 0)
		return error_wrap(err, r, "fill volume '%s' with what the image has at '%s'",
				  volume, destination);
	if (fremovexattr(to, SEED_MARK) < 0 && errno != ENOTSUP && errno != ENODATA)
		return error_errno(err, errno, "unmark volume '%s'", volume);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#define HOST_READ_BYTES (64u << 10)

const struct node_row *host_row(struct slice path)
{
	for (size_t n = 0; n < node_count; n++) {
		struct slice rest = path;

		if (node_rows[n].kind != NODE_tree ||
		    !slice_eat(&rest, slice_of(node_rows[n].path)))
			continue;
		if (rest.bytes == 0 || rest.at[0] == '/')
			return &node_rows[n];
	}
	return NULL;
}

/* "cpu7" is of a processor, "cpufreq" is not. */
static bool host_is_shown(struct container *container, struct slice name)
{
	struct view_cpu cpu;
	uint64_t number;

	if (!slice_eat(&name, SLICE("cpu")) || !slice_u64(name, &number))
		return true;
	limits_shown(&container->limits, &cpu);
	return cpus_has(&cpu.shown, number);
}

static bool host_is_the_containers(struct container *container, struct slice path)
{
	const struct node_row *row = host_row(path);
	struct slice rest = path, name;

	if (!row)
		return false;
	rest = slice_skip(rest, strlen(row->path) + 1);
	name = rest;
	slice_cut(&rest, '/', &name);
	return host_is_shown(container, name);
}

static int host_open(struct slice path, int flags)
{
	const struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_NOFOLLOW | O_CLOEXEC),
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	char full[PATH_MAX];
	int fd;

	if (path.bytes + 2 > sizeof(full))
		return -ENAMETOOLONG;
	full[0] = '/';
	slice_copy(path, full + 1, sizeof(full) - 1);
	/* A link itself can be looked at, though none is followed. */
	fd = (int)syscall(SYS_openat2, AT_FDCWD, full, &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

int host_stat(struct container *container, struct slice path, struct stat *ret_info)
{
	auto_fd int fd = -1;

	if (!host_is_the_containers(container, path))
		return -ENOENT;
	fd = host_open(path, O_PATH);
	if (fd < 0)
		return fd;
	return fstat(fd, ret_info) < 0 ? -errno : 0;
}

int host_may_open(struct container *container, struct slice path, int flags)
{
	struct stat info;
	int r = host_stat(container, path, &info);

	if (r < 0)
		return r;
	return S_ISDIR(info.st_mode)		   ? -EISDIR
	       : (flags & O_ACCMODE) != O_RDONLY   ? -EACCES
	       : !S_ISREG(info.st_mode)		   ? -EINVAL
	       : !(info.st_mode & (mode_t)S_IROTH) ? -EACCES
						   : 0;
}

int host_read(struct slice path, struct text *out)
{
	auto_fd int fd = host_open(path, O_RDONLY);
	size_t before = out->bytes;
	ssize_t n = 1;

	if (fd < 0)
		return fd;
	while (n > 0) {
		char *room = text_reserve(out, 4096);

		if (!room)
			return -ENOMEM;
		n = read(fd, room, 4096);
		if (n < 0)
			return -errno;
		out->bytes += (size_t)n;
		if (out->bytes - before > HOST_READ_BYTES)
			return -EFBIG;
	}
	return 0;
}

int host_read_link(struct slice path, struct text *out)
{
	auto_fd int fd = host_open(path, O_PATH);
	char *room = text_reserve(out, PATH_MAX);
	ssize_t n;

	if (fd < 0)
		return fd;
	if (!room)
		return -ENOMEM;
	n = readlinkat(fd, "", room, PATH_MAX - 1);
	if (n < 0)
		return -errno;
	out->bytes += (size_t)n;
	return 0;
}

int host_list(struct container *container, struct slice path,
	      void (*found)(struct slice name, unsigned char type, void *owner), void *owner)
{
	const struct node_row *row = host_row(path);
	int fd = host_open(path, O_RDONLY | O_DIRECTORY);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!directory) {
		int code = fd < 0 ? -fd : errno;

		auto_close_fd(&fd);
		return -code;
	}
	while ((entry = readdir(directory))) {
		struct slice name = slice_of(entry->d_name);

		if (slice_is(name, ".") || slice_is(name, "..") ||
		    (slice_is(path, row->path) && !host_is_shown(container, name)))
			continue;
		found(name, entry->d_type, owner);
	}
	closedir(directory);
	return 0;
}

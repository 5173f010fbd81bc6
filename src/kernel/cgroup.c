/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "base/auto.h"
#include "base/text.h"

#define CGROUP_ROOT_ID 1

/* Cuts "id:controllers:path"; the path may hold colons. */
static bool cgroup_cut_line(struct slice *text, struct slice *id, struct slice *controllers,
			    struct slice *path)
{
	struct slice line;

	while (slice_next(text, '\n', &line)) {
		if (slice_cut(&line, ':', id) && slice_cut(&line, ':', controllers)) {
			*path = line;
			return true;
		}
	}
	return false;
}

static bool cgroup_has_controller(struct slice controllers, const char *name)
{
	struct slice one;

	while (slice_next(&controllers, ',', &one))
		if (slice_is(one, name))
			return true;
	return false;
}

static const char *const cgroup_controllers[] = {
	[RING_HIERARCHY_memory] = "memory",
	[RING_HIERARCHY_pids] = "pids",
};

enum ring_hierarchy cgroup_pick_hierarchy(struct slice proc_cgroup)
{
	if (cgroup_path(proc_cgroup, RING_HIERARCHY_memory).bytes)
		return RING_HIERARCHY_memory;
	if (cgroup_path(proc_cgroup, RING_HIERARCHY_pids).bytes)
		return RING_HIERARCHY_pids;
	return RING_HIERARCHY_unified;
}

struct slice cgroup_path(struct slice proc_cgroup, enum ring_hierarchy hierarchy)
{
	struct slice id, controllers, path;

	while (cgroup_cut_line(&proc_cgroup, &id, &controllers, &path)) {
		bool unified = slice_is(id, "0") && controllers.bytes == 0;

		if (hierarchy == RING_HIERARCHY_unified
			    ? unified
			    : cgroup_has_controller(controllers, cgroup_controllers[hierarchy]))
			return path;
	}
	return (struct slice){ "", 0 };
}

/* Where hierarchies are usually mounted. */
static const char *const cgroup_roots[][3] = {
	[RING_HIERARCHY_unified] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified", NULL },
	[RING_HIERARCHY_memory] = { "/sys/fs/cgroup/memory", NULL },
	[RING_HIERARCHY_pids] = { "/sys/fs/cgroup/pids", NULL },
};

uint64_t cgroup_id(struct slice path, enum ring_hierarchy hierarchy)
{
	for (size_t n = 0; cgroup_roots[hierarchy][n]; n++) {
		auto_text struct text full = { 0 };
		struct stat stat_;

		text_put(&full, slice_of(cgroup_roots[hierarchy][n]));
		text_put(&full, path);
		if (stat(text_str(&full), &stat_) == 0)
			return stat_.st_ino;
	}
	return 0;
}

/* The root of the unified hierarchy, where it is mounted as a whole; -1: it isn't. */
static int cgroup_open_mounted(void)
{
	for (size_t n = 0; cgroup_roots[RING_HIERARCHY_unified][n]; n++) {
		auto_fd int fd = open(cgroup_roots[RING_HIERARCHY_unified][n],
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct statfs fs;
		struct stat stat;

		if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC &&
		    fstat(fd, &stat) == 0 && stat.st_ino == CGROUP_ROOT_ID)
			return take_fd(&fd);
	}
	return -1;
}

/* Else a mount of our own that no path leads to: it needs no place, and goes with its descriptor,
 * but takes the kernel many milliseconds. */
int cgroup_open(const char *path, struct error *err)
{
	auto_fd int context = -1;
	int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : cgroup_open_mounted();

	if (path && fd < 0)
		return error_errno(err, errno, "open control group '%s'", path);
	if (fd >= 0)
		return fd;
	context = fsopen("cgroup2", FSOPEN_CLOEXEC);
	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_errno(err, errno, "mount the unified control group hierarchy");
	fd = fsmount(context, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? error_errno(err, errno, "mount the unified control group hierarchy") : fd;
}

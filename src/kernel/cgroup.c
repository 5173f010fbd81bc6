/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/text.h"

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

uint64_t cgroup_id(struct slice path, enum ring_hierarchy hierarchy)
{
	static const char *const roots[][3] = {
		[RING_HIERARCHY_unified] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified", NULL },
		[RING_HIERARCHY_memory] = { "/sys/fs/cgroup/memory", NULL },
		[RING_HIERARCHY_pids] = { "/sys/fs/cgroup/pids", NULL },
	};

	for (size_t n = 0; roots[hierarchy][n]; n++) {
		auto_text struct text full = { 0 };
		struct stat stat_;

		text_put(&full, slice_of(roots[hierarchy][n]));
		text_put(&full, path);
		if (stat(text_str(&full), &stat_) == 0)
			return stat_.st_ino;
	}
	return 0;
}

/* A mount of our own that no path leads to: it needs no place, and goes with its descriptor. */
int cgroup_open(const char *path, struct error *err)
{
	auto_fd int context = -1;
	int fd;

	if (path) {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return fd < 0 ? error_errno(err, errno, "open control group '%s'", path) : fd;
	}
	context = fsopen("cgroup2", FSOPEN_CLOEXEC);
	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_errno(err, errno, "mount the unified control group hierarchy");
	fd = fsmount(context, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? error_errno(err, errno, "mount the unified control group hierarchy") : fd;
}

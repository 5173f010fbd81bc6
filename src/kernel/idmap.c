/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/idmap.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/file.h"
#include "kernel/namespace.h"

bool id_map_host(const struct id_map *map, uint32_t inner_id, uint32_t *ret_host_id)
{
	for (size_t n = 0; n < map->count; n++) {
		const struct id_range *range = &map->ranges[n];

		if (inner_id < range->inner_id || inner_id - range->inner_id >= range->count)
			continue;
		*ret_host_id = range->host_id + (inner_id - range->inner_id);
		return true;
	}
	return false;
}

bool id_map_inner(const struct id_map *map, uint32_t host_id, uint32_t *ret_inner_id)
{
	for (size_t n = 0; n < map->count; n++) {
		const struct id_range *range = &map->ranges[n];

		if (host_id < range->host_id || host_id - range->host_id >= range->count)
			continue;
		*ret_inner_id = range->inner_id + (host_id - range->host_id);
		return true;
	}
	return false;
}

void id_map_format(const struct id_map *map, struct text *out)
{
	for (size_t n = 0; n < map->count; n++)
		text_printf(out, "%u %u %u\n", map->ranges[n].inner_id, map->ranges[n].host_id,
			    map->ranges[n].count);
}

int id_map_write(pid_t pid, const char *file, const struct id_map *map, struct error *err)
{
	auto_text struct text lines = { 0 };
	char path[48];

	id_map_format(map, &lines);
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return file_write(path, text_slice(&lines), err);
}

int id_map_namespace(const struct id_map *uid_map, const struct id_map *gid_map, struct error *err)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	int r;

	if (pid < 0)
		return error_errno(err, errno, "make a user namespace");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			pause();
	}
	r = id_map_write(pid, "uid_map", uid_map, err);
	if (r == 0)
		r = id_map_write(pid, "gid_map", gid_map, err);
	if (r == 0)
		r = namespace_open(pid, NAMESPACE_user, err);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

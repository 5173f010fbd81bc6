/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

const struct namespace_row namespace_rows[NAMESPACE_KINDS] = {
	[NAMESPACE_mount] = { "mount", "mnt", CLONE_NEWNS },
	[NAMESPACE_pid] = { "pid", "pid", CLONE_NEWPID },
	[NAMESPACE_network] = { "network", "net", CLONE_NEWNET },
	[NAMESPACE_ipc] = { "ipc", "ipc", CLONE_NEWIPC },
	[NAMESPACE_uts] = { "uts", "uts", CLONE_NEWUTS },
	[NAMESPACE_cgroup] = { "cgroup", "cgroup", CLONE_NEWCGROUP },
	[NAMESPACE_time] = { "time", "time", CLONE_NEWTIME },
	[NAMESPACE_user] = { "user", "user", CLONE_NEWUSER },
};

int namespace_by_name(const char *name)
{
	for (int n = 0; n < NAMESPACE_KINDS; n++)
		if (strcmp(namespace_rows[n].name, name) == 0)
			return n;
	return -1;
}

int namespace_open(pid_t pid, enum namespace_kind kind, struct error *err)
{
	char path[48];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, namespace_rows[kind].file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, errno, "open '%s'", path) : fd;
}

bool namespace_same(int fd, int other_fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstat(other_fd, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

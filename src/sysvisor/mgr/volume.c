/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/mgr/volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"
#include "sysvisor/common/paths.h"

#define VOLUME_TRASH ".removed"

const struct volume_row volume_rows[VOLUME_COUNT] = {
	[VOLUME_docker] = { "docker", "/var/lib/docker", 0700 },
	[VOLUME_kubelet] = { "kubelet", "/var/lib/kubelet", 0755 },
	[VOLUME_k0s] = { "k0s", "/var/lib/k0s", 0755 },
	[VOLUME_rancher_k3s] = { "rancher-k3s", "/var/lib/rancher/k3s", 0755 },
	[VOLUME_rancher_rke2] = { "rancher-rke2", "/var/lib/rancher/rke2", 0755 },
	[VOLUME_buildkit] = { "buildkit", "/var/lib/buildkit", 0755 },
	[VOLUME_containerd] = { "containerd",
				"/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs",
				0700 },
};

int volume_find(const char *name)
{
	for (int n = 0; n < VOLUME_COUNT; n++)
		if (strcmp(volume_rows[n].name, name) == 0)
			return n;
	return -1;
}

int volume_path(const struct volumes *volumes, enum volume_kind kind, const char *id, char *path,
		size_t room)
{
	int n = snprintf(path, room, "%s/%s/%s", volumes->directory, volume_rows[kind].name, id);

	return n < 0 || (size_t)n >= room ? -ENAMETOOLONG : 0;
}

int volume_make(const struct volumes *volumes, enum volume_kind kind, const char *id, uid_t owner,
		struct error *err)
{
	char path[PATH_MAX];
	auto_fd int fd = -1;
	int r = volume_path(volumes, kind, id, path, sizeof(path));

	if (r < 0)
		return error_errno(err, -r, "make the volume '%s' of '%s'", volume_rows[kind].name,
				   id);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_errno(err, errno, "make the volume '%s'", path);
	fd = open(path, O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fchown(fd, owner, owner) < 0 || fchmod(fd, volume_rows[kind].mode) < 0)
		return error_errno(err, errno, "make the volume '%s'", path);
	return 0;
}

void volume_remove(struct volumes *volumes, const char *id)
{
	bool any = false;

	for (int n = 0; n < VOLUME_COUNT; n++) {
		char path[PATH_MAX], name[32];

		/* Most have never been used, and cost least if they go at once. */
		if (volume_path(volumes, (enum volume_kind)n, id, path, sizeof(path)) < 0 ||
		    rmdir(path) == 0 || errno == ENOENT)
			continue;
		any = true;
		snprintf(name, sizeof(name), "%llu", (unsigned long long)volumes->serial++);
		if (renameat(AT_FDCWD, path, volumes->trash_fd, name) < 0 && errno != ENOENT)
			log_warning("the volume '%s' can't be removed: %s", path, strerror(errno));
	}
	if (volumes->empty.busy)
		volumes->again |= any;
	else if (any)
		worker_start(volumes->worker, &volumes->empty);
}

/* --- deleting; on the worker's thread --- */

/* Deletes what is in a directory; directories move up into the trash, where their turn comes. So
 * there is neither recursion nor a path that could grow too long, however deep a container dug. */
static bool volume_flatten(int trash_fd, int fd_take, uint64_t *serial)
{
	DIR *directory = fdopendir(fd_take);
	struct dirent *entry;
	bool clean = true;

	if (!directory) {
		close(fd_take);
		return false;
	}
	while ((entry = readdir(directory))) {
		char name[40];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    unlinkat(fd_take, entry->d_name, 0) == 0)
			continue;
		snprintf(name, sizeof(name), "d%llu", (unsigned long long)(*serial)++);
		if (renameat(fd_take, entry->d_name, trash_fd, name) < 0)
			clean = false;
	}
	closedir(directory);
	return clean;
}

/* One pass over the trash; whether anything went. */
static bool volume_empty_once(int trash_fd, uint64_t *serial)
{
	int fd = openat(trash_fd, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	DIR *trash = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool went = false;

	while (trash && (entry = readdir(trash))) {
		int inner;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		inner = openat(trash_fd, entry->d_name,
			       O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC);
		if (inner >= 0)
			volume_flatten(trash_fd, inner, serial);
		went |= unlinkat(trash_fd, entry->d_name, inner >= 0 ? AT_REMOVEDIR : 0) == 0;
	}
	if (trash)
		closedir(trash);
	return went;
}

static void volume_work(struct worker_job *job)
{
	struct volumes *volumes = container_of(job, struct volumes, empty);
	/* Names of its own: 'd' and the time make them new after a restart, too. */
	uint64_t serial = (uint64_t)time(NULL) << 24;

	while (volume_empty_once(volumes->trash_fd, &serial))
		;
}

static void volume_work_done(struct worker_job *job)
{
	struct volumes *volumes = container_of(job, struct volumes, empty);

	if (volumes->again)
		worker_start(volumes->worker, job);
	volumes->again = false;
}

int volumes_init(struct volumes *volumes, const char *directory, struct worker *worker,
		 struct error *err)
{
	char path[PATH_MAX];

	*volumes = (struct volumes){
		.directory = directory,
		.worker = worker,
		.empty = { .work = volume_work, .done = volume_work_done },
		.trash_fd = -1,
		.serial = (uint64_t)time(NULL) << 24,
	};
	for (int n = -1; n < VOLUME_COUNT; n++) {
		int r = paths_make_directory(directory, 0700, err);

		snprintf(path, sizeof(path), "%s/%s", directory,
			 n < 0 ? VOLUME_TRASH : volume_rows[n].name);
		if (r == 0)
			r = paths_make_directory(path, 0700, err);
		if (r < 0)
			return error_wrap(err, r, "make a place for volumes");
	}
	snprintf(path, sizeof(path), "%s/%s", directory, VOLUME_TRASH);
	volumes->trash_fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (volumes->trash_fd < 0)
		return error_errno(err, errno, "open '%s'", path);
	worker_start(worker, &volumes->empty); /* what a daemon that was killed left over */
	return 0;
}

void volumes_done(struct volumes *volumes)
{
	auto_close_fd(&volumes->trash_fd);
}

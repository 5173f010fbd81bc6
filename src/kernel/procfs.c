/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "kernel/cgroup.h"

#define PROCFS_MOUNTS_BYTES (1 << 20)

int procfs_open(const char *root, struct error *err)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? error_errno(err, errno, "open '%s'", root) : fd;
}

int procfs_read(int proc_fd, uint32_t pid, const char *file, size_t limit_bytes, struct text *text)
{
	char path[64];

	snprintf(path, sizeof(path), "%u/%s", pid, file);
	return file_read_at(proc_fd, path, limit_bytes, text);
}

#define PROCFS_PF_EXITING 0x4 /* linux/sched.h */

/* Steps over `count` fields that are separated by one blank. */
static bool procfs_skip_fields(struct slice *text, int count)
{
	struct slice field;

	while (count-- > 0)
		if (!slice_cut(text, ' ', &field))
			return false;
	return true;
}

bool procfs_parse_stat(struct slice text, struct procfs_stat *stat)
{
	ssize_t open_at = slice_find(text, SLICE("("));
	ssize_t close_at = slice_find_last(text, SLICE(")"));
	struct slice rest;
	uint64_t number;

	if (open_at < 0 || close_at < open_at)
		return false;
	slice_copy(slice_first(slice_skip(text, (size_t)open_at + 1),
			       (size_t)(close_at - open_at - 1)),
		   stat->comm, sizeof(stat->comm));
	rest = slice_skip(text, (size_t)close_at + 2);
	if (rest.bytes < 2)
		return false;
	stat->state = rest.at[0];
	rest = slice_skip(rest, 2);
	if (!slice_eat_u64(&rest, &number)) /* field 4, the first behind the state */
		return false;
	stat->ppid = (uint32_t)number;
	/* Field 9 is the flags, 22 the start time (proc(5)). */
	if (!slice_eat(&rest, SLICE(" ")) || !procfs_skip_fields(&rest, 4) ||
		       !slice_eat_u64(&rest, &number))
		return false;
	stat->dying = number & PROCFS_PF_EXITING;
	return slice_eat(&rest, SLICE(" ")) && procfs_skip_fields(&rest, 12) &&
			 slice_eat_u64(&rest, &stat->start_ticks);
}

int procfs_stat(int proc_fd, uint32_t pid, struct procfs_stat *stat)
{
	auto_text struct text text = { 0 };
	int r = procfs_read(proc_fd, pid, "stat", 4096, &text);

	if (r < 0)
		return r;
	return procfs_parse_stat(text_slice(&text), stat) ? 0 : -EINVAL;
}

/* The number that stands `skip` columns behind a name in a status file. */
static bool procfs_status_number(struct slice text, struct slice name, int skip, uint32_t *ret)
{
	struct slice line;

	while (slice_next(&text, '\n', &line)) {
		uint64_t number;

		if (!slice_eat(&line, name))
			continue;
		for (int n = 0; n <= skip; n++) {
			line = slice_trim(line);
			if (!slice_eat_u64(&line, &number))
				return false;
		}
		*ret = (uint32_t)number;
		return true;
	}
	return false;
}

int procfs_owner(int proc_fd, uint32_t tid, uint32_t *ret_pid, uint32_t *ret_uid)
{
	auto_text struct text text = { 0 };
	int r = procfs_read(proc_fd, tid, "status", 16384, &text);

	if (r < 0)
		return r;
	/* Uid: real, effective, saved, file system. */
	return procfs_status_number(text_slice(&text), SLICE("Tgid:"), 0, ret_pid) &&
				    procfs_status_number(text_slice(&text),
							 SLICE("Uid:"), 1, ret_uid) ? 0 : -EINVAL;
}

int procfs_exe(int proc_fd, uint32_t pid, char *path, size_t room)
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "%u/exe", pid);
	n = readlinkat(proc_fd, link, path, room - 1);
	if (n < 0)
		return -errno;
	path[n] = '\0';
	return 0;
}

uint32_t procfs_namespace(int proc_fd, uint32_t pid, const char *name)
{
	char path[64];
	struct stat stat;

	snprintf(path, sizeof(path), "%u/ns/%s", pid, name);
	return fstatat(proc_fd, path, &stat, 0) < 0 ? 0 : (uint32_t)stat.st_ino;
}

static bool procfs_mount_id(int fd, uint64_t *ret_id)
{
	auto_text struct text text = { 0 };
	struct slice rest, line;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (file_read_at(AT_FDCWD, path, 4096, &text) < 0)
		return false;
	rest = text_slice(&text);
	while (slice_next(&rest, '\n', &line))
		if (slice_eat(&line, SLICE("mnt_id:")))
			return slice_u64(slice_trim(line), ret_id);
	return false;
}

int procfs_mount_type(int proc_fd, uint32_t pid, int fd, char *room, size_t room_bytes)
{
	auto_text struct text text = { 0 };
	struct slice rest, line, type;
	uint64_t wanted, id;
	char path[32];

	snprintf(path, sizeof(path), "%u/mountinfo", pid);
	if (!procfs_mount_id(fd, &wanted) ||
	    file_read_at(proc_fd, path, PROCFS_MOUNTS_BYTES, &text) < 0)
		return -ENOENT;
	rest = text_slice(&text);
	while (slice_next(&rest, '\n', &line)) {
		ssize_t dash = slice_find(line, SLICE(" - "));

		if (dash < 0 || !slice_eat_u64(&line, &id) || id != wanted)
			continue;
		line = slice_skip(line, (size_t)slice_find(line, SLICE(" - ")) + 3);
		(void)slice_next(&line, ' ', &type);
		slice_copy(type, room, room_bytes);
		return 0;
	}
	return -ENOENT;
}

int procfs_each(int proc_fd, void (*found)(void *owner, uint32_t pid), void *owner,
		struct error *err)
{
	int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		int code = errno;

		if (fd >= 0)
			close(fd);
		return error_errno(err, code, "list processes");
	}
	while ((entry = readdir(dir))) {
		uint64_t pid;

		if (slice_u64(slice_of(entry->d_name), &pid) && pid <= UINT32_MAX)
			found(owner, (uint32_t)pid);
	}
	closedir(dir);
	return 0;
}

static void procfs_describe_args(int proc_fd, uint32_t pid, struct ring_exec *record)
{
	auto_text struct text args = { 0 };

	if (procfs_read(proc_fd, pid, "cmdline", 1 << 20, &args) < 0)
		return;
	record->args_cut = args.bytes > RING_ARGS_BYTES;
	record->args_bytes = args.bytes > RING_ARGS_BYTES ? RING_ARGS_BYTES : (__u32)args.bytes;
	if (record->args_bytes)
		memcpy(record->args, args.at, record->args_bytes);
}

static uint64_t procfs_cgroup_id(int proc_fd, uint32_t pid, enum ring_hierarchy hierarchy)
{
	auto_text struct text text = { 0 };

	if (procfs_read(proc_fd, pid, "cgroup", 16384, &text) < 0)
		return 0;
	return cgroup_id(cgroup_path(text_slice(&text), hierarchy), hierarchy);
}

int procfs_describe(int proc_fd, uint32_t pid, enum ring_hierarchy hierarchy,
		    struct ring_exec *record)
{
	struct procfs_stat stat;
	uint32_t owner;
	int r;

	memset(record, 0, sizeof(*record));
	r = procfs_stat(proc_fd, pid, &stat);
	if (r < 0)
		return r;
	r = procfs_owner(proc_fd, pid, &owner, &record->head.uid);
	if (r < 0)
		return r;
	record->head.type = RING_exec;
	record->head.bytes = sizeof(*record);
	record->head.pid = record->head.tid = pid;
	record->head.boot_ns = clock_boot_ns();
	record->head.start_ns = stat.start_ticks * (NS_PER_S / 100);
	record->head.cgroup_id = procfs_cgroup_id(proc_fd, pid, hierarchy);
	slice_copy(slice_of(stat.comm), record->head.comm, sizeof(record->head.comm));
	record->ppid = stat.ppid;
	record->ns_mnt = procfs_namespace(proc_fd, pid, "mnt");
	record->ns_net = procfs_namespace(proc_fd, pid, "net");
	record->ns_pid = procfs_namespace(proc_fd, pid, "pid");
	record->ns_user = procfs_namespace(proc_fd, pid, "user");
	if (procfs_exe(proc_fd, pid, record->path, sizeof(record->path)) == 0)
		record->path_bytes = (__u32)strlen(record->path);
	procfs_describe_args(proc_fd, pid, record);
	return 0;
}

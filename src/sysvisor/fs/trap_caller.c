/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/trap_caller.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "base/file.h"

#define TRAP_STATUS_BYTES (1u << 20)
#define TRAP_PAGE_BYTES	  4096u

/* --- who it is --- */

/* What stands behind a key, to the end of its line. */
static bool trap_caller_find(struct slice status, const char *key, struct slice *ret_line)
{
	ssize_t at = slice_find(status, slice_of(key));
	struct slice rest;

	if (at < 0)
		return false;
	rest = slice_skip(status, (size_t)at + strlen(key));
	*ret_line = rest;
	slice_cut(&rest, '\n', ret_line);
	return true;
}

static bool trap_caller_numbers(struct slice status, const char *key, uint32_t *numbers,
				size_t count)
{
	struct slice line;

	if (!trap_caller_find(status, key, &line))
		return false;
	for (size_t n = 0; n < count; n++) {
		uint64_t value;

		line = slice_trim(line);
		if (!slice_eat_u64(&line, &value) || value > UINT32_MAX)
			return false;
		numbers[n] = (uint32_t)value;
	}
	return true;
}

static bool trap_caller_bits(struct slice status, const char *key, uint64_t *bits)
{
	struct slice line;

	return trap_caller_find(status, key, &line) && slice_hex(line, bits);
}

static bool trap_caller_groups(struct slice status, struct trap_caller *caller)
{
	struct slice line, word;

	if (!trap_caller_find(status, "\nGroups:\t", &line))
		return false;
	caller->groups = calloc(line.bytes / 2 + 1, sizeof(*caller->groups));
	if (!caller->groups)
		return false;
	while (slice_next(&line, ' ', &word)) {
		uint64_t group;

		if (word.bytes == 0)
			continue;
		if (!slice_u64(word, &group) || group > UINT32_MAX)
			return false;
		caller->groups[caller->group_count++] = (gid_t)group;
	}
	return true;
}

bool trap_caller_parse(struct slice status, struct trap_caller *caller)
{
	return trap_caller_numbers(status, "\nTgid:\t", &caller->tgid, 1) &&
	       trap_caller_numbers(status, "\nUid:\t", caller->uids, 4) &&
	       trap_caller_numbers(status, "\nGid:\t", caller->gids, 4) &&
	       trap_caller_bits(status, "\nCapInh:\t", &caller->caps.inheritable) &&
	       trap_caller_bits(status, "\nCapPrm:\t", &caller->caps.permitted) &&
	       trap_caller_bits(status, "\nCapEff:\t", &caller->caps.effective) &&
	       trap_caller_groups(status, caller);
}

static int trap_caller_open_place(struct trap_caller *caller)
{
	char name[32];

	caller->root_fd = openat(caller->proc_fd, "root", O_PATH | O_CLOEXEC);
	caller->cwd_fd = openat(caller->proc_fd, "cwd", O_PATH | O_CLOEXEC);
	if (caller->root_fd < 0 || caller->cwd_fd < 0)
		return -errno;
	for (int n = 0; n < NAMESPACE_KINDS && caller->notice->pid != caller->tgid; n++) {
		snprintf(name, sizeof(name), "ns/%s", namespace_rows[n].file);
		caller->namespaces[n] = openat(caller->proc_fd, name, O_RDONLY | O_CLOEXEC);
		if (caller->namespaces[n] < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

int trap_caller_open(struct trap_caller *caller, int listener_fd,
		     const struct seccomp_notif *notice)
{
	auto_text struct text status = { 0 };
	char name[32];
	int r;

	*caller = (struct trap_caller){ .notice = notice,
					.listener_fd = listener_fd,
					.pidfd = -1,
					.root_fd = -1,
					.cwd_fd = -1 };
	for (size_t n = 0; n < NAMESPACE_KINDS; n++)
		caller->namespaces[n] = -1;
	snprintf(name, sizeof(name), "/proc/%u", notice->pid);
	caller->proc_fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = caller->proc_fd < 0
		    ? -ESRCH
		    : file_read_at(caller->proc_fd, "status", TRAP_STATUS_BYTES, &status);
	if (r == 0 && !trap_caller_parse(text_slice(&status), caller))
		r = -EINVAL;
	if (r < 0)
		return r;
	/* Of the whole process: threads of one share their files, or have to bear it. */
	caller->pidfd = (int)syscall(SYS_pidfd_open, caller->tgid, 0);
	if (caller->pidfd < 0)
		return -errno;
	r = trap_caller_open_place(caller);
	return r < 0 ? r : trap_caller_waits(caller) ? 0 : -ESRCH;
}

bool trap_caller_waits(const struct trap_caller *caller)
{
	uint64_t id = caller->notice->id;

	return ioctl(caller->listener_fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/* --- its memory and files --- */

/* Whether it was the caller's memory shows when it still waits. */
static ssize_t trap_caller_read(const struct trap_caller *caller, uint64_t at, void *bytes,
				size_t count)
{
	const struct iovec to = { bytes, count };
	const struct iovec from = { (void *)(uintptr_t)at, count };

	return process_vm_readv((pid_t)caller->notice->pid, &to, 1, &from, 1, 0);
}

int trap_caller_copy(const struct trap_caller *caller, uint64_t at, void *bytes, size_t count)
{
	return trap_caller_read(caller, at, bytes, count) == (ssize_t)count ? 0 : -EFAULT;
}

int trap_caller_put(const struct trap_caller *caller, uint64_t at, const void *bytes, size_t count)
{
	auto_fd int fd = openat(caller->proc_fd, "mem", O_WRONLY | O_CLOEXEC);

	return fd >= 0 && pwrite(fd, bytes, count, (off_t)at) == (ssize_t)count ? 0 : -EFAULT;
}

/* To the end of each page at a time: the next one may not be there. */
int trap_caller_text(const struct trap_caller *caller, uint64_t at, char *room, size_t size,
		     bool cut)
{
	size_t have = 0;

	while (have < size) {
		size_t page = TRAP_PAGE_BYTES - (size_t)((at + have) % TRAP_PAGE_BYTES);
		size_t want = page < size - have ? page : size - have;
		ssize_t n = trap_caller_read(caller, at + have, room + have, want);

		if (n <= 0)
			return -EFAULT;
		if (memchr(room + have, '\0', (size_t)n))
			return 0;
		have += (size_t)n;
	}
	room[size - 1] = '\0';
	return cut ? 0 : -ENAMETOOLONG;
}

int trap_caller_fd(struct trap_caller *caller, int fd)
{
	int own;

	if (fd == AT_FDCWD)
		return fd;
	if (caller->copy_count == array_count(caller->copies))
		return -EMFILE;
	own = (int)syscall(SYS_pidfd_getfd, caller->pidfd, fd, 0);
	if (own < 0)
		return -errno;
	caller->copies[caller->copy_count++] = own;
	return own;
}

void trap_caller_close(struct trap_caller *caller)
{
	const int fds[] = { caller->proc_fd, caller->pidfd, caller->root_fd, caller->cwd_fd };

	for (size_t n = 0; n < array_count(fds); n++)
		auto_close_fd(&fds[n]);
	for (size_t n = 0; n < NAMESPACE_KINDS; n++)
		auto_close_fd(&caller->namespaces[n]);
	for (size_t n = 0; n < caller->copy_count; n++)
		close(caller->copies[n]);
}

/* --- to be it --- */

/* By the pidfd at once: one that has a process of its own can't change them while it waits. */
static int trap_caller_join(const struct trap_caller *caller, const enum namespace_kind *kinds,
			    size_t count)
{
	unsigned int flags = 0;

	for (size_t n = 0; n < count; n++) {
		int fd = caller->namespaces[kinds[n]];

		flags |= namespace_rows[kinds[n]].clone_flag;
		if (fd >= 0 && setns(fd, (int)namespace_rows[kinds[n]].clone_flag) < 0)
			return -errno;
	}
	return caller->notice->pid != caller->tgid || setns(caller->pidfd, (int)flags) == 0
		       ? 0
		       : -errno;
}

int trap_caller_enter_pid(const struct trap_caller *caller)
{
	return trap_caller_join(caller, (enum namespace_kind[]){ NAMESPACE_pid }, 1);
}

int trap_caller_enter_first(const struct trap_caller *caller)
{
	static const enum namespace_kind kinds[] = { NAMESPACE_network, NAMESPACE_ipc,
						     NAMESPACE_uts, NAMESPACE_cgroup };

	return trap_caller_join(caller, kinds, array_count(kinds));
}

static int trap_caller_take_ids(const struct trap_caller *caller)
{
	/* The host's capabilities stay for the step into the user namespace. */
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0 ||
	    setgroups(caller->group_count, caller->groups) < 0 ||
	    setresgid(caller->gids[0], caller->gids[1], caller->gids[2]) < 0 ||
	    setresuid(caller->uids[0], caller->uids[1], caller->uids[2]) < 0)
		return -errno;
	/* They have become the effective ones. */
	if (caller->gids[3] != caller->gids[1])
		setfsgid(caller->gids[3]);
	if (caller->uids[3] != caller->uids[1])
		setfsuid(caller->uids[3]);
	return 0;
}

int trap_caller_enter_rest(const struct trap_caller *caller)
{
	int r = trap_caller_join(caller, (enum namespace_kind[]){ NAMESPACE_mount }, 1);

	if (r < 0)
		return r;
	if (fchdir(caller->root_fd) < 0 || chroot(".") < 0 || fchdir(caller->cwd_fd) < 0)
		return -errno;
	r = trap_caller_take_ids(caller);
	if (r == 0)
		r = trap_caller_join(caller, (enum namespace_kind[]){ NAMESPACE_user }, 1);
	if (r < 0)
		return r;
	/* What it may do in its user namespace, which is ours by now. */
	return capability_set(&caller->caps, NULL);
}

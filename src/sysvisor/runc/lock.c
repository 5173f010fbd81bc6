/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "sysvisor/runc/channel.h"

#define LOCK_ROOT	"root" /* what the message says that has it; others have a number */
#define LOCK_ATTRIBUTES (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC)

/* Also those that the mount has from where it is on the host. */
static bool lock_is_wanted(const struct plan_mount *mount)
{
	struct statvfs fs;

	return (mount->kind == PLAN_bind || mount->kind == PLAN_sysfs) && mount->fd >= 0 &&
	       fstatvfs(mount->fd, &fs) == 0 && fs.f_flag & LOCK_ATTRIBUTES;
}

static void lock_name(size_t n, char name[16])
{
	snprintf(name, 16, "%zu", n);
}

/* A tmpfs over everything, in a mount namespace of the helper's own. */
static int lock_enter(struct error *err)
{
	auto_fd int fs = -1, dir = -1, root = -1;
	int r;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_errno(err, errno, "make a mount namespace");
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_errno(err, errno, "open '/'");
	fs = mount_begin("tmpfs", err);
	dir = fs < 0 ? fs : mount_finish(fs, "tmpfs", 0, err);
	r = dir < 0 ? dir : mount_attach(dir, root, err);
	if (r == 0 && fchdir(dir) < 0)
		r = error_errno(err, errno, "enter a tmpfs");
	return r;
}

static int lock_put(int fd, const char *name, bool is_file, struct error *err)
{
	int r = is_file ? mknod(name, S_IFREG | 0600, 0) : mkdir(name, 0700);
	auto_fd int place = r < 0 ? -1 : open(name, O_PATH | O_CLOEXEC);

	return place < 0 ? error_errno(err, errno, "make a place for a mount")
			 : mount_attach(fd, place, err);
}

static int lock_attach(const struct plan *plan, struct error *err)
{
	char name[16];
	int r = lock_enter(err);

	for (size_t n = 0; n < plan->mount_count && r == 0; n++) {
		const struct plan_mount *mount = &plan->mounts[n];

		if (!lock_is_wanted(mount))
			continue;
		lock_name(n, name);
		r = lock_put(mount->fd, name, mount->is_file, err);
	}
	return r;
}

/* The copy of the namespace is where the kernel sets the locks; copies of the mounts keep them. */
static int lock_all(int userns_fd, struct error *err)
{
	if (setns(userns_fd, CLONE_NEWUSER) < 0 || unshare(CLONE_NEWNS) < 0)
		return error_errno(err, errno, "copy the mount namespace");
	return 0;
}

static int lock_send(const struct plan *plan, int userns_fd, int init_fd, struct error *err)
{
	char name[16];
	int r = lock_all(userns_fd, err);

	for (size_t n = 0; n < plan->mount_count && r == 0; n++) {
		auto_fd int fd = -1;

		if (!lock_is_wanted(&plan->mounts[n]))
			continue;
		lock_name(n, name);
		fd = mount_clone(AT_FDCWD, name, true, true, err);
		r = fd < 0 ? fd : channel_send_bind(init_fd, name, fd, err);
	}
	return r;
}

static void lock_help(const struct plan *plan, int userns_fd, int init_fd, int answer_fd)
	__attribute__((noreturn));
static void lock_help(const struct plan *plan, int userns_fd, int init_fd, int answer_fd)
{
	struct error err = { 0 };
	int r = lock_attach(plan, &err);

	if (r == 0)
		r = lock_send(plan, userns_fd, init_fd, &err);
	if (r == 0)
		r = channel_send(answer_fd, CHANNEL_ready, -1, &err);
	if (r < 0)
		channel_fail(answer_fd, &err);
	_exit(0);
}

/* For what a helper answers, and for its end. */
static int lock_wait(pid_t helper, const int answer[2], int *ret_fd, struct error *err)
{
	int r;

	close(answer[1]);
	r = helper < 0 ? error_errno(err, errno, "fork")
		       : channel_wait(answer[0], CHANNEL_ready, ret_fd, err);
	close(answer[0]);
	while (helper > 0 && waitpid(helper, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

int lock_mounts(const struct plan *plan, int userns_fd, int init_fd, struct error *err)
{
	bool wanted = false;
	int answer[2], r;
	pid_t helper;

	for (size_t n = 0; n < plan->mount_count && !wanted; n++)
		wanted = lock_is_wanted(&plan->mounts[n]);
	if (!wanted)
		return 0;
	r = channel_open(answer, err);
	if (r < 0)
		return r;
	helper = fork();
	if (helper == 0)
		lock_help(plan, userns_fd, init_fd, answer[1]);
	r = lock_wait(helper, answer, NULL, err);
	return r < 0 ? error_wrap(err, r, "lock a mount's attributes") : 0;
}

/* Returns the locked one; the other is with the process. */
static int lock_split(int root_fd, int userns_fd, int init_fd, struct error *err)
{
	const struct mount_options read_only = { .set = MOUNT_ATTR_RDONLY };
	auto_fd int writable = -1;
	int r = lock_enter(err);

	if (r == 0)
		r = lock_put(root_fd, LOCK_ROOT, false, err);
	if (r == 0)
		r = writable = mount_clone(AT_FDCWD, LOCK_ROOT, true, true, err);
	if (r >= 0)
		r = channel_send_bind(init_fd, LOCK_ROOT, writable, err);
	if (r == 0)
		r = mount_apply(root_fd, &read_only, err);
	if (r == 0)
		r = lock_all(userns_fd, err);
	return r < 0 ? r : mount_clone(AT_FDCWD, LOCK_ROOT, true, true, err);
}

static void lock_help_root(int root_fd, int userns_fd, int init_fd, int answer_fd)
	__attribute__((noreturn));
static void lock_help_root(int root_fd, int userns_fd, int init_fd, int answer_fd)
{
	struct error err = { 0 };
	int fd = lock_split(root_fd, userns_fd, init_fd, &err);

	if (fd < 0 || channel_send(answer_fd, CHANNEL_ready, fd, &err) < 0)
		channel_fail(answer_fd, &err);
	_exit(0);
}

int lock_root(int root_fd, int userns_fd, int init_fd, struct error *err)
{
	int answer[2], fd = -1, r = channel_open(answer, err);
	pid_t helper;

	if (r < 0)
		return r;
	helper = fork();
	if (helper == 0)
		lock_help_root(root_fd, userns_fd, init_fd, answer[1]);
	r = lock_wait(helper, answer, &fd, err);
	return r < 0 ? error_wrap(err, r, "lock the read-only root") : fd;
}

int lock_receive(struct plan *plan, int channel_fd, int *ret_root_fd, struct error *err)
{
	char name[16];

	for (;;) {
		uint64_t n;
		int fd, r = channel_next_bind(channel_fd, name, sizeof(name), &fd, err);

		if (r < 0 || fd < 0)
			return r;
		if (strcmp(name, LOCK_ROOT) == 0) {
			*ret_root_fd = fd;
			continue;
		}
		if (!slice_u64(slice_of(name), &n) || n >= plan->mount_count) {
			close(fd);
			return error_say(err, EPROTO, "there is no mount '%s'", name);
		}
		close(plan->mounts[n].fd);
		plan->mounts[n].fd = fd;
	}
}

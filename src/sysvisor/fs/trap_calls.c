/* SPDX-License-Identifier: Apache-2.0 */
/* The calls, as the inner process makes them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "base/file.h"
#include "kernel/mount.h"
#include "sysvisor/fs/trap_call.h"

#define TRAP_MOUNTINFO_BYTES (16u << 20)
#define TRAP_ROOT_INO	     1 /* of procfs and sysfs */

#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND 2u /* Linux 5.14 */
#endif

/* --- what is where --- */

static bool trap_is_kernels(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC);
}

static bool trap_is_ours(const struct trap *trap, int fd)
{
	struct stat stat_;

	return fstat(fd, &stat_) == 0 && stat_.st_dev == trap->place->device;
}

static int trap_read_mounts(const struct trap *trap, struct text *text)
{
	return file_read_at(trap->self_fd, "mountinfo", TRAP_MOUNTINFO_BYTES, text);
}

static bool trap_find_mount(struct slice mountinfo, uint64_t id, struct trap_mount *ret_mount)
{
	while (trap_next_mount(&mountinfo, ret_mount))
		if (ret_mount->id == id)
			return true;
	return false;
}

static bool trap_mount_is_kernels(const struct trap_mount *mount)
{
	return slice_is(mount->type, "proc") || slice_is(mount->type, "sysfs");
}

/* The mount that an fd is of; false also where it isn't the mount's root. */
static bool trap_mount_of(int fd, struct slice mountinfo, struct trap_mount *ret_mount)
{
	struct statx info;

	return statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &info) == 0 &&
	       info.stx_mask & STATX_MNT_ID && info.stx_attributes & STATX_ATTR_MOUNT_ROOT &&
	       trap_find_mount(mountinfo, info.stx_mnt_id, ret_mount);
}

/* Whether it is what we show over a procfs or sysfs: without it the kernel's would be seen. */
static bool trap_is_node(const struct trap *trap, int fd, struct slice mountinfo)
{
	struct trap_mount mount, parent;

	return trap_is_ours(trap, fd) && trap_mount_of(fd, mountinfo, &mount) &&
	       trap_find_mount(mountinfo, mount.parent, &parent) && trap_mount_is_kernels(&parent);
}

/* --- mount --- */

static const struct {
	unsigned long flag;
	uint64_t attribute;
} trap_attributes[] = {
	{ MS_RDONLY, MOUNT_ATTR_RDONLY },	  { MS_NOSUID, MOUNT_ATTR_NOSUID },
	{ MS_NODEV, MOUNT_ATTR_NODEV },		  { MS_NOEXEC, MOUNT_ATTR_NOEXEC },
	{ MS_NOATIME, MOUNT_ATTR_NOATIME },	  { MS_STRICTATIME, MOUNT_ATTR_STRICTATIME },
	{ MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
};

static int trap_make_fresh(const struct trap *trap, bool *ret_hidden)
{
	unsigned long flags = (unsigned long)trap->caller.notice->data.args[3];
	struct slice options = slice_of(trap->data ? trap->data : ""), option;
	struct error err = { 0 };
	auto_fd int fs = mount_begin(trap->type, &err);
	uint64_t attributes = 0;
	int fd, r = fs < 0 ? fs : 0;

	if (r == 0 && trap->source && *trap->source &&
	    fsconfig(fs, FSCONFIG_SET_STRING, "source", trap->source, 0) < 0)
		r = -errno;
	while (r == 0 && slice_next(&options, ',', &option))
		if (option.bytes)
			r = mount_say(fs, option, &err);
	if (r == 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		r = -errno;
	if (r < 0)
		return r;
	for (size_t n = 0; n < array_count(trap_attributes); n++)
		if (flags & trap_attributes[n].flag)
			attributes |= trap_attributes[n].attribute;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned int)attributes);
	/* The file system was made: what is refused is to see what is hidden elsewhere. */
	*ret_hidden = fd < 0 && errno == EPERM;
	return fd < 0 ? -errno : fd;
}

static int trap_mount_fresh(const struct trap *trap)
{
	bool read_only = trap->caller.notice->data.args[3] & MS_RDONLY, hidden = false;
	auto_fd int target = open(trap->path, O_PATH | O_CLOEXEC), fd = -1;
	int r;

	if (target < 0)
		return errno;
	fd = trap_make_fresh(trap, &hidden);
	if (fd < 0 && hidden && trap->may_use_bare && trap->bare_fd >= 0)
		fd = fcntl(trap->bare_fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -fd;
	if (move_mount(fd, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return errno;
	r = trap_show_nodes(trap->place, &trap->nodes, fd, read_only);
	if (r == 0)
		return 0;
	/* Half of it is worse than nothing. */
	if (fchdir(fd) == 0)
		umount2(".", MNT_DETACH);
	return -r;
}

static int trap_mount_say(const struct trap *trap, unsigned long more)
{
	unsigned long flags = (unsigned long)trap->caller.notice->data.args[3] | more;

	return mount(trap->source, trap->path, trap->type, flags, trap->data) < 0 ? errno : 0;
}

/* The kernel's copy of what we show has the rights of the mount that it is on. */
static int trap_remount(const struct trap *trap)
{
	bool read_only = trap->caller.notice->data.args[3] & MS_RDONLY;
	auto_fd int fd = -1;
	int r = trap_mount_say(trap, 0);

	fd = r ? -1 : open(trap->path, O_PATH | O_CLOEXEC);
	if (fd >= 0 && trap_is_kernels(fd))
		trap_turn_nodes(trap->place, fd, read_only);
	return r;
}

/* A copy of a procfs without what is mounted on it would be the kernel's. */
static int trap_bind(const struct trap *trap)
{
	auto_fd int from = open(trap->source ? trap->source : "", O_PATH | O_CLOEXEC);

	return trap_mount_say(trap, from >= 0 && trap_is_kernels(from) ? MS_REC : 0);
}

static int trap_move(const struct trap *trap)
{
	auto_text struct text mounts = { 0 };
	auto_fd int from = open(trap->source ? trap->source : "", O_PATH | O_CLOEXEC);

	if (from >= 0 && trap_is_ours(trap, from) && trap_read_mounts(trap, &mounts) == 0 &&
	    trap_is_node(trap, from, text_slice(&mounts)))
		return EINVAL;
	auto_close_fd(&from);
	from = -1;
	return trap_mount_say(trap, 0);
}

/* In the order in which the kernel looks at flags (fs/namespace.c, path_mount()). */
static int trap_do_mount(struct trap *trap)
{
	unsigned long flags = (unsigned long)trap->caller.notice->data.args[3];

	if (flags & MS_REMOUNT)
		return trap_remount(trap);
	if (flags & MS_BIND)
		return trap_bind(trap);
	if (flags & MS_MOVE)
		return trap_move(trap);
	if (trap->type && (strcmp(trap->type, "proc") == 0 || strcmp(trap->type, "sysfs") == 0))
		return trap_mount_fresh(trap);
	return trap_mount_say(trap, 0);
}

/* --- umount --- */

/* Whether what is mounted on a mount is ours alone, and something is. */
static bool trap_has_only_nodes(const struct trap *trap, struct slice mountinfo, uint64_t id)
{
	struct slice rest = mountinfo;
	struct trap_mount child, deeper;
	size_t count = 0;

	while (trap_next_mount(&rest, &child)) {
		struct slice again = mountinfo;

		if (child.parent != id || child.id == id)
			continue;
		if (child.device != trap->place->device)
			return false;
		while (trap_next_mount(&again, &deeper))
			if (deeper.parent == child.id)
				return false;
		count++;
	}
	return count > 0;
}

static int trap_do_umount(struct trap *trap)
{
	/* The old call has no flags, and whatever is in the register. */
	int flags =
		strcmp(trap->row->name, "umount") == 0 ? 0 : (int)trap->caller.notice->data.args[1];
	auto_text struct text mounts = { 0 };
	struct trap_mount mount;
	bool look;
	int fd = open(trap->path, O_PATH | O_CLOEXEC | (flags & UMOUNT_NOFOLLOW ? O_NOFOLLOW : 0));

	look = fd >= 0 && (trap_is_ours(trap, fd) || trap_is_kernels(fd)) &&
	       trap_read_mounts(trap, &mounts) == 0;
	if (look && trap_is_node(trap, fd, text_slice(&mounts))) {
		close(fd);
		return EINVAL; /* as the kernel says it of what is locked */
	}
	/* What we have mounted on it doesn't keep it, and goes with it. */
	if (look && trap_mount_of(fd, text_slice(&mounts), &mount) &&
	    trap_mount_is_kernels(&mount) &&
	    trap_has_only_nodes(trap, text_slice(&mounts), mount.id))
		flags |= MNT_DETACH;
	auto_close_fd(&fd); /* or it would be busy */
	return umount2(trap->path, flags) < 0 ? errno : 0;
}

/* --- move_mount --- */

/* The root of a procfs or sysfs that nobody has seen yet. */
static bool trap_is_kernels_root(int fd)
{
	struct stat stat_;

	return trap_is_kernels(fd) && fstat(fd, &stat_) == 0 && stat_.st_ino == TRAP_ROOT_INO;
}

static int trap_do_move_mount(struct trap *trap)
{
	unsigned int flags = (unsigned int)trap->caller.notice->data.args[4];
	bool by_fd = trap->source[0] == '\0' && flags & MOVE_MOUNT_F_EMPTY_PATH;
	auto_text struct text mounts = { 0 };
	auto_fd int from = by_fd ? fcntl(trap->from_fd, F_DUPFD_CLOEXEC, 0)
				 : openat(trap->from_fd, trap->source, O_PATH | O_CLOEXEC);
	struct statvfs fs;
	int r;

	if (from >= 0 && trap_is_ours(trap, from) && trap_read_mounts(trap, &mounts) == 0 &&
	    trap_is_node(trap, from, text_slice(&mounts)))
		return EINVAL;
	if (move_mount(trap->from_fd, trap->source, trap->dir_fd, trap->path, flags) < 0)
		return errno;
	if (from < 0 || !trap_is_kernels_root(from))
		return 0;
	r = trap_show_nodes(trap->place, &trap->nodes, from,
			    fstatvfs(from, &fs) == 0 && fs.f_flag & ST_RDONLY);
	return -r;
}

/* --- openat2 --- */

static int trap_inject(const struct trap *trap, int fd)
{
	struct seccomp_notif_addfd add = {
		.id = trap->caller.notice->id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.srcfd = (uint32_t)fd,
		.newfd_flags = (uint32_t)(trap->how.flags & O_CLOEXEC),
	};
	struct seccomp_notif_resp answer = { .id = add.id };
	int number = ioctl(trap->caller.listener_fd, SECCOMP_IOCTL_NOTIF_ADDFD, &add);

	if (number >= 0)
		return TRAP_answered;
	if (errno != EINVAL)
		return errno;
	add.flags = 0;
	number = ioctl(trap->caller.listener_fd, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	if (number < 0)
		return errno;
	answer.val = number;
	(void)!ioctl(trap->caller.listener_fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	return TRAP_answered;
}

static int trap_openat2(const struct trap *trap, const struct open_how *how)
{
	return (int)syscall(SYS_openat2, trap->dir_fd, trap->path, how, sizeof(*how));
}

/* Programs that make sure of meeting procfs itself (RESOLVE_NO_XDEV) would meet our mounts on it
 * and give up. From procfs into these is no step into another's. Only what the kernel refuses for
 * that is looked at, and whatever else comes of it is the kernel's to say. */
static int trap_do_openat2(struct trap *trap)
{
	struct open_how across = trap->how;
	auto_fd int fd = trap_openat2(trap, &trap->how), start = -1;

	if (fd >= 0 || errno != EXDEV)
		return TRAP_continue;
	start = trap->dir_fd == AT_FDCWD ? open(".", O_PATH | O_CLOEXEC)
					 : fcntl(trap->dir_fd, F_DUPFD_CLOEXEC, 0);
	if (start < 0 || !(trap_is_kernels(start) || trap_is_ours(trap, start)))
		return TRAP_continue;
	across.resolve &= ~(uint64_t)RESOLVE_NO_XDEV;
	/* Descriptors that are a place alone can't be handed on. */
	if (across.flags & O_PATH)
		across.flags = (across.flags & (O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) | O_RDONLY;
	fd = trap_openat2(trap, &across);
	if (fd < 0)
		return errno == ENOENT ? ENOENT : TRAP_continue;
	if (!trap_is_ours(trap, fd))
		return TRAP_continue;
	return trap_inject(trap, fd);
}

/* --- chown --- */

/* sysfs is nobody's, and some installers insist on giving its files to root. */
static int trap_do_chown(struct trap *trap)
{
	const struct trapped_row *row = trap->row;
	int flags = row->at_flags;
	auto_fd int fd = -1;
	struct statfs fs;

	if (row->flags_arg != TRAPPED_NONE)
		flags |= (int)trap->caller.notice->data.args[row->flags_arg];
	if (!trap->path || (trap->path[0] == '\0' && flags & AT_EMPTY_PATH))
		fd = fcntl(trap->dir_fd, F_DUPFD_CLOEXEC, 0);
	else
		fd = openat(trap->dir_fd, trap->path,
			    O_PATH | O_CLOEXEC | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0));
	return fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == SYSFS_MAGIC ? 0 : TRAP_continue;
}

/* --- */

static int (*const trap_do[TRAPPED_KINDS])(struct trap *trap) = {
	[TRAPPED_mount] = trap_do_mount,	   [TRAPPED_umount] = trap_do_umount,
	[TRAPPED_move_mount] = trap_do_move_mount, [TRAPPED_openat2] = trap_do_openat2,
	[TRAPPED_chown] = trap_do_chown,
};

int trap_make(struct trap *trap)
{
	return trap_do[trap->row->kind](trap);
}

static bool trap_reads_mounts(const struct trap *trap)
{
	switch (trap->row->kind) {
	case TRAPPED_mount:
		return trap->caller.notice->data.args[3] & MS_MOVE;
	case TRAPPED_umount:
	case TRAPPED_move_mount:
		return true;
	default:
		return false;
	}
}

/* While we are in the host's mount namespace, and in the caller's network and pid namespaces: our
 * files, and what the kernel lets nobody mount who doesn't see the whole of it, as it never does
 * where our files lie. */
int trap_make_ready(struct trap *trap)
{
	bool moves = trap->row->kind == TRAPPED_move_mount;
	bool mounts = trap->row->kind == TRAPPED_mount && trap->type &&
		      !(trap->caller.notice->data.args[3] & (MS_REMOUNT | MS_BIND | MS_MOVE));
	bool hidden;
	int r = 0;

	trap_no_nodes(&trap->nodes);
	if (trap_reads_mounts(trap)) {
		trap->self_fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (trap->self_fd < 0)
			return errno;
	}
	if (moves || (mounts && strcmp(trap->type, "proc") == 0))
		r = trap_open_nodes(trap->place, true, &trap->nodes);
	if (r == 0 && (moves || (mounts && strcmp(trap->type, "sysfs") == 0)))
		r = trap_open_nodes(trap->place, false, &trap->nodes);
	if (r == 0 && trap->may_use_bare)
		trap->bare_fd = trap_make_fresh(trap, &hidden);
	return -r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "base/text.h"

/* Of <linux/mount.h>, which older <sys/mount.h> don't bear beside them. */
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

enum mount_effect {
	MOUNT_SET,   /* sets attribute bits */
	MOUNT_CLEAR, /* clears them */
	MOUNT_ATIME, /* one of several values of a field */
	MOUNT_PROPAGATE,
	MOUNT_OTHER, /* sets a bool at `bits` */
};

struct mount_row {
	const char *name;
	enum mount_effect effect;
	bool deep;
	uint64_t bits;
};

#define OTHER(member) offsetof(struct mount_options, member)

static const struct mount_row mount_rows[] = {
	{ "ro", MOUNT_SET, false, MOUNT_ATTR_RDONLY },
	{ "rw", MOUNT_CLEAR, false, MOUNT_ATTR_RDONLY },
	{ "nosuid", MOUNT_SET, false, MOUNT_ATTR_NOSUID },
	{ "suid", MOUNT_CLEAR, false, MOUNT_ATTR_NOSUID },
	{ "nodev", MOUNT_SET, false, MOUNT_ATTR_NODEV },
	{ "dev", MOUNT_CLEAR, false, MOUNT_ATTR_NODEV },
	{ "noexec", MOUNT_SET, false, MOUNT_ATTR_NOEXEC },
	{ "exec", MOUNT_CLEAR, false, MOUNT_ATTR_NOEXEC },
	{ "nodiratime", MOUNT_SET, false, MOUNT_ATTR_NODIRATIME },
	{ "diratime", MOUNT_CLEAR, false, MOUNT_ATTR_NODIRATIME },
	{ "nosymfollow", MOUNT_SET, false, MOUNT_ATTR_NOSYMFOLLOW },
	{ "symfollow", MOUNT_CLEAR, false, MOUNT_ATTR_NOSYMFOLLOW },
	{ "relatime", MOUNT_ATIME, false, MOUNT_ATTR_RELATIME },
	{ "atime", MOUNT_ATIME, false, MOUNT_ATTR_RELATIME },
	{ "norelatime", MOUNT_ATIME, false, MOUNT_ATTR_RELATIME },
	{ "noatime", MOUNT_ATIME, false, MOUNT_ATTR_NOATIME },
	{ "strictatime", MOUNT_ATIME, false, MOUNT_ATTR_STRICTATIME },
	{ "nostrictatime", MOUNT_ATIME, false, MOUNT_ATTR_RELATIME },
	{ "rro", MOUNT_SET, true, MOUNT_ATTR_RDONLY },
	{ "rrw", MOUNT_CLEAR, true, MOUNT_ATTR_RDONLY },
	{ "rnosuid", MOUNT_SET, true, MOUNT_ATTR_NOSUID },
	{ "rsuid", MOUNT_CLEAR, true, MOUNT_ATTR_NOSUID },
	{ "rnodev", MOUNT_SET, true, MOUNT_ATTR_NODEV },
	{ "rdev", MOUNT_CLEAR, true, MOUNT_ATTR_NODEV },
	{ "rnoexec", MOUNT_SET, true, MOUNT_ATTR_NOEXEC },
	{ "rexec", MOUNT_CLEAR, true, MOUNT_ATTR_NOEXEC },
	{ "rnodiratime", MOUNT_SET, true, MOUNT_ATTR_NODIRATIME },
	{ "rdiratime", MOUNT_CLEAR, true, MOUNT_ATTR_NODIRATIME },
	{ "rnosymfollow", MOUNT_SET, true, MOUNT_ATTR_NOSYMFOLLOW },
	{ "rsymfollow", MOUNT_CLEAR, true, MOUNT_ATTR_NOSYMFOLLOW },
	{ "rrelatime", MOUNT_ATIME, true, MOUNT_ATTR_RELATIME },
	{ "rnoatime", MOUNT_ATIME, true, MOUNT_ATTR_NOATIME },
	{ "rstrictatime", MOUNT_ATIME, true, MOUNT_ATTR_STRICTATIME },
	{ "private", MOUNT_PROPAGATE, false, MS_PRIVATE },
	{ "rprivate", MOUNT_PROPAGATE, true, MS_PRIVATE },
	{ "slave", MOUNT_PROPAGATE, false, MS_SLAVE },
	{ "rslave", MOUNT_PROPAGATE, true, MS_SLAVE },
	{ "shared", MOUNT_PROPAGATE, false, MS_SHARED },
	{ "rshared", MOUNT_PROPAGATE, true, MS_SHARED },
	{ "unbindable", MOUNT_PROPAGATE, false, MS_UNBINDABLE },
	{ "runbindable", MOUNT_PROPAGATE, true, MS_UNBINDABLE },
	{ "bind", MOUNT_OTHER, false, OTHER(bind) },
	{ "rbind", MOUNT_OTHER, true, OTHER(bind_deep) },
	{ "tmpcopyup", MOUNT_OTHER, false, OTHER(copy_up) },
	{ "idmap", MOUNT_OTHER, false, OTHER(id_map) },
	{ "ridmap", MOUNT_OTHER, true, OTHER(id_map_deep) },
	{ "src-nofollow", MOUNT_OTHER, false, OTHER(no_follow) },
};

static void mount_option_atime(const struct mount_row *row, struct mount_options *options)
{
	uint64_t *set = row->deep ? &options->deep_set : &options->set;
	uint64_t *clear = row->deep ? &options->deep_clear : &options->clear;

	/* The kernel wants the whole field cleared when any of it is set. */
	*clear |= MOUNT_ATTR__ATIME;
	*set = (*set & ~(uint64_t)MOUNT_ATTR__ATIME) | row->bits;
}

static void mount_option_bits(const struct mount_row *row, struct mount_options *options)
{
	uint64_t *set = row->deep ? &options->deep_set : &options->set;
	uint64_t *clear = row->deep ? &options->deep_clear : &options->clear;

	/* The last of "ro", "rw" counts. */
	*(row->effect == MOUNT_SET ? set : clear) |= row->bits;
	*(row->effect == MOUNT_SET ? clear : set) &= ~row->bits;
}

bool mount_option(struct slice word, struct mount_options *options)
{
	if (slice_is(word, "defaults"))
		return true;
	for (size_t n = 0; n < array_count(mount_rows); n++) {
		const struct mount_row *row = &mount_rows[n];

		if (!slice_is(word, row->name))
			continue;
		if (row->effect == MOUNT_OTHER) {
			*((bool *)((char *)options + row->bits)) = true;
		} else if (row->effect == MOUNT_PROPAGATE) {
			options->propagation = row->bits;
			options->propagation_deep = row->deep;
		} else if (row->effect == MOUNT_ATIME) {
			mount_option_atime(row, options);
		} else {
			mount_option_bits(row, options);
		}
		options->bind |= options->bind_deep;
		options->id_map |= options->id_map_deep;
		return true;
	}
	return false;
}

const char *mount_option_name(size_t n)
{
	return n < array_count(mount_rows) ? mount_rows[n].name : NULL;
}

int mount_clone(int dir_fd, const char *path, bool deep, bool follow, struct error *err)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	int fd;

	flags |= deep ? AT_RECURSIVE : 0;
	flags |= follow ? 0 : AT_SYMLINK_NOFOLLOW;
	flags |= *path ? 0 : AT_EMPTY_PATH;
	fd = open_tree(dir_fd, path, flags);
	return fd < 0 ? error_errno(err, errno, "clone the mount at '%s'", path) : fd;
}

/* What the file system itself said about the refusal: "e overlay: ...", else errno. */
static int mount_refused(int fs_fd, int code, const char *what, struct error *err)
{
	char words[200];
	ssize_t n = read(fs_fd, words, sizeof(words) - 1);

	if (n <= 2)
		return error_errno(err, code, "%s", what);
	words[n] = '\0';
	return error_errno(err, code, "%s: %.*s", what,
			   SLICE_ARG(slice_trim((struct slice){ words + 2, (size_t)n - 2 })));
}

int mount_begin(const char *type, struct error *err)
{
	int fd = fsopen(type, FSOPEN_CLOEXEC);

	return fd < 0 ? error_errno(err, errno, "file system '%s'", type) : fd;
}

int mount_say(int fs_fd, struct slice option, struct error *err)
{
	auto_text struct text key = { 0 }, value = { 0 };
	struct slice head;
	int r;

	if (slice_cut(&option, '=', &head)) {
		text_put(&key, head);
		text_put(&value, option);
		r = fsconfig(fs_fd, FSCONFIG_SET_STRING, text_str(&key), text_str(&value), 0);
	} else {
		text_put(&key, option);
		r = fsconfig(fs_fd, FSCONFIG_SET_FLAG, text_str(&key), NULL, 0);
	}
	if (r < 0)
		return mount_refused(fs_fd, errno, text_str(&key), err);
	return 0;
}

int mount_say_fd(int fs_fd, const char *key, int value_fd, struct error *err)
{
	if (fsconfig(fs_fd, FSCONFIG_SET_FD, key, NULL, value_fd) < 0)
		return mount_refused(fs_fd, errno, key, err);
	return 0;
}

int mount_finish(int fs_fd, const char *type, uint64_t attributes, struct error *err)
{
	int fd;

	if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return mount_refused(fs_fd, errno, type, err);
	fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, (unsigned int)attributes);
	return fd < 0 ? mount_refused(fs_fd, errno, type, err) : fd;
}

static int mount_change(int fd, bool deep, const struct mount_attr *attr)
{
	unsigned int flags = AT_EMPTY_PATH | (deep ? AT_RECURSIVE : 0);

	return mount_setattr(fd, "", flags, (struct mount_attr *)attr, sizeof(*attr)) < 0 ? -errno
											  : 0;
}

int mount_apply(int mount_fd, const struct mount_options *options, struct error *err)
{
	const struct mount_attr changes[] = {
		{ .attr_set = options->set, .attr_clr = options->clear },
		{ .attr_set = options->deep_set, .attr_clr = options->deep_clear },
		{ .propagation = options->propagation },
	};
	const bool deep[] = { false, true, options->propagation_deep };

	for (size_t n = 0; n < array_count(changes); n++) {
		const struct mount_attr *change = &changes[n];
		int r;

		if (!change->attr_set && !change->attr_clr && !change->propagation)
			continue;
		r = mount_change(mount_fd, deep[n], change);
		if (r < 0)
			return error_errno(err, -r, "change a mount's attributes");
	}
	return 0;
}

int mount_id_map(int mount_fd, int userns_fd, bool deep, struct error *err)
{
	const struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP,
					 .userns_fd = (uint64_t)userns_fd };
	int r = mount_change(mount_fd, deep, &attr);

	return r < 0 ? error_errno(err, -r, "map a mount's ids") : 0;
}

int mount_attach(int mount_fd, int target_fd, struct error *err)
{
	if (move_mount(mount_fd, "", target_fd, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_errno(err, errno, "attach a mount");
	return 0;
}

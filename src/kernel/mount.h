/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount - mounts as file descriptors (the calls of Linux 5.2 and 5.12), and their options by name.
 *
 * A mount is made or cloned detached, gets its attributes and id map while nobody can see it, and
 * is attached last, to a directory that is held by fd: no path is looked up twice.
 */
#ifndef KERNEL_MOUNT_H
#define KERNEL_MOUNT_H

#include "base/error.h"
#include "base/slice.h"

/* What a list of options such as "ro", "nosuid", "rbind", "size=64k" asks for. */
struct mount_options {
	uint64_t set, clear;	       /* MOUNT_ATTR_* */
	uint64_t deep_set, deep_clear; /* the same for the whole tree ("rro") */
	uint64_t propagation;	       /* MS_PRIVATE, MS_SLAVE, ...; 0 = not said */
	bool propagation_deep;	       /* "rslave" */
	bool bind, bind_deep;	       /* "bind", "rbind" */
	bool copy_up;		       /* "tmpcopyup" */
	bool id_map, id_map_deep;      /* "idmap", "ridmap" */
	bool no_follow;		       /* "src-nofollow": the source may be a symbolic link */
};

/* Reads one option; false when it is none of the generic ones, and the file system's to judge. */
bool mount_option(struct slice word, struct mount_options *options);
/* The name of each generic option, by index; NULL behind the last. */
const char *mount_option_name(size_t n);

/* A detached copy of the mount (with those below it) at a path; an empty path means dir_fd itself.
 */
must_check int mount_clone(int dir_fd, const char *path, bool deep, bool follow, struct error *err);

/* A file system being configured. */
must_check int mount_begin(const char *type, struct error *err);
/* Sets "key=value", or a flag "key". `room` for what the kernel says when it refuses. */
must_check int mount_say(int fs_fd, struct slice option, struct error *err);
must_check int mount_say_fd(int fs_fd, const char *key, int value_fd, struct error *err);
/* Makes the superblock and a detached mount of it with MOUNT_ATTR_* `attributes`. */
must_check int mount_finish(int fs_fd, const char *type, uint64_t attributes, struct error *err);

/* Attributes and propagation of a mount, detached or not, as options ask. */
must_check int mount_apply(int mount_fd, const struct mount_options *options, struct error *err);
/* Shows the tree with the ids of a user namespace. Only for detached mounts. -EINVAL: the file
 * system can't. */
must_check int mount_id_map(int mount_fd, int userns_fd, bool deep, struct error *err);

/* Attaches a detached mount on top of what target_fd (O_PATH) names. */
must_check int mount_attach(int mount_fd, int target_fd, struct error *err);

#endif

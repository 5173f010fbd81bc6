/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path - paths inside a directory that is not trusted.
 *
 * Whatever symbolic links and ".." a container has put on the way, what is opened or made lies
 * below the held root (openat2(2), RESOLVE_IN_ROOT); /proc's magic links are refused.
 */
#ifndef KERNEL_PATH_H
#define KERNEL_PATH_H

#include <sys/types.h>

#include "base/error.h"

/* -errno without words, ENOENT being a common answer. */
must_check int path_open(int root_fd, const char *path, int flags);

/* The same with O_PATH, no link followed at its end, if no disk and no server has to be asked for
 * the way: -EAGAIN where one has, or the kernel (before 5.12) can't tell. */
must_check int path_open_cached(int root_fd, const char *path);

/* What a path below an open directory leads to, no link followed at its end. -EXDEV: something is
 * mounted there, or on the way. */
must_check int path_open_unmounted(int dir_fd, const char *path, int flags);

/* The directory, or file, at a path, made with those above it when it isn't there. An O_PATH fd. */
must_check int path_make_dir(int root_fd, const char *path, mode_t mode, struct error *err);
must_check int path_make_file(int root_fd, const char *path, mode_t mode, struct error *err);

/* Where a new name goes: makes the directories above it and returns the lowest; *ret_name points
 * into `path`. */
must_check int path_make_parent(int root_fd, const char *path, const char **ret_name,
				struct error *err);

#endif

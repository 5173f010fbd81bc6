/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_open - opens what the tree of marks knows, and asks nobody who might not answer.
 *
 * Users mount file systems that never answer over directories that are watched. So a path is taken
 * from the kernel's cache, or walked step by step, each directory known for the one in the tree
 * before a name is looked up in it. All return -errno.
 */
#ifndef SENSOR_FILE_OPEN_H
#define SENSOR_FILE_OPEN_H

#include "sensor/file_tree.h"

/* A process's root directory, with O_PATH. */
must_check int file_open_root(const struct file_tree *tree, uint32_t pid);
/* Whether it is that one. */
bool file_open_is_root(const struct file_tree *tree, const struct file_node *root, uint32_t pid);

/* With O_PATH: what has this name (empty: the directory itself), if it is what the key names. */
must_check int file_open_place(const struct file_tree *tree, const struct file_node *dir,
			       struct slice name, struct slice key);
/* With O_PATH: what the key names, which has, or had, this name. */
must_check int file_open_file(const struct file_tree *tree, const struct file_node *dir,
			      struct slice name, struct slice key);
/* A directory of the tree, for reading. */
must_check int file_open_dir(const struct file_tree *tree, const struct file_node *dir);

/* With O_PATH: a name in the directory, which is open. -EREMOTE: something is mounted there that is
 * served by a network or by a program. */
must_check int file_open_entry(const struct file_tree *tree, const struct file_node *dir,
			       int dir_fd, const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file_open.h"

#include <errno.h>
#include <fcntl.h>

#include "kernel/path.h"
#include "kernel/procfs.h"
#include "kernel/record.h"

/* -errno. */
int file_open_root(const struct file_tree *tree, uint32_t pid)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "%u/root", pid);
	fd = openat(tree->proc_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool file_open_is_root(const struct file_tree *tree, const struct file_node *root, uint32_t pid)
{
	auto_fd int fd = file_open_root(tree, pid);

	return fd >= 0 && fanotify_is(fd, file_node_key(root));
}

static const struct file_node *file_node_root(const struct file_node *node)
{
	while (node->parent)
		node = node->parent;
	return node;
}

/* A root's directory; the caller's to close. */
static int file_open_top(const struct file_tree *tree, const struct file_node *root)
{
	int fd;

	if (root->root_ns)
		return file_open_root(tree, root->root_pid);
	fd = fcntl(tree->root_fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/* Step by step: no directory is asked for a name before it is known for one of ours. What a user
 * has mounted over it meanwhile might not answer. */
static int file_open_walk(const struct file_tree *tree, const struct file_node *dir)
{
	int fd;

	if (!dir->parent)
		return file_open_top(tree, dir);
	auto_fd int parent_fd = file_open_walk(tree, dir->parent);
	if (parent_fd < 0)
		return parent_fd;
	fd = openat(parent_fd, dir->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && !fanotify_is(fd, file_node_key(dir))) {
		close(fd);
		return -ESTALE;
	}
	return fd < 0 ? -errno : fd;
}

static int file_open_walk_to(const struct file_tree *tree, const struct file_node *dir,
			     struct slice name)
{
	char text[RING_FILE_NAME + 1];
	auto_fd int dir_fd = file_open_walk(tree, dir);
	int fd;

	if (dir_fd < 0)
		return dir_fd;
	slice_copy(name.bytes ? name : SLICE("."), text, sizeof(text));
	fd = openat(dir_fd, text, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* With O_PATH, by its path, if it is still what the key names. */
int file_open_place(const struct file_tree *tree, const struct file_node *dir, struct slice name,
		    struct slice key)
{
	char names[RING_FILE_NAMES], room[RECORD_NAMES_ROOM(RING_FILE_NAMES) + 1];
	auto_fd int top_fd = file_open_top(tree, file_node_root(dir));
	size_t bytes;
	bool cut;
	int fd;

	bytes = file_node_names(dir, name, names, &cut);
	if (cut || top_fd < 0)
		return cut ? -ENAMETOOLONG : top_fd;
	room[RECORD_NAMES_ROOM(bytes)] = '\0';
	fd = path_open_cached(top_fd, record_names((struct slice){ names, bytes }, false, room).at);
	if (fd == -EAGAIN)
		fd = file_open_walk_to(tree, dir, name);
	if (fd >= 0 && !fanotify_is(fd, key)) {
		close(fd);
		return -ESTALE;
	}
	return fd;
}

/* For reading. */
int file_open_dir(const struct file_tree *tree, const struct file_node *dir)
{
	struct slice none = { 0 };
	auto_fd int at = file_open_place(tree, dir, none, file_node_key(dir));
	int fd;

	if (at < 0)
		return at;
	fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int file_open_file(const struct file_tree *tree, const struct file_node *dir, struct slice name,
		   struct slice key)
{
	int fd = file_open_place(tree, dir, name, key);

	/* It, or a directory on the way, has got another name since: by its handle, for which
	 * any directory of its file system will do. */
	for (; fd < 0 && dir; dir = dir->parent) {
		auto_fd int on_fd = file_open_dir(tree, dir);

		if (on_fd >= 0)
			return fanotify_open(on_fd, key);
	}
	return fd;
}

/* Whoever may mount one of these decides whether it ever answers: they get no marks. */
static bool file_open_is_remote(const struct file_tree *tree, const struct file_node *dir, int fd)
{
	static const char *const types[] = { "fuse", "nfs", "cifs", "smb",    "9p",
					     "ceph", "afs", "auto", "lustre", "glusterfs" };
	const struct file_node *root = file_node_root(dir);
	char type[64] = "";

	if (procfs_mount_type(tree->proc_fd, root->root_ns ? root->root_pid : 1, fd, type,
			      sizeof(type)) < 0)
		return true;
	for (size_t n = 0; n < array_count(types); n++)
		if (slice_starts(slice_of(type), slice_of(types[n])))
			return true;
	return false;
}

/* With O_PATH; -EREMOTE, -errno. */
int file_open_entry(const struct file_tree *tree, const struct file_node *dir, int dir_fd,
		    const char *name)
{
	int fd = path_open_unmounted(dir_fd, name, O_PATH);

	if (fd != -EXDEV)
		return fd;
	fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && file_open_is_remote(tree, dir, fd)) {
		close(fd);
		return -EREMOTE;
	}
	return fd < 0 ? -errno : fd;
}

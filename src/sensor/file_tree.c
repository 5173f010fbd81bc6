/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/clock.h"
#include "kernel/path.h"
#include "kernel/record.h"

static struct slice file_dir_key(const void *item)
{
	const struct file_dir *dir = item;

	return (struct slice){ dir->key, dir->key_bytes };
}

/* --- marks --- */

/* Reads are not among them, nor are closes of what was only read: each costs the program that is
 * watched more than the open did, and tells little beyond it. */
#define FILE_TREE_USE (FAN_OPEN | FAN_CLOSE_WRITE | FAN_MODIFY | FAN_ATTRIB)

static uint64_t file_tree_names_mask(const struct file_tree *tree)
{
	return FAN_CREATE | FAN_DELETE | FAN_ONDIR |
	       (tree->grade == FANOTIFY_whole ? FAN_RENAME : FAN_MOVED_FROM | FAN_MOVED_TO);
}

static uint64_t file_tree_mask(const struct file_tree *tree, const struct ring_file_node *at)
{
	return file_tree_names_mask(tree) |
	       (at->rule == RING_FILE_RULE_watch ? FILE_TREE_USE | FAN_EVENT_ON_CHILD : 0);
}

static bool file_tree_mark(struct file_tree *tree, int dir_fd, const char *name, uint64_t mask)
{
	if (fanotify_mark(tree->fanotify_fd, FAN_MARK_ADD | FAN_MARK_DONT_FOLLOW, mask, dir_fd,
			  name) == 0)
		return true;
	if (errno != ENOENT) { /* gone again */
		tree->refused = errno;
		tree->unmarked++;
	}
	return false;
}

static void file_tree_unmark(const struct file_tree *tree, int on_fd, const struct file_dir *dir)
{
	auto_fd int fd = fanotify_open(on_fd, file_dir_key(dir));

	if (fd >= 0) /* otherwise it is no more, and its mark neither */
		(void)fanotify_mark(tree->fanotify_fd, FAN_MARK_REMOVE,
				    file_tree_mask(tree, &dir->at), fd, ".");
}

/* --- paths --- */

size_t file_dir_names(const struct file_dir *dir, struct slice name, char *room, bool *ret_cut)
{
	size_t bytes = 0;

	*ret_cut = false;
	for (;;) {
		if (bytes + name.bytes + 1 > RING_FILE_NAMES) {
			*ret_cut = true;
			return bytes;
		}
		if (name.bytes) {
			memcpy(room + bytes, name.at, name.bytes);
			bytes += name.bytes;
			room[bytes++] = '\0';
		}
		if (!dir->parent)
			return bytes;
		name = slice_of(dir->name);
		dir = dir->parent;
	}
}

/* By its path, if it is still what the key names. */
static int file_tree_open_path(const struct file_tree *tree, const struct file_dir *dir,
			       struct slice name, struct slice key, int flags)
{
	char names[RING_FILE_NAMES], room[RECORD_NAMES_ROOM(RING_FILE_NAMES) + 1];
	size_t bytes;
	bool cut;
	int fd;

	bytes = file_dir_names(dir, name, names, &cut);
	if (cut)
		return -ENAMETOOLONG;
	room[RECORD_NAMES_ROOM(bytes)] = '\0';
	fd = path_open(tree->root_fd, record_names((struct slice){ names, bytes }, false, room).at,
		       flags | O_NOFOLLOW);
	if (fd >= 0 && !fanotify_is(fd, key)) {
		close(fd);
		return -ESTALE;
	}
	return fd;
}

static int file_tree_open_dir(const struct file_tree *tree, const struct file_dir *dir)
{
	struct slice none = { 0 };

	return file_tree_open_path(tree, dir, none, file_dir_key(dir), O_RDONLY | O_DIRECTORY);
}

int file_tree_open(const struct file_tree *tree, const struct file_dir *dir, struct slice name,
		   struct slice key)
{
	int fd = file_tree_open_path(tree, dir, name, key, O_PATH);

	if (fd >= 0)
		return fd;
	/* It has got another name since. */
	auto_fd int on_fd = file_tree_open_dir(tree, dir);
	return on_fd < 0 ? on_fd : fanotify_open(on_fd, key);
}

struct file_dir *file_tree_find(const struct file_tree *tree, struct slice key)
{
	return key.bytes ? map_get(&tree->by_key, key) : NULL;
}

struct file_dir *file_dir_child(const struct file_dir *dir, struct slice name)
{
	struct file_dir *child;

	list_each(&dir->children, child, node)
		if (slice_is(name, child->name))
			return child;
	return NULL;
}

/* --- directories come and go --- */

/* The kernel's number of the file system, which stat(2) doesn't tell for all. */
static uint32_t file_dir_device(const struct file_dir *parent, uint32_t stat_device, int fd)
{
	struct ring_file_id id;

	if (parent && parent->stat_device == stat_device)
		return parent->device;
	return file_watch_identify(fd, &id) < 0 ? stat_device : id.device;
}

static struct file_dir *file_dir_new(struct file_dir *parent, struct slice name,
				     const struct fanotify_key *key)
{
	struct file_dir *dir = calloc(1, sizeof(*dir) + key->bytes);

	if (!dir)
		return NULL;
	dir->name = strndup(name.bytes ? name.at : "", name.bytes);
	if (!dir->name) {
		free(dir);
		return NULL;
	}
	dir->parent = parent;
	dir->key_bytes = key->bytes;
	memcpy(dir->key, key->at, key->bytes);
	list_init(&dir->children);
	if (parent)
		list_append(&parent->children, &dir->node);
	return dir;
}

static void file_dir_free(struct file_tree *tree, struct file_dir *dir)
{
	map_take(&tree->by_key, file_dir_key(dir));
	list_unlink(&dir->node);
	list_unlink(&dir->unread);
	free(dir->name);
	free(dir);
}

/* Marks an open directory, what lies in it comes later. NULL: it got no mark. */
static struct file_dir *file_tree_add(struct file_tree *tree, struct file_dir *parent,
				      struct slice name, struct ring_file_node at, int fd,
				      const struct fanotify_key *key)
{
	struct file_dir *dir;
	struct stat stat;

	if (tree->by_key.count >= tree->limit) {
		tree->unmarked++;
		return NULL;
	}
	if (fstat(fd, &stat) < 0 || !file_tree_mark(tree, fd, ".", file_tree_mask(tree, &at)))
		return NULL;
	dir = file_dir_new(parent, name, key);
	if (!dir || map_put(&tree->by_key, dir, NULL) < 0) {
		if (dir)
			file_dir_free(tree, dir);
		tree->unmarked++;
		return NULL;
	}
	dir->at = at;
	dir->round = tree->round;
	dir->stat_device = major(stat.st_dev) << 20 | minor(stat.st_dev);
	dir->device = file_dir_device(parent, dir->stat_device, fd);
	list_append(&tree->unread, &dir->unread);
	return dir;
}

void file_tree_leave(struct file_tree *tree, struct file_dir *dir)
{
	auto_fd int on_fd = dir->parent ? file_tree_open_dir(tree, dir->parent) : -1;

	for (;;) {
		struct file_dir *last = dir, *child;
		bool all;

		while ((child = list_first(&last->children, struct file_dir, node)))
			last = child;
		all = last == dir;
		if (on_fd >= 0)
			file_tree_unmark(tree, on_fd, last);
		file_dir_free(tree, last);
		if (all)
			return;
	}
}

static bool file_dir_is_within(const struct file_dir *dir, const struct file_dir *other)
{
	while (dir && dir != other)
		dir = dir->parent;
	return dir;
}

/* Whether the same holds in both places, for all that lies below, too. */
static bool file_tree_alike(struct ring_file_node a, struct ring_file_node b)
{
	return a.node == 0 && b.node == 0 && a.rule == b.rule;
}

void file_tree_move(struct file_tree *tree, struct file_dir *dir, struct file_dir *to,
		    struct slice name)
{
	struct ring_file_node at = file_watch_step(tree->watch, to->at, name);
	struct file_dir *there = file_dir_child(to, name);
	char *copy;

	if (there == dir)
		return;
	if (there)
		file_tree_leave(tree, there);
	copy = strndup(name.at, name.bytes);
	if (!copy || !file_tree_alike(dir->at, at) || file_dir_is_within(to, dir)) {
		free(copy);
		file_tree_leave(tree, dir);
		file_tree_enter(tree, to, name);
		return;
	}
	free(dir->name);
	dir->name = copy;
	list_remove(&dir->node);
	list_append(&to->children, &dir->node);
	dir->parent = to;
}

/* --- what lies in directories --- */

static void file_tree_found(struct file_tree *tree, struct file_dir *dir, struct slice name,
			    struct ring_file_node at, int fd, const struct fanotify_key *key)
{
	struct file_dir *known = file_tree_find(tree, (struct slice){ key->at, key->bytes });

	if (known && known->parent && (known->parent != dir || !slice_is(name, known->name)) &&
	    known->round != tree->round) {
		file_tree_move(tree, known, dir, name);
		known = file_tree_find(tree, (struct slice){ key->at, key->bytes });
	}
	if (!known) {
		(void)file_tree_add(tree, dir, name, at, fd, key);
	} else if (known->round != tree->round) {
		known->round = tree->round;
		if (!list_is_linked(&known->unread))
			list_append(&tree->unread, &known->unread);
	}
}

static void file_tree_enter_at(struct file_tree *tree, struct file_dir *dir, int dir_fd,
			       struct slice name)
{
	struct ring_file_node at = file_watch_step(tree->watch, dir->at, name);
	struct fanotify_key key;
	struct stat stat;
	char text[256];

	if (at.rule != RING_FILE_RULE_watch && at.node == 0)
		return;
	if (slice_copy(name, text, sizeof(text)) != name.bytes)
		return;
	auto_fd int fd = openat(dir_fd, text, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) < 0)
		return;
	if (!S_ISDIR(stat.st_mode)) {
		if (dir->at.rule != RING_FILE_RULE_watch && at.rule == RING_FILE_RULE_watch)
			(void)file_tree_mark(tree, dir_fd, text, FILE_TREE_USE);
		return;
	}
	if (fanotify_identify(fd, &key) < 0)
		tree->unmarked++;
	else
		file_tree_found(tree, dir, name, at, fd, &key);
}

void file_tree_enter(struct file_tree *tree, struct file_dir *dir, struct slice name)
{
	auto_fd int fd = file_tree_open_dir(tree, dir);

	if (fd >= 0)
		file_tree_enter_at(tree, dir, fd, name);
}

/* Of a watched directory all that is one, or may be. */
static void file_tree_read_entries(struct file_tree *tree, struct file_dir *dir, int fd)
{
	const struct dirent *entry;
	DIR *entries = fdopendir(fd);

	if (!entries) {
		close(fd);
		return;
	}
	while ((entry = readdir(entries)) != NULL)
		if ((entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN) &&
		    strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			file_tree_enter_at(tree, dir, fd, slice_of(entry->d_name));
	closedir(entries);
}

/* Of one on the way to what is watched only what the tree of names has. */
static void file_tree_read_steps(struct file_tree *tree, struct file_dir *dir, int fd)
{
	const struct file_watch *watch = tree->watch;

	for (size_t n = 0; n < watch->step_count; n++)
		if (watch->steps[n].step.node == dir->at.node)
			file_tree_enter_at(tree, dir, fd, slice_of(watch->steps[n].step.name));
	close(fd);
}

static void file_tree_read_one(struct file_tree *tree, struct file_dir *dir)
{
	int fd = file_tree_open_dir(tree, dir);

	if (fd == -ENAMETOOLONG)
		tree->unmarked++; /* what lies in it */
	if (fd < 0)
		return;
	if (dir->at.rule == RING_FILE_RULE_watch)
		file_tree_read_entries(tree, dir, fd);
	else
		file_tree_read_steps(tree, dir, fd);
}

/* Those that the round has not found. */
static void file_tree_sweep(struct file_tree *tree)
{
	struct file_dir *dir, *gone;

	do {
		gone = NULL;
		map_each(&tree->by_key, dir) {
			if (dir->round == tree->round || !dir->parent)
				continue;
			gone = dir;
			break;
		}
		if (gone)
			file_tree_leave(tree, gone);
	} while (gone);
	tree->sweeps = false;
}

bool file_tree_read(struct file_tree *tree, uint64_t budget_ns)
{
	uint64_t until_ns = clock_mono_ns() + budget_ns;
	struct file_dir *dir;

	list_drain(&tree->unread, dir, unread)
	{
		file_tree_read_one(tree, dir);
		if (clock_mono_ns() >= until_ns)
			break;
	}
	if (!list_is_empty(&tree->unread))
		return true;
	if (tree->sweeps)
		file_tree_sweep(tree);
	return false;
}

void file_tree_again(struct file_tree *tree)
{
	if (!tree->root)
		return;
	tree->round++;
	tree->sweeps = true;
	tree->root->round = tree->round;
	if (!list_is_linked(&tree->root->unread))
		list_append(&tree->unread, &tree->root->unread);
}

/* --- life --- */

int file_tree_start(struct file_tree *tree, struct error *err)
{
	struct ring_file_node at = { .node = RING_FILE_ROOT,
				     .rule = tree->watch->root_watched ? RING_FILE_RULE_watch
								       : RING_FILE_RULE_inherit };
	struct slice none = { 0 };
	struct fanotify_key key;
	int r;

	map_init(&tree->by_key, file_dir_key);
	list_init(&tree->unread);
	r = fanotify_identify(tree->root_fd, &key);
	if (r == 0) {
		tree->root = file_tree_add(tree, NULL, none, at, tree->root_fd, &key);
		r = tree->root ? 0 : -tree->refused;
	}
	return r < 0 ? error_errno(err, -r, "mark the root directory") : 0;
}

void file_tree_done(struct file_tree *tree)
{
	struct file_dir *dir;

	map_each(&tree->by_key, dir) {
		free(dir->name);
		free(dir);
	}
	map_done(&tree->by_key);
	tree->root = NULL;
}

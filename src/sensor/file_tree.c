/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/clock.h"
#include "sensor/file_open.h"

struct slice file_node_key(const void *item)
{
	const struct file_node *dir = item;

	return (struct slice){ dir->key, dir->key_bytes };
}

/* What has a name in a directory. */
struct file_tree_entry {
	struct file_node *dir;
	struct slice name;
	struct ring_file_node at;
	struct fanotify_key key;
	struct stat stat;
	int fd; /* O_PATH */
	bool fresh;
};

/* --- marks --- */

/* Reads are not among them, nor are closes of what was only read: each costs the program that is
 * watched more than the open did, and tells little beyond it. */
#define FILE_TREE_USE (FAN_OPEN | FAN_CLOSE_WRITE | FAN_MODIFY | FAN_ATTRIB)

static uint64_t file_tree_names_mask(const struct file_tree *tree)
{
	return FAN_CREATE | FAN_DELETE | FAN_ONDIR |
	       (tree->grade == FANOTIFY_whole ? FAN_RENAME : FAN_MOVED_FROM | FAN_MOVED_TO);
}

static uint64_t file_tree_mask(const struct file_tree *tree, const struct ring_file_node *at,
			       bool is_file)
{
	if (is_file)
		return FILE_TREE_USE;
	return file_tree_names_mask(tree) |
	       (at->rule == RING_FILE_RULE_watch ? FILE_TREE_USE | FAN_EVENT_ON_CHILD : 0);
}

/* An open file, with O_PATH. */
static int file_tree_mark(const struct file_tree *tree, int fd, unsigned int how, uint64_t mask)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fanotify_mark(tree->fanotify_fd, how, mask, AT_FDCWD, path) < 0 ? -errno : 0;
}

static void file_tree_unmark(const struct file_tree *tree, int on_fd, const struct file_node *node)
{
	auto_fd int fd = fanotify_open(on_fd, file_node_key(node));

	if (fd >= 0) /* otherwise it is no more, and its mark neither */
		(void)file_tree_mark(tree, fd, FAN_MARK_REMOVE,
				     file_tree_mask(tree, &node->at, node->is_file));
}

/* --- paths --- */

size_t file_node_names(const struct file_node *dir, struct slice name, char *room, bool *ret_cut)
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

struct file_node *file_tree_find(const struct file_tree *tree, struct slice key)
{
	return key.bytes ? map_get(&tree->by_key, key) : NULL;
}

struct file_node *file_node_child(const struct file_node *dir, struct slice name)
{
	struct file_node *child;

	list_each(&dir->children, child, node)
		if (slice_is(name, child->name))
			return child;
	return NULL;
}

/* --- directories come and go --- */

/* The kernel's number of the file system, which stat(2) doesn't tell for all. */
static uint32_t file_node_device(const struct file_node *parent, uint32_t stat_device, int fd)
{
	struct ring_file_id id;

	if (parent && parent->stat_device == stat_device)
		return parent->device;
	return file_watch_identify(fd, &id) < 0 ? stat_device : id.device;
}

static struct file_node *file_node_new(struct file_node *parent, struct slice name,
				       const struct fanotify_key *key)
{
	struct file_node *dir = calloc(1, sizeof(*dir) + key->bytes);

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

static void file_node_free(struct file_tree *tree, struct file_node *dir)
{
	map_take(&tree->by_key, file_node_key(dir));
	list_unlink(&dir->node);
	list_unlink(&dir->unread);
	free(dir->name);
	free(dir);
}

static void file_tree_read_later(struct file_tree *tree, struct file_node *node)
{
	node->round = tree->round;
	if (!node->is_file && !list_is_linked(&node->unread))
		list_append(&tree->unread, &node->unread);
}

static struct file_node *file_tree_put(struct file_tree *tree, const struct file_tree_entry *entry)
{
	struct file_node *node = file_node_new(entry->dir, entry->name, &entry->key);

	if (!node || map_put(&tree->by_key, node, NULL) < 0) {
		if (node)
			file_node_free(tree, node);
		tree->unmarked++;
		return NULL;
	}
	node->at = entry->at;
	node->is_file = !S_ISDIR(entry->stat.st_mode);
	node->fresh = entry->fresh;
	node->stat_device = major(entry->stat.st_dev) << 20 | minor(entry->stat.st_dev);
	node->device = file_node_device(entry->dir, node->stat_device, entry->fd);
	file_tree_read_later(tree, node);
	return node;
}

/* Marks what has a name; what lies in a directory comes later. NULL: it got no mark. */
static struct file_node *file_tree_add(struct file_tree *tree, const struct file_tree_entry *entry)
{
	int r;

	if (tree->by_key.count >= tree->limit) {
		tree->unmarked++;
		return NULL;
	}
	r = file_tree_mark(tree, entry->fd, FAN_MARK_ADD,
			   file_tree_mask(tree, &entry->at, !S_ISDIR(entry->stat.st_mode)));
	if (r < 0) {
		tree->refused = -r;
		tree->unmarked++;
		return NULL;
	}
	return file_tree_put(tree, entry);
}

void file_tree_leave(struct file_tree *tree, struct file_node *dir)
{
	auto_fd int on_fd = dir->parent ? file_open_dir(tree, dir->parent) : -1;

	for (;;) {
		struct file_node *last = dir, *child;
		bool all;

		while ((child = list_first(&last->children, struct file_node, node)))
			last = child;
		all = last == dir;
		if (on_fd >= 0)
			file_tree_unmark(tree, on_fd, last);
		file_node_free(tree, last);
		if (all)
			return;
	}
}

static bool file_node_is_within(const struct file_node *dir, const struct file_node *other)
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

/* It moves below itself: something was missed. What is stale goes with the next look at all. */
static bool file_tree_is_torn(struct file_tree *tree, const struct file_node *dir,
			      const struct file_node *to)
{
	if (!file_node_is_within(to, dir))
		return false;
	tree->torn = true;
	return true;
}

void file_tree_move(struct file_tree *tree, struct file_node *dir, struct file_node *to,
		    struct slice name)
{
	struct ring_file_node at = file_watch_step(tree->watch, to->at, name);
	struct file_node *there = file_node_child(to, name);
	bool known = !there || !file_node_is_within(dir, there);
	char *copy;

	if (there == dir || file_tree_is_torn(tree, dir, to))
		return;
	if (there)
		file_tree_leave(tree, there);
	copy = known && file_tree_alike(dir->at, at) ? strndup(name.at, name.bytes) : NULL;
	if (!copy) {
		if (known)
			file_tree_leave(tree, dir);
		file_tree_enter(tree, to, name, false);
		return;
	}
	free(dir->name);
	dir->name = copy;
	list_remove(&dir->node);
	list_append(&to->children, &dir->node);
	dir->parent = to;
}

/* --- what lies in directories --- */

static struct file_node *file_tree_known(const struct file_tree *tree,
					 const struct file_tree_entry *entry)
{
	return file_tree_find(tree, (struct slice){ entry->key.at, entry->key.bytes });
}

static void file_tree_enter_entry(struct file_tree *tree, const struct file_tree_entry *entry)
{
	struct file_node *known = file_tree_known(tree, entry);

	struct file_node *there = entry->dir->at.rule == RING_FILE_RULE_watch
					  ? NULL
					  : file_node_child(entry->dir, entry->name);

	if (there && there != known)
		file_tree_leave(tree, there);
	/* One of another round was moved unseen. */
	if (known && known->parent && known->round != tree->round &&
	    (known->parent != entry->dir || !slice_is(entry->name, known->name))) {
		if (file_tree_is_torn(tree, known, entry->dir))
			return;
		file_tree_move(tree, known, entry->dir, entry->name);
		known = file_tree_known(tree, entry);
	}
	if (!known) {
		(void)file_tree_add(tree, entry);
	} else if (known->round != tree->round) {
		file_tree_read_later(tree, known);
	}
}

static void file_tree_enter_at(struct file_tree *tree, struct file_node *dir, int dir_fd,
			       struct slice name, bool fresh)
{
	struct file_tree_entry entry = { .dir = dir, .name = name, .fresh = fresh };
	char text[RING_FILE_NAME + 1];
	int r;

	entry.at = file_watch_step(tree->watch, dir->at, name);
	if (entry.at.rule != RING_FILE_RULE_watch && entry.at.node == 0)
		return;
	if (slice_copy(name, text, sizeof(text)) != name.bytes)
		return;
	auto_fd int fd = file_open_entry(tree, dir, dir_fd, text);
	if (fd != -EREMOTE && (fd < 0 || fstat(fd, &entry.stat) < 0))
		return;
	r = fd < 0 ? fd : fanotify_identify(fd, &entry.key);
	if (r < 0) {
		tree->refused = -r;
		tree->unmarked++;
		return;
	}
	entry.fd = fd;
	if (dir->fresh && entry.at.rule == RING_FILE_RULE_watch)
		tree->found(tree, dir, name, &entry.key);
	/* Of a watched directory's files its own mark tells. */
	if (S_ISDIR(entry.stat.st_mode) ||
	    (dir->at.rule != RING_FILE_RULE_watch && entry.at.rule == RING_FILE_RULE_watch))
		file_tree_enter_entry(tree, &entry);
}

/* Whether what is known by a name still has it. */
static bool file_tree_is_there(const struct file_tree *tree, const struct file_node *node)
{
	auto_fd int fd =
		file_open_place(tree, node->parent, slice_of(node->name), file_node_key(node));

	return fd >= 0;
}

void file_tree_enter(struct file_tree *tree, struct file_node *dir, struct slice name, bool fresh)
{
	struct file_node *there = file_node_child(dir, name);
	auto_fd int fd = file_open_dir(tree, dir);

	if (there && !file_tree_is_there(tree, there))
		file_tree_leave(tree, there);
	if (fd >= 0)
		file_tree_enter_at(tree, dir, fd, name, fresh);
}

/* Of a watched directory all that is one, or may be; of a fresh one all. */
static void file_tree_read_entries(struct file_tree *tree, struct file_node *dir, int fd)
{
	const struct dirent *entry;
	DIR *entries = fdopendir(fd);

	if (!entries) {
		close(fd);
		return;
	}
	while ((entry = readdir(entries)) != NULL)
		if ((dir->fresh || entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN) &&
		    strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			file_tree_enter_at(tree, dir, fd, slice_of(entry->d_name), dir->fresh);
	closedir(entries);
	dir->fresh = false;
}

/* Of one on the way to what is watched only what the tree of names has. */
static void file_tree_read_steps(struct file_tree *tree, struct file_node *dir, int fd)
{
	const struct file_watch *watch = tree->watch;

	for (size_t n = 0; n < watch->step_count; n++)
		if (watch->steps[n].step.node == dir->at.node)
			file_tree_enter_at(tree, dir, fd, slice_of(watch->steps[n].step.name),
					   dir->fresh);
	close(fd);
}

/* A container's root can't be opened, now that the process that led to it has ended: what was
 * known stays until another is found (sensor/file_roots). */
static void file_tree_keep(struct file_tree *tree, const struct file_node *root)
{
	struct file_node *node;

	map_each(&tree->by_key, node) {
		if (file_node_is_within(node, root))
			node->round = tree->round;
	}
}

static void file_tree_read_one(struct file_tree *tree, struct file_node *dir)
{
	int fd = file_open_dir(tree, dir);

	if (fd == -ENAMETOOLONG)
		tree->unmarked++; /* what lies in it */
	if (fd < 0 && !dir->parent)
		file_tree_keep(tree, dir);
	if (fd < 0)
		return;
	if (dir->at.rule == RING_FILE_RULE_watch)
		file_tree_read_entries(tree, dir, fd);
	else
		file_tree_read_steps(tree, dir, fd);
}

/* Those that the round has not found, with all below them. */
static void file_tree_sweep(struct file_tree *tree)
{
	struct file_node *node, *gone[64];
	size_t count;

	do {
		count = 0;
		map_each(&tree->by_key, node) {
			if (node->round != tree->round && node->parent &&
			    node->parent->round == tree->round && count < array_count(gone))
				gone[count++] = node;
		}
		for (size_t n = 0; n < count; n++)
			file_tree_leave(tree, gone[n]);
	} while (count == array_count(gone));
	tree->sweeps = false;
}

bool file_tree_read(struct file_tree *tree, uint64_t budget_ns)
{
	uint64_t until_ns = clock_mono_ns() + budget_ns;
	struct file_node *dir;

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
	if (tree->torn)
		file_tree_again(tree);
	return !list_is_empty(&tree->unread);
}

void file_tree_again(struct file_tree *tree)
{
	struct file_node *root;

	tree->round++;
	tree->sweeps = true;
	tree->torn = false;
	list_each(&tree->roots, root, node)
		file_tree_read_later(tree, root);
}

/* --- life --- */

/* NULL: it has no mark. */
static struct file_node *file_tree_enter_root(struct file_tree *tree, int fd)
{
	struct file_tree_entry entry = { .fd = fd, .at.node = RING_FILE_ROOT };
	struct file_node *root;

	if (tree->watch->root_watched)
		entry.at.rule = RING_FILE_RULE_watch;
	if (fstat(fd, &entry.stat) < 0 || fanotify_identify(fd, &entry.key) < 0) {
		tree->refused = errno;
		tree->unmarked++;
		return NULL;
	}
	root = file_tree_known(tree, &entry);
	if (root)
		return root;
	root = file_tree_add(tree, &entry);
	if (root)
		list_append(&tree->roots, &root->node);
	return root;
}

struct file_node *file_tree_add_root(struct file_tree *tree, uint32_t pid, uint32_t ns)
{
	auto_fd int fd = file_open_root(tree, pid);
	size_t before = tree->by_key.count;
	struct file_node *root = fd < 0 ? NULL : file_tree_enter_root(tree, fd);

	if (root && tree->by_key.count > before) {
		root->root_pid = pid;
		root->root_ns = ns;
	}
	return root && root->root_ns ? root : NULL;
}

int file_tree_start(struct file_tree *tree, struct error *err)
{
	map_init(&tree->by_key, file_node_key);
	list_init(&tree->unread);
	list_init(&tree->roots);
	if (file_tree_enter_root(tree, tree->root_fd))
		return 0;
	return error_errno(err, tree->refused, "mark the root directory");
}

void file_tree_done(struct file_tree *tree)
{
	struct file_node *dir;

	map_each(&tree->by_key, dir) {
		free(dir->name);
		free(dir);
	}
	map_done(&tree->by_key);
}

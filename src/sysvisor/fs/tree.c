/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/tree.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "sysvisor/fs/node.h"

#define TREE_FILE_BYTES (16u << 20)

static struct slice tree_key(const void *item)
{
	return ((const struct tree_path *)item)->path;
}

/* Under the lock, or before anybody else is there. */
static struct tree_path *tree_add(struct tree *tree, struct slice path)
{
	struct tree_path *entry = malloc(sizeof(*entry) + path.bytes + 1);
	char *copy = (char *)(entry + 1);

	if (!entry)
		return NULL;
	if (tree->count == tree->room) {
		size_t room = tree->room ? tree->room * 2 : 256;
		struct tree_path **all = reallocarray(tree->all, room, sizeof(*all));

		if (!all) {
			free(entry);
			return NULL;
		}
		tree->all = all;
		tree->room = room;
	}
	slice_copy(path, copy, path.bytes + 1);
	*entry = (struct tree_path){ .number = (uint32_t)tree->count + 1,
				     .row = node_find(path),
				     .path = { copy, path.bytes } };
	if (map_put(&tree->by_path, entry, NULL) < 0) {
		free(entry);
		return NULL;
	}
	tree->all[tree->count++] = entry;
	return entry;
}

/* A new path is in the file before anybody gets to know its number. */
static int tree_write(const struct tree *tree, struct slice path)
{
	auto_text struct text line = { 0 };

	text_put(&line, path);
	text_putc(&line, '\n');
	return line.failed ? -ENOMEM : file_write_all(tree->fd, text_slice(&line));
}

const struct tree_path *tree_find(struct tree *tree, struct slice path)
{
	const struct tree_path *entry;

	pthread_rwlock_rdlock(&tree->lock);
	entry = map_get(&tree->by_path, path);
	pthread_rwlock_unlock(&tree->lock);
	return entry;
}

const struct tree_path *tree_get(struct tree *tree, struct slice path)
{
	struct tree_path *entry;

	pthread_rwlock_wrlock(&tree->lock);
	entry = map_get(&tree->by_path, path);
	if (!entry && tree->count < TREE_MAX &&
	    slice_find(path, SLICE("\n")) < 0 && tree_write(tree, path) == 0)
		entry = tree_add(tree, path);
	pthread_rwlock_unlock(&tree->lock);
	return entry;
}

const struct tree_path *tree_at(struct tree *tree, uint32_t number)
{
	const struct tree_path *entry = NULL;

	pthread_rwlock_rdlock(&tree->lock);
	if (number && number <= tree->count)
		entry = tree->all[number - 1];
	pthread_rwlock_unlock(&tree->lock);
	return entry;
}

static void tree_forget(struct tree *tree)
{
	for (size_t n = 0; n < tree->count; n++)
		free(tree->all[n]);
	free(tree->all);
	map_done(&tree->by_path);
	tree->all = NULL;
	tree->count = tree->room = 0;
}

int tree_reset(struct tree *tree, struct error *err)
{
	tree_forget(tree);
	map_init(&tree->by_path, tree_key);
	if (ftruncate(tree->fd, 0) < 0)
		return error_errno(err, errno, "empty the file of paths");
	if (!tree_get(tree, (struct slice){ "", 0 }))
		return error_errno(err, ENOSPC, "write the file of paths");
	return 0;
}

int tree_open(struct tree *tree, const char *file, struct error *err)
{
	auto_text struct text text = { 0 };
	struct slice rest, line;
	int r = file_read(file, TREE_FILE_BYTES, &text, err);

	*tree = (struct tree){ .fd = -1 };
	pthread_rwlock_init(&tree->lock, NULL);
	map_init(&tree->by_path, tree_key);
	if (r < 0 && r != -ENOENT)
		return r;
	tree->fd = open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (tree->fd < 0)
		return error_errno(err, errno, "open '%s'", file);
	rest = text_slice(&text);
	while (slice_cut(&rest, '\n', &line))
		if (!tree_add(tree, line))
			return error_errno(err, ENOMEM, "read '%s'", file);
	/* Half a line was nobody's number yet. */
	if (rest.bytes && ftruncate(tree->fd, (off_t)(text.bytes - rest.bytes)) < 0)
		return error_errno(err, errno, "write '%s'", file);
	if (tree->count == 0 && !tree_get(tree, (struct slice){ "", 0 }))
		return error_errno(err, ENOSPC, "write '%s'", file);
	return 0;
}

void tree_close(struct tree *tree)
{
	tree_forget(tree);
	auto_close_fd(&tree->fd);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/file.h"
#include "kernel/path.h"

/* --- names --- */

static struct file_watch_step *file_watch_find(const struct file_watch *watch,
					       const struct ring_file_step *step)
{
	for (size_t n = 0; n < watch->step_count; n++)
		if (memcmp(&watch->steps[n].step, step, sizeof(*step)) == 0)
			return &watch->steps[n];
	return NULL;
}

static struct file_watch_step *file_watch_add(struct file_watch *watch,
					      const struct ring_file_step *step)
{
	struct file_watch_step *one;

	if (watch->step_count == watch->step_room) {
		size_t room = watch->step_room ? watch->step_room * 2 : 64;

		one = reallocarray(watch->steps, room, sizeof(*one));
		if (!one)
			return NULL;
		watch->steps = one;
		watch->step_room = room;
	}
	one = &watch->steps[watch->step_count++];
	*one = (struct file_watch_step){ .step = *step,
					 .node.node =
						 RING_FILE_ROOT + (uint32_t)watch->step_count };
	return one;
}

struct ring_file_node file_watch_step(const struct file_watch *watch, struct ring_file_node at,
				      struct slice name)
{
	struct ring_file_node child = { .rule = at.rule };
	struct ring_file_step step = { .node = at.node };
	const struct file_watch_step *found;

	if (at.node == 0 || name.bytes >= sizeof(step.name))
		return child;
	memcpy(step.name, name.at, name.bytes);
	found = file_watch_find(watch, &step);
	if (!found)
		return child;
	child.node = found->node.node;
	if (found->node.rule != RING_FILE_RULE_inherit)
		child.rule = found->node.rule;
	return child;
}

static int file_watch_name(struct file_watch *watch, struct slice name, struct slice path,
			   struct file_watch_step **at, struct error *err)
{
	struct ring_file_step step = { .node = *at ? (*at)->node.node : RING_FILE_ROOT };

	if (slice_is(name, "..") || slice_is(name, "."))
		return error_say(err, EINVAL, "'%.*s': may not contain '%.*s'", SLICE_ARG(path),
				 SLICE_ARG(name));
	if (name.bytes >= sizeof(step.name))
		return error_say(err, EINVAL, "'%.*s': a name may have %zu bytes", SLICE_ARG(path),
				 sizeof(step.name) - 1);
	memcpy(step.name, name.at, name.bytes);
	*at = file_watch_find(watch, &step);
	if (!*at)
		*at = file_watch_add(watch, &step);
	return *at ? 0 : error_errno(err, ENOMEM, "watch '%.*s'", SLICE_ARG(path));
}

static int file_watch_names(struct file_watch *watch, struct slice path, uint32_t rule,
			    struct error *err)
{
	struct file_watch_step *at = NULL;
	struct slice rest = path, name;
	int r = 0;

	while (r == 0 && slice_next(&rest, '/', &name))
		if (name.bytes)
			r = file_watch_name(watch, name, path, &at, err);
	if (r < 0)
		return r;
	if (at)
		at->node.rule = rule;
	else
		watch->root_watched = rule == RING_FILE_RULE_watch;
	return 0;
}

/* --- numbers --- */

static bool file_watch_number(struct slice line, const char *key, uint64_t *ret_value)
{
	ssize_t at = slice_find(line, slice_of(key));
	struct slice rest = slice_skip(line, at < 0 ? line.bytes : (size_t)at + strlen(key));

	return at >= 0 && slice_eat_hex(&rest, ret_value);
}

/* What is said of an inotify watch on a file. */
static int file_watch_describe(int notify, int fd, struct text *out)
{
	char path[64], event[sizeof(struct inotify_event) + NAME_MAX + 1];
	int watch, r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	watch = inotify_add_watch(notify, path, IN_DELETE_SELF);
	if (watch < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", notify);
	r = file_read_at(AT_FDCWD, path, 4096, out);
	inotify_rm_watch(notify, watch);
	while (read(notify, event, sizeof(event)) > 0)
		; /* that it is gone */
	return r;
}

/* One inotify for all, which is never closed: that takes the kernel milliseconds. */
int file_watch_identify(int fd, struct ring_file_id *ret_id)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static int notify = -1;
	auto_text struct text text = { 0 };
	uint64_t inode, device;
	int r;

	pthread_mutex_lock(&lock);
	if (notify < 0)
		notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	r = notify < 0 ? -errno : file_watch_describe(notify, fd, &text);
	pthread_mutex_unlock(&lock);
	if (r < 0)
		return r;
	if (!file_watch_number(text_slice(&text), " ino:", &inode) ||
	    !file_watch_number(text_slice(&text), " sdev:", &device))
		return -EIO;
	*ret_id = (struct ring_file_id){ .inode = inode, .device = (uint32_t)device };
	return 0;
}

int file_watch_root(int proc_fd)
{
	int root = openat(proc_fd, "1/root", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return root >= 0 ? root : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* What isn't there is watched by its name alone. */
static void file_watch_ids(struct file_watch *watch, const char *path, uint32_t rule, int proc_fd)
{
	struct file_watch_id *id = &watch->ids[watch->id_count];
	auto_fd int root = file_watch_root(proc_fd);
	auto_fd int fd = root < 0 ? -1 : path_open(root, path, O_PATH);
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat) < 0 || file_watch_identify(fd, &id->id) < 0)
		return;
	id->rule = rule;
	watch->id_count++;
	watch->id_count_files += !S_ISDIR(stat.st_mode);
}

static int file_watch_list(struct file_watch *watch, const char *paths, uint32_t rule, int proc_fd,
			   struct error *err)
{
	struct slice rest = slice_of(paths), path;

	while (slice_next(&rest, '\n', &path)) {
		char words[4096];
		int r;

		if (path.bytes == 0 || path.at[0] != '/' || path.bytes >= sizeof(words))
			return error_say(err, EINVAL, "'%.*s': has to begin with /",
					 SLICE_ARG(path));
		if (watch->path_count++ == FILE_WATCH_PATHS)
			return error_say(err, EINVAL, "more than %d paths", FILE_WATCH_PATHS);
		r = file_watch_names(watch, path, rule, err);
		if (r < 0)
			return r;
		slice_copy(path, words, sizeof(words));
		if (proc_fd >= 0)
			file_watch_ids(watch, words, rule, proc_fd);
	}
	return 0;
}

int file_watch_read(struct file_watch *watch, const char *paths, const char *exclude, int proc_fd,
		    struct error *err)
{
	int r;

	*watch = (struct file_watch){ 0 };
	r = file_watch_list(watch, paths, RING_FILE_RULE_watch, proc_fd, err);
	if (r == 0 && exclude)
		r = file_watch_list(watch, exclude, RING_FILE_RULE_exclude, proc_fd, err);
	return r < 0 ? error_wrap(err, r, "watch files") : 0;
}

static void file_watch_follow_one(struct file_watch *watch, struct slice path, uint32_t rule,
				  int root_fd)
{
	char words[4096], link[64];
	ssize_t bytes;

	slice_copy(path, words, sizeof(words));
	auto_fd int fd = path_open(root_fd, words, O_PATH);
	if (fd < 0)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	bytes = readlink(link, words, sizeof(words));
	/* A name that can't be in the tree stays out of it. */
	if (bytes > 0 && words[0] == '/')
		(void)file_watch_names(watch, (struct slice){ words, (size_t)bytes }, rule, NULL);
}

void file_watch_follow(struct file_watch *watch, const char *paths, const char *exclude,
		       int root_fd)
{
	struct slice rest = slice_of(paths), path;

	while (slice_next(&rest, '\n', &path))
		file_watch_follow_one(watch, path, RING_FILE_RULE_watch, root_fd);
	rest = slice_of(exclude);
	while (slice_next(&rest, '\n', &path))
		file_watch_follow_one(watch, path, RING_FILE_RULE_exclude, root_fd);
}

void file_watch_done(struct file_watch *watch)
{
	free(watch->steps);
	watch->steps = NULL;
}

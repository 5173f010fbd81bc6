/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/cgroup_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/clock.h"
#include "base/file.h"

#define CGROUP_ROOT	   "/sys/fs/cgroup"
#define CGROUP_READ_LIMIT  (1u << 20)
#define CGROUP_REMOVE_WAIT (5 * NS_PER_S)

static bool cgroup_fs_is(int fd, long magic)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == magic;
}

/* Takes the fd if it is a hierarchy's. */
static void cgroup_tree_add(struct cgroup_tree *tree, const char *name, int fd)
{
	bool v2 = cgroup_fs_is(fd, CGROUP2_SUPER_MAGIC);
	struct cgroup_hierarchy *hierarchy = &tree->hierarchies[tree->count];

	if (tree->count == CGROUP_TREE_MOST || (!v2 && !cgroup_fs_is(fd, CGROUP_SUPER_MAGIC))) {
		close(fd);
		return;
	}
	*hierarchy = (struct cgroup_hierarchy){
		.v2 = v2, .root_fd = fd, .group_fd = -1, .tasks_fd = -1
	};
	slice_copy(slice_of(name), hierarchy->name, sizeof(hierarchy->name));
	tree->count++;
}

static int cgroup_tree_scan(struct cgroup_tree *tree, int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		close(fd);
		return -errno;
	}
	while ((entry = readdir(dir))) {
		int child;

		/* Links are second names, "cpu" for "cpu,cpuacct". */
		if (entry->d_name[0] == '.' ||
		    (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
			continue;
		child = openat(dirfd(dir), entry->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0)
			cgroup_tree_add(tree, entry->d_name, child);
	}
	closedir(dir);
	return 0;
}

int cgroup_tree_init(struct cgroup_tree *tree, struct error *err)
{
	auto_fd int fd = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	*tree = (struct cgroup_tree){ 0 };
	if (fd < 0)
		return error_errno(err, errno, "open '" CGROUP_ROOT "'");
	if (cgroup_fs_is(fd, CGROUP2_SUPER_MAGIC)) {
		cgroup_tree_add(tree, "", take_fd(&fd));
		tree->v2_only = true;
		return 0;
	}
	r = cgroup_tree_scan(tree, take_fd(&fd));
	if (r < 0)
		return error_errno(err, -r, "read directory '" CGROUP_ROOT "'");
	if (tree->count == 0)
		return error_say(err, ENOENT,
				 "no control group hierarchy is mounted below '" CGROUP_ROOT "'");
	return 0;
}

void cgroup_tree_done(struct cgroup_tree *tree)
{
	for (size_t n = 0; n < tree->count; n++) {
		auto_close_fd(&tree->hierarchies[n].root_fd);
		auto_close_fd(&tree->hierarchies[n].group_fd);
		auto_close_fd(&tree->hierarchies[n].tasks_fd);
	}
	tree->count = 0;
}

#define cgroup_each(tree, hierarchy)                                                               \
	for ((hierarchy) = (tree)->hierarchies; (hierarchy) < (tree)->hierarchies + (tree)->count; \
	     (hierarchy)++)

const struct cgroup_hierarchy *cgroup_tree_v1(const struct cgroup_tree *tree,
					      const char *controller)
{
	const struct cgroup_hierarchy *hierarchy;

	cgroup_each(tree, hierarchy) {
		struct slice names = slice_of(hierarchy->name), name;

		if (hierarchy->v2 || hierarchy->group_fd < 0)
			continue;
		while (slice_next(&names, ',', &name))
			if (slice_is(name, controller))
				return hierarchy;
	}
	return NULL;
}

const struct cgroup_hierarchy *cgroup_tree_v2(const struct cgroup_tree *tree)
{
	const struct cgroup_hierarchy *hierarchy;

	cgroup_each(tree, hierarchy)
		if (hierarchy->v2 && hierarchy->group_fd >= 0)
			return hierarchy;
	return NULL;
}

static int cgroup_put(int group_fd, const char *file, struct slice value)
{
	auto_fd int fd = openat(group_fd, file, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, value.at, value.bytes) < 0 ? -errno : 0;
}

int cgroup_write(const struct cgroup_hierarchy *hierarchy, const char *file, struct slice value,
		 struct error *err)
{
	int r = cgroup_put(hierarchy->group_fd, file, value);

	if (r < 0)
		return error_errno(err, -r, "write '%.*s' to '%s' of the control group",
				   SLICE_ARG(slice_first(value, 60)), file);
	return 0;
}

int cgroup_read(const struct cgroup_hierarchy *hierarchy, const char *file, struct text *out)
{
	return file_read_at(hierarchy->group_fd, file, CGROUP_READ_LIMIT, out);
}

/* --- making --- */

/* A cpuset takes no process before it has processors and memory: those of the group above. */
static int cgroup_fill_cpuset(int parent_fd, int group_fd)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };

	for (size_t n = 0; n < array_count(files); n++) {
		auto_text struct text own = { 0 }, above = { 0 };
		int r = file_read_at(group_fd, files[n], 4096, &own);

		if (r < 0)
			return r;
		if (slice_trim(text_slice(&own)).bytes)
			continue;
		r = file_read_at(parent_fd, files[n], 4096, &above);
		if (r == 0)
			r = cgroup_put(group_fd, files[n], slice_trim(text_slice(&above)));
		if (r < 0)
			return r;
	}
	return 0;
}

/* What a v2 group has, those below it may have too. */
static void cgroup_pass_controllers(int fd)
{
	auto_text struct text text = { 0 };
	struct slice rest, name;

	if (file_read_at(fd, "cgroup.controllers", 4096, &text) < 0)
		return;
	rest = slice_trim(text_slice(&text));
	while (slice_next(&rest, ' ', &name)) {
		auto_text struct text word = { 0 };

		text_printf(&word, "+%.*s", SLICE_ARG(name));
		/* One that can't be passed on is missed when a limit needs it. */
		(void)cgroup_put(fd, "cgroup.subtree_control", text_slice(&word));
	}
}

static int cgroup_make_in(struct cgroup_hierarchy *hierarchy, bool pass_controllers, bool cpuset,
			  struct slice path)
{
	auto_fd int at = fcntl(hierarchy->root_fd, F_DUPFD_CLOEXEC, 3);
	struct slice piece;

	while (slice_next(&path, '/', &piece)) {
		auto_text struct text name = { 0 };
		int next, r = 0;

		if (piece.bytes == 0)
			continue;
		text_put(&name, piece);
		if (pass_controllers)
			cgroup_pass_controllers(at);
		if (mkdirat(at, text_str(&name), 0755) < 0 && errno != EEXIST)
			return -errno;
		next = openat(at, text_str(&name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		if (cpuset)
			r = cgroup_fill_cpuset(at, next);
		close(at);
		at = next;
		if (r < 0)
			return r;
	}
	hierarchy->group_fd = take_fd(&at);
	return 0;
}

int cgroup_tree_make(struct cgroup_tree *tree, const char *path, struct error *err)
{
	struct cgroup_hierarchy *hierarchy;

	cgroup_each(tree, hierarchy) {
		bool cpuset = !hierarchy->v2 && strstr(hierarchy->name, "cpuset");
		int r = cgroup_make_in(hierarchy, tree->v2_only, cpuset, slice_of(path));

		if (r < 0)
			return error_errno(err, -r, "make control group '%s' of '%s'", path,
					   hierarchy->v2 ? "v2" : hierarchy->name);
	}
	return 0;
}

static const char *cgroup_relative(const char *path)
{
	while (*path == '/')
		path++;
	return *path ? path : ".";
}

int cgroup_tree_open(struct cgroup_tree *tree, const char *path, struct error *err)
{
	struct cgroup_hierarchy *hierarchy;

	cgroup_each(tree, hierarchy) {
		hierarchy->group_fd = openat(hierarchy->root_fd, cgroup_relative(path),
					     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (hierarchy->group_fd < 0 && errno != ENOENT)
			return error_errno(err, errno, "open control group '%s' of '%s'", path,
					   hierarchy->v2 ? "v2" : hierarchy->name);
	}
	return 0;
}

/* --- processes --- */

int cgroup_tree_open_tasks(struct cgroup_tree *tree, struct error *err)
{
	struct cgroup_hierarchy *hierarchy;

	cgroup_each(tree, hierarchy) {
		if (hierarchy->v2 || hierarchy->group_fd < 0)
			continue;
		hierarchy->tasks_fd = openat(hierarchy->group_fd, "tasks", O_WRONLY | O_CLOEXEC);
		if (hierarchy->tasks_fd < 0)
			return error_errno(err, errno, "open 'tasks' of the control group of '%s'",
					   hierarchy->name);
	}
	return 0;
}

int cgroup_tree_enter(const struct cgroup_tree *tree, struct error *err)
{
	const struct cgroup_hierarchy *hierarchy;

	cgroup_each(tree, hierarchy)
		if (hierarchy->tasks_fd >= 0 && write(hierarchy->tasks_fd, "0", 1) < 0)
			return error_errno(err, errno, "enter the control group of '%s'",
					   hierarchy->name);
	return 0;
}

int cgroup_tree_attach(const struct cgroup_tree *tree, pid_t pid, struct error *err)
{
	const struct cgroup_hierarchy *hierarchy;
	char number[16];
	struct slice value = { number, (size_t)snprintf(number, sizeof(number), "%d", pid) };

	cgroup_each(tree, hierarchy) {
		int r = hierarchy->group_fd < 0
				? 0
				: cgroup_put(hierarchy->group_fd, "cgroup.procs", value);

		if (r < 0)
			return error_errno(err, -r,
					   "move process %d into its control group of '%s'", pid,
					   hierarchy->v2 ? "v2" : hierarchy->name);
	}
	return 0;
}

int cgroup_tree_give(const struct cgroup_tree *tree, uid_t uid, gid_t gid, struct error *err)
{
	static const char *const files[] = { "", "cgroup.procs", "tasks", "cgroup.threads",
					     "cgroup.subtree_control" };
	const struct cgroup_hierarchy *hierarchy;

	cgroup_each(tree, hierarchy)
		for (size_t n = 0; n < array_count(files) && hierarchy->group_fd >= 0; n++)
			if (fchownat(hierarchy->group_fd, files[n], uid, gid,
				     AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 &&
			    errno != ENOENT)
				return error_errno(err, errno,
						   "give away the control group of '%s'",
						   hierarchy->v2 ? "v2" : hierarchy->name);
	return 0;
}

struct cgroup_walk {
	int (*found)(void *owner, pid_t pid, struct error *err);
	void *owner;
	struct error *err;
};

static int cgroup_each_pid(int fd, const struct cgroup_walk *walk)
{
	auto_text struct text text = { 0 };
	struct slice rest, line;
	uint64_t pid;
	int r = file_read_at(fd, "cgroup.procs", CGROUP_READ_LIMIT, &text);

	if (r < 0)
		return r == -ENOENT || r == -ENODEV ? 0 : r;
	rest = text_slice(&text);
	while (slice_next(&rest, '\n', &line)) {
		if (!slice_u64(line, &pid))
			continue;
		r = walk->found(walk->owner, (pid_t)pid, walk->err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Calls `visit` for the directories below, the deepest first, and then removes them or not. */
static int cgroup_descend(int fd, int depth,
			  int (*visit)(int parent_fd, const char *name, void *owner), void *owner)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir)
		return copy < 0 ? -errno : (close(copy), -ENOMEM);
	while (r == 0 && (entry = readdir(dir))) {
		auto_fd int child = -1;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		child = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child < 0)
			continue; /* gone meanwhile */
		if (depth < 64)
			r = cgroup_descend(child, depth + 1, visit, owner);
		if (r == 0)
			r = visit(fd, entry->d_name, owner);
	}
	closedir(dir);
	return r;
}

static int cgroup_visit_pids(int parent_fd, const char *name, void *owner)
{
	auto_fd int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? 0 : cgroup_each_pid(fd, owner);
}

/* The hierarchy that is asked for processes and freezing. */
static const struct cgroup_hierarchy *cgroup_main(const struct cgroup_tree *tree)
{
	const struct cgroup_hierarchy *hierarchy = cgroup_tree_v1(tree, "freezer");

	return hierarchy ? hierarchy : cgroup_tree_v2(tree);
}

int cgroup_tree_each(const struct cgroup_tree *tree,
		     int (*found)(void *owner, pid_t pid, struct error *err), void *owner,
		     struct error *err)
{
	const struct cgroup_hierarchy *hierarchy = cgroup_main(tree);
	struct cgroup_walk walk = { found, owner, err };
	int r;

	if (!hierarchy)
		return 0;
	r = cgroup_each_pid(hierarchy->group_fd, &walk);
	return r < 0 ? r : cgroup_descend(hierarchy->group_fd, 0, cgroup_visit_pids, &walk);
}

/* --- removing --- */

static int cgroup_visit_remove(int parent_fd, const char *name, void *owner)
{
	(void)owner;
	return unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

static int cgroup_remove_once(struct cgroup_hierarchy *hierarchy, const char *path)
{
	int r;

	if (unlinkat(hierarchy->root_fd, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return -errno;
	if (hierarchy->group_fd < 0)
		hierarchy->group_fd =
			openat(hierarchy->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (hierarchy->group_fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = cgroup_descend(hierarchy->group_fd, 0, cgroup_visit_remove, NULL);
	if (r < 0)
		return r;
	return unlinkat(hierarchy->root_fd, path, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

int cgroup_tree_remove(struct cgroup_tree *tree, const char *path, struct error *err)
{
	uint64_t until = clock_mono_ns() + CGROUP_REMOVE_WAIT;
	struct cgroup_hierarchy *hierarchy;
	useconds_t pause_us = 200;

	path = cgroup_relative(path);
	if (strcmp(path, ".") == 0)
		return 0;
	cgroup_each(tree, hierarchy) {
		int r;

		while ((r = cgroup_remove_once(hierarchy, path)) == -EBUSY &&
		       clock_mono_ns() < until) {
			usleep(pause_us);
			pause_us = pause_us < 20000 ? pause_us * 2 : pause_us;
		}
		if (r < 0)
			return error_errno(err, -r, "remove control group '%s' of '%s'", path,
					   hierarchy->v2 ? "v2" : hierarchy->name);
	}
	return 0;
}

/* --- freezing --- */

bool cgroup_tree_is_frozen(const struct cgroup_tree *tree)
{
	const struct cgroup_hierarchy *hierarchy = cgroup_main(tree);
	auto_text struct text text = { 0 };

	if (!hierarchy)
		return false;
	if (cgroup_read(hierarchy, hierarchy->v2 ? "cgroup.events" : "freezer.state", &text) < 0)
		return false;
	return slice_find(text_slice(&text), hierarchy->v2 ? SLICE("frozen 1") : SLICE("FROZEN")) >=
			  0;
}

int cgroup_tree_freeze(const struct cgroup_tree *tree, bool freeze, struct error *err)
{
	const struct cgroup_hierarchy *hierarchy = cgroup_main(tree);
	uint64_t until = clock_mono_ns() + 10 * NS_PER_S;
	useconds_t pause_us = 100;
	int r;

	if (!hierarchy)
		return error_say(err, ENOENT,
				 "no freezer controller, and no cgroup v2: the "
				 "container can't be paused");
	while (clock_mono_ns() < until) {
		/* A v1 freezer that meets a process being made needs to be told again. */
		r = hierarchy->v2
			? cgroup_write(
				  hierarchy, "cgroup.freeze", freeze ? SLICE("1") : SLICE("0"), err)
				  : cgroup_write(hierarchy, "freezer.state",
						 freeze ? SLICE("FROZEN") : SLICE("THAWED"), err);
		if (r < 0 || cgroup_tree_is_frozen(tree) == freeze)
			return r;
		usleep(pause_us);
		pause_us = pause_us < 20000 ? pause_us * 2 : pause_us;
	}
	if (freeze && !hierarchy->v2)
		(void)!cgroup_write(hierarchy, "freezer.state", SLICE("THAWED"), NULL);
	return error_say(err, ETIMEDOUT, "a process did not freeze in 10 s");
}

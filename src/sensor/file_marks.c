/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file_marks.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/fanotify.h>

#include "base/clock.h"
#include "event/metrics.h"

#define FILE_MARKS_PAUSE_NS   (10 * NS_PER_MS) /* while much is told it is read this often */
#define FILE_MARKS_GATHER_NS  NS_PER_MS	       /* that a file is made and opened is one record */
#define FILE_MARKS_START_NS   (50 * NS_PER_MS) /* of marking, before the loop goes on */
#define FILE_MARKS_TURN_NS    (5 * NS_PER_MS)
#define FILE_MARKS_AGAIN_NS   (2 * NS_PER_S) /* after a mount */
#define FILE_MARKS_TURN_READS 8
#define FILE_MARKS_READ_BYTES (64 * 1024)

/* --- records --- */

#define FILE_MARKS_NAMES (FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_MOVED_FROM | FAN_MOVED_TO)

/* What of the tree had the name that a record takes away. */
static struct file_node *file_marks_gone(const struct file_tree *tree,
					 const struct fanotify_record *told,
					 const struct file_place *from)
{
	struct file_node *known = NULL;

	if (!(told->mask & (FAN_RENAME | FAN_DELETE | FAN_MOVED_FROM)))
		return NULL;
	if (told->mask & FAN_ONDIR)
		known = file_tree_find(tree, told->file);
	/* Files are in the tree only where directories are on the way. */
	if (!known && from->dir &&
	    (told->mask & FAN_ONDIR || from->dir->at.rule != RING_FILE_RULE_watch))
		known = file_node_child(from->dir, from->name);
	return known;
}

/* Where a name has come, as it is known now. */
static struct file_node *file_marks_target(const struct file_tree *tree,
					   const struct fanotify_record *told)
{
	return file_tree_find(tree, told->mask & FAN_RENAME ? told->to_directory : told->directory);
}

static void file_marks_follow(struct file_marks *marks, const struct fanotify_record *told,
			      const struct file_place *from, const struct file_place *to)
{
	struct file_tree *tree = &marks->tree;
	struct file_node *known = file_marks_gone(tree, told, from), *dir;

	if (known && to->dir && told->mask & FAN_RENAME) {
		file_tree_move(tree, known, to->dir, to->name);
		return;
	}
	if (known)
		file_tree_leave(tree, known);
	dir = file_marks_target(tree, told);
	if (!dir || !(told->mask & (FAN_RENAME | FAN_MOVED_TO | FAN_CREATE)))
		return;
	file_tree_enter(tree, dir, told->mask & FAN_RENAME ? told->to_name : told->name,
			told->mask & FAN_CREATE);
	/* Before the next record is read: what lies in it now none of these tells. */
	if (told->mask & FAN_CREATE)
		(void)file_tree_read(tree, FILE_MARKS_TURN_NS);
}

static void file_marks_take(struct file_marks *marks, const struct fanotify_record *told,
			    uint64_t boot_ns)
{
	struct slice none = { 0 };
	struct file_place from, to;

	if (told->mask & FAN_Q_OVERFLOW) {
		marks->overflows.value++;
		file_tree_again(&marks->tree);
		return;
	}
	from = file_place_of(&marks->tree, told->directory, told->name,
			     told->mask & FILE_MARKS_NAMES ? none : told->file);
	to = file_place_of(&marks->tree, told->to_directory, told->to_name, none);
	/* Half a rename says where to. */
	if (told->mask & FAN_MOVED_TO && !(told->mask & FAN_MOVED_FROM)) {
		to = from;
		from = (struct file_place){ 0 };
	}
	file_notices_tell(&marks->notices, told, &from, &to, boot_ns);
	if (told->mask & FILE_MARKS_NAMES)
		file_marks_follow(marks, told, &from, &to);
}

/* False: nothing was there. */
static bool file_marks_read(struct file_marks *marks)
{
	static char bytes[FILE_MARKS_READ_BYTES] __attribute__((aligned(8)));
	ssize_t got = read(marks->fanotify_fd, bytes, sizeof(bytes));
	struct slice rest = { bytes, got > 0 ? (size_t)got : 0 };
	struct fanotify_record told;
	uint64_t boot_ns = clock_boot_ns();
	int r;

	if (got <= 0)
		return false;
	/* Who they were may have been told already, and not been read. */
	if (marks->env->ring)
		ring_drain(marks->env->ring);
	while ((r = fanotify_next(&rest, &told)) > 0)
		file_marks_take(marks, &told, boot_ns);
	if (r < 0) {
		marks->overflows.value++;
		file_tree_again(&marks->tree);
	}
	return true;
}

static void file_marks_tell_refusal(struct file_marks *marks)
{
	struct error why;

	if (marks->refusal_told || marks->tree.unmarked == 0)
		return;
	marks->refusal_told = true;
	if (marks->tree.refused)
		(void)error_errno(&why, marks->tree.refused, "watch files: mark a directory");
	else
		(void)error_say(&why, ENOSPC,
				"watch files: more than %zu directories; see "
				"files.max_directories",
				marks->tree.limit);
	marks->env->trouble(marks->env->owner, &why);
}

/* While there is something to read, nobody wakes the agent: see kernel/ring.h. */
static void file_marks_turn(struct file_marks *marks)
{
	struct error err;
	bool more = false;
	int reads = 0;

	while (reads < FILE_MARKS_TURN_READS && file_marks_read(marks))
		reads++;
	if (reads < FILE_MARKS_TURN_READS)
		file_notices_settle(&marks->notices, clock_boot_ns());
	more = file_tree_read(&marks->tree, FILE_MARKS_TURN_NS);
	file_marks_tell_refusal(marks);
	if (more || reads == FILE_MARKS_TURN_READS)
		loop_timer_set(marks->env->loop, &marks->timer, 1);
	else if (reads)
		loop_timer_set(marks->env->loop, &marks->timer, FILE_MARKS_PAUSE_NS);
	if (loop_fd_change(marks->env->loop, &marks->ready, more || reads ? 0 : EPOLLIN, &err) < 0)
		marks->env->trouble(marks->env->owner, &err);
}

static void file_marks_on_ready(struct loop_fd *ready, uint32_t events)
{
	struct file_marks *marks = container_of(ready, struct file_marks, ready);
	struct error err;

	(void)events;
	loop_timer_set(marks->env->loop, &marks->timer, FILE_MARKS_GATHER_NS);
	if (loop_fd_change(marks->env->loop, ready, 0, &err) < 0)
		marks->env->trouble(marks->env->owner, &err);
}

static void file_marks_on_timer(struct loop_timer *timer)
{
	file_marks_turn(container_of(timer, struct file_marks, timer));
}

/* --- mounts --- */

/* Other directories may lie where watched ones did. */
static void file_marks_on_mount(struct loop_fd *mounts, uint32_t events)
{
	struct file_marks *marks = container_of(mounts, struct file_marks, mounts);

	(void)events;
	if (!marks->again.due_ns)
		loop_timer_set(marks->env->loop, &marks->again, FILE_MARKS_AGAIN_NS);
}

static void file_marks_on_again(struct loop_timer *timer)
{
	struct file_marks *marks = container_of(timer, struct file_marks, again);

	file_tree_again(&marks->tree);
	loop_timer_set(marks->env->loop, &marks->timer, 1);
}

static int file_marks_watch_mounts(struct file_marks *marks, struct error *err)
{
	marks->mounts_fd = openat(marks->env->proc_fd, "1/mountinfo", O_RDONLY | O_CLOEXEC);
	if (marks->mounts_fd < 0)
		return error_errno(err, errno, "open /proc/1/mountinfo");
	return loop_fd_add(marks->env->loop, &marks->mounts, marks->mounts_fd, EPOLLPRI, err);
}

/* --- life --- */

/* Records have pids as this agent's pid namespace numbers them, events as the host does. */
static bool file_marks_numbers_agree(int proc_fd)
{
	char text[32];
	ssize_t bytes = readlinkat(proc_fd, "self", text, sizeof(text));
	uint64_t pid;

	return bytes > 0 && slice_u64((struct slice){ text, (size_t)bytes }, &pid) &&
	       pid == (uint64_t)getpid();
}

static int file_marks_may(const struct sensor_env *env, struct error *err)
{
	if (env->settings->scope.config.lists & SCOPE_of_processes)
		return error_say(err, ENOTSUP, "can't keep to watch.uids, comms or cgroups");
	if (!file_marks_numbers_agree(env->proc_fd))
		return error_say(err, ENOTSUP, "needs the host's pid namespace");
	return 0;
}

static uint64_t file_marks_count_held(const struct metric *metric)
{
	return ((const struct file_marks *)metric->owner)->notices.rate.held;
}

static uint64_t file_marks_count_rates_lost(const struct metric *metric)
{
	return ((const struct file_marks *)metric->owner)->notices.rate.lost;
}

static uint64_t file_marks_count_lost(const struct metric *metric)
{
	return ((const struct file_marks *)metric->owner)->notices.lost;
}

static uint64_t file_marks_count_unmarked(const struct metric *metric)
{
	return ((const struct file_marks *)metric->owner)->tree.unmarked;
}

static uint64_t file_marks_count_directories(const struct metric *metric)
{
	return ((const struct file_marks *)metric->owner)->tree.by_key.count;
}

static void file_marks_add_metrics(struct file_marks *marks)
{
	struct metrics *metrics = marks->env->metrics;

	metric_add_read(metrics, METRIC_files_held, &marks->held, NULL, file_marks_count_held,
			marks);
	metric_add_read(metrics, METRIC_files_lost, &marks->lost, NULL, file_marks_count_lost,
			marks);
	metric_add_read(metrics, METRIC_rates_lost, &marks->rates_lost, "files",
			file_marks_count_rates_lost, marks);
	metric_add(metrics, METRIC_files_overflows, &marks->overflows, NULL);
	metric_add_read(metrics, METRIC_files_unmarked, &marks->unmarked, NULL,
			file_marks_count_unmarked, marks);
	metric_add_read(metrics, METRIC_files_directories, &marks->directories, NULL,
			file_marks_count_directories, marks);
}

static void file_marks_on_found(struct file_tree *tree, const struct file_node *dir,
				struct slice name, const struct fanotify_key *key)
{
	struct file_marks *marks = container_of(tree, struct file_marks, tree);

	file_notices_find(&marks->notices, dir, name, key);
}

/* All that is watched lies where no marks can be. */
static bool file_marks_see_nothing(const struct file_tree *tree)
{
	const struct file_node *node;

	if (!tree->refused)
		return false;
	map_each(&tree->by_key, node) {
		if (node->at.rule == RING_FILE_RULE_watch)
			return false;
	}
	return true;
}

static int file_marks_mark(struct file_marks *marks, struct error *err)
{
	const struct watch_settings *settings = &marks->env->settings->watch;
	int r = file_watch_read(&marks->watch, settings->file_paths, settings->file_exclude, -1,
				err);

	if (r < 0)
		return r;
	file_watch_follow(&marks->watch, settings->file_paths, settings->file_exclude,
			  marks->root_fd);
	marks->tree.fanotify_fd = marks->fanotify_fd;
	marks->tree.root_fd = marks->root_fd;
	marks->tree.proc_fd = marks->env->proc_fd;
	marks->tree.watch = &marks->watch;
	marks->tree.limit = settings->file_max_directories;
	marks->tree.found = file_marks_on_found;
	r = file_tree_start(&marks->tree, err);
	if (r == 0)
		r = file_roots_start(&marks->roots, marks->env, &marks->tree, &marks->timer, err);
	if (r < 0)
		return r;
	if (file_tree_read(&marks->tree, FILE_MARKS_START_NS))
		loop_timer_set(marks->env->loop, &marks->timer, 1);
	else if (file_marks_see_nothing(&marks->tree))
		return error_errno(err, marks->tree.refused, "mark what is watched");
	return 0;
}

int file_marks_start(struct file_marks *marks, const struct sensor_env *env,
		     enum fanotify_grade grade, struct error *err)
{
	int r = file_marks_may(env, err);

	if (r < 0)
		return r;
	marks->env = env;
	marks->timer.fire = file_marks_on_timer;
	marks->again.fire = file_marks_on_again;
	marks->mounts_fd = -1;
	marks->mounts = (struct loop_fd){ .fd = -1, .ready = file_marks_on_mount };
	marks->ready = (struct loop_fd){ .fd = -1, .ready = file_marks_on_ready };
	file_notices_init(&marks->notices, env, &marks->tree);
	marks->tree.grade = grade;
	marks->root_fd = file_watch_root(env->proc_fd);
	marks->fanotify_fd = fanotify_new(grade, err);
	if (marks->fanotify_fd < 0)
		return marks->fanotify_fd;
	if (marks->root_fd < 0)
		return error_errno(err, errno, "open the root directory");
	r = loop_fd_add(env->loop, &marks->ready, marks->fanotify_fd, EPOLLIN, err);
	if (r == 0)
		r = file_marks_watch_mounts(marks, err);
	if (r == 0)
		r = file_marks_mark(marks, err);
	if (r == 0)
		file_marks_add_metrics(marks);
	return r;
}

void file_marks_stop(struct file_marks *marks)
{
	if (!marks->env)
		return;
	loop_fd_remove(marks->env->loop, &marks->ready);
	loop_fd_remove(marks->env->loop, &marks->mounts);
	loop_timer_clear(&marks->timer);
	loop_timer_clear(&marks->again);
	if (marks->fanotify_fd >= 0)
		close(marks->fanotify_fd);
	if (marks->root_fd >= 0)
		close(marks->root_fd);
	if (marks->mounts_fd >= 0)
		close(marks->mounts_fd);
	metric_remove(&marks->held);
	metric_remove(&marks->lost);
	metric_remove(&marks->rates_lost);
	metric_remove(&marks->overflows);
	metric_remove(&marks->unmarked);
	metric_remove(&marks->directories);
	file_roots_stop(&marks->roots);
	file_notices_done(&marks->notices);
	file_tree_done(&marks->tree);
	file_watch_done(&marks->watch);
	marks->env = NULL;
}

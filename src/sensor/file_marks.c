/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file_marks.h"

#include <errno.h>
#include <sys/fanotify.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "event/metrics.h"
#include "sensor/file_event.h"

#define FILE_MARKS_PAUSE_NS   (10 * NS_PER_MS) /* while much is told it is read this often */
#define FILE_MARKS_START_NS   (50 * NS_PER_MS) /* of marking, before the loop goes on */
#define FILE_MARKS_TURN_NS    (5 * NS_PER_MS)
#define FILE_MARKS_TURN_READS 8
#define FILE_MARKS_READ_BYTES (64 * 1024)

/* --- places --- */

/* What a record names: a name in a directory of the tree. */
struct file_marks_place {
	struct file_dir *dir; /* NULL: not one of ours */
	struct slice name;    /* empty: the root directory */
	uint32_t device;
	bool watched;
};

static struct file_marks_place file_marks_place(const struct file_marks *marks, struct slice key,
						struct slice name)
{
	struct file_dir *dir = file_tree_find(&marks->tree, key);
	struct file_marks_place place = { .dir = dir, .name = name };

	if (!dir)
		return place;
	place.device = dir->device;
	if (slice_is(name, ".")) {
		place.watched = dir->at.rule == RING_FILE_RULE_watch;
		place.name = slice_of(dir->name);
		place.dir = dir->parent ? dir->parent : dir;
	} else {
		place.watched =
			file_watch_step(&marks->watch, dir->at, name).rule == RING_FILE_RULE_watch;
	}
	return place;
}

static void file_marks_put_path(struct ring_file *record, const struct file_marks_place *place,
				bool other)
{
	char room[RING_FILE_NAMES];
	size_t bytes;
	bool cut;

	if (!place->dir)
		return;
	bytes = file_dir_names(place->dir, place->name, room, &cut);
	if (record->path_bytes + bytes > RING_FILE_NAMES) {
		bytes = 0;
		cut = true;
	}
	memcpy(record->names + record->path_bytes, room, bytes);
	if (other)
		record->other_bytes = (uint32_t)bytes;
	else
		record->path_bytes = (uint32_t)bytes;
	if (cut)
		record->facts |= other ? RING_FILE_other_cut : RING_FILE_cut;
}

/* --- events --- */

static void file_marks_put_stat(const struct file_marks *marks, struct ring_file *record,
				const struct file_marks_place *place, struct slice key)
{
	struct stat stat;
	auto_fd int fd =
		key.bytes ? file_tree_open(&marks->tree, place->dir, place->name, key) : -1;

	if (fd < 0 || fstat(fd, &stat) < 0) {
		record->facts |= RING_FILE_gone;
		return;
	}
	record->mode = (uint16_t)stat.st_mode;
	record->links = (uint32_t)stat.st_nlink;
	record->inode = stat.st_ino;
	record->device = place->device;
	record->owner = stat.st_uid;
	record->group = stat.st_gid;
	record->size_bytes = (uint64_t)stat.st_size;
}

static void file_marks_emit(struct file_marks *marks, struct ring_file *record, uint64_t mask,
			    enum ring_file_what what)
{
	struct event event;

	if (!file_rate_allows(&marks->rate, record->head.pid, record->head.boot_ns, &record->held))
		return;
	record->what = (uint8_t)what;
	if (!file_event_fill(&event, record))
		return;
	file_event_put_mask(&event, mask);
	marks->env->out->emit(marks->env->out, &event);
}

/* A name has come. Whose other name it is, if it is a link, isn't told. */
static void file_marks_tell_name(struct file_marks *marks, struct ring_file *record, uint64_t mask)
{
	if (mask & FAN_ONDIR) {
		file_marks_emit(marks, record, mask, RING_FILE_mkdir);
	} else if (mask & FAN_OPEN) {
		record->facts |= RING_FILE_created; /* its open tells it */
	} else if (S_ISLNK(record->mode)) {
		file_marks_emit(marks, record, mask, RING_FILE_symlink);
	} else if (record->links > 1) {
		struct ring_file link = *record;

		link.other_bytes = record->path_bytes;
		link.path_bytes = 0;
		file_marks_emit(marks, &link, mask, RING_FILE_link);
	} else {
		record->facts |= RING_FILE_created;
		file_marks_emit(marks, record, mask, RING_FILE_change);
	}
}

/* What a mask has, in the order in which it can only have happened. */
static void file_marks_tell_mask(struct file_marks *marks, struct ring_file *record, uint64_t mask)
{
	static const struct {
		uint64_t any;
		enum ring_file_what what;
	} rows[] = {
		{ FAN_OPEN, RING_FILE_open },
		{ FAN_MODIFY | FAN_ATTRIB, RING_FILE_change },
		{ FAN_CLOSE_WRITE, RING_FILE_close },
		{ FAN_RENAME | FAN_MOVED_FROM | FAN_MOVED_TO, RING_FILE_rename },
		{ FAN_DELETE, RING_FILE_delete },
	};
	uint64_t left = mask;

	if (mask & FAN_CREATE)
		file_marks_tell_name(marks, record, mask);
	/* The close tells what was written before it. */
	if (mask & FAN_CLOSE_WRITE)
		left &= ~(uint64_t)FAN_MODIFY;
	for (size_t n = 0; n < array_count(rows); n++) {
		if (left & rows[n].any)
			file_marks_emit(marks, record, mask, rows[n].what);
		record->facts &= (uint8_t)~RING_FILE_created;
	}
}

static bool file_marks_wants(const struct file_marks *marks, uint32_t pid, uint64_t boot_ns)
{
	uint32_t above = marks->env->settings->only_under;

	return pid != (uint32_t)getpid() &&
	       (above == 0 ||
		marks->env->processes->is_under(marks->env->processes, pid, above, boot_ns));
}

static void file_marks_tell(struct file_marks *marks, const struct fanotify_record *told,
			    const struct file_marks_place *from, const struct file_marks_place *to,
			    uint64_t boot_ns)
{
	const struct file_marks_place *now = to->dir ? to : from;
	struct ring_file record = { .facts = RING_FILE_marked };

	record.head.pid = record.head.tid = told->pid;
	record.head.boot_ns = boot_ns;
	file_marks_put_path(&record, from, false);
	file_marks_put_path(&record, to, true);
	file_marks_put_stat(marks, &record, now,
			    slice_is(told->name, ".") ? told->directory : told->file);
	file_marks_tell_mask(marks, &record, told->mask);
}

/* --- records --- */

/* The tree follows: a directory has a new name, or none. */
static void file_marks_follow(struct file_marks *marks, const struct fanotify_record *told,
			      const struct file_marks_place *from,
			      const struct file_marks_place *to)
{
	struct file_tree *tree = &marks->tree;
	struct file_dir *known = NULL;

	if (told->mask & FAN_ONDIR && told->mask & (FAN_RENAME | FAN_DELETE | FAN_MOVED_FROM)) {
		known = file_tree_find(tree, told->file);
		if (!known && from->dir)
			known = file_dir_child(from->dir, from->name);
	}
	if (known && to->dir && told->mask & FAN_RENAME)
		file_tree_move(tree, known, to->dir, to->name);
	else if (known)
		file_tree_leave(tree, known);
	if (to->dir && !known)
		file_tree_enter(tree, to->dir, to->name);
	else if (from->dir && told->mask & FAN_CREATE)
		file_tree_enter(tree, from->dir, from->name);
}

static void file_marks_take(struct file_marks *marks, const struct fanotify_record *told,
			    uint64_t boot_ns)
{
	struct file_marks_place from, to;

	if (told->mask & FAN_Q_OVERFLOW) {
		marks->overflows.value++;
		file_tree_again(&marks->tree);
		return;
	}
	from = file_marks_place(marks, told->directory, told->name);
	to = file_marks_place(marks, told->to_directory, told->to_name);
	/* Half a rename says where to. */
	if (told->mask & FAN_MOVED_TO && !(told->mask & FAN_MOVED_FROM)) {
		to = from;
		from = (struct file_marks_place){ 0 };
	}
	if ((from.watched || to.watched) && file_marks_wants(marks, told->pid, boot_ns))
		file_marks_tell(marks, told, &from, &to, boot_ns);
	if (told->mask & (FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_MOVED_FROM | FAN_MOVED_TO))
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
	(void)events;
	file_marks_turn(container_of(ready, struct file_marks, ready));
}

static void file_marks_on_timer(struct loop_timer *timer)
{
	file_marks_turn(container_of(timer, struct file_marks, timer));
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
	return ((const struct file_marks *)metric->owner)->rate.held;
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

	marks->held = (struct metric){ .read = file_marks_count_held, .owner = marks };
	marks->unmarked = (struct metric){ .read = file_marks_count_unmarked, .owner = marks };
	marks->directories =
		(struct metric){ .read = file_marks_count_directories, .owner = marks };
	metric_add(metrics, METRIC_files_held, &marks->held, NULL);
	metric_add(metrics, METRIC_files_overflows, &marks->overflows, NULL);
	metric_add(metrics, METRIC_files_unmarked, &marks->unmarked, NULL);
	metric_add(metrics, METRIC_files_directories, &marks->directories, NULL);
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
	marks->tree.watch = &marks->watch;
	marks->tree.limit = settings->file_max_directories;
	r = file_tree_start(&marks->tree, err);
	if (r == 0 && file_tree_read(&marks->tree, FILE_MARKS_START_NS))
		loop_timer_set(marks->env->loop, &marks->timer, 1);
	return r;
}

int file_marks_start(struct file_marks *marks, const struct sensor_env *env,
		     enum fanotify_grade grade, struct error *err)
{
	int r = file_marks_may(env, err);

	if (r < 0)
		return r;
	marks->env = env;
	marks->timer.fire = file_marks_on_timer;
	marks->ready = (struct loop_fd){ .fd = -1, .ready = file_marks_on_ready };
	marks->rate.limit = env->settings->watch.file_rate;
	marks->tree.grade = grade;
	marks->root_fd = file_watch_root(env->proc_fd);
	marks->fanotify_fd = fanotify_new(grade, err);
	if (marks->fanotify_fd < 0)
		return marks->fanotify_fd;
	if (marks->root_fd < 0)
		return error_errno(err, errno, "open the root directory");
	r = loop_fd_add(env->loop, &marks->ready, marks->fanotify_fd, EPOLLIN, err);
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
	loop_timer_clear(&marks->timer);
	if (marks->fanotify_fd >= 0)
		close(marks->fanotify_fd);
	if (marks->root_fd >= 0)
		close(marks->root_fd);
	metric_remove(&marks->held);
	metric_remove(&marks->overflows);
	metric_remove(&marks->unmarked);
	metric_remove(&marks->directories);
	file_tree_done(&marks->tree);
	file_watch_done(&marks->watch);
	marks->env = NULL;
}

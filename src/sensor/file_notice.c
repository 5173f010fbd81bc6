/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file_notice.h"

#include <sys/fanotify.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/clock.h"
#include "sensor/file_event.h"
#include "sensor/file_open.h"

#define FILE_NOTICE_WRITES_NS NS_PER_S

#define FILE_NOTICE_RENAME (FAN_RENAME | FAN_MOVED_FROM | FAN_MOVED_TO)

/* --- places --- */

/* The place of what has a mark itself. */
static struct file_place file_place_of_node(struct file_node *node)
{
	return (struct file_place){
		.dir = node->parent ? node->parent : node,
		.name = slice_of(node->name),
		.device = node->device,
		.watched = node->at.rule == RING_FILE_RULE_watch,
	};
}

struct file_place file_place_of(const struct file_tree *tree, struct slice directory,
				struct slice name, struct slice file)
{
	struct file_node *dir = file_tree_find(tree, directory);
	struct file_node *known = dir && !slice_is(name, ".") ? NULL : dir;
	struct file_place place = { .dir = dir, .name = name };

	if (dir && !known) {
		place.device = dir->device;
		place.watched =
			file_watch_step(tree->watch, dir->at, name).rule == RING_FILE_RULE_watch;
	}
	if (!known && !place.watched) {
		known = file_tree_find(tree, file);
		if (known && !known->is_file)
			known = NULL;
	}
	return known ? file_place_of_node(known) : place;
}

static void file_place_put(struct ring_file *record, const struct file_place *place, bool other)
{
	char names[RING_FILE_NAMES];
	size_t bytes;
	bool cut;

	if (!place->dir)
		return;
	bytes = file_node_names(place->dir, place->name, names, &cut);
	if (record->path_bytes + bytes > RING_FILE_NAMES) {
		bytes = 0;
		cut = true;
	}
	memcpy(record->names + record->path_bytes, names, bytes);
	if (other)
		record->other_bytes = (uint32_t)bytes;
	else
		record->path_bytes = (uint32_t)bytes;
	if (cut)
		record->facts |= other ? RING_FILE_other_cut : RING_FILE_cut;
}

/* --- one record --- */

/* On its way to become events. */
struct file_notice {
	struct file_notices *notices;
	const struct file_place *place; /* where it is now */
	struct slice key;
	uint64_t mask;
	bool looked;
	struct ring_file record;
};

/* Looks at the file, once. */
static void file_notice_look(struct file_notice *notice)
{
	struct ring_file *record = &notice->record;
	struct stat stat;

	if (notice->looked)
		return;
	notice->looked = true;
	auto_fd int fd = notice->key.bytes
				 ? file_open_file(notice->notices->tree, notice->place->dir,
						  notice->place->name, notice->key)
				 : -1;
	if (fd < 0 || fstat(fd, &stat) < 0) {
		record->facts |= RING_FILE_gone;
		return;
	}
	record->mode = (uint16_t)stat.st_mode;
	record->links = (uint32_t)stat.st_nlink;
	record->inode = stat.st_ino;
	record->device = notice->place->device;
	record->owner = stat.st_uid;
	record->group = stat.st_gid;
	record->size_bytes = (uint64_t)stat.st_size;
}

static void file_notice_emit(struct file_notice *notice, enum ring_file_what what)
{
	struct file_notices *notices = notice->notices;
	struct ring_file *record = &notice->record;
	struct event event;

	if (!file_rate_allows(&notices->rate, record->head.pid, record->head.boot_ns,
			      &record->held))
		return;
	file_notice_look(notice);
	record->what = (uint8_t)what;
	if (!file_event_fill(&event, record))
		return;
	if (notice->mask)
		file_event_put_mask(&event, notice->mask);
	notices->env->out->emit(notices->env->out, &event);
}

/* A name has come. Whose other name it is, if it is a link, isn't told. */
static void file_notice_tell_name(struct file_notice *notice)
{
	struct ring_file *record = &notice->record;

	file_notice_look(notice);
	if (S_ISDIR(record->mode) || notice->mask & FAN_ONDIR) {
		file_notice_emit(notice, RING_FILE_mkdir);
	} else if (S_ISLNK(record->mode)) {
		file_notice_emit(notice, RING_FILE_symlink);
	} else if (record->links > 1) {
		record->other_bytes = record->path_bytes;
		record->path_bytes = 0;
		file_notice_emit(notice, RING_FILE_link);
		record->path_bytes = record->other_bytes;
		record->other_bytes = 0;
	} else {
		record->facts |= RING_FILE_created;
		file_notice_emit(notice, RING_FILE_change);
		record->facts &= (uint8_t)~RING_FILE_created;
	}
}

/* What a mask has, in the order in which it can only have happened. */
static void file_notice_tell(struct file_notice *notice)
{
	static const struct {
		uint64_t any;
		enum ring_file_what what;
	} rows[] = {
		{ FAN_OPEN, RING_FILE_open },	      { FAN_MODIFY | FAN_ATTRIB, RING_FILE_change },
		{ FAN_CLOSE_WRITE, RING_FILE_close }, { FILE_NOTICE_RENAME, RING_FILE_rename },
		{ FAN_DELETE, RING_FILE_delete },
	};
	uint64_t left = notice->mask;

	if (left & FAN_CREATE && left & FAN_OPEN && !(left & FAN_ONDIR))
		notice->record.facts |= RING_FILE_created; /* the open tells it */
	else if (left & FAN_CREATE)
		file_notice_tell_name(notice);
	if (left & FAN_CLOSE_WRITE)
		left &= ~(uint64_t)FAN_MODIFY; /* the close tells it */
	for (size_t n = 0; n < array_count(rows); n++) {
		if (left & rows[n].any)
			file_notice_emit(notice, rows[n].what);
		notice->record.facts &= (uint8_t)~RING_FILE_created;
	}
}

/* --- all of them --- */

void file_notices_init(struct file_notices *notices, const struct sensor_env *env,
		       const struct file_tree *tree)
{
	notices->env = env;
	notices->tree = tree;
	notices->rate.limit = env->settings->watch.file_rate;
	list_init(&notices->found);
	if (getrandom(notices->seed, sizeof(notices->seed), 0) < 0)
		notices->seed[0] = clock_mono_ns();
}

static bool file_notices_want(const struct file_notices *notices, uint32_t pid, uint64_t boot_ns)
{
	struct process_feed *processes = notices->env->processes;
	uint32_t above = notices->env->settings->only_under;

	return pid != (uint32_t)getpid() &&
	       (above == 0 || processes->is_under(processes, pid, above, boot_ns));
}

/* Who writes on and on, to a log, is told of once a second for each file; its close tells the end.
 */
static bool file_notices_told_write(struct file_notices *notices,
				    const struct fanotify_record *told, uint64_t boot_ns)
{
	uint64_t hash = map_siphash(notices->seed, told->file) + told->pid;
	struct file_notice_write *write = &notices->writes[hash % FILE_NOTICE_WRITES];

	if (told->mask != FAN_MODIFY || told->file.bytes == 0)
		return false;
	if (write->hash == hash && boot_ns - write->told_ns < FILE_NOTICE_WRITES_NS)
		return true;
	*write = (struct file_notice_write){ .hash = hash, .told_ns = boot_ns };
	return false;
}

static void file_notices_forget(struct file_notices *notices, const struct file_place *place);

void file_notices_tell(struct file_notices *notices, const struct fanotify_record *told,
		       const struct file_place *from, const struct file_place *to, uint64_t boot_ns)
{
	struct file_notice notice = {
		.notices = notices,
		.place = to->dir ? to : from,
		.key = slice_is(told->name, ".") ? told->directory : told->file,
		.mask = told->mask,
		.record = { .facts = RING_FILE_marked },
	};

	if (told->mask & (FAN_CREATE | FILE_NOTICE_RENAME))
		file_notices_forget(notices, notice.place);
	if (!(from->watched || to->watched) || !file_notices_want(notices, told->pid, boot_ns) ||
	    file_notices_told_write(notices, told, boot_ns))
		return;
	notice.record.head.pid = notice.record.head.tid = told->pid;
	notice.record.head.boot_ns = boot_ns;
	file_place_put(&notice.record, from, false);
	file_place_put(&notice.record, to, true);
	file_notice_tell(&notice);
}

/* --- found --- */

struct file_notice_found {
	struct list node;
	struct fanotify_key dir, file;
	char name[RING_FILE_NAME + 1];
};

static void file_notices_drop(struct file_notices *notices, struct file_notice_found *found)
{
	list_unlink(&found->node);
	free(found);
	notices->found_count--;
}

static void file_notices_forget(struct file_notices *notices, const struct file_place *place)
{
	struct file_notice_found *found;

	if (list_is_empty(&notices->found) || !place->dir)
		return;
	list_each(&notices->found, found, node) {
		struct slice key = { found->dir.at, found->dir.bytes };

		if (slice_is(place->name, found->name) &&
		    file_tree_find(notices->tree, key) == place->dir) {
			file_notices_drop(notices, found);
			return;
		}
	}
}

void file_notices_find(struct file_notices *notices, const struct file_node *dir, struct slice name,
		       const struct fanotify_key *key)
{
	struct file_notice_found *found;

	if (sensor_needs_owner(notices->env->settings))
		return;
	found = notices->found_count < FILE_NOTICE_FOUND ? malloc(sizeof(*found)) : NULL;
	if (!found) {
		notices->lost++;
		return;
	}
	found->file = *key;
	found->dir.bytes = dir->key_bytes;
	memcpy(found->dir.at, dir->key, dir->key_bytes);
	slice_copy(name, found->name, sizeof(found->name));
	list_append(&notices->found, &found->node);
	notices->found_count++;
}

static void file_notices_tell_found(struct file_notices *notices,
				    const struct file_notice_found *found, uint64_t boot_ns)
{
	struct slice dir = { found->dir.at, found->dir.bytes };
	struct file_place place =
		file_place_of(notices->tree, dir, slice_of(found->name), (struct slice){ 0 });
	struct file_notice notice = {
		.notices = notices,
		.place = &place,
		.key = { found->file.at, found->file.bytes },
		.record = { .facts = RING_FILE_marked },
	};

	if (!place.dir)
		return;
	notice.record.head.boot_ns = boot_ns;
	file_place_put(&notice.record, &place, false);
	file_notice_tell_name(&notice);
}

void file_notices_settle(struct file_notices *notices, uint64_t boot_ns)
{
	struct file_notice_found *found;

	while ((found = list_first(&notices->found, struct file_notice_found, node))) {
		file_notices_tell_found(notices, found, boot_ns);
		file_notices_drop(notices, found);
	}
}

void file_notices_done(struct file_notices *notices)
{
	struct file_notice_found *found;

	if (!notices->env)
		return;
	while ((found = list_first(&notices->found, struct file_notice_found, node)))
		file_notices_drop(notices, found);
}

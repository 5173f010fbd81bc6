/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/mgr/subids.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#define SUBIDS_LIMIT_BYTES (16u << 20)

/* The four files that say who lives where. */
struct subids_files {
	struct text subuid, subgid, passwd, group;
};

static void subids_files_done(struct subids_files *files)
{
	text_done(&files->subuid);
	text_done(&files->subgid);
	text_done(&files->passwd);
	text_done(&files->group);
}

static int subids_read(const char *path, struct text *text, struct error *err)
{
	int r = file_read(path, SUBIDS_LIMIT_BYTES, text, err);

	return r == -ENOENT ? 0 : r;
}

static int subids_read_all(const struct manager *manager, struct subids_files *files,
			   struct error *err)
{
	struct paths_buffer passwd, group;
	int r = daemon_path(manager->daemon, PATHS_PASSWD, &passwd, err);

	if (r == 0)
		r = daemon_path(manager->daemon, PATHS_GROUP, &group, err);
	if (r == 0)
		r = subids_read(manager->subuid.path, &files->subuid, err);
	if (r == 0)
		r = subids_read(manager->subgid.path, &files->subgid, err);
	if (r == 0)
		r = subids_read(passwd.path, &files->passwd, err);
	if (r == 0)
		r = subids_read(group.path, &files->group, err);
	return r;
}

static int subids_append(const char *path, struct text *text, const char *user,
			 struct ids_range range, struct error *err)
{
	struct stat info;
	int r = paths_make_parent(path, 0755, err);

	if (r < 0)
		return r;
	if (text->bytes && text->at[text->bytes - 1] != '\n')
		text_putc(text, '\n');
	text_printf(text, "%s:%u:%u\n", user, range.first, range.count);
	if (text->failed)
		return error_errno(err, ENOMEM, "write '%s'", path);
	return file_replace(path, text_slice(text),
			    stat(path, &info) == 0 ? info.st_mode & 0777 : 0644, err);
}

/* Ours, as both files say it alike; made when it is in neither. */
static int subids_range(const struct manager *manager, struct subids_files *files,
			struct ids_range *range, struct error *err)
{
	const char *user = manager->daemon->settings.subid_user;
	struct ids_range groups;
	bool in_subuid = ids_find(text_slice(&files->subuid), slice_of(user), range);
	bool in_subgid = ids_find(text_slice(&files->subgid), slice_of(user), &groups);
	uint64_t count = manager->daemon->settings.slot_count * IDS_SLOT_IDS;
	int r;

	if (in_subuid && in_subgid && range->first == groups.first && range->count == groups.count)
		return 0;
	if (in_subuid || in_subgid)
		return error_say(err, EINVAL,
				 "'%s' and '%s' differ in the first range of '%s': make the lines "
				 "the same, or remove both to have them made",
				 manager->subuid.path, manager->subgid.path, user);
	if (count > UINT32_MAX || !ids_place(text_slice(&files->subuid), text_slice(&files->subgid),
					     text_slice(&files->passwd), text_slice(&files->group),
					     (uint32_t)count, range))
		return error_say(err, ENOSPC,
				 "no place for %llu ids in '%s' and '%s': use --subid-containers "
				 "with less than %llu",
				 (unsigned long long)count, manager->subuid.path,
				 manager->subgid.path,
				 (unsigned long long)manager->daemon->settings.slot_count);
	r = subids_append(manager->subuid.path, &files->subuid, user, *range, err);
	if (r == 0)
		r = subids_append(manager->subgid.path, &files->subgid, user, *range, err);
	if (r == 0)
		log_info("ids %u to %u are now those of '%s' in '%s' and '%s'", range->first,
			 range->first + range->count - 1, user, manager->subuid.path,
			 manager->subgid.path);
	return r;
}

static uint64_t subids_changed_ns(const struct manager *manager)
{
	const char *const paths[] = { manager->subuid.path, manager->subgid.path };
	uint64_t newest = 0;

	for (size_t n = 0; n < array_count(paths); n++) {
		struct stat info;
		uint64_t ns;

		if (stat(paths[n], &info) < 0)
			continue;
		ns = (uint64_t)info.st_ctim.tv_sec * NS_PER_S + (uint64_t)info.st_ctim.tv_nsec;
		if (ns > newest)
			newest = ns;
	}
	return newest;
}

static void subids_block(struct manager *manager, const struct subids_files *files)
{
	struct slice user = slice_of(manager->daemon->settings.subid_user);
	uint32_t blocked = ids_block(&manager->slots, text_slice(&files->subuid), user);

	blocked += ids_block(&manager->slots, text_slice(&files->subgid), user);
	if (blocked)
		log_warning("%u ranges of '%s' belong to others, too, and are not given to "
			    "containers; see '%s' and '%s'",
			    blocked, manager->daemon->settings.subid_user, manager->subuid.path,
			    manager->subgid.path);
}

void subids_refresh(struct manager *manager)
{
	struct subids_files files = { 0 };
	uint64_t changed_ns = subids_changed_ns(manager);
	struct error err;

	if (changed_ns == manager->subids_seen_ns)
		return;
	if (subids_read_all(manager, &files, &err) < 0) {
		log_warning("who else owns ids is not known: %s", err.text);
	} else {
		subids_block(manager, &files);
		manager->subids_seen_ns = changed_ns;
	}
	subids_files_done(&files);
}

int subids_open(struct manager *manager, struct error *err)
{
	struct subids_files files = { 0 };
	struct ids_range range;
	int r;

	r = daemon_path(manager->daemon, PATHS_SUBUID, &manager->subuid, err);
	if (r == 0)
		r = daemon_path(manager->daemon, PATHS_SUBGID, &manager->subgid, err);
	if (r == 0)
		r = subids_read_all(manager, &files, err);
	if (r == 0)
		r = subids_range(manager, &files, &range, err);
	if (r == 0)
		r = ids_slots_init(&manager->slots, range, IDS_SLOT_IDS, err);
	if (r == 0) {
		subids_block(manager, &files);
		manager->subids_seen_ns = subids_changed_ns(manager);
	}
	subids_files_done(&files);
	return r;
}

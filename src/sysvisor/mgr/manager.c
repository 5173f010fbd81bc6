/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/mgr/manager.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "sysvisor/mgr/subids.h"

/* --- removal --- */

static void manager_forget(struct manager *manager, struct record *record)
{
	struct error err;

	map_take(&manager->records, slice_of(record->id));
	watch_remove(&manager->watch, record->watch);
	if (record->exclusive)
		ids_release(&manager->slots, record->ids);
	volume_remove(&manager->volumes, record->id);
	if (state_write_gone(&manager->state, record->id, &err) < 0)
		log_error("container '%s' is gone, but comes back with the next start: %s",
			  record->id, err.text);
	else if (state_compact(&manager->state, &manager->records, false, &err) < 0)
		log_warning("%s", err.text);
	log_info("container '%s' is removed", record->id);
	record_free(record);
}

static void manager_on_gone(struct watch *watch, int number)
{
	struct manager *manager = container_of(watch, struct manager, watch);
	struct record *record;

	/* One directory may be that of several containers: look again after each. */
	for (;;) {
		bool found = false;

		map_each(&manager->records, record) {
			if (record->watch == number && record->state != RECORD_running) {
				found = true;
				break;
			}
		}
		if (!found)
			return;
		manager_forget(manager, record);
	}
}

/* What a container is stored in; removal of that is removal of the container. */
static const char *record_home(const struct record *record)
{
	return record->storage[0] ? record->storage : record->bundle;
}

static void manager_watch(struct manager *manager, struct record *record)
{
	struct error err;

	if (record->watch >= 0 || !record_home(record)[0])
		return;
	record->watch = watch_add(&manager->watch, record_home(record), &err);
	if (record->watch < 0 && record->watch != -ENOENT)
		log_warning("container '%s': its removal goes unnoticed: %s", record->id, err.text);
}

/* --- registration --- */

static int manager_set_text(char **text, const char *value, struct error *err)
{
	char *copy = strdup(value ? value : "");

	if (!copy)
		return error_errno(err, ENOMEM, "register");
	free(*text);
	*text = copy;
	return 0;
}

static int manager_fill(struct record *record, const Sysvisor__V1__ManagerRegisterRequest *request,
			struct error *err)
{
	int r = manager_set_text(&record->bundle, request->bundle, err);

	if (r == 0)
		r = manager_set_text(&record->rootfs, request->rootfs, err);
	if (r == 0)
		r = manager_set_text(&record->storage, request->storage, err);
	for (size_t n = 0; n < request->n_volumes && r == 0; n++) {
		int kind = volume_find(request->volumes[n]->kind);

		if (kind < 0)
			return error_say(err, EINVAL, "register '%s': volume '%s' is not known",
					 record->id, request->volumes[n]->kind);
		r = manager_set_text(&record->destinations[kind], request->volumes[n]->destination,
				     err);
	}
	return r;
}

struct record *manager_network_owner(const struct manager *manager, uint64_t network_namespace)
{
	struct record *record;

	map_each(&manager->records, record) {
		if (network_namespace && record->network_namespace == network_namespace &&
		    record->state == RECORD_running)
			return record;
	}
	return NULL;
}

/* Ids that the engine chose, those of the container whose network is shared, or a range of its
 * own. */
static int manager_give_ids(struct manager *manager, struct record *record,
			    const Sysvisor__V1__ManagerRegisterRequest *request, struct error *err)
{
	const struct record *owner = manager_network_owner(manager, request->network_namespace);
	const Sysvisor__V1__IdMap *map = request->n_uid_mappings ? request->uid_mappings[0] : NULL;

	if (record->exclusive && (map || owner))
		ids_release(&manager->slots, record->ids);
	if (map) {
		record->exclusive = false;
		record->ids = (struct ids_range){ map->host_first, map->count };
		return 0;
	}
	if (owner) {
		record->exclusive = false;
		record->ids = owner->ids;
		return 0;
	}
	if (record->exclusive)
		return 0;
	subids_refresh(manager);
	record->exclusive = true;
	return ids_take(&manager->slots, &record->ids, err);
}

static int manager_make_volumes(struct manager *manager, const struct record *record,
				struct error *err)
{
	int r = 0;

	for (size_t n = 0; n < VOLUME_COUNT && r == 0; n++) {
		const char *destination = record->destinations[n];

		/* With our ids the runtime binds it through an id mapping. */
		if (!destination || destination[0])
			r = volume_make(&manager->volumes, (enum volume_kind)n, record->id,
					record->exclusive ? 0 : record->ids.first, err);
	}
	return r;
}

/* Undone when it fails, but for a known container's. */
static int manager_settle(struct manager *manager, struct record *record, bool known,
			  struct error *err)
{
	int r = manager_make_volumes(manager, record, err);

	record->state = RECORD_registered;
	record->init_pid = 0;
	record->user_namespace = record->network_namespace = 0;
	if (r == 0)
		r = state_write(&manager->state, record, err);
	if (r == 0 && !known)
		r = map_put(&manager->records, record, err);
	if (r < 0 && !known) {
		volume_remove(&manager->volumes, record->id);
		if (record->exclusive)
			ids_release(&manager->slots, record->ids);
	}
	return r;
}

int manager_add(struct manager *manager, const Sysvisor__V1__ManagerRegisterRequest *request,
		struct record **ret_record, bool *ret_known, struct error *err)
{
	struct record *record = map_get(&manager->records, slice_of(request->id));
	bool known = record != NULL;
	int r;

	if (!record_id_is_valid(request->id))
		return error_say(err, EINVAL,
				 "'%s' is no container id: letters, digits, '_', '+', '-', '.'",
				 request->id);
	if (!known)
		record = record_new(request->id);
	if (!record)
		return error_errno(err, ENOMEM, "register '%s'", request->id);
	if (!known)
		record->created_ms = clock_wall_ns() / NS_PER_MS;
	watch_remove(&manager->watch, record->watch);
	record->watch = -1;
	r = manager_fill(record, request, err);
	if (r == 0)
		r = manager_give_ids(manager, record, request, err);
	if (r == 0)
		r = manager_settle(manager, record, known, err);
	if (r < 0) {
		if (!known)
			record_free(record);
		return error_wrap(err, r, "register '%s'", request->id);
	}
	manager_watch(manager, record);
	log_info("container '%s' has ids %u to %u%s", record->id, record->ids.first,
		 record->ids.first + record->ids.count - 1, known ? ", as before" : "");
	*ret_record = record;
	*ret_known = known;
	return 0;
}

int manager_change(struct manager *manager, const Sysvisor__V1__ManagerUpdateRequest *request,
		   struct error *err)
{
	struct record *record = map_get(&manager->records, slice_of(request->id));

	if (!record)
		return error_say(err, ENOENT, "container '%s' is not registered", request->id);
	record->state = RECORD_running;
	record->init_pid = request->init_pid;
	record->user_namespace = request->user_namespace;
	record->network_namespace = request->network_namespace;
	return state_write(&manager->state, record, err);
}

int manager_end(struct manager *manager, const char *id, bool removed, struct error *err)
{
	struct record *record = map_get(&manager->records, slice_of(id));

	if (!record)
		return 0;
	if (removed || !record->storage[0] || access(record->storage, F_OK) < 0) {
		manager_forget(manager, record);
		return 0;
	}
	record->state = RECORD_stopped;
	record->init_pid = 0;
	record->user_namespace = record->network_namespace = 0;
	log_info("container '%s' is stopped", id);
	return state_write(&manager->state, record, err);
}

/* --- start and end --- */

static struct slice manager_key(const void *item)
{
	return slice_of(((const struct record *)item)->id);
}

bool manager_user_namespace(const struct record *record, char *path, size_t room)
{
	struct stat info;

	snprintf(path, room, "/proc/%u/ns/user", record->init_pid);
	return record->init_pid && stat(path, &info) == 0 && info.st_ino == record->user_namespace;
}

/* What happened while nobody was here: perhaps the machine was started anew. */
static void manager_catch_up(struct manager *manager)
{
	struct record *record;
	bool again = true;

	map_each(&manager->records, record) {
		char path[64];

		if (record->exclusive)
			ids_mark(&manager->slots, record->ids);
		if (record->state == RECORD_running &&
		    !manager_user_namespace(record, path, sizeof(path)))
			record->state = RECORD_stopped;
		manager_watch(manager, record);
	}
	while (again) {
		again = false;
		map_each(&manager->records, record) {
			again = record->state != RECORD_running && record->watch == -ENOENT;
			if (again)
				break;
		}
		if (again)
			manager_forget(manager, record);
	}
}

static void manager_check_volumes(const struct manager *manager)
{
	struct statfs info;

	if (statfs(manager->volume_root.path, &info) == 0 &&
	    (info.f_type == TMPFS_MAGIC || info.f_type == OVERLAYFS_SUPER_MAGIC))
		log_warning("volumes '%s' are on %s: engines inside containers can't put their "
			    "overlays there; use --volumes with a directory on a disk",
			    manager->volume_root.path,
			    info.f_type == TMPFS_MAGIC ? "a tmpfs" : "an overlay");
}

static int manager_open(struct manager *manager, struct error *err)
{
	struct daemon *daemon = manager->daemon;
	struct paths_buffer directory, journal;
	size_t skipped;
	int r;

	r = daemon_path(daemon, PATHS_MGR_STATE, &directory, err);
	if (r == 0)
		r = daemon_path(daemon, PATHS_MGR_STATE "/containers", &journal, err);
	if (r == 0)
		r = paths_make_directory(directory.path, 0700, err);
	if (r == 0)
		r = daemon_path(daemon, daemon->settings.volumes, &manager->volume_root, err);
	if (r == 0)
		r = daemon_path(daemon, PATHS_FS_MOUNT, &manager->fs_mount, err);
	if (r == 0)
		r = worker_new(&manager->worker, daemon->loop, err);
	if (r == 0)
		r = state_open(&manager->state, journal.path, manager->worker, &manager->records,
			       &skipped, err);
	if (r == 0 && skipped)
		log_error("'%s': %zu lines could not be read and are dropped", journal.path,
			  skipped);
	if (r == 0)
		r = volumes_init(&manager->volumes, manager->volume_root.path, manager->worker,
				 err);
	return r;
}

int manager_start(struct daemon *daemon, struct error *err)
{
	struct manager *manager = calloc(1, sizeof(*manager));
	struct paths_buffer socket;
	int r;

	if (!manager)
		return error_errno(err, ENOMEM, "start");
	daemon->owner = manager;
	manager->daemon = daemon;
	manager->state.fd = manager->volumes.trash_fd = manager->watch.inotify.fd = -1;
	manager->watch.gone = manager_on_gone;
	map_init(&manager->records, manager_key);
	r = manager_open(manager, err);
	if (r == 0)
		r = watch_init(&manager->watch, daemon->loop, err);
	if (r == 0)
		r = subids_open(manager, err);
	if (r < 0)
		return r;
	manager_check_volumes(manager);
	manager_catch_up(manager);
	manager->service = (struct grpc_service){
		.descriptor = &sysvisor__v1__manager__descriptor,
		.handlers = manager_handlers,
		.owner = manager,
	};
	r = daemon_path(daemon, PATHS_MGR_SOCKET, &socket, err);
	if (r == 0)
		r = grpc_server_new(&manager->server, daemon->loop, socket.path, &manager->service,
				    err);
	if (r == 0)
		log_info("%zu containers known, ids %u to %u, %u of %u ranges in use",
			 manager->records.count, manager->slots.range.first,
			 manager->slots.range.first + manager->slots.range.count - 1,
			 manager->slots.used, manager->slots.count);
	return r;
}

void manager_stop(struct daemon *daemon)
{
	struct manager *manager = daemon->owner;
	struct record *record;

	if (!manager)
		return;
	grpc_server_free(manager->server);
	worker_free(manager->worker);
	state_close(&manager->state);
	volumes_done(&manager->volumes);
	watch_done(&manager->watch);
	map_each(&manager->records, record)
		record_free(record);
	map_done(&manager->records);
	ids_slots_done(&manager->slots);
	free(manager);
}

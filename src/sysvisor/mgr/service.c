/* SPDX-License-Identifier: Apache-2.0 */
/* service - sysvisor-mgr's gRPC calls: messages in, messages out. */
#include <errno.h>
#include <limits.h>

#include "sysvisor/mgr/manager.h"

static void manager_refuse(struct grpc_request *request, const struct error *err)
{
	static const struct {
		int code;
		enum grpc_status status;
	} rows[] = {
		{ ENOENT, GRPC_not_found },	     { EEXIST, GRPC_already_exists },
		{ EINVAL, GRPC_invalid_argument },   { ENOSPC, GRPC_resource_exhausted },
		{ ENOMEM, GRPC_resource_exhausted }, { EBUSY, GRPC_failed_precondition },
	};
	enum grpc_status status = GRPC_internal;

	for (size_t n = 0; n < array_count(rows); n++)
		if (rows[n].code == err->code)
			status = rows[n].status;
	grpc_refuse(request, status, err->text);
}

static void manager_answer_empty(struct grpc_request *request)
{
	Sysvisor__V1__Empty empty = SYSVISOR__V1__EMPTY__INIT;

	grpc_answer(request, &empty.base);
}

/* --- parts of messages --- */

struct service_volumes {
	Sysvisor__V1__Volume volumes[VOLUME_COUNT], *pointers[VOLUME_COUNT];
	char sources[VOLUME_COUNT][PATH_MAX];
	size_t count;
};

static void service_fill_volumes(const struct manager *manager, const struct record *record,
				 struct service_volumes *all)
{
	all->count = 0;
	for (size_t n = 0; n < VOLUME_COUNT; n++) {
		Sysvisor__V1__Volume *volume = &all->volumes[all->count];
		const char *own = record->destinations[n];
		char *source = all->sources[all->count];

		if ((own && !own[0]) || volume_path(&manager->volumes, (enum volume_kind)n,
						    record->id, source, PATH_MAX) < 0)
			continue;
		sysvisor__v1__volume__init(volume);
		volume->kind = (char *)(uintptr_t)volume_rows[n].name;
		volume->destination = (char *)(uintptr_t)(own ? own : volume_rows[n].destination);
		volume->source = source;
		volume->mode = volume_rows[n].mode;
		all->pointers[all->count++] = volume;
	}
}

static void service_fill_ids(struct ids_range range, Sysvisor__V1__IdMap *map)
{
	sysvisor__v1__id_map__init(map);
	map->host_first = range.first;
	map->count = range.count;
}

/* --- calls --- */

static void on_register(struct grpc_request *request, const ProtobufCMessage *message)
{
	const Sysvisor__V1__ManagerRegisterRequest *asked = (const void *)message;
	struct manager *manager = grpc_owner(request);
	Sysvisor__V1__ManagerRegisterAnswer answer = SYSVISOR__V1__MANAGER_REGISTER_ANSWER__INIT;
	struct service_volumes *volumes = malloc(sizeof(*volumes));
	const struct record *owner;
	struct record *record;
	Sysvisor__V1__IdMap ids;
	char join[64] = "";
	bool known;
	struct error err = { .code = ENOMEM, .text = "out of memory" };
	int r = -ENOMEM;

	if (volumes)
		r = manager_add(manager, asked, &record, &known, &err);
	if (r < 0) {
		manager_refuse(request, &err);
		free(volumes);
		return;
	}
	owner = manager_network_owner(manager, asked->network_namespace);
	if (!owner || owner == record || !manager_user_namespace(owner, join, sizeof(join)))
		join[0] = '\0';
	service_fill_volumes(manager, record, volumes);
	service_fill_ids(record->ids, &ids);
	if (asked->n_uid_mappings == 0)
		answer.ids = &ids;
	answer.n_volumes = volumes->count;
	answer.volumes = volumes->pointers;
	answer.filesystem_mount = manager->fs_mount.path;
	answer.join_user_namespace = join;
	answer.known = known;
	grpc_answer(request, &answer.base);
	free(volumes);
}

static void on_update(struct grpc_request *request, const ProtobufCMessage *message)
{
	struct error err;

	if (manager_change(grpc_owner(request), (const void *)message, &err) < 0)
		manager_refuse(request, &err);
	else
		manager_answer_empty(request);
}

static void on_unregister(struct grpc_request *request, const ProtobufCMessage *message)
{
	const Sysvisor__V1__ManagerUnregisterRequest *asked = (const void *)message;
	struct error err;

	if (manager_end(grpc_owner(request), asked->id, asked->removed, &err) < 0)
		manager_refuse(request, &err);
	else
		manager_answer_empty(request);
}

struct service_entry {
	Sysvisor__V1__ManagerContainer container;
	Sysvisor__V1__IdMap ids;
};

static void service_fill_entry(const struct record *record, struct service_entry *entry)
{
	Sysvisor__V1__ManagerContainer *container = &entry->container;

	sysvisor__v1__manager_container__init(container);
	service_fill_ids(record->ids, &entry->ids);
	container->id = record->id;
	container->state = (char *)(uintptr_t)record_state_names[record->state];
	container->ids = &entry->ids;
	container->exclusive_ids = record->exclusive;
	container->init_pid = record->init_pid;
	container->bundle = record->bundle;
	container->rootfs = record->rootfs;
	container->storage = record->storage;
	container->created_ms = record->created_ms;
}

static void on_list(struct grpc_request *request, const ProtobufCMessage *message)
{
	const struct manager *manager = grpc_owner(request);
	Sysvisor__V1__ManagerListAnswer answer = SYSVISOR__V1__MANAGER_LIST_ANSWER__INIT;
	size_t count = manager->records.count;
	auto_free struct service_entry *entries = calloc(count + 1, sizeof(*entries));
	auto_free Sysvisor__V1__ManagerContainer **pointers = calloc(count + 1, sizeof(*pointers));
	const struct record *record;
	Sysvisor__V1__IdMap range;
	size_t n = 0;

	(void)message;
	if (!entries || !pointers) {
		grpc_refuse(request, GRPC_resource_exhausted, "out of memory");
		return;
	}
	map_each(&manager->records, record) {
		service_fill_entry(record, &entries[n]);
		pointers[n] = &entries[n].container;
		n++;
	}
	service_fill_ids(manager->slots.range, &range);
	answer.n_containers = n;
	answer.containers = pointers;
	answer.range = &range;
	answer.slot_ids = manager->slots.slot_ids;
	answer.slot_count = manager->slots.count;
	answer.slots_used = manager->slots.used;
	grpc_answer(request, &answer.base);
}

static void on_version(struct grpc_request *request, const ProtobufCMessage *message)
{
	const struct manager *manager = grpc_owner(request);
	Sysvisor__V1__VersionAnswer answer = SYSVISOR__V1__VERSION_ANSWER__INIT;

	(void)message;
	daemon_fill_version(manager->daemon, &answer);
	grpc_answer(request, &answer.base);
}

static void on_health(struct grpc_request *request, const ProtobufCMessage *message)
{
	const struct manager *manager = grpc_owner(request);
	Sysvisor__V1__HealthAnswer answer = SYSVISOR__V1__HEALTH_ANSWER__INIT;

	(void)message;
	answer.healthy = manager->slots.used < manager->slots.count;
	answer.reason = (char *)(uintptr_t)(answer.healthy ? "" : "exclusive id range exhausted");
	answer.uptime_ms = daemon_uptime_ms(manager->daemon);
	answer.container_count = (uint32_t)manager->records.count;
	grpc_answer(request, &answer.base);
}

/* In the order of wire/sysvisor.proto. */
grpc_handler *const manager_handlers[] = {
	on_register, on_update, on_unregister, on_list, on_version, on_health,
};

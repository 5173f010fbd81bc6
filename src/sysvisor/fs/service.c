/* SPDX-License-Identifier: Apache-2.0 */
/* service - sysvisor-fs's gRPC calls: messages in, messages out. */
#include <errno.h>

#include "base/clock.h"
#include "sysvisor/fs/node.h"
#include "sysvisor/fs/session.h"

#define SERVICE_BINDS  64
#define SERVICE_ILL_NS (60 * NS_PER_S)

static void service_refuse(struct grpc_request *request, const struct error *err)
{
	grpc_refuse(request,
		    err->code == EINVAL				 ? GRPC_invalid_argument
		    : err->code == ESRCH			 ? GRPC_not_found
		    : err->code == EBUSY			 ? GRPC_failed_precondition
		    : err->code == ENOMEM || err->code == ENOSPC ? GRPC_resource_exhausted
								 : GRPC_internal,
		    err->text);
}

/* --- binds --- */

struct service_binds {
	Sysvisor__V1__Bind binds[SERVICE_BINDS], *pointers[SERVICE_BINDS];
	char sources[SERVICE_BINDS][600], targets[SERVICE_BINDS][128];
	size_t count;
};

static void service_add_bind(struct service_binds *binds, const char *mount, const char *path,
			     bool read_only, bool directory)
{
	Sysvisor__V1__Bind *bind = &binds->binds[binds->count];

	if (binds->count == SERVICE_BINDS)
		return;
	sysvisor__v1__bind__init(bind);
	bind->source = binds->sources[binds->count];
	bind->target = binds->targets[binds->count];
	snprintf(bind->source, sizeof(binds->sources[0]), "%s/%s", mount, path);
	snprintf(bind->target, sizeof(binds->targets[0]), "/%s", path);
	bind->read_only = read_only;
	bind->directory = directory;
	binds->pointers[binds->count++] = bind;
}

/* Over what isn't there nothing can be bound; the container's own /proc and /sys have what the
 * host's have. A view that shows nothing here (pressure without cgroup v2) is left alone. */
bool server_shows(const struct server *server, struct container *container,
		  const struct node_row *row)
{
	auto_text struct text out = { 0 };
	struct show_room *room;
	struct show show;
	char path[256];
	bool works = true;

	snprintf(path, sizeof(path), "/%s", row->path);
	if (!row->bind || access(path, F_OK) < 0)
		return false;
	if (row->kind == NODE_view) {
		room = calloc(1, sizeof(*room));
		show = (struct show){ .server = (struct server *)(uintptr_t)server,
				      .container = container,
				      .room = room,
				      .out = &out };
		works = room && row->show(&show) == 0;
		if (room) {
			text_done(&room->host);
			text_done(&room->group);
			text_done(&room->more);
		}
		free(room);
	}
	return works;
}

static void service_fill_binds(const struct server *server, struct container *container,
			       const char *mount, struct service_binds *binds)
{
	binds->count = 0;
	service_add_bind(binds, mount, "proc/sys", false, true);
	for (size_t n = 0; n < node_count; n++) {
		const struct node_row *row = &node_rows[n];

		if (server_shows(server, container, row))
			service_add_bind(binds, mount, row->path,
					 row->kind == NODE_view || row->kind == NODE_empty,
					 row->kind == NODE_empty);
	}
}

/* --- calls --- */

static void on_register(struct grpc_request *request, const ProtobufCMessage *message)
{
	const Sysvisor__V1__FilesystemRegisterRequest *asked = (const void *)message;
	struct server *server = grpc_owner(request);
	Sysvisor__V1__FilesystemRegisterAnswer answer =
		SYSVISOR__V1__FILESYSTEM_REGISTER_ANSWER__INIT;
	auto_free struct service_binds *binds = malloc(sizeof(*binds));
	auto_container struct container *container = NULL;
	struct error err = { .code = ENOMEM, .text = "out of memory" };
	char mount[600];

	if (!binds || server_register(server, asked, &err) < 0) {
		service_refuse(request, &err);
		return;
	}
	container = containers_find(&server->containers, slice_of(asked->id));
	snprintf(mount, sizeof(mount), "%s/%s", server->mount.path, asked->id);
	service_fill_binds(server, container, mount, binds);
	answer.mount = mount;
	answer.n_binds = binds->count;
	answer.binds = binds->pointers;
	grpc_answer(request, &answer.base);
}

static void on_unregister(struct grpc_request *request, const ProtobufCMessage *message)
{
	const Sysvisor__V1__FilesystemUnregisterRequest *asked = (const void *)message;
	Sysvisor__V1__Empty empty = SYSVISOR__V1__EMPTY__INIT;

	server_unregister(grpc_owner(request), asked->id);
	grpc_answer(request, &empty.base);
}

/* --- the list --- */

struct service_entry {
	Sysvisor__V1__FilesystemContainer container;
	Sysvisor__V1__Value *values, **pointers;
	char mount[600];
};

static void service_fill_values(struct container *container, struct service_entry *entry)
{
	struct container_value *value;
	size_t n = 0;

	pthread_mutex_lock(&container->lock);
	entry->values = calloc(container->value_count + 1, sizeof(*entry->values));
	entry->pointers = calloc(container->value_count + 1, sizeof(Sysvisor__V1__Value *));
	list_each(&container->values, value, node) {
		if (!entry->values || !entry->pointers)
			break;
		sysvisor__v1__value__init(&entry->values[n]);
		entry->values[n].key = strdup(value->path);
		entry->values[n].value = strdup(value->value);
		if (!entry->values[n].key || !entry->values[n].value)
			break;
		entry->pointers[n] = &entry->values[n];
		n++;
	}
	pthread_mutex_unlock(&container->lock);
	entry->container.n_values = n;
	entry->container.values = entry->pointers;
}

static void service_fill_entry(const struct server *server, struct container *container,
			       struct service_entry *entry)
{
	Sysvisor__V1__FilesystemContainer *out = &entry->container;

	sysvisor__v1__filesystem_container__init(out);
	snprintf(entry->mount, sizeof(entry->mount), "%s/%s", server->mount.path,
		 container->origin.id);
	out->id = container->origin.id;
	out->init_pid = container->origin.init_pid;
	out->mount = entry->mount;
	out->started_ms = clock_wall_of_boot(container->start_ns) / NS_PER_MS;
	out->reads = __atomic_load_n(&container->reads, __ATOMIC_RELAXED);
	out->writes = __atomic_load_n(&container->writes, __ATOMIC_RELAXED);
	out->refused = __atomic_load_n(&container->refused, __ATOMIC_RELAXED);
	service_fill_values(container, entry);
}

static void service_entry_done(struct service_entry *entry)
{
	for (size_t n = 0; n < entry->container.n_values; n++) {
		free(entry->values[n].key);
		free(entry->values[n].value);
	}
	free(entry->values);
	free(entry->pointers);
}

static void on_list(struct grpc_request *request, const ProtobufCMessage *message)
{
	struct server *server = grpc_owner(request);
	Sysvisor__V1__FilesystemListAnswer answer = SYSVISOR__V1__FILESYSTEM_LIST_ANSWER__INIT;
	struct container **all = containers_all(&server->containers);
	size_t count = server->containers.by_id.count;
	struct service_entry *entries = calloc(count + 1, sizeof(*entries));
	Sysvisor__V1__FilesystemContainer **pointers =
		calloc(count + 1, sizeof(Sysvisor__V1__FilesystemContainer *));

	(void)message;
	for (size_t n = 0; all && entries && pointers && all[n]; n++) {
		service_fill_entry(server, all[n], &entries[n]);
		pointers[n] = &entries[n].container;
	}
	answer.n_containers = count;
	answer.containers = pointers;
	answer.mount = server->mount.path;
	answer.restarts = server->restarts;
	if (all && entries && pointers)
		grpc_answer(request, &answer.base);
	else
		grpc_refuse(request, GRPC_resource_exhausted, "out of memory");
	for (size_t n = 0; all && all[n]; n++) {
		if (entries && pointers)
			service_entry_done(&entries[n]);
		container_unref(all[n]);
	}
	free(all);
	free(entries);
	free(pointers);
}

/* --- both daemons' --- */

static void on_version(struct grpc_request *request, const ProtobufCMessage *message)
{
	const struct server *server = grpc_owner(request);
	Sysvisor__V1__VersionAnswer answer = SYSVISOR__V1__VERSION_ANSWER__INIT;

	(void)message;
	daemon_fill_version(server->daemon, &answer);
	grpc_answer(request, &answer.base);
}

static void on_health(struct grpc_request *request, const ProtobufCMessage *message)
{
	const struct server *server = grpc_owner(request);
	Sysvisor__V1__HealthAnswer answer = SYSVISOR__V1__HEALTH_ANSWER__INIT;
	struct session_delays delays = session_delays(server);
	bool ill = delays.count && clock_mono_ns() - delays.last_ns < SERVICE_ILL_NS;
	char reason[128] = "";

	(void)message;
	if (ill)
		snprintf(reason, sizeof(reason),
			 "%llu requests took longer than --deadline, the last one just now",
			 (unsigned long long)delays.count);
	answer.healthy = !ill;
	answer.reason = reason;
	answer.uptime_ms = daemon_uptime_ms(server->daemon);
	answer.container_count = (uint32_t)server->containers.by_id.count;
	grpc_answer(request, &answer.base);
}

/* In the order of wire/sysvisor.proto. */
grpc_handler *const server_handlers[] = {
	on_register, on_unregister, on_list, on_version, on_health,
};

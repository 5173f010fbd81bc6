/* SPDX-License-Identifier: Apache-2.0 */
/* service - sysvisor-fs's gRPC calls: messages in, messages out. */
#include <errno.h>

#include "base/clock.h"
#include "sysvisor/fs/key.h"
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
	struct server *server;
	struct container *container;
	Sysvisor__V1__Bind binds[SERVICE_BINDS], *pointers[SERVICE_BINDS];
	char sources[SERVICE_BINDS][600], targets[SERVICE_BINDS][128];
	size_t count;
};

/* A view that shows nothing here (pressure without cgroup v2) is left alone; the others are not
 * tried: each of them is some files of the kernel's to be read. */
static bool service_wants(const struct service_binds *binds, const struct node_row *row)
{
	auto_text struct text out = { 0 };
	struct show show = { .server = binds->server, .container = binds->container, .out = &out };

	return !row || !row->partial || row->show(&show) == 0;
}

/* Over what isn't there nothing can be bound; the container's own /proc and /sys have what the
 * host's have. */
static void service_add_bind(struct slice path, const struct node_row *row, void *owner)
{
	struct service_binds *binds = owner;
	Sysvisor__V1__Bind *bind = &binds->binds[binds->count];
	char *source = binds->sources[binds->count];
	int head;

	if (binds->count == SERVICE_BINDS || !service_wants(binds, row))
		return;
	sysvisor__v1__bind__init(bind);
	head = snprintf(source, sizeof(binds->sources[0]), "%s/%s/" KEY_BINDS "/",
			binds->server->mount.path, binds->container->origin.id);
	snprintf(source + head, sizeof(binds->sources[0]) - (size_t)head, "%.*s", SLICE_ARG(path));
	for (char *at = source + head; *at; at++)
		*at = (char)(*at == '/' ? KEY_SLASH : *at);
	bind->source = source;
	bind->target = binds->targets[binds->count];
	snprintf(bind->target, sizeof(binds->targets[0]), "/%.*s", SLICE_ARG(path));
	bind->read_only = row && (row->kind == NODE_view || key_is_directory(row));
	bind->directory = key_is_directory(row);
	binds->pointers[binds->count++] = bind;
}

bool server_shows(const struct server *server, struct container *container,
		  const struct node_row *row)
{
	auto_text struct text out = { 0 };
	struct show show = { .server = (struct server *)(uintptr_t)server,
			     .container = container,
			     .out = &out };

	return row->bind && key_host_has(row) && (!row->partial || row->show(&show) == 0);
}

/* --- calls --- */

static void on_register(struct grpc_request *request, const ProtobufCMessage *message)
{
	const Sysvisor__V1__FilesystemRegisterRequest *asked = (const void *)message;
	struct server *server = grpc_owner(request);
	Sysvisor__V1__FilesystemRegisterAnswer answer =
		SYSVISOR__V1__FILESYSTEM_REGISTER_ANSWER__INIT;
	auto_free struct service_binds *binds = malloc(sizeof(*binds));
	struct container *container;
	struct error err = { .code = ENOMEM, .text = "out of memory" };
	char mount[600];

	if (!binds || server_register(server, asked, &err) < 0) {
		service_refuse(request, &err);
		return;
	}
	container = containers_find(&server->containers, slice_of(asked->id));
	snprintf(mount, sizeof(mount), "%s/%s", server->mount.path, asked->id);
	binds->server = server;
	binds->container = container;
	binds->count = 0;
	key_each_bind(service_add_bind, binds);
	answer.mount = mount;
	answer.n_binds = binds->count;
	answer.binds = binds->pointers;
	grpc_answer(request, &answer.base);
	container_unref(container);
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/server.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "sysvisor/fs/load.h"
#include "sysvisor/fs/node.h"
#include "sysvisor/fs/session.h"
#include "sysvisor/fs/traps.h"

#define SERVER_ID_BYTES	       255
#define SERVER_MOUNTINFO_BYTES (16u << 20)

/* --- the end of a container --- */

/* Tells when the container's first process has ended, whoever forgets to. */
struct server_watch {
	struct server *server;
	struct loop_fd pidfd;
	struct list node;
	char id[SERVER_ID_BYTES + 1];
	uint32_t slot;
};

static void server_watch_free(struct server_watch *watch)
{
	int fd = watch->pidfd.fd;

	loop_fd_remove(watch->server->daemon->loop, &watch->pidfd);
	auto_close_fd(&fd);
	list_remove(&watch->node);
	free(watch);
}

static void server_on_exit(struct loop_fd *fd_watch, uint32_t events)
{
	struct server_watch *watch = container_of(fd_watch, struct server_watch, pidfd);
	struct server *server = watch->server;
	auto_container struct container *container =
		containers_find(&server->containers, slice_of(watch->id));

	(void)events;
	/* The id may be that of another one by now, which has a watch of its own. */
	if (container && container->origin.slot == watch->slot)
		server_unregister(server, container->origin.id);
	else
		server_watch_free(watch);
}

static int server_watch(struct server *server, const struct container *container, struct error *err)
{
	struct server_watch *watch = calloc(1, sizeof(*watch));
	int fd = fcntl(container->pidfd, F_DUPFD_CLOEXEC, 3), r;

	if (!watch || fd < 0) {
		auto_close_fd(&fd);
		free(watch);
		return error_errno(err, ENOMEM, "watch process %u", container->origin.init_pid);
	}
	watch->server = server;
	watch->slot = container->origin.slot;
	slice_copy(slice_of(container->origin.id), watch->id, sizeof(watch->id));
	watch->pidfd.ready = server_on_exit;
	list_append(&server->watches, &watch->node);
	r = loop_fd_add(server->daemon->loop, &watch->pidfd, fd, EPOLLIN, err);
	if (r < 0) {
		list_remove(&watch->node);
		close(fd);
		free(watch);
	}
	return r;
}

static void server_unwatch(struct server *server, uint32_t slot)
{
	struct server_watch *watch;

	list_each(&server->watches, watch, node) {
		if (watch->slot == slot) {
			server_watch_free(watch);
			return;
		}
	}
}

static int server_watch_all(struct server *server, struct error *err)
{
	struct container **all = containers_all(&server->containers);
	int r = all ? 0 : error_errno(err, ENOMEM, "watch containers");

	for (size_t n = 0; all && all[n]; n++) {
		if (r == 0)
			r = server_watch(server, all[n], err);
		container_unref(all[n]);
	}
	free(all);
	return r;
}

/* --- registration --- */

static bool server_id_is_valid(const char *id)
{
	size_t bytes = strlen(id);

	return bytes && bytes <= SERVER_ID_BYTES && id[0] != '.' && !strpbrk(id, "/ \n\t");
}

static int server_put_cgroups(const Sysvisor__V1__FilesystemRegisterRequest *request,
			      struct text *out, struct error *err)
{
	for (size_t n = 0; n < request->n_cgroups; n++) {
		const Sysvisor__V1__Cgroup *cgroup = request->cgroups[n];

		if (cgroup->path[0] != '/' || strpbrk(cgroup->path, "\n") ||
		    strstr(cgroup->path, "/../"))
			return error_say(err, EINVAL, "'%s' is no control group's path",
					 cgroup->path);
		text_printf(out, "%s:%s:%s\n", cgroup->controller[0] ? "1" : "0",
			    cgroup->controller, cgroup->path);
	}
	return out->failed ? error_errno(err, ENOMEM, "remember it") : 0;
}

static int server_set_first_values(struct container *container,
				   const Sysvisor__V1__FilesystemRegisterRequest *request,
				   struct error *err)
{
	for (size_t n = 0; n < request->n_values; n++) {
		const Sysvisor__V1__Value *value = request->values[n];
		auto_text struct text path = { 0 };
		const struct node_row *row;
		struct slice checked;

		text_printf(&path, "proc/sys/%s", value->key);
		row = node_find(text_slice(&path));
		if (!row || row->kind != NODE_store)
			continue; /* the kernel's own: the runtime writes it there */
		if (node_check_value(row, slice_of(value->value), &checked) < 0)
			return error_say(err, EINVAL, "'%s' is no value for '%s'", value->value,
					 value->key);
		if (container_set_value(container, text_slice(&path), checked) < 0)
			return error_errno(err, ENOMEM, "remember it");
	}
	return 0;
}

static int server_make(struct server *server,
		       const Sysvisor__V1__FilesystemRegisterRequest *request,
		       struct container **ret_container, struct error *err)
{
	auto_text struct text cgroups = { 0 };
	struct container *container;
	int r = server_put_cgroups(request, &cgroups, err);

	if (r == 0)
		r = container_new(&container, server->containers.next_slot, request->id,
				  request->init_pid, &server->mounts, text_slice(&cgroups), err);
	if (r < 0)
		return r;
	if (container->origin.uid == 0)
		r = error_say(
			err, EINVAL,
			"process %u is root of the host: it needs a user namespace of its own",
			request->init_pid);
	if (r == 0)
		r = server_set_first_values(container, request, err);
	if (r < 0)
		container_unref(container);
	else
		*ret_container = container;
	return r;
}

void server_unregister(struct server *server, const char *id)
{
	struct container *container = containers_take(&server->containers, slice_of(id));

	if (!container)
		return;
	server_unwatch(server, container->origin.slot);
	if (journal_gone(&server->journal, container->origin.slot) < 0)
		log_error("container '%s' is gone, but comes back with the next start", id);
	log_info("container '%s' is gone", id);
	container_unref(container);
}

/* Whether this is the container that is registered already, asked about once more. */
static bool server_is_same(const struct container *container,
			   const Sysvisor__V1__FilesystemRegisterRequest *request)
{
	struct container *fresh;
	bool same;

	if (container->origin.init_pid != request->init_pid)
		return false;
	if (container_new(&fresh, 0, request->id, request->init_pid, &(struct limits_mounts){ 0 },
			  SLICE("-"), NULL) < 0)
		return false;
	same = fresh->origin.start_ticks == container->origin.start_ticks;
	container_unref(fresh);
	return same;
}

int server_register(struct server *server, const Sysvisor__V1__FilesystemRegisterRequest *request,
		    struct error *err)
{
	auto_container struct container *before = NULL;
	struct container *container;
	int r;

	if (!server_id_is_valid(request->id))
		return error_say(err, EINVAL, "'%s' is no container id", request->id);
	before = containers_find(&server->containers, slice_of(request->id));
	if (before && server_is_same(before, request))
		return 0;
	r = server_make(server, request, &container, err);
	if (r < 0)
		return error_wrap(err, r, "register '%s'", request->id);
	if (before)
		server_unregister(server, request->id); /* it was started anew */
	container_ref(container);
	r = containers_add(&server->containers, container, err);
	if (r == 0) {
		r = journal_add(&server->journal, container);
		if (r < 0)
			error_errno(err, -r, "write the journal");
	}
	if (r == 0)
		r = journal_compact(&server->journal, &server->containers, false, err);
	if (r == 0)
		r = server_watch(server, container, err);
	if (r < 0)
		container_unref(containers_take(&server->containers, slice_of(request->id)));
	else
		log_info("container '%s': process %u, ids from %u", request->id, request->init_pid,
			 container->origin.uid);
	container_unref(container);
	return r < 0 ? error_wrap(err, r, "register '%s'", request->id) : 0;
}

bool server_pushes(const struct server *server, struct slice path)
{
	struct slice rest = slice_of(server->daemon->settings.push_max), key;

	if (!slice_eat(&path, SLICE("proc/sys/")))
		return false;
	while (slice_next(&rest, ',', &key))
		if (slice_eq(slice_trim(key), path))
			return true;
	return false;
}

/* --- start and end --- */

static int server_check_push(const struct server *server, struct error *err)
{
	struct slice rest = slice_of(server->daemon->settings.push_max), key;

	while (slice_next(&rest, ',', &key)) {
		auto_text struct text path = { 0 };
		const struct node_row *row;

		text_printf(&path, "proc/sys/%.*s", SLICE_ARG(slice_trim(key)));
		row = node_find(text_slice(&path));
		if (!row || !row->push)
			return error_say(err, EINVAL,
					 "setting 'push_max': '%.*s' can't be raised from inside",
					 SLICE_ARG(key));
	}
	return 0;
}

/* Namespaces and control groups of each container are kept open. */
static void server_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			log_warning("raise the limit of open files: %s", strerror(errno));
	}
}

static void server_on_load(struct loop_timer *timer)
{
	struct server *server = container_of(timer, struct server, load_timer);

	load_tick(&server->containers);
	loop_timer_set(server->daemon->loop, timer, VIEW_LOAD_S * NS_PER_S);
}

static int server_read_mounts(struct server *server, struct error *err)
{
	auto_text struct text mountinfo = { 0 };
	int r = file_read("/proc/self/mountinfo", SERVER_MOUNTINFO_BYTES, &mountinfo, err);

	if (r == 0)
		limits_parse_mounts(text_slice(&mountinfo), &server->mounts);
	return r;
}

static int server_open(struct server *server, struct error *err)
{
	struct daemon *daemon = server->daemon;
	struct paths_buffer state, paths, journal;
	int r;

	r = daemon_path(daemon, PATHS_FS_STATE, &state, err);
	if (r == 0)
		r = daemon_path(daemon, PATHS_FS_STATE "/paths", &paths, err);
	if (r == 0)
		r = daemon_path(daemon, PATHS_FS_STATE "/journal", &journal, err);
	if (r == 0)
		r = daemon_path(daemon, daemon->settings.mount, &server->mount, err);
	if (r == 0)
		r = paths_make_directory(state.path, 0700, err);
	if (r == 0)
		r = server_check_push(server, err);
	if (r == 0)
		r = server_read_mounts(server, err);
	if (r == 0)
		r = show_host_open(&server->host, err);
	if (r == 0)
		r = inside_open(&server->inside, err);
	if (r == 0)
		r = tree_open(&server->tree, paths.path, err);
	if (r == 0)
		r = journal_open(&server->journal, journal.path, &server->mounts,
				 &server->containers, err);
	return r;
}

int server_start(struct daemon *daemon, struct error *err)
{
	struct server *server = calloc(1, sizeof(*server));
	struct paths_buffer socket;
	int r;

	if (!server)
		return error_errno(err, ENOMEM, "start");
	daemon->owner = server;
	server->daemon = daemon;
	server->tree.fd = server->journal.fd = -1;
	server->inside = (struct inside){ -1, { -1, -1, -1 } };
	server->host = (struct show_host){ .fds = { -1, -1, -1 } };
	containers_init(&server->containers);
	list_init(&server->watches);
	server_raise_limit();
	r = server_open(server, err);
	if (r == 0)
		r = session_start(server, err);
	if (r == 0)
		r = server_watch_all(server, err);
	if (r == 0)
		r = traps_start(server, err);
	if (r == 0)
		r = daemon_path(daemon, PATHS_FS_SOCKET, &socket, err);
	server->service = (struct grpc_service){
		.descriptor = &sysvisor__v1__filesystem__descriptor,
		.handlers = server_handlers,
		.owner = server,
	};
	if (r == 0)
		r = grpc_server_new(&server->grpc, daemon->loop, socket.path, &server->service,
				    err);
	server->load_timer.fire = server_on_load;
	if (r == 0)
		loop_timer_set(daemon->loop, &server->load_timer, VIEW_LOAD_S * NS_PER_S);
	return r;
}

void server_stop(struct daemon *daemon)
{
	struct server *server = daemon->owner;
	struct server_watch *watch;

	if (!server)
		return;
	loop_timer_clear(&server->load_timer);
	grpc_server_free(server->grpc);
	traps_stop(server);
	while ((watch = list_first(&server->watches, struct server_watch, node)))
		server_watch_free(watch);
	session_stop(server, server->containers.by_id.count == 0);
	journal_close(&server->journal);
	tree_close(&server->tree);
	inside_close(&server->inside);
	show_host_close(&server->host);
	containers_done(&server->containers);
	free(server);
}

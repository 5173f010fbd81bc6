/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/services.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/text.h"
#include "sysvisor/common/trapped.h"
#include "sysvisor/runc/channel.h"

#define SERVICES_PATIENCE_MS 3000 /* a daemon that is being restarted is waited for */
#define SERVICES_RETRY_US    20000
#define SERVICES_MAPS	     16
#define SERVICES_ENTRY_BYTES 16384

int services_init(struct services *services, const struct runtime *runtime, struct error *err)
{
	const char *root = runtime->services_root;
	int r;

	*services = (struct services){ .runtime = runtime };
	r = paths_join(&services->mgr_socket, root, PATHS_MGR_SOCKET, err);
	if (r == 0)
		r = paths_join(&services->fs_socket, root, PATHS_FS_SOCKET, err);
	services->mgr.socket = services->mgr_socket.path;
	services->fs.socket = services->fs_socket.path;
	services->mgr.patience_ms = services->fs.patience_ms = SERVICES_PATIENCE_MS;
	return r;
}

void services_done(struct services *services)
{
	client_done(&services->mgr);
	client_done(&services->fs);
}

static int services_absent(const char *daemon, const char *option, int r, struct error *err)
{
	return error_wrap(err, r, "%s doesn't answer (start it with `sysvisor up`, or give %s)",
			  daemon, option);
}

/* --- the manager --- */

struct services_maps {
	Sysvisor__V1__IdMap maps[SERVICES_MAPS], *pointers[SERVICES_MAPS];
};

static size_t services_fill_maps(struct services_maps *maps, const struct spec_list *list)
{
	const struct id_range *range;
	size_t count = 0;

	spec_each(list, range) {
		Sysvisor__V1__IdMap *map = &maps->maps[count];

		if (count == SERVICES_MAPS)
			break;
		sysvisor__v1__id_map__init(map);
		map->inner_first = range->inner_id;
		map->host_first = range->host_id;
		map->count = range->count;
		maps->pointers[count++] = map;
	}
	return count;
}

static int services_take_ids(struct plan *plan, const Sysvisor__V1__IdMap *ids, struct error *err)
{
	struct id_range *range;

	if (!ids || plan->uid_map.count)
		return 0;
	range = arena_take(plan->arena, sizeof(*range));
	if (!range)
		return error_errno(err, ENOMEM, "map ids");
	*range = (struct id_range){ ids->inner_first, ids->host_first, ids->count };
	plan->uid_map = plan->gid_map = (struct id_map){ range, 1 };
	return 0;
}

static int services_take_volumes(struct plan *plan,
				 const Sysvisor__V1__ManagerRegisterAnswer *answer,
				 struct error *err)
{
	int r = 0;

	plan->volumes.at =
		arena_take(plan->arena, (answer->n_volumes + 1) * sizeof(struct spec_pair));
	if (!plan->volumes.at)
		return error_errno(err, ENOMEM, "plan volumes");
	for (size_t n = 0; n < answer->n_volumes && r == 0; n++) {
		const Sysvisor__V1__Volume *volume = answer->volumes[n];
		struct spec_pair *pair =
			(struct spec_pair *)plan->volumes.at + plan->volumes.count++;

		pair->key = arena_text(plan->arena, slice_of(volume->destination));
		pair->value = arena_text(plan->arena, slice_of(volume->source));
		if (!pair->key || !pair->value)
			r = error_errno(err, ENOMEM, "plan volumes");
	}
	return r;
}

static int services_take(struct plan *plan, const Sysvisor__V1__ManagerRegisterAnswer *answer,
			 struct error *err)
{
	const char *join = answer->join_user_namespace;
	int r = services_take_ids(plan, answer->ids, err);

	if (r < 0)
		return r;
	if (join && *join && plan->join_fd[NAMESPACE_user] < 0) {
		plan->join_fd[NAMESPACE_user] = open(join, O_RDONLY | O_CLOEXEC);
		if (plan->join_fd[NAMESPACE_user] < 0)
			return error_errno(err, errno, "open user namespace '%s'", join);
		plan->clone_flags &= ~namespace_rows[NAMESPACE_user].clone_flag;
	}
	return services_take_volumes(plan, answer, err);
}

int services_plan(struct services *services, struct plan *plan, const char *id, const char *bundle,
		  struct error *err)
{
	Sysvisor__V1__ManagerRegisterRequest request = SYSVISOR__V1__MANAGER_REGISTER_REQUEST__INIT;
	Sysvisor__V1__ManagerRegisterAnswer *answer = NULL;
	struct services_maps uids, gids;
	struct stat net;
	int r;

	if (services->runtime->no_manager)
		return 0;
	request.id = (char *)id;
	request.bundle = (char *)bundle;
	request.rootfs = (char *)plan->rootfs;
	request.storage = (char *)plan->storage;
	request.n_uid_mappings = services_fill_maps(&uids, &plan->spec->linux_.uid_map);
	request.uid_mappings = uids.pointers;
	request.n_gid_mappings = services_fill_maps(&gids, &plan->spec->linux_.gid_map);
	request.gid_mappings = gids.pointers;
	if (plan->join_fd[NAMESPACE_network] >= 0 &&
	    fstat(plan->join_fd[NAMESPACE_network], &net) == 0)
		request.network_namespace = net.st_ino;
	r = manager_register(&services->mgr, &request, &answer, err);
	if (r < 0)
		return services_absent("sysvisor-mgr", "--no-sysvisor-mgr", r, err);
	r = services_take(plan, answer, err);
	sysvisor__v1__manager_register_answer__free_unpacked(answer, NULL);
	return r;
}

static int services_fill_update(Sysvisor__V1__ManagerUpdateRequest *request, pid_t pid,
				struct error *err)
{
	auto_fd int user = -1, net = -1;
	struct stat user_stat, net_stat;

	user = namespace_open(pid, NAMESPACE_user, err);
	net = user < 0 ? user : namespace_open(pid, NAMESPACE_network, err);
	if (net < 0)
		return net;
	if (fstat(user, &user_stat) < 0 || fstat(net, &net_stat) < 0)
		return error_errno(err, errno, "look at the container's namespaces");
	request->init_pid = (uint32_t)pid;
	request->user_namespace = user_stat.st_ino;
	request->network_namespace = net_stat.st_ino;
	return 0;
}

/* --- the file system --- */

/* The directory that the sources of binds lie in, one after the other. */
struct services_source {
	struct slice directory;
	int fd;
};

/* Reading it has the kernel know what is there with one request instead of one for each:
 * sysvisor-fs gives entries in full (FUSE_READDIRPLUS). Where it can't, they are looked up one by
 * one. */
static int services_open_source(struct services_source *source, struct slice directory,
				struct error *err)
{
	char entries[SERVICES_ENTRY_BYTES];
	auto_text struct text path = { 0 };

	if (source->fd >= 0 && slice_eq(directory, source->directory))
		return 0;
	auto_close_fd(&source->fd);
	text_put(&path, directory);
	source->directory = directory;
	source->fd = open(text_str(&path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (source->fd < 0 || getdents64(source->fd, entries, sizeof(entries)) < 0)
		return error_errno(err, errno, "read directory '%s'", text_str(&path));
	return 0;
}

/* A bind travels as its mount, with the place in the message's words. */
static int services_pass(const Sysvisor__V1__Bind *bind, struct services_source *source,
			 int channel_fd, struct error *err)
{
	const struct mount_options options = {
		.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
		       (bind->read_only ? MOUNT_ATTR_RDONLY : 0),
		.propagation = MS_PRIVATE,
	};
	struct slice path = slice_of(bind->source);
	ssize_t slash = slice_find_last(path, SLICE("/"));
	auto_fd int fd = -1;
	int r;

	if (slash <= 0)
		return error_say(err, EPROTO, "sysvisor-fs names '%s', which is no path",
				 bind->source);
	r = services_open_source(source, slice_first(path, (size_t)slash), err);
	if (r < 0)
		return r;
	fd = mount_clone(source->fd, bind->source + slash + 1, false, true, err);
	r = fd < 0 ? fd : mount_apply(fd, &options, err);
	return r < 0 ? r : channel_send_bind(channel_fd, bind->target, fd, err);
}

static int services_fill_values(const struct plan *plan,
				Sysvisor__V1__FilesystemRegisterRequest *request, struct error *err)
{
	const struct spec_list *sysctls = &plan->sysctls;
	const struct spec_pair *pair;
	Sysvisor__V1__Value *values =
		arena_take(plan->arena, (sysctls->count + 1) * sizeof(*values));

	request->values = arena_take(plan->arena, (sysctls->count + 1) * sizeof(*request->values));
	if (!values || !request->values)
		return error_errno(err, ENOMEM, "register with sysvisor-fs");
	spec_each(sysctls, pair) {
		Sysvisor__V1__Value *value = &values[request->n_values];

		if (services_sysctl_is_kernels(pair->key))
			continue;
		sysvisor__v1__value__init(value);
		value->key = (char *)pair->key;
		value->value = (char *)pair->value;
		request->values[request->n_values++] = value;
	}
	return 0;
}

static int services_pass_all(const Sysvisor__V1__FilesystemRegisterAnswer *answer, int channel_fd,
			     struct error *err)
{
	struct services_source source = { .fd = -1 };
	int r = 0;

	for (size_t n = 0; n < answer->n_binds && r == 0; n++)
		r = services_pass(answer->binds[n], &source, channel_fd, err);
	auto_close_fd(&source.fd);
	return r;
}

static int services_show_files(struct services *services, const struct plan *plan, const char *id,
			       pid_t pid, int channel_fd, struct error *err)
{
	Sysvisor__V1__FilesystemRegisterRequest request =
		SYSVISOR__V1__FILESYSTEM_REGISTER_REQUEST__INIT;
	Sysvisor__V1__FilesystemRegisterAnswer *answer = NULL;
	int r;

	if (services->runtime->no_filesystem || plan->is_plain)
		return 0;
	r = services_fill_values(plan, &request, err);
	if (r < 0)
		return r;
	request.id = (char *)id;
	request.init_pid = (uint32_t)pid;
	request.hostname = (char *)(plan->spec->hostname ? plan->spec->hostname : "");
	r = filesystem_register(&services->fs, &request, &answer, err);
	if (r < 0)
		return services_absent("sysvisor-fs", "--no-sysvisor-fs", r, err);
	r = services_pass_all(answer, channel_fd, err);
	sysvisor__v1__filesystem_register_answer__free_unpacked(answer, NULL);
	return r;
}

/* A message with the container's id and the listener; the answer is empty, or says what is wrong.
 */
static int services_hand_in(const char *socket, const char *id, int listener_fd, struct error *err)
{
	const struct timeval limit = { .tv_sec = SERVICES_PATIENCE_MS / 1000 };
	auto_fd int fd = channel_connect(socket, SOCK_SEQPACKET, err);
	char answer[200];
	ssize_t n;
	int r;

	if (fd < 0)
		return fd;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return error_errno(err, errno, "connect to '%s'", socket);
	r = channel_send_fd(fd, listener_fd, id, err);
	if (r < 0)
		return r;
	n = recv(fd, answer, sizeof(answer), 0);
	if (n <= 0)
		return error_say(err, ECONNRESET, "no answer from '%s'", socket);
	if (n > 1 || answer[0] != TRAPPED_TAKEN)
		return error_say(err, EIO, "%.*s", (int)n, answer);
	return 0;
}

int services_trap(const struct runtime *runtime, const char *id, int listener_fd, struct error *err)
{
	uint64_t give_up_ns = clock_mono_ns() + SERVICES_PATIENCE_MS * NS_PER_MS;
	struct paths_buffer path;
	int r = paths_join(&path, runtime->services_root, PATHS_FS_TRAPS, err);

	if (r < 0)
		return r;
	do {
		r = services_hand_in(path.path, id, listener_fd, err);
		if (r != -ENOENT && r != -ECONNREFUSED && r != -ECONNRESET && r != -EPIPE)
			break;
		usleep(SERVICES_RETRY_US);
	} while (clock_mono_ns() < give_up_ns);
	return r < 0 ? services_absent("sysvisor-fs", "--no-sysvisor-fs", r, err) : 0;
}

int services_show(struct services *services, const struct plan *plan, const char *id, pid_t pid,
		  int channel_fd, struct error *err)
{
	Sysvisor__V1__ManagerUpdateRequest request = SYSVISOR__V1__MANAGER_UPDATE_REQUEST__INIT;
	bool has_manager = !services->runtime->no_manager;
	struct client_pending update;
	int r = 0, updated = 0;

	request.id = (char *)id;
	if (has_manager)
		r = services_fill_update(&request, pid, err);
	if (r < 0)
		return r;
	/* The manager answers while the file system is asked. */
	if (has_manager)
		manager_update_begin(&services->mgr, &request, &update);
	r = services_show_files(services, plan, id, pid, channel_fd, err);
	if (has_manager)
		updated = client_end_empty(&update, r < 0 ? NULL : err);
	return r < 0 ? r : updated;
}

/* --- */

/* One that doesn't answer has no say in whether a container may go; it hears of the end of the
 * first process by itself. */
void services_end(const struct runtime *runtime, const char *id)
{
	Sysvisor__V1__ManagerUnregisterRequest request =
		SYSVISOR__V1__MANAGER_UNREGISTER_REQUEST__INIT;
	struct client_pending pending;
	struct services services;
	struct error err = { 0 };

	if (services_init(&services, runtime, &err) < 0) {
		runtime_warn(runtime, "tell the daemons of the end: %s", err.text);
		return;
	}
	request.id = (char *)id;
	if (!runtime->no_manager)
		manager_unregister_begin(&services.mgr, &request, &pending);
	if (!runtime->no_filesystem && filesystem_unregister(&services.fs, id, &err) < 0)
		runtime_warn(runtime, "tell sysvisor-fs of the end: %s", err.text);
	if (!runtime->no_manager && client_end_empty(&pending, &err) < 0)
		runtime_warn(runtime, "tell sysvisor-mgr of the end: %s", err.text);
	services_done(&services);
}

bool services_sysctl_is_kernels(const char *path)
{
	static const char *const prefixes[] = { "net/",		  "kernel/shm", "kernel/msg",
						"kernel/sem",	  "fs/mqueue/", "kernel/domainname",
						"kernel/hostname" };

	for (size_t n = 0; n < array_count(prefixes); n++)
		if (strncmp(path, prefixes[n], strlen(prefixes[n])) == 0)
			return true;
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/create.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "kernel/procfs.h"
#include "sysvisor/runc/channel.h"
#include "sysvisor/runc/hooks.h"
#include "sysvisor/runc/lock.h"
#include "sysvisor/runc/rootfs.h"
#include "sysvisor/runc/services.h"

int create_pid_file(const char *path, pid_t pid, struct error *err)
{
	auto_text struct text number = { 0 }, beside = { 0 };
	auto_fd int fd = -1;
	int r;

	text_printf(&number, "%d", pid);
	text_printf(&beside, "%s.new", path);
	fd = open(text_str(&beside), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	r = fd < 0 ? -errno : file_write_all(fd, text_slice(&number));
	if (r == 0 && rename(text_str(&beside), path) < 0)
		r = -errno;
	return r < 0 ? error_errno(err, -r, "write pid file '%s'", path) : 0;
}

/* --- reading --- */

static int create_load(struct create *create, struct error *err)
{
	const char *bundle = create->options->bundle ? create->options->bundle : ".";
	int r;

	create->bundle = realpath(bundle, NULL);
	if (!create->bundle)
		return error_errno(err, errno, "bundle '%s'", bundle);
	r = spec_load(create->bundle, &create->spec, err);
	if (r < 0)
		return r;
	if (!create->spec.process.given)
		return error_say(err, EINVAL, "config.json: process: is missing");
	return 0;
}

/* A process has one listener at most: where the specification has one, there are no traps. */
static int create_filters(struct create *create, struct error *err)
{
	const struct plan *plan = &create->plan;
	int r = filter_compile(&create->spec.linux_.seccomp, plan->is_plain, &create->filter, err);

	if (r == 0 && !plan->is_plain && !create->runtime->no_filesystem) {
		if (create->filter.listens)
			runtime_warn(create->runtime,
				     "linux.seccomp.listenerPath: mounts of /proc and /sys that "
				     "are made inside will show what the kernel does");
		else
			r = filter_compile_traps(plan->traps, &create->traps, err);
	}
	if (r == 0)
		r = filter_save(&create->filter, create->dir_fd, STATE_FILTER, err);
	return r < 0 ? r : filter_save(&create->traps, create->dir_fd, STATE_TRAPS, err);
}

static int create_place(struct create *create, struct error *err)
{
	const char *wanted = create->spec.linux_.cgroups_path;

	int r;

	if (!create->runtime->systemd_cgroup)
		return cgroup_place(wanted, create->id, &create->cgroup_path, err);
	r = scope_is_available(err);
	return r < 0 ? r
		     : scope_place(wanted, create->id, &create->spec.arena, &create->scope, err);
}

/* The state directory is ours by now: the services know nobody else by this id. */
static int create_plan(struct create *create, struct error *err)
{
	int r;

	create->registered = true;
	r = services_init(&create->services, create->runtime, err);
	if (r == 0)
		r = plan_make(&create->services, &create->spec, create->id, create->bundle,
			      &create->plan, err);
	if (r == 0)
		r = create_place(create, err);
	return r < 0 ? r : create_filters(create, err);
}

static void create_undo_services(struct create *create)
{
	if (create->registered)
		services_end(create->runtime, create->id);
}

static int create_open_console(struct create *create, struct error *err)
{
	bool terminal = create->spec.process.terminal;
	const char *path = create->options->console_socket;

	if (path && !terminal)
		return error_say(err, EINVAL,
				 "--console-socket is given, but process.terminal is false");
	if (!path && terminal && create->console_fd < 0)
		return error_say(err, EINVAL,
				 "process.terminal is true: give --console-socket, or use `run` "
				 "without --detach on a terminal");
	if (!path)
		return 0;
	create->console_fd = channel_connect(path, SOCK_STREAM, err);
	return create->console_fd < 0 ? create->console_fd : 0;
}

/* --- the state directory --- */

static int create_make_dir(struct create *create, struct error *err)
{
	create->dir_fd = state_make(create->runtime->root, create->id, err);
	return create->dir_fd < 0 ? create->dir_fd : 0;
}

static void create_undo_dir(struct create *create)
{
	(void)!state_remove(create->runtime->root, create->id, create->dir_fd, NULL);
}

/* `start` connects here: the process that waits has the socket, and nobody else. */
static int create_listen(struct create *create, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (create->start_now)
		return 0;
	create->start_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (create->start_fd < 0)
		return error_errno(err, errno, "make the start socket");
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" STATE_START_SOCKET,
		 create->dir_fd);
	if (bind(create->start_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(create->start_fd, 1) < 0)
		return error_errno(err, errno, "make the start socket");
	return 0;
}

/* --- the control group --- */

static int create_limit_cgroup(struct create *create, struct error *err)
{
	const struct spec_resources *resources = &create->spec.linux_.resources;
	int r = resources_apply(&create->tree, resources, err);

	if (r == 0)
		r = devices_apply(&create->tree, &resources->devices, err);
	if (r == 0 && !create->plan.is_plain)
		r = cgroup_tree_give(&create->tree, create->plan.host_uid, create->plan.host_gid,
				     err);
	return r;
}

static int create_make_cgroup(struct create *create, struct error *err)
{
	int r = cgroup_tree_init(&create->tree, err);

	if (r < 0 || create->scope.unit)
		return r; /* systemd makes none without a process in it */
	r = cgroup_tree_make(&create->tree, text_str(&create->cgroup_path), err);
	if (r == 0)
		r = cgroup_tree_open_tasks(&create->tree, err);
	return r < 0 ? r : create_limit_cgroup(create, err);
}

/* On v2 the group is what systemd has made; of v1's hierarchies it knows only some. */
static int create_start_scope(struct create *create, struct error *err)
{
	int r;

	if (!create->scope.unit)
		return 0;
	r = scope_start(create->runtime, &create->scope, &create->spec, create->id, create->pid,
			&create->cgroup_path, err);
	if (r < 0)
		return r; /* a unit of that name may be somebody else's */
	create->in_scope = true;
	r = create->tree.v2_only
		    ? cgroup_tree_open(&create->tree, text_str(&create->cgroup_path), err)
		    : cgroup_tree_make(&create->tree, text_str(&create->cgroup_path), err);
	return r < 0 ? r : create_limit_cgroup(create, err);
}

static void create_undo_cgroup(struct create *create)
{
	if (create->in_scope)
		(void)!scope_stop(create->runtime, create->scope.unit, NULL);
	if (create->tree.count && create->cgroup_path.bytes)
		(void)!cgroup_tree_remove(&create->tree, text_str(&create->cgroup_path), NULL);
}

/* --- the process --- */

static void create_undo_spawn(struct create *create)
{
	if (create->pid <= 0)
		return;
	kill(create->pid, SIGKILL);
	while (waitpid(create->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int create_map_ids(struct create *create, struct error *err)
{
	const struct plan *plan = &create->plan;
	int r = 0;

	if (plan->join_fd[NAMESPACE_user] < 0) {
		r = id_map_write(create->pid, "uid_map", &plan->uid_map, err);
		if (r == 0)
			r = id_map_write(create->pid, "gid_map", &plan->gid_map, err);
	}
	if (r < 0)
		return r;
	create->userns_fd = namespace_open(create->pid, NAMESPACE_user, err);
	r = create->userns_fd < 0 ? create->userns_fd : create_map_mounts(create, err);
	return r < 0 ? r : lock_mounts(&create->plan, create->userns_fd, create->channel[0], err);
}

static int create_send_rootfs(struct create *create, struct error *err)
{
	auto_fd int fd = rootfs_open(&create->plan, create->userns_fd, err), locked = -1;

	if (fd < 0)
		return fd;
	if (plan_locks_root(&create->plan)) {
		locked = lock_root(fd, create->userns_fd, create->channel[0], err);
		if (locked < 0)
			return locked;
	}
	return channel_send(create->channel[0], CHANNEL_mapped, locked < 0 ? fd : locked, err);
}

static void create_undo_rootfs(struct create *create)
{
	overlay_clean(create->plan.storage);
}

static int create_limit(struct create *create, struct error *err)
{
	const struct spec_process *process = &create->spec.process;
	const char *clamped;
	int r = process_limit(create->pid, &process->rlimits, create->runtime->clamp_limits,
			      &clamped, err);

	if (r == 0 && clamped)
		runtime_warn(create->runtime, "%s; it stays where it can be", clamped);
	if (r == 0)
		r = process_schedule(create->pid, process, err);
	if (r < 0 || !process->oom_score_adj.set)
		return r;
	r = process_oom(create->pid, create->plan.oom_score_adj, err);
	if ((r == -EACCES || r == -EPERM) && create->runtime->clamp_limits) {
		runtime_warn(create->runtime, "process.oomScoreAdj: can't be lowered to %lld here",
			     (long long)create->plan.oom_score_adj);
		return 0;
	}
	return r;
}

static int create_save(struct create *create, struct error *err)
{
	const struct spec_seccomp *seccomp = &create->spec.linux_.seccomp;
	struct procfs_stat stat;
	auto_fd int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = proc < 0 ? -errno : procfs_stat(proc, (uint32_t)create->pid, &stat);

	if (r < 0)
		return error_errno(err, -r, "look at process %d", create->pid);
	*clock_rfc3339(create->created, clock_wall_ns()) = '\0';
	create->state = (struct state){
		.version = RUNTIME_OCI_VERSION,
		.id = create->id,
		.bundle = create->bundle,
		.rootfs = create->plan.rootfs,
		.storage = create->plan.storage,
		.created = create->created,
		.cgroup = text_str(&create->cgroup_path),
		.listener_path = create->filter.listens ? seccomp->listener_path : NULL,
		.listener_metadata = create->filter.listens ? seccomp->listener_metadata : NULL,
		.scope = create->scope.unit,
		.personality = create->spec.linux_.personality,
		.pid = { create->pid, true },
		.start_ticks = { (int64_t)stat.start_ticks, true },
		.owner = { geteuid(), true },
		.uid_map = { (void *)create->plan.uid_map.ranges, create->plan.uid_map.count },
		.gid_map = { (void *)create->plan.gid_map.ranges, create->plan.gid_map.count },
		.annotations = create->spec.annotations,
		.hooks = create->spec.hooks,
		.honor_caps = create->plan.honor_caps,
		.plain = create->plan.is_plain,
		.systemd = create->plan.is_systemd,
	};
	return state_save(create->dir_fd, &create->state, &create->spec, err);
}

static int create_attach(struct create *create, struct error *err)
{
	return create->enters ? channel_wait(create->channel[0], CHANNEL_entered, NULL, err)
			      : cgroup_tree_attach(&create->tree, create->pid, err);
}

static int create_show(struct create *create, struct error *err)
{
	int r = services_show(&create->services, &create->plan, create->id, create->pid,
			      create->channel[0], err);

	/* `run` may be with us for days. */
	services_done(&create->services);
	return r;
}

static int create_hooks(struct create *create, struct error *err)
{
	const struct spec_hooks *hooks = &create->spec.hooks;
	int r = hooks_run("hook prestart", &hooks->prestart, &create->state, STATE_creating, err);

	if (r == 0)
		r = hooks_run("hook createRuntime", &hooks->create_runtime, &create->state,
			      STATE_creating, err);
	return r < 0 ? r : channel_send(create->channel[0], CHANNEL_grouped, -1, err);
}

static int create_wait_ready(struct create *create, struct error *err)
{
	process_give_stdio(&create->plan, &create->spec.process.user);
	return channel_wait(create->channel[0], CHANNEL_ready, NULL, err);
}

/* Last: who reads it may go on at once. */
static int create_write_pid(struct create *create, struct error *err)
{
	return create->options->pid_file
		       ? create_pid_file(create->options->pid_file, create->pid, err)
		       : 0;
}

/* --- */

struct create_step {
	const char *name; /* for the error; NULL where the step's own words say it */
	int (*take)(struct create *create, struct error *err);
	void (*undo)(struct create *create);
};

static const struct create_step create_steps[] = {
	{ NULL, create_load, NULL },
	{ NULL, create_open_console, NULL },
	{ NULL, create_make_dir, create_undo_dir },
	{ NULL, create_plan, create_undo_services },
	{ NULL, create_listen, NULL },
	{ "mount", create_open_mounts, NULL },
	{ "control group", create_make_cgroup, create_undo_cgroup },
	{ "start the first process", create_spawn, create_undo_spawn },
	{ "control group", create_start_scope, NULL },
	{ "map ids", create_map_ids, NULL },
	{ NULL, create_send_rootfs, create_undo_rootfs },
	{ NULL, create_limit, NULL },
	{ NULL, create_save, NULL },
	{ NULL, create_attach, NULL },
	{ NULL, create_show, NULL },
	{ NULL, create_hooks, NULL },
	{ NULL, create_wait_ready, NULL },
	{ NULL, create_write_pid, NULL },
};

/* A process that has failed has said why, and that is the reason of whatever failed for us after
 * it: a map that can't be written, a hook that finds no namespace. */
static int create_ask_process(struct create *create, int r, struct error *err)
{
	struct pollfd said = { .fd = create->channel[0], .events = POLLIN };
	struct channel_message message;

	while (create->pid > 0 && poll(&said, 1, 0) > 0 &&
	       channel_hear(create->channel[0], &message, NULL, NULL) == 0) {
		if (message.word != CHANNEL_failed)
			continue;
		if (err)
			*err = message.err;
		return message.err.code > 0 ? -message.err.code : -EIO;
	}
	return r;
}

int create_make(struct create *create, struct error *err)
{
	size_t n;
	int r = 0;

	create->dir_fd = create->channel[0] = create->channel[1] = -1;
	create->start_fd = create->userns_fd = create->pidfd = -1;
	for (n = 0; n < array_count(create_steps); n++) {
		r = create_steps[n].take(create, err);
		if (r < 0)
			break;
	}
	if (r == 0)
		return 0;
	if (create_steps[n].name)
		r = error_wrap(err, r, "%s", create_steps[n].name);
	r = create_ask_process(create, r, err);
	/* The one that failed may have done a part. */
	if (create_steps[n].undo && create->dir_fd >= 0)
		create_steps[n].undo(create);
	while (n-- > 0)
		if (create_steps[n].undo)
			create_steps[n].undo(create);
	return r;
}

void create_done(struct create *create)
{
	const int fds[] = { create->dir_fd,    create->channel[0], create->channel[1],
			    create->start_fd,  create->userns_fd,  create->pidfd,
			    create->console_fd };

	for (size_t n = 0; n < array_count(fds); n++)
		if (fds[n] >= 0)
			close(fds[n]);
	services_done(&create->services);
	cgroup_tree_done(&create->tree);
	text_done(&create->cgroup_path);
	filter_done(&create->filter);
	filter_done(&create->traps);
	plan_done(&create->plan);
	spec_done(&create->spec);
	free(create->bundle);
}

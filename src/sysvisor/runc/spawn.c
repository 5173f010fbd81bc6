/* SPDX-License-Identifier: Apache-2.0 */
/* The container's first process in its namespaces, and the host's files that it takes along. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "base/file.h"
#include "base/text.h"
#include "sysvisor/runc/birth.h"
#include "sysvisor/runc/channel.h"
#include "sysvisor/runc/create.h"
#include "sysvisor/runc/devfs.h"
#include "sysvisor/runc/seed.h"

/* --- files of the host --- */

static int create_open_bind(struct create *create, struct plan_mount *mount, struct error *err)
{
	bool deep = mount->options.bind_deep;
	auto_text struct text source = { 0 };
	struct mount_options options = mount->options;
	auto_fd int fd = -1;
	struct stat stat_;
	int r;

	if (mount->source[0] != '/')
		text_printf(&source, "%s/", create->bundle);
	text_put(&source, slice_of(mount->source));
	fd = mount_clone(AT_FDCWD, text_str(&source), deep, !options.no_follow, err);
	if (fd == -ENOENT && mount->is_optional)
		return 0;
	if (fd < 0)
		return fd;
	if (fstat(fd, &stat_) < 0)
		return error_errno(err, errno, "look at '%s'", text_str(&source));
	mount->is_file = !S_ISDIR(stat_.st_mode);
	/* A copy of a shared mount is its peer: what the container mounts would show up outside. */
	if (options.propagation == MS_SHARED || !options.propagation) {
		const struct mount_options apart = {
			.propagation = options.propagation ? MS_SLAVE : MS_PRIVATE,
			.propagation_deep = true,
		};

		r = mount_apply(fd, &apart, err);
		if (r < 0)
			return r;
	}
	r = mount_apply(fd, &options, err);
	if (r < 0)
		return r;
	mount->fd = take_fd(&fd);
	return 0;
}

/* A sysfs shows the network that it was made in; in one that isn't the container's, only we may
 * make it. Nothing in it is the container's to change. */
static int create_make_sysfs(const struct plan *plan, const struct plan_mount *mount,
			     struct error *err)
{
	auto_fd int own = namespace_open(getpid(), NAMESPACE_network, err), fs = -1, fd = -1;

	if (own < 0)
		return own;
	if (setns(plan->join_fd[NAMESPACE_network], CLONE_NEWNET) < 0)
		return error_errno(err, errno, "enter the network namespace");
	fs = mount_begin("sysfs", err);
	fd = fs < 0 ? fs : mount_finish(fs, "sysfs", mount->options.set | MOUNT_ATTR_RDONLY, err);
	if (setns(own, CLONE_NEWNET) < 0)
		return error_errno(err, errno, "come back from the network namespace");
	return fd < 0 ? fd : take_fd(&fd);
}

/* What is made in it later takes after it: it is a directory of the host's, which has the host's
 * label. */
static int create_label_volume(const struct plan *plan, const char *volume, struct error *err)
{
	const char *label = plan->label;

	if (!label || setxattr(volume, "security.selinux", label, strlen(label) + 1, 0) == 0 ||
	    errno == EOPNOTSUPP)
		return 0;
	return error_errno(err, errno, "give '%s' label '%s'", volume, label);
}

int create_open_mounts(struct create *create, struct error *err)
{
	struct plan *plan = &create->plan;

	for (size_t n = 0; n < plan->mount_count; n++) {
		struct plan_mount *mount = &plan->mounts[n];
		int r = 0;

		if (mount->is_volume)
			r = create_label_volume(plan, mount->source, err);
		if (r == 0 && mount->is_volume)
			r = seed_volume(plan->rootfs, mount->destination, mount->source, err);
		if (r == 0 && mount->kind == PLAN_bind) {
			r = create_open_bind(create, mount, err);
		} else if (r == 0 && mount->kind == PLAN_devices) {
			r = mount->fd = devfs_make(plan, mount, err);
		} else if (r == 0 && mount->kind == PLAN_sysfs) {
			r = mount->fd = create_make_sysfs(plan, mount, err);
		}
		if (r < 0)
			return error_wrap(err, r, "'%s'", mount->destination);
	}
	return 0;
}

/* Whether the mount brings a map of its own. */
static bool create_has_map(const struct plan_mount *mount)
{
	return mount->spec && mount->spec->uid_map.count;
}

/* Whether the ids of what is bound mean nothing inside: they are the host's. */
static bool create_needs_map(const struct plan *plan, const struct plan_mount *mount)
{
	struct stat stat_;
	uint32_t inner;

	if (mount->kind != PLAN_bind || mount->fd < 0)
		return false;
	if (mount->options.id_map || create_has_map(mount))
		return true;
	if (plan->is_plain || fstat(mount->fd, &stat_) < 0 || S_ISCHR(stat_.st_mode) ||
	    S_ISBLK(stat_.st_mode))
		return false;
	return !id_map_inner(&plan->uid_map, stat_.st_uid, &inner);
}

/* File systems whose ids are nobody's, or that can't be mapped: nothing is lost by leaving them. */
static bool create_map_is_moot(int fd)
{
	static const long moot[] = { PROC_SUPER_MAGIC,	  SYSFS_MAGIC,	      CGROUP_SUPER_MAGIC,
				     CGROUP2_SUPER_MAGIC, DEVPTS_SUPER_MAGIC, NSFS_MAGIC };
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t n = 0; n < array_count(moot); n++)
		if (fs.f_type == moot[n])
			return true;
	return false;
}

/* What was asked for by name ("idmap", a map) is done or fails. */
static int create_map_asked(const struct create *create, const struct plan_mount *mount,
			    struct error *err)
{
	bool deep = mount->options.id_map_deep;
	auto_fd int own = -1;

	if (create_has_map(mount)) {
		const struct id_map uid_map = spec_id_map(&mount->spec->uid_map),
				    gid_map = spec_id_map(&mount->spec->gid_map);

		own = id_map_namespace(&uid_map, &gid_map, err);
		if (own < 0)
			return own;
	}
	return mount_id_map(mount->fd, own >= 0 ? own : create->userns_fd, deep, err);
}

static int create_map_mount(const struct create *create, const struct plan_mount *mount,
			    struct error *err)
{
	int r;

	if (mount->options.id_map || create_has_map(mount)) {
		r = create_map_asked(create, mount, err);
		return r < 0 ? error_wrap(err, r, "'%s'", mount->destination) : 0;
	}
	if (create_map_is_moot(mount->fd) ||
	    mount_id_map(mount->fd, create->userns_fd, mount->options.bind_deep, err) == 0 ||
	    mount->is_optional) /* for reading by all, whoever it belongs to */
		return 0;
	runtime_warn(create->runtime,
		     "'%s' at '%s': the file system can't show the container's ids; files of ids "
		     "outside of these belong to nobody there",
		     mount->source, mount->destination);
	return 0;
}

int create_map_mounts(struct create *create, struct error *err)
{
	struct plan *plan = &create->plan;
	int r = 0;

	for (size_t n = 0; n < plan->mount_count && r == 0; n++)
		if (create_needs_map(plan, &plan->mounts[n]))
			r = create_map_mount(create, &plan->mounts[n], err);
	return r;
}

/* --- the process --- */

#define CREATE_FDS 4096 /* more mounts than that no container has */

/* The process makes its cgroup namespace itself, once it is in its group; the time namespace
 * likewise, since its offsets come first. */
static unsigned int create_later(void)
{
	return namespace_rows[NAMESPACE_cgroup].clone_flag |
	       namespace_rows[NAMESPACE_time].clone_flag;
}

static int create_compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* The process keeps what it attaches and speaks through, and nothing else: not the lock on the
 * state directory, and not what our caller has left open. */
static void create_close_others(const struct create *create)
{
	int keep[CREATE_FDS], last = 2 + (int)create->options->preserve_fds;
	size_t count = 0;

	keep[count++] = create->channel[1];
	keep[count++] = create->start_fd;
	keep[count++] = create->console_fd;
	for (size_t n = 0; n < create->plan.mount_count && count < CREATE_FDS; n++)
		keep[count++] = create->plan.mounts[n].fd;
	qsort(keep, count, sizeof(*keep), create_compare);
	for (size_t n = 0; n < count; n++) {
		if (keep[n] <= last)
			continue;
		if (keep[n] > last + 1)
			close_range((unsigned int)last + 1, (unsigned int)keep[n] - 1, 0);
		last = keep[n];
	}
	close_range((unsigned int)last + 1, ~0u, 0);
}

static void create_enter_cgroup(const struct create *create)
{
	struct error err;
	int r = cgroup_tree_enter(&create->tree, &err);

	if (r == 0)
		r = channel_send(create->channel[1], CHANNEL_entered, -1, &err);
	if (r == 0)
		return;
	channel_fail(create->channel[1], &err);
	_exit(1);
}

static void create_become_init(struct create *create) __attribute__((noreturn));
static void create_become_init(struct create *create)
{
	struct init init = {
		.plan = &create->plan,
		.state = &create->state,
		.channel_fd = create->channel[1],
		.start_fd = create->start_fd,
		.console_fd = create->console_fd,
		.no_pivot = create->options->no_pivot,
		.filter = &create->filter,
		.traps = &create->traps,
		.keep_fds = (unsigned int)create->options->preserve_fds,
		.has_services = !create->runtime->no_filesystem && !create->plan.is_plain,
		.new_keyring = !create->options->no_new_keyring,
		.root_fd = -1,
		.places_fd = -1,
	};
	sigset_t none;

	if (create->enters)
		create_enter_cgroup(create);
	create_close_others(create);
	create->state = (struct state){ .version = RUNTIME_OCI_VERSION,
					.id = create->id,
					.bundle = create->bundle,
					.rootfs = create->plan.rootfs,
					.created = "",
					.pid = { 1, true },
					.annotations = create->spec.annotations };
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int n = 1; n < NSIG; n++)
		signal(n, SIG_DFL);
	init_run(&init);
}

/* What root may do in a network of his own, and any process in one of Docker's: listen at ports
 * below 1024, ping. An old kernel, or one without IPv4, has neither; then that is so. */
static void create_open_pods_network(void)
{
	(void)!file_write("/proc/sys/net/ipv4/ip_unprivileged_port_start", SLICE("0"), NULL);
	(void)!file_write("/proc/sys/net/ipv4/ping_group_range", SLICE("0 2147483647"), NULL);
}

/* Sysctls of a network that isn't the container's own: set by us, from within it. */
static int create_foreign_sysctls(const struct plan *plan, struct error *err)
{
	const struct spec_pair *pair;

	if (plan->net_is_pods)
		create_open_pods_network();
	spec_each(&plan->sysctls, pair) {
		auto_text struct text path = { 0 };
		int r;

		if (!plan->net_is_foreign || strncmp(pair->key, "net/", 4) != 0)
			continue;
		text_printf(&path, "/proc/sys/%s", pair->key);
		r = file_write(text_str(&path), slice_of(pair->value), err);
		if (r < 0)
			return error_wrap(err, r, "sysctl");
	}
	return 0;
}

/* Joins what is to be joined, the user namespace last, and makes the process from there. */
static int create_join_and_clone(void *owner, pid_t *ret_pid, struct error *err)
{
	struct create *create = owner;
	const struct plan *plan = &create->plan;

	for (int n = 0; n < NAMESPACE_KINDS; n++) {
		int r = 0;

		if (n == NAMESPACE_user)
			r = create_foreign_sysctls(plan, err);
		if (r < 0)
			return r;
		if (plan->join_fd[n] >= 0 &&
		    setns(plan->join_fd[n], (int)namespace_rows[n].clone_flag) < 0)
			return error_errno(err, errno, "join the %s namespace",
					   namespace_rows[n].name);
	}
	*ret_pid = process_clone((plan->clone_flags & ~create_later()) | CLONE_PARENT, -1);
	if (*ret_pid < 0)
		return error_errno(err, errno, "clone");
	if (*ret_pid == 0)
		create_become_init(create);
	return 0;
}

static bool create_joins(const struct plan *plan)
{
	for (int n = 0; n < NAMESPACE_KINDS; n++)
		if (plan->join_fd[n] >= 0)
			return true;
	return false;
}

static int create_spawn_at_once(struct create *create, struct error *err)
{
	const struct cgroup_hierarchy *v2 = cgroup_tree_v2(&create->tree);
	unsigned int flags = create->plan.clone_flags & ~create_later();

	/* A scope is made around a process that is there. */
	create->enters = !create->scope.unit;
	create->pid = process_clone(flags, create->enters && v2 ? v2->group_fd : -1);
	if (create->pid == 0)
		create_become_init(create);
	return create->pid < 0 ? error_errno(err, errno, "clone it into the control group '%s'",
					     text_str(&create->cgroup_path))
			       : 0;
}

int create_spawn(struct create *create, struct error *err)
{
	int r = channel_open(create->channel, err);

	if (r == 0)
		r = create_joins(&create->plan)
			    ? birth_by_helper(create_join_and_clone, create, -1, &create->pid, err)
			    : create_spawn_at_once(create, err);
	if (r < 0)
		return r;
	close(take_fd(&create->channel[1]));
	create->pidfd = (int)syscall(SYS_pidfd_open, create->pid, 0);
	return create->pidfd < 0 ? error_errno(err, errno, "open the process") : 0;
}

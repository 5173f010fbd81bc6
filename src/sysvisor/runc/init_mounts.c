/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "base/file.h"
#include "kernel/cgroup_tree.h"
#include "kernel/path.h"
#include "sysvisor/runc/channel.h"
#include "sysvisor/runc/init.h"
#include "sysvisor/runc/services.h"

/* --- the root --- */

/* The mount goes onto our own "/", which nobody else sees; pivot_root takes it from there. */
int init_attach_root(struct init *init, struct error *err)
{
	struct mount_attr slave = { .propagation = MS_SLAVE };
	auto_fd int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (top < 0)
		return error_errno(err, errno, "open '/'");
	if (mount_setattr(-1, "/", AT_RECURSIVE, &slave, sizeof(slave)) < 0)
		return error_errno(err, errno, "leave the host's mount propagation");
	return mount_attach(init->root_fd, top, err);
}

static int init_change_root(const struct mount_options *options, struct error *err)
{
	auto_fd int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? error_errno(err, errno, "open '/'") : mount_apply(fd, options, err);
}

static int init_apply_propagation(const char *name, struct error *err)
{
	struct mount_options options = { 0 };

	if (!name || !*name)
		return 0;
	if (!mount_option(slice_of(name), &options) || !options.propagation)
		return error_say(err, EINVAL,
				 "config.json: linux.rootfsPropagation: '%.40s' is not known",
				 name);
	return init_change_root(&options, err);
}

int init_pivot(struct init *init, struct error *err)
{
	struct mount_options read_only = { .set = MOUNT_ATTR_RDONLY };
	const struct spec *spec = init->plan->spec;
	int r;

	auto_close_fd(&init->places_fd);
	if (fchdir(init->root_fd) < 0)
		return error_errno(err, errno, "enter it");
	if (init->no_pivot) {
		if (mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
			return error_errno(err, errno, "move it to '/'");
	} else {
		/* The old root lands on top of the new one, and goes from there. */
		if (syscall(SYS_pivot_root, ".", ".") < 0)
			return error_errno(err, errno, "pivot_root");
		if (umount2(".", MNT_DETACH) < 0)
			return error_errno(err, errno, "let go of the old root");
	}
	if (chdir("/") < 0)
		return error_errno(err, errno, "enter '/'");
	r = init_apply_propagation(spec->linux_.rootfs_propagation, err);
	return r < 0 || !spec->root.readonly || plan_locks_root(init->plan)
		       ? r
		       : init_change_root(&read_only, err);
}

/* --- one mount --- */

/* Copies what an image has in a directory into the tmpfs that hides it ("tmpcopyup"). */
static int init_copy_up(int from_fd, int to_fd, const char *name, struct error *err)
{
	auto_fd int from = path_open(from_fd, name, O_RDONLY | O_NOFOLLOW);
	auto_text struct text text = { 0 };
	auto_fd int to = -1;
	struct stat stat_;
	int r;

	if (from < 0 || fstat(from, &stat_) < 0 || !S_ISREG(stat_.st_mode))
		return 0; /* links, devices and sockets stay behind */
	r = file_read_at(from_fd, name, 64u << 20, &text);
	if (r < 0)
		return error_errno(err, -r, "copy '%s'", name);
	to = openat(to_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, stat_.st_mode & 07777);
	r = to < 0 ? -errno : file_write_all(to, text_slice(&text));
	if (r == 0)
		(void)!fchown(to, stat_.st_uid, stat_.st_gid);
	return r < 0 ? error_errno(err, -r, "copy '%s'", name) : 0;
}

static int init_copy_dir(int from_fd, int to_fd, int depth, struct error *err)
{
	int copy = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir)
		return error_errno(err, errno, "read a directory");
	while (r == 0 && (entry = readdir(dir))) {
		const char *name = entry->d_name;
		auto_fd int below = -1, made = -1;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (entry->d_type != DT_DIR) {
			r = init_copy_up(from_fd, to_fd, name, err);
			continue;
		}
		below = openat(from_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0 || depth > 32 || mkdirat(to_fd, name, 0755) < 0)
			continue;
		made = openat(to_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = made < 0 ? 0 : init_copy_dir(below, made, depth + 1, err);
	}
	closedir(dir);
	return r;
}

/* Those whose files have no labels of their own, and which a user namespace may give some. */
static bool init_takes_label(const struct plan_mount *mount)
{
	for (size_t n = 0; n < mount->data.count; n++)
		if (strncmp(mount->data.at[n], "context=", strlen("context=")) == 0)
			return false;
	return strcmp(mount->type, "tmpfs") == 0 || strcmp(mount->type, "devpts") == 0;
}

static int init_make_filesystem(const struct plan *plan, const struct plan_mount *mount,
				struct error *err)
{
	auto_fd int fs = mount_begin(mount->type, err);
	int r = 0;

	if (fs < 0)
		return fs;
	if (mount->source && *mount->source)
		r = mount_say(fs, SLICE("source=none"), err);
	for (size_t n = 0; n < mount->data.count && r == 0; n++)
		r = mount_say(fs, slice_of(mount->data.at[n]), err);
	if (r == 0 && init_takes_label(mount))
		r = plan_say_label(plan, fs, err);
	return r < 0 ? r : mount_finish(fs, mount->type, mount->options.set, err);
}

static int init_make_place_in(int root_fd, const struct plan_mount *mount, struct error *err)
{
	return mount->is_file ? path_make_file(root_fd, mount->destination, 0755, err)
			      : path_make_dir(root_fd, mount->destination, 0755, err);
}

/* Where it is attached. A root that is locked already takes no new directory: it is made beside. */
static int init_make_place(const struct init *init, const struct plan_mount *mount,
			   struct error *err)
{
	int fd = init_make_place_in(init->root_fd, mount, err);

	if (fd != -EROFS || init->places_fd < 0)
		return fd;
	fd = init_make_place_in(init->places_fd, mount, err);
	if (fd < 0)
		return fd;
	close(fd);
	return init_make_place_in(init->root_fd, mount, err);
}

static int init_mount_filesystem(struct init *init, const struct plan_mount *mount,
				 struct error *err)
{
	struct mount_options later = { .propagation = mount->options.propagation,
				       .propagation_deep = mount->options.propagation_deep };
	auto_fd int target = mount->is_optional
				     ? path_open(init->root_fd, mount->destination, O_PATH)
				     : init_make_place(init, mount, err);
	auto_fd int fd = -1, before = -1;
	int r;

	if (target < 0)
		return mount->is_optional ? 0 : target;
	fd = init_make_filesystem(init->plan, mount, err);
	/* The kernel shows a user namespace no more of /proc than its makers see ("too revealing").
	 */
	if (fd == -EPERM && strcmp(mount->type, "proc") == 0)
		return error_wrap(err, fd,
				  "parts of this host's /proc are mounted over; mount a "
				  "whole procfs beside it, or unmount these");
	if (fd < 0)
		return fd;
	/* Some belong to who made the namespace, not to root inside; those that can't be given
	 * (sysfs) stay nobody's. */
	(void)!fchownat(fd, "", 0, 0, AT_EMPTY_PATH);
	if (mount->options.copy_up) {
		before = path_open(init->root_fd, mount->destination, O_RDONLY | O_DIRECTORY);
		r = before < 0 ? 0 : init_copy_dir(before, fd, 0, err);
		if (r < 0)
			return r;
	}
	r = mount_attach(fd, target, err);
	return r < 0 ? r : mount_apply(fd, &later, err);
}

static int init_mount_bind(struct init *init, struct plan_mount *mount, struct error *err)
{
	auto_fd int target = -1;

	if (mount->fd < 0)
		return 0; /* it could be left away, and was */
	target = init_make_place(init, mount, err);
	if (target < 0)
		return mount->is_optional ? 0 : target; /* no place can be made for it */
	return mount_attach(mount->fd, target, err);
}

/* --- control groups --- */

static int init_mount_hierarchy(int parent_fd, const char *name, bool v2,
				const struct plan_mount *mount, struct error *err)
{
	const char *type = v2 ? "cgroup2" : "cgroup";
	auto_fd int fs = -1, fd = -1, target = -1;
	struct slice rest = slice_of(name), word;
	int r = 0;

	if (mkdirat(parent_fd, name, 0755) < 0 && errno != EEXIST)
		return error_errno(err, errno, "make directory '%s'", name);
	target = openat(parent_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fs = mount_begin(type, err);
	if (fs < 0)
		return fs;
	if (!v2 && strcmp(name, "systemd") == 0) {
		r = mount_say(fs, SLICE("none"), err);
		if (r == 0)
			r = mount_say(fs, SLICE("name=systemd"), err);
	}
	while (!v2 && strcmp(name, "systemd") != 0 && r == 0 && slice_next(&rest, ',', &word))
		r = mount_say(fs, word, err);
	fd = r < 0 ? r : mount_finish(fs, type, mount->options.set, err);
	if (fd < 0)
		return error_wrap(err, fd, "hierarchy '%s'", name);
	return mount_attach(fd, target, err);
}

/* v1 and hybrid: a tmpfs with a mount for each hierarchy, named as the host names them. */
static int init_mount_hierarchies(const struct plan *plan, const struct cgroup_tree *tree,
				  const struct plan_mount *mount, int target_fd, struct error *err)
{
	auto_fd int fs = mount_begin("tmpfs", err), fd = -1;
	int r = fs < 0 ? fs : mount_say(fs, SLICE("mode=755"), err);

	if (r == 0)
		r = plan_say_label(plan, fs, err);
	fd = r < 0 ? r
		   : mount_finish(fs, "tmpfs", mount->options.set & ~(uint64_t)MOUNT_ATTR_RDONLY,
				  err);
	if (fd < 0)
		return fd;
	r = mount_attach(fd, target_fd, err);
	for (size_t n = 0; n < tree->count && r == 0; n++)
		r = init_mount_hierarchy(fd, tree->hierarchies[n].name, tree->hierarchies[n].v2,
					 mount, err);
	if (r == 0 && mount->options.set & MOUNT_ATTR_RDONLY) {
		struct mount_options read_only = { .set = MOUNT_ATTR_RDONLY };

		r = mount_apply(fd, &read_only, err);
	}
	return r;
}

static int init_mount_cgroup(struct init *init, const struct plan_mount *mount, struct error *err)
{
	auto_fd int target = init_make_place(init, mount, err), fs = -1, fd = -1;
	struct cgroup_tree tree;
	int r;

	if (target < 0)
		return target;
	r = cgroup_tree_init(&tree, err);
	if (r < 0)
		return r;
	if (!tree.v2_only) {
		r = init_mount_hierarchies(init->plan, &tree, mount, target, err);
	} else {
		fs = mount_begin("cgroup2", err);
		fd = fs < 0 ? fs : mount_finish(fs, "cgroup2", mount->options.set, err);
		r = fd < 0 ? fd : mount_attach(fd, target, err);
	}
	cgroup_tree_done(&tree);
	return r;
}

/* --- all of them --- */

static int init_mount_one(struct init *init, struct plan_mount *mount, struct error *err)
{
	static int (*const make[])(struct init *, struct plan_mount *, struct error *) = {
		[PLAN_bind] = init_mount_bind,
		[PLAN_devices] = init_mount_bind,
		[PLAN_sysfs] = init_mount_bind,
	};
	int r;

	if (mount->kind == PLAN_cgroup)
		r = init_mount_cgroup(init, mount, err);
	else if (mount->kind == PLAN_filesystem)
		r = init_mount_filesystem(init, mount, err);
	else
		r = make[mount->kind](init, mount, err);
	return r < 0 ? error_wrap(err, r, "%s at '%s'", mount->type ? mount->type : "bind",
				  mount->destination)
		     : 0;
}

/* Control groups can be mounted only when we are in ours; so they come last, and with them what
 * lies below them. */
static bool init_is_late(const struct plan *plan, const struct plan_mount *mount)
{
	for (size_t n = 0; n < plan->mount_count; n++) {
		const struct plan_mount *other = &plan->mounts[n];

		if (other->kind == PLAN_cgroup && strncmp(mount->destination, other->destination,
							  strlen(other->destination)) == 0)
			return true;
	}
	return false;
}

static int init_mount_all(struct init *init, bool late, struct error *err)
{
	struct plan *plan = init->plan;
	int r = 0;

	for (size_t n = 0; n < plan->mount_count && r == 0; n++)
		if (init_is_late(plan, &plan->mounts[n]) == late)
			r = init_mount_one(init, &plan->mounts[n], err);
	return r;
}

int init_mount_first(struct init *init, struct error *err)
{
	return init_mount_all(init, false, err);
}

int init_mount_rest(struct init *init, struct error *err)
{
	return init_mount_all(init, true, err);
}

/* --- sysvisor-fs --- */

static int init_bind_one(struct init *init, const char *target, int fd, struct error *err)
{
	auto_fd int at = path_open(init->root_fd, target, O_PATH);
	int r;

	if (at == -ENOENT)
		return 0; /* this kernel has no such file: there is nothing to hide */
	if (at < 0)
		return error_errno(err, -at, "open '%s'", target);
	r = mount_attach(fd, at, err);
	return r < 0 ? error_wrap(err, r, "sysvisor-fs at '%s'", target) : 0;
}

int init_binds(struct init *init, struct error *err)
{
	char target[256];
	int r;

	for (;;) {
		auto_fd int fd = -1;

		r = channel_next_bind(init->channel_fd, target, sizeof(target), &fd, err);
		if (r < 0 || fd < 0)
			return r;
		r = init_bind_one(init, target, fd, err);
		if (r < 0)
			return r;
	}
}

/* --- sysctl --- */

/* A range that the host's ids need is more than the container has. */
static int init_clamp_group_range(struct init *init, int fd)
{
	const struct id_map *map = &init->plan->gid_map;
	uint32_t last = 0;
	char range[32];
	int n;

	for (size_t m = 0; m < map->count; m++)
		if (map->ranges[m].inner_id == last)
			last += map->ranges[m].count;
	n = snprintf(range, sizeof(range), "0 %u", last ? last - 1 : 0);
	return write(fd, range, (size_t)n) < 0 ? -errno : 0;
}

static int init_sysctl_one(struct init *init, const struct spec_pair *pair, struct error *err)
{
	auto_text struct text path = { 0 };
	auto_fd int fd = -1;
	struct statfs fs;
	int r = 0;

	text_printf(&path, "/proc/sys/%s", pair->key);
	fd = path_open(init->root_fd, text_str(&path), O_WRONLY);
	if (fd < 0)
		return error_errno(err, -fd, "open '%s'", text_str(&path));
	if (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return error_say(err, EPERM, "'%s' is not procfs", text_str(&path));
	if (write(fd, pair->value, strlen(pair->value)) < 0)
		r = -errno;
	if (r == -EINVAL && strcmp(pair->key, "net/ipv4/ping_group_range") == 0)
		r = init_clamp_group_range(init, fd);
	return r < 0 ? error_errno(err, -r, "write '%.60s' to '%s'", pair->value, text_str(&path))
		     : 0;
}

int init_sysctl(struct init *init, struct error *err)
{
	const struct spec_pair *pair;
	int r = 0;

	spec_each(&init->plan->sysctls, pair) {
		/* In a network that isn't ours the runtime has set them. */
		if (init->plan->net_is_foreign && strncmp(pair->key, "net/", 4) == 0)
			continue;
		if (init->has_services && !services_sysctl_is_kernels(pair->key))
			continue;
		r = init_sysctl_one(init, pair, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- masked and read-only paths --- */

static int init_mask(struct init *init, const char *path, struct error *err)
{
	auto_fd int target = path_open(init->root_fd, path, O_PATH), fs = -1, fd = -1, null = -1;
	struct stat stat_;
	int r;

	if (target == -ENOENT || target == -ENOTDIR || target == -EACCES)
		return 0;
	if (target < 0 || fstat(target, &stat_) < 0)
		return error_errno(err, target < 0 ? -target : errno, "open '%s'", path);
	if (S_ISDIR(stat_.st_mode)) {
		fs = mount_begin("tmpfs", err);
		r = fs < 0 ? fs : mount_say(fs, SLICE("mode=755"), err);
		fd = r < 0 ? r : mount_finish(fs, "tmpfs", MOUNT_ATTR_RDONLY, err);
	} else {
		null = path_open(init->root_fd, "/dev/null", O_PATH);
		if (null < 0)
			return error_errno(err, -null, "open '/dev/null'");
		fd = mount_clone(null, "", false, true, err);
	}
	r = fd < 0 ? fd : mount_attach(fd, target, err);
	return r < 0 ? error_wrap(err, r, "'%s'", path) : 0;
}

static int init_make_read_only(struct init *init, const char *path, struct error *err)
{
	struct mount_options read_only = { .set = MOUNT_ATTR_RDONLY };
	auto_fd int target = path_open(init->root_fd, path, O_PATH), fd = -1;
	int r;

	if (target == -ENOENT || target == -ENOTDIR || target == -EACCES)
		return 0;
	if (target < 0)
		return error_errno(err, -target, "open '%s'", path);
	fd = mount_clone(target, "", true, true, err);
	r = fd < 0 ? fd : mount_apply(fd, &read_only, err);
	if (r == 0)
		r = mount_attach(fd, target, err);
	return r < 0 ? error_wrap(err, r, "'%s'", path) : 0;
}

int init_mask_paths(struct init *init, struct error *err)
{
	const struct spec_words *masked = &init->plan->masked, *readonly = &init->plan->readonly;
	int r = 0;

	for (size_t n = 0; n < readonly->count && r == 0; n++)
		r = init_make_read_only(init, readonly->at[n], err);
	for (size_t n = 0; n < masked->count && r == 0; n++)
		r = init_mask(init, masked->at[n], err);
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* An overlay over mapped layers: what an engine has mounted, mounted again with the container's
 * ids. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/text.h"
#include "sysvisor/runc/channel.h"
#include "sysvisor/runc/rootfs.h"

/* Beside the upper layer. */
#define OVERLAY_WORK "sysvisor-work"
/* What the helper mounts over, in a mount namespace of its own: a directory that is always there.
 */
#define OVERLAY_BENCH	   "/sys"
#define OVERLAY_WORK_DEPTH 8
#define OVERLAY_DATA	   4096 /* a page is all that mount(2) takes */

struct overlay {
	const struct plan *plan;
	int userns_fd;
	const struct overlay_layers *layers;
	const char *name; /* of the upper layer in its directory */
	/* The lower ones, then the directory of the upper one. Clones vanish with their fd, and
	 * overlay makes its own from them only at the end. */
	int fds[OVERLAY_LAYERS + 1];
	size_t fd_count;
};

/* --- clones of the layers --- */

static int overlay_clone(struct overlay *overlay, const char *path, struct error *err)
{
	auto_text struct text full = { 0 };
	auto_fd int fd = -1;
	int r;

	rootfs_layer_path(overlay->plan->rootfs, path, &full);
	fd = mount_clone(AT_FDCWD, text_str(&full), false, true, err);
	if (fd < 0)
		return fd;
	r = mount_id_map(fd, overlay->userns_fd, false, err);
	if (r < 0)
		return error_wrap(err, r, "layer '%s'", text_str(&full));
	overlay->fds[overlay->fd_count++] = take_fd(&fd);
	return 0;
}

/* The upper layer and its work directory have to lie on one mount: the directory they share. */
static int overlay_clone_upper(struct overlay *overlay, struct error *err)
{
	struct slice upper = slice_of(overlay->layers->upper);
	auto_text struct text above = { 0 };
	ssize_t at = slice_find_last(upper, SLICE("/"));

	if (at <= 0)
		text_put(&above, at < 0 ? SLICE(".") : SLICE("/"));
	text_put(&above, slice_first(upper, at < 0 ? 0 : (size_t)at));
	overlay->name = upper.at + at + 1;
	return overlay_clone(overlay, text_str(&above), err);
}

static int overlay_clone_all(struct overlay *overlay, struct error *err)
{
	const struct spec_words *lower = &overlay->layers->lower;
	int r = 0;

	for (size_t n = 0; n < lower->count && r == 0; n++)
		r = overlay_clone(overlay, lower->at[n], err);
	return r == 0 && overlay->layers->upper ? overlay_clone_upper(overlay, err) : r;
}

/* The work directory is one of our own, for the engine's mount has its own in use. */
static int overlay_make_work(int parent_fd, struct error *err)
{
	if (mkdirat(parent_fd, OVERLAY_WORK, 0700) < 0 && errno != EEXIST)
		return error_errno(err, errno, "make '" OVERLAY_WORK "' beside the upper layer");
	return 0;
}

/* --- since Linux 6.13: layers by fd --- */

static int overlay_say_dir(struct overlay *overlay, int fs, const char *key, const char *name,
			   struct error *err)
{
	int parent = overlay->fds[overlay->layers->lower.count];
	auto_fd int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "open '%s' of the upper layer", name);
	return mount_say_fd(fs, key, fd, err);
}

static int overlay_by_fd(struct overlay *overlay, struct error *err)
{
	const struct overlay_layers *layers = overlay->layers;
	auto_fd int fs = mount_begin("overlay", err);
	int r = fs < 0 ? fs : 0;

	for (size_t n = 0; n < layers->lower.count && r == 0; n++) {
		r = mount_say_fd(fs, "lowerdir+", overlay->fds[n], err);
		/* EBADF: such an fd is no file to kernels before 6.13. */
		if ((r == -EINVAL || r == -EBADF) && n == 0)
			return -EOPNOTSUPP;
	}
	if (r == 0 && layers->upper)
		r = overlay_make_work(overlay->fds[layers->lower.count], err);
	if (r == 0 && layers->upper)
		r = overlay_say_dir(overlay, fs, "upperdir", overlay->name, err);
	if (r == 0 && layers->upper)
		r = overlay_say_dir(overlay, fs, "workdir", OVERLAY_WORK, err);
	for (size_t n = 0; n < layers->other.count && r == 0; n++)
		r = mount_say(fs, slice_of(layers->other.at[n]), err);
	if (r == 0)
		r = plan_say_label(overlay->plan, fs, err);
	return r < 0 ? r : mount_finish(fs, "overlay", 0, err);
}

/*
 * Overlay does its own work (copying up, whiteouts) with the rights of who has mounted it. As the
 * host's root it could write nothing through the mapped layers, root having no id there; so we take
 * the ids of root inside for the time of the mount, and keep the capabilities, without which the
 * image layers' "trusted." marks would not be honoured.
 */
static int overlay_as_inner_root(struct overlay *overlay,
				 int (*make)(struct overlay *overlay, struct error *err),
				 struct error *err)
{
	const struct plan *plan = overlay->plan;
	struct capability_sets caps = { 0 };
	int result, r = capability_mine(&caps.permitted, err);

	if (r < 0)
		return r;
	caps.effective = caps.permitted;
	setfsgid(plan->host_gid);
	setfsuid(plan->host_uid); /* drops the capabilities over files from the effective set */
	r = capability_set(&caps, err);
	result = r < 0 ? r : make(overlay, err);
	setfsuid(0);
	setfsgid(0);
	r = capability_set(&caps, result < 0 ? NULL : err);
	return result < 0 ? result : r < 0 ? r : result;
}

/* --- before: layers by path, attached where nobody else sees them --- */

static int overlay_attach(struct overlay *overlay, struct error *err)
{
	auto_fd int fs = mount_begin("tmpfs", err), fd = -1, at = -1;
	int r = 0;

	fd = fs < 0 ? fs : mount_finish(fs, "tmpfs", 0, err);
	if (fd < 0)
		return fd;
	at = open(OVERLAY_BENCH, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return error_errno(err, errno, "open '" OVERLAY_BENCH "'");
	r = mount_attach(fd, at, err);
	if (r < 0)
		return r;
	if (fchdir(fd) < 0 || mkdir("m", 0755) < 0)
		return error_errno(err, errno, "prepare the layers");
	for (size_t n = 0; n < overlay->fd_count && r == 0; n++) {
		auto_fd int target = -1;
		char name[16];

		snprintf(name, sizeof(name), "%zu", n);
		if (mkdir(name, 0755) < 0)
			return error_errno(err, errno, "prepare the layers");
		target = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = mount_attach(overlay->fds[n], target, err);
	}
	return r;
}

static int overlay_by_path(struct overlay *overlay, struct error *err)
{
	const struct overlay_layers *layers = overlay->layers;
	auto_text struct text data = { 0 };
	size_t upper = layers->lower.count;
	int r;

	text_put(&data, SLICE("lowerdir="));
	for (size_t n = 0; n < layers->lower.count; n++)
		text_printf(&data, "%s%zu", n ? ":" : "", n);
	if (layers->upper) {
		if (strpbrk(overlay->name, ",:\\"))
			return error_say(err, EINVAL,
					 "upper layer '%s' has a ',', ':' or '\\' in it",
					 overlay->name);
		r = overlay_make_work(overlay->fds[upper], err);
		if (r < 0)
			return r;
		text_printf(&data, ",upperdir=%zu/%s,workdir=%zu/" OVERLAY_WORK, upper,
			    overlay->name, upper);
	}
	for (size_t n = 0; n < layers->other.count; n++)
		text_printf(&data, ",%s", layers->other.at[n]);
	if (overlay->plan->label) /* which has a ',' in it */
		text_printf(&data, ",context=\"%s\"", overlay->plan->label);
	if (data.bytes >= OVERLAY_DATA)
		return error_say(err, E2BIG, "the overlay has too many layers for this kernel");
	if (mount("overlay", "m", "overlay", 0, text_str(&data)) < 0)
		return error_errno(err, errno, "mount overlay '%s'", text_str(&data));
	return 0;
}

static int overlay_help(struct overlay *overlay, struct error *err)
{
	int r;

	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_errno(err, errno, "make a mount namespace");
	r = overlay_attach(overlay, err);
	if (r == 0)
		r = overlay_as_inner_root(overlay, overlay_by_path, err);
	return r < 0 ? r : mount_clone(AT_FDCWD, "m", false, true, err);
}

/* In a process of its own, whose namespace goes with it; what it has mounted comes as an fd. */
static int overlay_by_helper(struct overlay *overlay, struct error *err)
{
	int channel[2], fd = -1, r = channel_open(channel, err);
	pid_t pid;

	if (r < 0)
		return r;
	pid = fork();
	if (pid == 0) {
		struct error why = { 0 };

		fd = overlay_help(overlay, &why);
		if (fd < 0 || channel_send(channel[1], CHANNEL_mapped, fd, &why) < 0)
			channel_fail(channel[1], &why);
		_exit(0);
	}
	close(channel[1]);
	r = pid < 0 ? error_errno(err, errno, "fork")
		    : channel_wait(channel[0], CHANNEL_mapped, &fd, err);
	close(channel[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r < 0 ? r : fd;
}

int overlay_mount(const struct plan *plan, int userns_fd, const struct overlay_layers *layers,
		  struct error *err)
{
	struct overlay overlay = { .plan = plan, .userns_fd = userns_fd, .layers = layers };
	int r;

	r = overlay_clone_all(&overlay, err);
	if (r == 0)
		r = overlay_as_inner_root(&overlay, overlay_by_fd, err);
	if (r == -EOPNOTSUPP)
		r = overlay_by_helper(&overlay, err);
	for (size_t n = 0; n < overlay.fd_count; n++)
		close(overlay.fds[n]);
	return r;
}

/* Overlay leaves little there: a directory or two, and what it was copying up when it ended. */
static void overlay_remove(int parent_fd, const char *name, int depth)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, entry->d_name, 0) < 0 && depth < OVERLAY_WORK_DEPTH)
			overlay_remove(fd, entry->d_name, depth + 1);
	}
	if (dir)
		closedir(dir);
	unlinkat(parent_fd, name, AT_REMOVEDIR);
}

void overlay_clean(const char *storage)
{
	auto_fd int fd = open(storage, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && faccessat(fd, OVERLAY_WORK, F_OK, 0) == 0)
		overlay_remove(fd, OVERLAY_WORK, 0);
}

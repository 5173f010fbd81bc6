/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/devfs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/text.h"
#include "kernel/path.h"

struct devfs_node {
	const char *name;
	unsigned int major, minor;
	bool system; /* only in system containers */
};

/* /dev/kmsg is /dev/null: the host's log is not theirs. */
static const struct devfs_node devfs_nodes[] = {
	{ "null", 1, 3, false },   { "zero", 1, 5, false },    { "full", 1, 7, false },
	{ "random", 1, 8, false }, { "urandom", 1, 9, false }, { "tty", 5, 0, false },
	{ "kmsg", 1, 3, true },	   { "fuse", 10, 229, true },  { "net/tun", 10, 200, true },
};

static const struct {
	const char *name, *target;
} devfs_links[] = {
	{ "fd", "/proc/self/fd" },	 { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "ptmx", "pts/ptmx" },		 { "core", "/proc/kcore" },
};

static const char *const devfs_dirs[] = { "pts", "shm", "mqueue", "net" };

static int devfs_make_node(const struct plan *plan, int root_fd, const char *name, mode_t mode,
			   dev_t device, struct error *err)
{
	mode_t type = mode & S_IFMT;

	if (mknodat(root_fd, name, mode, device) < 0 && errno != EEXIST)
		return error_errno(err, errno, "make device '/dev/%s'", name);
	if (fchownat(root_fd, name, plan->host_uid, plan->host_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (type != S_IFREG && fchmodat(root_fd, name, mode & 07777, 0) < 0))
		return error_errno(err, errno, "give away '/dev/%s'", name);
	return 0;
}

static int devfs_make_usual(const struct plan *plan, int root_fd, struct error *err)
{
	int r = 0;

	for (size_t n = 0; n < array_count(devfs_dirs) && r == 0; n++)
		if (mkdirat(root_fd, devfs_dirs[n], 0755) < 0 ||
		    fchownat(root_fd, devfs_dirs[n], plan->host_uid, plan->host_gid, 0) < 0)
			return error_errno(err, errno, "make directory '/dev/%s'", devfs_dirs[n]);
	for (size_t n = 0; n < array_count(devfs_nodes) && r == 0; n++) {
		const struct devfs_node *node = &devfs_nodes[n];

		if (!node->system || !plan->is_plain)
			r = devfs_make_node(plan, root_fd, node->name, S_IFCHR | 0666,
					    makedev(node->major, node->minor), err);
	}
	for (size_t n = 0; n < array_count(devfs_links) && r == 0; n++)
		if (symlinkat(devfs_links[n].target, root_fd, devfs_links[n].name) < 0 ||
		    fchownat(root_fd, devfs_links[n].name, plan->host_uid, plan->host_gid,
			     AT_SYMLINK_NOFOLLOW) < 0)
			return error_errno(err, errno, "make link '/dev/%s'", devfs_links[n].name);
	return r;
}

static int devfs_type(const char *type, mode_t *ret)
{
	switch (type[0]) {
	case 'c':
	case 'u':
		*ret = S_IFCHR;
		return 0;
	case 'b':
		*ret = S_IFBLK;
		return 0;
	case 'p':
		*ret = S_IFIFO;
		return 0;
	default:
		return -EINVAL;
	}
}

/* One of linux.devices. Its owner is told in the container's ids. */
static int devfs_make_asked(const struct plan *plan, int root_fd, const struct spec_device *device,
			    struct error *err)
{
	uint32_t uid = plan->host_uid, gid = plan->host_gid;
	mode_t mode = device->mode.set ? (mode_t)device->mode.value & 07777 : 0666;
	struct slice name = slice_of(device->path);
	auto_fd int parent = -1;
	const char *last;
	mode_t type;

	if (!slice_eat(&name, SLICE("/dev/")))
		return error_say(
			err, ENOSYS,
			"not supported: device '%.80s', because only /dev is ours to fill; "
			"name a path below /dev",
			device->path);
	if (devfs_type(device->type, &type) < 0)
		return error_say(
			err, EINVAL,
			"config.json: linux.devices: '%.80s' has type '%.10s'; use c, b, u "
			"or p",
			device->path, device->type);
	if ((device->uid.set && !id_map_host(&plan->uid_map, (uint32_t)device->uid.value, &uid)) ||
	    (device->gid.set && !id_map_host(&plan->gid_map, (uint32_t)device->gid.value, &gid)))
		return error_say(
			err, EINVAL,
			"config.json: linux.devices: the owner of '%.80s' is outside of the "
			"container's ids",
			device->path);
	parent = path_make_parent(root_fd, name.at, &last, err);
	if (parent < 0)
		return parent;
	/* The engine's word is better than our usual node of that name. */
	unlinkat(parent, last, 0);
	if (mknodat(parent, last, type | mode,
		    makedev((unsigned int)device->major.value, (unsigned int)device->minor.value)) <
		    0 ||
	    fchmodat(parent, last, mode, 0) < 0 || fchownat(parent, last, uid, gid, 0) < 0)
		return error_errno(err, errno, "make device '%s'", device->path);
	return 0;
}

static int devfs_mount(const struct plan *plan, const struct plan_mount *mount, struct error *err)
{
	auto_fd int fs = mount_begin("tmpfs", err);
	char owner[2][24];
	int r = fs < 0 ? fs : mount_say(fs, SLICE("source=tmpfs"), err);

	snprintf(owner[0], sizeof(owner[0]), "uid=%u", plan->host_uid);
	snprintf(owner[1], sizeof(owner[1]), "gid=%u", plan->host_gid);
	for (size_t n = 0; n < mount->data.count && r == 0; n++)
		r = mount_say(fs, slice_of(mount->data.at[n]), err);
	for (size_t n = 0; n < array_count(owner) && r == 0; n++)
		r = mount_say(fs, slice_of(owner[n]), err);
	if (r == 0)
		r = plan_say_label(plan, fs, err);
	/* Read-only comes last, when all is in it. */
	return r < 0 ? r
		     : mount_finish(fs, "tmpfs", mount->options.set & ~(uint64_t)MOUNT_ATTR_RDONLY,
				    err);
}

int devfs_make(const struct plan *plan, const struct plan_mount *mount, struct error *err)
{
	auto_fd int fd = devfs_mount(plan, mount, err);
	const struct spec_device *device;
	int r;

	if (fd < 0)
		return fd;
	r = devfs_make_usual(plan, fd, err);
	if (r == 0 && plan->spec->process.terminal)
		r = devfs_make_node(plan, fd, "console", S_IFREG | 0620, 0, err);
	if (r < 0)
		return r;
	spec_each(&plan->spec->linux_.devices, device) {
		r = devfs_make_asked(plan, fd, device, err);
		if (r < 0)
			return r;
	}
	return take_fd(&fd);
}

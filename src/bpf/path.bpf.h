/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* path - the way from a file or directory up to the root, as a process sees it: through mounts. */
#ifndef BPF_PATH_BPF_H
#define BPF_PATH_BPF_H

#include "bpf/ring.bpf.h"

/* Addresses of the kernel's, as numbers: struct dentry, struct vfsmount. */
struct path_place {
	__u64 dentry, mount;
};

enum path_way { PATH_more, PATH_done, PATH_full };

static __u64 path_parent_of(__u64 dentry)
{
	return (__u64)BPF_CORE_READ((struct dentry *)dentry, d_parent);
}

static const void *path_name_of(__u64 dentry)
{
	return BPF_CORE_READ((struct dentry *)dentry, d_name.name);
}

/* What is mounted. */
static __u64 path_top_of(__u64 mount)
{
	return (__u64)BPF_CORE_READ((struct vfsmount *)mount, mnt_root);
}

static struct mount *path_mount_of(__u64 mount)
{
	return (void *)(mount - bpf_core_field_offset(struct mount, mnt));
}

/* The directory on which a mount lies. False: on none that can be seen. */
static bool path_off_mount(struct path_place *place)
{
	struct mount *mount = path_mount_of(place->mount), *above;

	above = BPF_CORE_READ(mount, mnt_parent);
	if (above == mount)
		return false;
	place->dentry = (__u64)BPF_CORE_READ(mount, mnt_mountpoint);
	place->mount = (__u64)above + bpf_core_field_offset(struct mount, mnt);
	return true;
}

/* One step up: to the directory above, or off a mount. *ret_name: what was left is called so in the
 * directory above, or, when done, by itself: it was never in one. NULL: nothing with a name was
 * left. */
static enum path_way path_up(struct path_place *at, const struct path_place *root,
			     const void **ret_name)
{
	__u64 dentry = at->dentry, up;

	*ret_name = NULL;
	if (dentry == root->dentry && at->mount == root->mount)
		return PATH_done;
	if (dentry == path_top_of(at->mount))
		return path_off_mount(at) ? PATH_more : PATH_done;
	*ret_name = path_name_of(dentry);
	up = path_parent_of(dentry);
	at->dentry = up;
	return up == dentry ? PATH_done : PATH_more;
}

#endif

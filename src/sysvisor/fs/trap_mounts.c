/* SPDX-License-Identifier: Apache-2.0 */
/* What lies over a container's procfs and sysfs. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "kernel/mount.h"
#include "sysvisor/fs/node.h"
#include "sysvisor/fs/trap_call.h"

/* --- mountinfo --- */

static bool trap_parse_device(struct slice text, dev_t *ret_device)
{
	uint64_t major_, minor_;

	if (!slice_eat_u64(&text, &major_) ||
	    !slice_eat(&text, SLICE(":")) || !slice_eat_u64(&text, &minor_) || text.bytes)
		return false;
	*ret_device = makedev((unsigned int)major_, (unsigned int)minor_);
	return true;
}

/* "36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw" */
static bool trap_parse_mount(struct slice line, struct trap_mount *mount)
{
	struct slice id, parent, device, word;

	if (!slice_cut(&line, ' ', &id) || !slice_u64(id, &mount->id) ||
	    !slice_cut(&line, ' ', &parent) || !slice_u64(parent, &mount->parent) ||
	    !slice_cut(&line, ' ', &device) || !trap_parse_device(device, &mount->device) ||
	    !slice_cut(&line, ' ', &mount->root) || !slice_cut(&line, ' ', &mount->point))
		return false;
	while (slice_cut(&line, ' ', &word))
		if (slice_is(word, "-"))
			return slice_cut(&line, ' ', &mount->type);
	return false;
}

bool trap_next_mount(struct slice *mountinfo, struct trap_mount *ret_mount)
{
	struct slice line;

	while (slice_next(mountinfo, '\n', &line))
		if (trap_parse_mount(line, ret_mount))
			return true;
	return false;
}

/* What may be mounted there: our files, and file systems on directories that the kernel keeps empty
 * for them. */
static bool trap_hides_nothing(const struct trap_mount *base, const struct trap_mount *child,
			       dev_t device)
{
	struct slice point = child->point;

	if (child->device == device)
		return true;
	if (base->point.bytes > 1 && !slice_eat(&point, base->point))
		return false;
	return slice_is(base->type, "sysfs") && slice_eat(&point, SLICE("/fs/"));
}

bool trap_is_visible(struct slice mountinfo, const char *type, dev_t device)
{
	struct slice bases = mountinfo;
	struct trap_mount base, child;

	while (trap_next_mount(&bases, &base)) {
		struct slice rest = mountinfo;
		bool whole = slice_is(base.type, type) && slice_is(base.root, "/");

		while (whole && trap_next_mount(&rest, &child))
			if (child.parent == base.id && child.id != base.id)
				whole = trap_hides_nothing(&base, &child, device);
		if (whole)
			return true;
	}
	return false;
}

/* --- our files --- */

void trap_no_nodes(struct trap_nodes *nodes)
{
	*nodes = (struct trap_nodes){ .at = { [0 ... TRAP_NODES - 1] = -1 }, .sys = -1 };
}

static const char *trap_node_below(size_t n, bool proc)
{
	const char *path = node_rows[n].path, *head = proc ? "proc/" : "sys/";
	size_t bytes = strlen(head);

	return strncmp(path, head, bytes) == 0 ? path + bytes : NULL;
}

static int trap_open_node(int dir_fd, const char *path)
{
	const struct mount_options options = { .set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
						      MOUNT_ATTR_NOEXEC,
					       .propagation = MS_PRIVATE };
	auto_fd int fd = mount_clone(dir_fd, path, false, true, NULL);

	return fd < 0 || mount_apply(fd, &options, NULL) < 0 ? -1 : take_fd(&fd);
}

int trap_open_nodes(const struct trap_place *place, bool proc, struct trap_nodes *nodes)
{
	/* The way to it is asked for each time. */
	auto_fd int dir_fd = open(place->mount, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (proc) {
		nodes->sys = trap_open_node(dir_fd, "proc/sys");
		if (nodes->sys < 0)
			return -EIO;
	}
	for (size_t n = 0; n < node_count && n < TRAP_NODES; n++)
		if (place->shown & 1ull << n && trap_node_below(n, proc))
			nodes->at[n] = trap_open_node(dir_fd, node_rows[n].path);
	return 0;
}

static bool trap_node_is_read_only(size_t n)
{
	return node_rows[n].kind == NODE_view || node_rows[n].kind == NODE_empty ||
	       node_rows[n].kind == NODE_tree;
}

/* One that is there already came with a copy of a whole tree; what isn't there (subset=pid) is not
 * to be hidden. */
static int trap_show_node(const struct trap_place *place, int mount_fd, const char *below, int fd,
			  bool read_only)
{
	const struct mount_options options = { .set = read_only ? MOUNT_ATTR_RDONLY : 0 };
	auto_fd int at = openat(mount_fd, below, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat there;

	if (at < 0 || fd < 0)
		return 0;
	if (fstat(at, &there) == 0 && there.st_dev == place->device)
		return 0;
	if (mount_apply(fd, &options, NULL) < 0 || mount_attach(fd, at, NULL) < 0)
		return -errno;
	return 0;
}

int trap_show_nodes(const struct trap_place *place, const struct trap_nodes *nodes, int mount_fd,
		    bool read_only)
{
	int r = trap_show_node(place, mount_fd, "sys", nodes->sys, read_only);

	for (size_t n = 0; n < node_count && n < TRAP_NODES && r == 0; n++)
		if (nodes->at[n] >= 0)
			r = trap_show_node(place, mount_fd, strchr(node_rows[n].path, '/') + 1,
					   nodes->at[n], read_only || trap_node_is_read_only(n));
	return r;
}

static void trap_turn_node(const struct trap_place *place, int mount_fd, const char *below,
			   bool read_only)
{
	auto_fd int at = openat(mount_fd, below, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	const struct mount_options options = { .set = read_only ? MOUNT_ATTR_RDONLY : 0,
					       .clear = read_only ? 0 : MOUNT_ATTR_RDONLY };
	struct stat there;

	/* The kernel says no where another one has locked it, and that is right. */
	if (at >= 0 && fstat(at, &there) == 0 && there.st_dev == place->device)
		(void)!mount_apply(at, &options, NULL);
}

void trap_turn_nodes(const struct trap_place *place, int mount_fd, bool read_only)
{
	for (int proc = 0; proc < 2; proc++)
		for (size_t n = 0; n < node_count && n < TRAP_NODES; n++) {
			const char *below = trap_node_below(n, proc);

			if (below && place->shown & 1ull << n && !trap_node_is_read_only(n))
				trap_turn_node(place, mount_fd, below, read_only);
		}
	trap_turn_node(place, mount_fd, "sys", read_only);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/container.h"

/* What may stand where the id does. */
enum path_shape {
	SHAPE_hex,    /* 64 lower-case hex digits */
	SHAPE_garden, /* 8 hex digits and five times 4, with hyphens */
	SHAPE_name,   /* anything that fits */
};

struct path_layout {
	const char *parent;	     /* the directory above; NULL: any but the root */
	const char *prefix, *suffix; /* around the id; NULL: nothing */
	enum path_shape shape;
	bool at_root;	     /* the directory above stands at the root of a host */
	const char *runtime; /* NULL: no container, though it looks like one */
};

/*
 * The first row that fits counts. The monitors that engines put beside their containers
 * (crio-conmon-ID.scope, libpod-conmon-ID.scope) fit none: behind the prefix stands no bare id.
 */
/* clang-format off: one row a line */
static const struct path_layout path_layouts[] = {
	{ .prefix = "docker-", .suffix = ".scope", .runtime = "docker" },
	{ .prefix = "cri-containerd-", .suffix = ".scope", .runtime = "containerd" },
	{ .prefix = "crio-", .suffix = ".scope", .runtime = "cri-o" },
	{ .prefix = "libpod-", .suffix = ".scope", .runtime = "podman" },
	{ .prefix = "nerdctl-", .suffix = ".scope", .runtime = "nerdctl" },
	/* what sysvisor-runc has systemd make where nobody tells it how to name it */
	{ .prefix = "sysvisor-", .suffix = ".scope", .shape = SHAPE_name, .runtime = "sysvisor" },
	{ .prefix = "crio-", .runtime = "cri-o" },
	{ .prefix = "libpod-", .runtime = "podman" },
	{ .prefix = "libpod-payload-", .runtime = "podman" },
	/* "slice:prefix:id", what an engine asks a systemd that isn't there for */
	{ .prefix = "cri-containerd:", .runtime = "containerd" },
	{ .prefix = "docker:", .runtime = "docker" },
	{ .prefix = "crio:", .runtime = "cri-o" },
	{ .prefix = "libpod:", .runtime = "podman" },
	{ .prefix = "nerdctl:", .runtime = "nerdctl" },
	{ .parent = "docker", .runtime = "docker" },
	{ .parent = "actions_job", .runtime = "docker" },
	{ .parent = "k8s.io", .runtime = "containerd" },
	{ .parent = "default", .at_root = true, .shape = SHAPE_name, .runtime = "containerd" },
	{ .prefix = "lxc.payload.", .shape = SHAPE_name, .runtime = "lxc" },
	{ .parent = "lxc.payload", .at_root = true, .shape = SHAPE_name, .runtime = "lxc" },
	{ .parent = "lxc", .at_root = true, .shape = SHAPE_name, .runtime = "lxc" },
	/* libvirt registers its machines, too: virtual ones have another kernel */
	{ .prefix = "machine-qemu\\x2d", .suffix = ".scope", .shape = SHAPE_name },
	{ .prefix = "machine-lxc\\x2d",
	  .suffix = ".scope",
	  .shape = SHAPE_name,
	  .runtime = "libvirt" },
	{ .prefix = "machine-",
	  .suffix = ".scope",
	  .shape = SHAPE_name,
	  .runtime = "systemd-nspawn" },
	{ .prefix = "systemd-nspawn@",
	  .suffix = ".service",
	  .shape = SHAPE_name,
	  .runtime = "systemd-nspawn" },
	{ .shape = SHAPE_garden, .runtime = "garden" },
	/* kubepods and --cgroup-parent: the path doesn't tell who runs it */
	{ .runtime = CONTAINER_RUNTIME_UNKNOWN },
};
/* clang-format on */

static bool path_is_hex(struct slice text)
{
	for (size_t n = 0; n < text.bytes; n++)
		if (!memchr("0123456789abcdef", text.at[n], 16))
			return false;
	return true;
}

static bool path_is_garden(struct slice id)
{
	struct slice group;

	if (!slice_cut(&id, '-', &group) || group.bytes != 8 || !path_is_hex(group))
		return false;
	for (int n = 0; n < 4; n++)
		if (!slice_cut(&id, '-', &group) || group.bytes != 4 || !path_is_hex(group))
			return false;
	return id.bytes == 4 && path_is_hex(id);
}

static bool path_has_shape(struct slice id, enum path_shape shape)
{
	if (shape == SHAPE_hex)
		return id.bytes == 64 && path_is_hex(id);
	if (shape == SHAPE_garden)
		return path_is_garden(id);
	return id.bytes > 0 && id.bytes < CONTAINER_ID_BYTES && id.at[0] != '.';
}

/* Takes the last name off a path; false at the root. */
static bool path_take_last(struct slice *path, struct slice *name)
{
	while (path->bytes && path->at[path->bytes - 1] == '/')
		path->bytes--;
	if (path->bytes == 0)
		return false;
	*name = slice_skip(*path, (size_t)(slice_find_last(*path, SLICE("/")) + 1));
	path->bytes -= name->bytes;
	return true;
}

/* Whether a host's tree begins at this path: at the root as we see it, above us, or where the
 * runtime of system containers lets the inner host's begin. */
static bool path_is_root(struct slice path)
{
	struct slice name;

	return !path_take_last(&path, &name) || slice_is(name, "..") ||
	       slice_is(name, "syscont-cgroup-root");
}

/* Whether what stands above a group is as the layout wants it. */
static bool path_fits_above(const struct path_layout *layout, struct slice above)
{
	struct slice parent;

	if (layout->prefix)
		return true; /* says enough */
	if (!path_take_last(&above, &parent))
		return false;
	if (layout->parent && !slice_is(parent, layout->parent))
		return false;
	return !layout->at_root || path_is_root(above);
}

/* Whether `name`, which stands below `above`, is laid out so; then *id = its id. */
static bool path_fits(const struct path_layout *layout, struct slice name, struct slice above,
		      struct slice *id)
{
	struct slice suffix = slice_of(layout->suffix);

	if (!path_fits_above(layout, above))
		return false;
	if (layout->prefix && !slice_eat(&name, slice_of(layout->prefix)))
		return false;
	if (suffix.bytes && !slice_ends(name, suffix))
		return false;
	*id = slice_first(name, name.bytes - suffix.bytes);
	return path_has_shape(*id, layout->shape);
}

/* The layout of the container that this very group is, or NULL. */
static const struct path_layout *path_layout(struct slice name, struct slice above,
					     struct slice *id)
{
	struct slice slice;

	slice_cut(&name, ':', &slice);
	for (size_t n = 0; n < array_count(path_layouts); n++)
		if (path_fits(&path_layouts[n], name, above, id))
			return path_layouts[n].runtime ? &path_layouts[n] : NULL;
	return NULL;
}

/* The pod's uid in "pod<uid>" or "kubepods-burstable-pod<uid>.slice[:prefix:id]"; static pods have
 * a hash of 32 digits for it. */
static struct slice path_pod(struct slice name)
{
	struct slice slice, uid = { NULL, 0 };
	ssize_t at;

	if (slice_cut(&name, ':', &slice))
		name = slice;
	if (slice_ends(name, SLICE(".slice"))) {
		name.bytes -= strlen(".slice");
		at = slice_find_last(name, SLICE("-pod"));
		if (at < 0)
			return uid;
		name = slice_skip(name, (size_t)at + 1);
	}
	if (!slice_eat(&name, SLICE("pod")) || (name.bytes != 32 && name.bytes != 36))
		return uid;
	for (size_t n = 0; n < name.bytes; n++)
		if (!memchr("0123456789abcdef-_", name.at[n], 18))
			return uid;
	return name;
}

bool container_parse_path(struct slice path, struct container_path *found)
{
	static const struct slice deleted = { " (deleted)", 10 };
	struct slice name, id;

	*found = (struct container_path){ .runtime = NULL };
	if (slice_ends(path, deleted)) /* what /proc says of a group that is gone */
		path.bytes -= deleted.bytes;
	while (path_take_last(&path, &name)) {
		const struct path_layout *layout = path_layout(name, path, &id);

		if (layout && found->id.bytes == 0) {
			found->runtime = layout->runtime;
			found->id = id;
			found->named = layout->shape == SHAPE_name;
		} else if (layout && found->outer_id.bytes == 0 && !slice_eq(id, found->id)) {
			found->outer_id = id;
		}
		/* A container inside a pod's container is in that pod, too. */
		if (found->id.bytes && found->pod_uid.bytes == 0)
			found->pod_uid = path_pod(name);
	}
	return found->id.bytes > 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which mounts the container gets, in which order, and who makes each. */
#include <errno.h>
#include <sys/mount.h>
#include <sys/utsname.h>

#include "base/text.h"
#include "sysvisor/runc/plan.h"

enum plan_when {
	PLAN_missing,  /* added where the specification has none there */
	PLAN_replaces, /* stands in for the specification's, which is another */
};

struct plan_default {
	const char *destination, *type, *source, *options;
	enum plan_when when;
	bool systemd;	  /* only where systemd runs */
	bool read_only;	  /* only where the root file system is read-only */
	bool is_optional; /* see struct plan_mount */
};

#define PLAN_EMPTY "ro,nosuid,noexec,nodev,mode=555,size=4k"

/* What every system container has. A bind of the user's over one of these places wins. */
static const struct plan_default plan_defaults[] = {
	{ "/proc", "proc", "proc", "nosuid,nodev,noexec", PLAN_replaces, .systemd = false },
	{ "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k", PLAN_missing,
	  .systemd = false },
	{ "/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5",
	  PLAN_missing, .systemd = false },
	{ "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k", PLAN_missing,
	  .systemd = false },
	{ "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev", PLAN_missing,
	  .systemd = false },
	{ "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev", PLAN_replaces, .systemd = false },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev", PLAN_replaces,
	  .systemd = false },
	{ "/run", "tmpfs", "tmpfs", "nosuid,nodev,mode=755,size=65536k", PLAN_missing,
	  .systemd = true },
	{ "/run/lock", "tmpfs", "tmpfs", "nosuid,noexec,nodev,mode=755,size=4096k", PLAN_missing,
	  .systemd = true },
	/* File systems that no user namespace may mount. systemd has units for them, which would
	 * fail; where something is mounted already, they are done. */
	{ "/sys/kernel/debug", "tmpfs", "tmpfs", PLAN_EMPTY, PLAN_missing, .systemd = true,
	  .is_optional = true },
	{ "/sys/kernel/tracing", "tmpfs", "tmpfs", PLAN_EMPTY, PLAN_missing, .systemd = true,
	  .is_optional = true },
	{ "/sys/kernel/config", "tmpfs", "tmpfs", PLAN_EMPTY, PLAN_missing, .systemd = true,
	  .is_optional = true },
	{ "/run", "tmpfs", "tmpfs", "nosuid,nodev,mode=755,size=65536k", PLAN_missing,
	  .read_only = true },
	{ "/tmp", "tmpfs", "tmpfs", "nosuid,nodev,mode=1777,size=65536k", PLAN_missing,
	  .read_only = true },
};

static struct slice plan_clean(const char *destination)
{
	struct slice path = slice_of(destination);

	while (path.bytes > 1 && slice_ends(path, SLICE("/")))
		path.bytes--;
	return path;
}

static struct plan_mount *plan_find(const struct plan *plan, const char *destination)
{
	for (size_t n = plan->mount_count; n > 0; n--)
		if (slice_eq(plan_clean(plan->mounts[n - 1].destination), plan_clean(destination)))
			return &plan->mounts[n - 1];
	return NULL;
}

static int plan_add(struct plan *plan, const struct plan_mount *mount, struct error *err)
{
	if (plan->mount_count == plan->mount_room) {
		size_t room = plan->mount_room ? plan->mount_room * 2 : 32;
		struct plan_mount *more = realloc(plan->mounts, room * sizeof(*more));

		if (!more)
			return error_errno(err, ENOMEM, "plan mounts");
		plan->mounts = more;
		plan->mount_room = room;
	}
	plan->mounts[plan->mount_count++] = *mount;
	return 0;
}

/* Options that mean nothing here: the kernel has none of that name. */
static bool plan_is_moot(struct slice word)
{
	static const char *const moot[] = { "nofail", "_netdev", "auto",   "noauto",
					    "user",   "nouser",	 "users",  "async",
					    "nomand", "loud",	 "silent", "newinstance" };

	for (size_t n = 0; n < array_count(moot); n++)
		if (slice_is(word, moot[n]))
			return true;
	return slice_starts(word, SLICE("x-"));
}

static int plan_read_option(struct plan_mount *mount, struct slice word, struct arena *arena,
			    struct error *err)
{
	if (word.bytes == 0 || plan_is_moot(word) || mount_option(word, &mount->options))
		return 0;
	mount->data.at[mount->data.count] = arena_text(arena, word);
	if (!mount->data.at[mount->data.count])
		return error_errno(err, ENOMEM, "plan mounts");
	mount->data.count++;
	return 0;
}

static enum plan_mount_kind plan_kind(const struct plan_mount *mount)
{
	if (mount->options.bind || (mount->type && strcmp(mount->type, "bind") == 0))
		return PLAN_bind;
	if (mount->type &&
	    (strcmp(mount->type, "cgroup") == 0 || strcmp(mount->type, "cgroup2") == 0))
		return PLAN_cgroup;
	if (mount->type && strcmp(mount->type, "tmpfs") == 0 &&
	    slice_is(plan_clean(mount->destination), "/dev"))
		return PLAN_devices;
	return PLAN_filesystem;
}

static int plan_from_spec(struct plan *plan, const struct spec_mount *spec, struct error *err)
{
	struct plan_mount mount = { .destination = spec->destination,
				    .type = spec->type,
				    .source = spec->source,
				    .spec = spec,
				    .fd = -1 };
	int r = 0;

	mount.data.at = arena_take(plan->arena, (spec->options.count + 1) * sizeof(char *));
	if (!mount.data.at)
		return error_errno(err, ENOMEM, "plan mounts");
	for (size_t n = 0; n < spec->options.count && r == 0; n++)
		r = plan_read_option(&mount, slice_of(spec->options.at[n]), plan->arena, err);
	if (r < 0)
		return r;
	mount.kind = plan_kind(&mount);
	if (mount.kind == PLAN_bind && (!mount.source || !*mount.source))
		return error_say(err, EINVAL, "config.json: mounts: bind at '%s' has no source",
				 mount.destination);
	if ((spec->uid_map.count || spec->gid_map.count) &&
	    (mount.kind != PLAN_bind || !spec->uid_map.count || !spec->gid_map.count))
		return error_say(err, EINVAL, "config.json: mounts: '%s': %s", mount.destination,
				 mount.kind != PLAN_bind
					 ? "only binds can have uidMappings and gidMappings"
					 : "uidMappings and gidMappings go together");
	if (mount.kind == PLAN_filesystem && (!mount.type || !*mount.type))
		return error_say(err, EINVAL, "config.json: mounts: '%s' has no type",
				 mount.destination);
	return plan_add(plan, &mount, err);
}

static int plan_from_default(struct plan *plan, const struct plan_default *row,
			     struct plan_mount *ret, struct error *err)
{
	struct slice rest = slice_of(row->options), word;
	int r = 0;

	*ret = (struct plan_mount){ .destination = row->destination,
				    .type = row->type,
				    .source = row->source,
				    .is_optional = row->is_optional,
				    .fd = -1 };
	ret->data.at = arena_take(plan->arena, 16 * sizeof(char *));
	if (!ret->data.at)
		return error_errno(err, ENOMEM, "plan mounts");
	while (r == 0 && slice_next(&rest, ',', &word))
		r = plan_read_option(ret, word, plan->arena, err);
	ret->kind = plan_kind(ret);
	return r;
}

/* Where it goes so that nothing hides it: behind what it lies in, before what lies in it. */
static size_t plan_place(const struct plan *plan, const char *destination)
{
	struct slice path = plan_clean(destination);
	size_t at = 0;

	for (size_t n = 0; n < plan->mount_count; n++) {
		struct slice other = plan_clean(plan->mounts[n].destination);

		if (slice_is(other, "/") ||
		    (slice_starts(path, other) && path.bytes > other.bytes &&
		     path.at[other.bytes] == '/'))
			at = n + 1;
	}
	return at;
}

static int plan_apply_default(struct plan *plan, const struct plan_default *row, struct error *err)
{
	struct plan_mount *there = plan_find(plan, row->destination), mount;
	size_t at;
	int r;

	if (there && (row->when == PLAN_missing || there->kind == PLAN_bind))
		return 0;
	r = plan_from_default(plan, row, &mount, err);
	if (r < 0)
		return r;
	if (there) {
		/* What the file system is told, "hidepid=2" for one, stays the engine's. */
		mount.data = there->data;
		mount.spec = there->spec;
		*there = mount;
		return 0;
	}
	r = plan_add(plan, &mount, err);
	if (r < 0)
		return r;
	plan->mount_count--;
	at = plan_place(plan, row->destination);
	memmove(&plan->mounts[at + 1], &plan->mounts[at],
		(plan->mount_count - at) * sizeof(*plan->mounts));
	plan->mounts[at] = mount;
	plan->mount_count++;
	return 0;
}

/* Whose root is read-only expects the same of /sys. */
static void plan_read_only(struct plan *plan)
{
	struct plan_mount *sys = plan_find(plan, "/sys");

	if (sys && plan->spec->root.readonly)
		sys->options.set |= MOUNT_ATTR_RDONLY;
}

static void plan_foreign_network(struct plan *plan)
{
	for (size_t n = 0; n < plan->mount_count && plan->net_is_foreign; n++) {
		struct plan_mount *mount = &plan->mounts[n];

		if (mount->kind == PLAN_filesystem && strcmp(mount->type, "sysfs") == 0)
			mount->kind = PLAN_sysfs;
	}
}

/* Directories for engines inside, on a real file system; a mount of the user's there wins. */
static int plan_volumes(struct plan *plan, struct error *err)
{
	const struct spec_pair *volume;
	int r = 0;

	spec_each(&plan->volumes, volume) {
		const struct plan_mount mount = { .kind = PLAN_bind,
						  .destination = volume->key,
						  .source = volume->value,
						  .type = "bind",
						  .options = { .bind = true },
						  .is_volume = true,
						  .fd = -1 };

		if (!plan_find(plan, volume->key))
			r = plan_add(plan, &mount, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- the running kernel's modules and headers --- */

/* What stands for a part of the release "6.1.0-56-amd64": all of it, what is before the last '-',
 * the first two numbers. */
static void plan_put_release(struct text *path, char part, struct slice release)
{
	struct slice rest = release, major = release, minor;

	if (part == 'b') {
		ssize_t at = slice_find_last(release, SLICE("-"));

		text_put(path, at < 0 ? release : slice_first(release, (size_t)at));
	} else if (part == 'v' && slice_cut(&rest, '.', &major)) {
		minor = rest;
		slice_cut(&rest, '.', &minor);
		text_printf(path, "%.*s.%.*s", SLICE_ARG(major), SLICE_ARG(minor));
	} else {
		text_put(path, release);
	}
}

/* Where distributions keep them; the links from one to another lead the same way inside. */
static int plan_kernel(struct plan *plan, struct error *err)
{
	static const char *const places[] = {
		"/lib/modules/%r",
		"/usr/src/linux-headers-%r",
		"/usr/src/linux-headers-%b-common",
		"/usr/lib/linux-kbuild-%v",
		"/usr/src/kernels/%r",
	};
	struct utsname name;
	int r = uname(&name) < 0 ? error_errno(err, errno, "ask for the kernel's release") : 0;

	for (size_t n = 0; n < array_count(places) && r == 0; n++) {
		struct plan_mount mount = { .kind = PLAN_bind,
					    .type = "bind",
					    .is_optional = true,
					    .options = { .bind = true,
							 .set = MOUNT_ATTR_RDONLY |
								MOUNT_ATTR_NOSUID |
								MOUNT_ATTR_NODEV },
					    .fd = -1 };
		auto_text struct text path = { 0 };
		struct slice rest = slice_of(places[n]), before = rest;

		slice_cut(&rest, '%', &before);
		text_put(&path, before);
		plan_put_release(&path, rest.at[0], slice_of(name.release));
		text_put(&path, slice_skip(rest, 1));
		mount.source = mount.destination = arena_text(plan->arena, text_slice(&path));
		if (!mount.source)
			return error_errno(err, ENOMEM, "plan mounts");
		if (!plan_find(plan, mount.destination))
			r = plan_add(plan, &mount, err);
	}
	return r;
}

int plan_mounts(struct plan *plan, struct error *err)
{
	const struct spec_mount *spec;
	int r;

	spec_each(&plan->spec->mounts, spec) {
		/* The container's groups are mounted as a whole, all of them its own. */
		if (!plan->is_plain &&
		    slice_starts(slice_of(spec->destination), SLICE("/sys/fs/cgroup/")))
			continue;
		r = plan_from_spec(plan, spec, err);
		if (r < 0)
			return r;
	}
	for (size_t n = 0; n < array_count(plan_defaults) && !plan->is_plain; n++) {
		const struct plan_default *row = &plan_defaults[n];

		if ((row->systemd && !plan->is_systemd) ||
		    (row->read_only && !plan->spec->root.readonly))
			continue;
		r = plan_apply_default(plan, row, err);
		if (r < 0)
			return r;
	}
	plan_foreign_network(plan);
	if (plan->is_plain)
		return 0;
	plan_read_only(plan);
	r = plan_kernel(plan, err);
	return r < 0 ? r : plan_volumes(plan, err);
}

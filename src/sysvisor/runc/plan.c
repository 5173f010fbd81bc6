/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/plan.h"

#include <errno.h>
#include <fcntl.h>

#include "base/text.h"
#include "sysvisor/common/trapped.h"
#include "sysvisor/runc/rootfs.h"
#include "sysvisor/runc/services.h"

#define PLAN_FIRST_ID 231072 /* the map without sysvisor-mgr */
#define PLAN_ID_COUNT 65536

/* --- switches in the environment of the container's process --- */

struct plan_switch {
	const char *name;
	size_t at; /* of a bool in struct plan */
	bool inverse;
	unsigned int trap; /* TRAPPED_if_*, instead of a bool */
	const char *never; /* why TRUE is refused, and what to do */
	const char *help;  /* NULL where there is nothing to switch */
};

static const struct plan_switch plan_switches[] = {
	{ "SYSVISOR_HONOR_CAPS", .at = offsetof(struct plan, honor_caps),
	  .help = "It has the capabilities that the engine gives, instead of all" },
	{ "SYSVISOR_SYSCONT_MODE", .at = offsetof(struct plan, is_plain), .inverse = true,
	  .help = "FALSE: a plain container in a user namespace, nothing more" },
	{ "SYSVISOR_TRAP_SYSINFO", .trap = TRAPPED_if_sysinfo,
	  .help = "sysinfo(2) tells of the container, as /proc/meminfo and /proc/uptime do" },
	{ "SYSVISOR_IGNORE_SYSFS_CHOWN", .trap = TRAPPED_if_chown,
	  .help = "Changing the owner of a file in /sys, which nobody inside may do, is no error" },
	{ "SYSVISOR_ALLOW_TRUSTED_XATTR",
	  .never =
		  "the kernel doesn't heed trusted.overlay.* in an overlay that is mounted inside; "
		  "leave it away, and mount with userxattr, as dockerd does by itself" },
};

void plan_print_man_switches(struct text *out)
{
	for (size_t n = 0; n < array_count(plan_switches); n++)
		if (plan_switches[n].help)
			text_printf(out, ".It Ev %s\n%s.\n", plan_switches[n].name,
				    plan_switches[n].help);
}

static int plan_unknown_switch(const char *variable, struct error *err)
{
	auto_text struct text names = { 0 };

	for (size_t n = 0; n < array_count(plan_switches); n++)
		text_printf(&names, "%s%s", n ? ", " : "", plan_switches[n].name);
	return error_say(err, EINVAL, "invalid env var '%.60s'; there are %s", variable,
			 text_str(&names));
}

static int plan_read_switch(struct plan *plan, const char *variable, struct error *err)
{
	struct slice value = slice_of(variable), name = { NULL, 0 };

	slice_cut(&value, '=', &name);
	for (size_t n = 0; n < array_count(plan_switches); n++) {
		const struct plan_switch *row = &plan_switches[n];
		bool on = strcasecmp(value.at, "TRUE") == 0;

		if (!slice_is(name, row->name))
			continue;
		if (!on && strcasecmp(value.at, "FALSE") != 0)
			return error_say(err, EINVAL,
					 "env var %s has invalid value '%.40s'; use TRUE or FALSE",
					 row->name, value.at);
		if (on && row->never)
			return error_say(err, ENOTSUP, "env var %s: not supported: %s", row->name,
					 row->never);
		if (!on && row->never)
			return 0;
		if (!row->trap)
			*(bool *)((char *)plan + row->at) = on != row->inverse;
		else if (on)
			plan->traps |= row->trap;
		return 0;
	}
	return plan_unknown_switch(variable, err);
}

static int plan_read_switches(struct plan *plan, struct error *err)
{
	const struct spec_words *env = &plan->spec->process.env;

	for (size_t n = 0; n < env->count; n++) {
		int r = 0;

		if (strncmp(env->at[n], "SYSVISOR_", 9) == 0)
			r = plan_read_switch(plan, env->at[n], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- user ids --- */

static int plan_check_range(const struct id_range *uid, const struct id_range *gid,
			    struct error *err)
{
	if (uid->inner_id != 0 || uid->count < PLAN_ID_COUNT)
		return error_say(err, EINVAL,
				 "uid mapping range must specify a container with at least %u uids "
				 "starting at uid 0",
				 PLAN_ID_COUNT);
	if (uid->host_id == 0 || gid->host_id == 0)
		return error_say(err, EINVAL,
				 "detected user-ns %s mapping to host ID 0, which breaks container "
				 "isolation; map to ids that nobody has",
				 uid->host_id == 0 ? "uid" : "gid");
	if (gid->inner_id != 0 || gid->count < uid->count)
		return error_say(
			err, EINVAL,
			"detecting non-matching uid & gid mappings: %u uids from 0, %u gids "
			"from %u",
			uid->count, gid->count, gid->inner_id);
	return 0;
}

/* Ranges that go on where the one before ends, inside and outside, are one. */
static struct id_range plan_merge(const struct spec_list *list)
{
	const struct id_range *range;
	struct id_range all = *(const struct id_range *)list->at;

	spec_each(list, range)
		if (range->inner_id == all.inner_id + all.count &&
		    range->host_id == all.host_id + all.count)
			all.count += range->count;
	return all;
}

static int plan_engine_ids(struct plan *plan, struct error *err)
{
	const struct spec_linux *linux_ = &plan->spec->linux_;
	struct id_range uid, gid;

	if (linux_->uid_map.count == 0 || linux_->gid_map.count == 0)
		return error_say(err, EINVAL, "detected missing user-ns UID and/or GID mappings");
	plan->uid_map = spec_id_map(&linux_->uid_map);
	plan->gid_map = spec_id_map(&linux_->gid_map);
	plan->engine_ids = true;
	if (plan->is_plain)
		return 0; /* whatever the kernel takes */
	uid = plan_merge(&linux_->uid_map);
	gid = plan_merge(&linux_->gid_map);
	return plan_check_range(&uid, &gid, err);
}

static int plan_own_ids(struct plan *plan, struct error *err)
{
	struct id_range *range = arena_take(plan->arena, sizeof(*range));

	if (!range)
		return error_errno(err, ENOMEM, "map ids");
	*range = (struct id_range){ 0, PLAN_FIRST_ID, PLAN_ID_COUNT };
	plan->uid_map = plan->gid_map = (struct id_map){ range, 1 };
	return 0;
}

int plan_ids(struct plan *plan, struct error *err)
{
	const struct spec_linux *linux_ = &plan->spec->linux_;
	int r = 0;

	if (linux_->uid_map.count || linux_->gid_map.count)
		r = plan_engine_ids(plan, err);
	else if (plan->uid_map.count == 0) /* a joined user namespace has brought its own */
		r = plan_own_ids(plan, err);
	if (r < 0)
		return r;
	if (!id_map_host(&plan->uid_map, 0, &plan->host_uid) ||
	    !id_map_host(&plan->gid_map, 0, &plan->host_gid))
		return error_say(err, EINVAL,
				 "detected missing user-ns UID and/or GID mappings: "
				 "root (0) has no id on the host");
	return 0;
}

/* --- capabilities and paths --- */

struct capability_sets plan_caps(const struct spec_process *process, bool honor, bool is_plain)
{
	uint64_t all = capability_all();

	if (honor || is_plain)
		return spec_caps_sets(&process->caps);
	if (process->user.uid == 0)
		return (struct capability_sets){ all, all, all, all, all };
	return (struct capability_sets){ .bounding = all };
}

/* Paths that the container's own namespaces make harmless, or that it has to write to. */
static const char *const plan_unmasked[] = { "/proc", "/proc/sys", "/proc/kcore", "/proc/kallsyms",
					     "/proc/kmsg" };

static int plan_filter(struct plan *plan, const struct spec_words *from, struct spec_words *to,
		       struct error *err)
{
	to->at = arena_take(plan->arena, (from->count + 1) * sizeof(*to->at));
	if (!to->at)
		return error_errno(err, ENOMEM, "plan paths");
	for (size_t n = 0; n < from->count; n++) {
		bool wanted = true;

		for (size_t m = 0; m < array_count(plan_unmasked) && !plan->is_plain; m++)
			wanted &= strcmp(from->at[n], plan_unmasked[m]) != 0;
		if (wanted)
			to->at[to->count++] = from->at[n];
	}
	return 0;
}

/* "net.ipv4.conf.eth0/1.x" and "net/ipv4/...": whichever mark comes first separates. */
static char *plan_sysctl_path(struct arena *arena, const char *key)
{
	char *path = arena_text(arena, slice_of(key));

	if (path && path[strcspn(path, "./")] == '.')
		for (char *at = path; *at; at++)
			*at = (char)(*at == '.' ? '/' : *at == '/' ? '.' : *at);
	return path;
}

static int plan_sysctls(struct plan *plan, struct error *err)
{
	const struct spec_list *said = &plan->spec->linux_.sysctl;
	const struct spec_pair *pair;
	struct spec_pair *at = arena_take(plan->arena, (said->count + 1) * sizeof(*at));

	plan->sysctls = (struct spec_list){ at, 0 };
	if (!at)
		return error_errno(err, ENOMEM, "plan sysctls");
	spec_each(said, pair) {
		at[plan->sysctls.count] =
			(struct spec_pair){ plan_sysctl_path(plan->arena, pair->key), pair->value };
		if (!at[plan->sysctls.count++].key)
			return error_errno(err, ENOMEM, "plan sysctls");
	}
	return 0;
}

static int plan_process(struct plan *plan, struct error *err)
{
	const struct spec *spec = plan->spec;
	int r;

	plan->caps = plan_caps(&spec->process, plan->honor_caps, plan->is_plain);
	/* The lowest is left to us, so that containers inside may have what looks like it. */
	plan->oom_score_adj = spec->process.oom_score_adj.value == -1000 && !plan->is_plain
				      ? -999
				      : spec->process.oom_score_adj.value;
	r = plan_filter(plan, &spec->linux_.masked_paths, &plan->masked, err);
	if (r == 0)
		r = plan_filter(plan, &spec->linux_.readonly_paths, &plan->readonly, err);
	return r < 0 ? r : plan_sysctls(plan, err);
}

static int plan_rootfs(struct plan *plan, const char *bundle, struct error *err)
{
	const char *path = plan->spec->root.path;
	auto_text struct text full = { 0 }, storage = { 0 };

	if (path[0] != '/')
		text_printf(&full, "%s/", bundle);
	text_put(&full, slice_of(path));
	plan->rootfs = arena_text(plan->arena, text_slice(&full));
	if (plan->rootfs && !full.failed) {
		rootfs_storage(plan->rootfs, plan->arena, &storage);
		plan->storage = arena_text(plan->arena, text_slice(&storage));
	}
	return plan->storage ? 0 : error_errno(err, ENOMEM, "plan the rootfs");
}

/* --- labels --- */

/* Labels count only where SELinux runs. */
static void plan_label(struct plan *plan)
{
	const char *label = plan->spec->linux_.mount_label;

	if (label && *label && access("/sys/fs/selinux/enforce", F_OK) == 0)
		plan->label = label;
}

int plan_say_label(const struct plan *plan, int fs_fd, struct error *err)
{
	auto_text struct text option = { 0 };

	if (!plan->label)
		return 0;
	text_printf(&option, "context=%s", plan->label);
	return mount_say(fs_fd, text_slice(&option), err);
}

/* --- what will run --- */

/* Whether the first argument is systemd, or leads to it: "/sbin/init" is a link where systemd is
 * installed, and a program of its own elsewhere. Only a look: the rootfs isn't trusted, and all
 * that depends on it are two more tmpfs and a variable inside. */
static void plan_look_for_systemd(struct plan *plan)
{
	static const char *const inits[] = { "systemd", "init" };
	const char *program = plan->spec->process.args.count ? plan->spec->process.args.at[0] : "";
	auto_fd int root = -1;
	struct slice name = slice_of(program);
	char target[256];
	ssize_t n;

	if (program[0] != '/')
		return;
	name = slice_skip(name, (size_t)slice_find_last(name, SLICE("/")) + 1);
	if (slice_is(name, inits[0])) {
		plan->is_systemd = true;
		return;
	}
	if (!slice_is(name, inits[1]))
		return;
	root = open(plan->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return;
	/* "/sbin/init" -> "/lib/systemd/systemd"; merged /usr: "/sbin" is itself a link. */
	n = readlinkat(root, program + 1, target, sizeof(target) - 1);
	if (n > 0)
		plan->is_systemd =
			slice_ends((struct slice){ target, (size_t)n }, SLICE("/systemd"));
}

/* Who knows better than we can see may say so. */
static int plan_find_init(struct plan *plan, struct error *err)
{
	const char *said = spec_annotation(plan->spec, PLAN_INIT_ANNOTATION);

	if (!said || strcmp(said, "auto") == 0) {
		plan_look_for_systemd(plan);
		return 0;
	}
	plan->is_systemd = strcmp(said, "systemd") == 0;
	if (plan->is_systemd || strcmp(said, "none") == 0)
		return 0;
	return error_say(err, EINVAL,
			 "annotation '" PLAN_INIT_ANNOTATION
			 "': '%.40s' is not known; use systemd, "
			 "none or auto",
			 said);
}

/* What systemd is told by: a container, and one with ids of its own (systemd's
 * CONTAINER_INTERFACE). */
static int plan_tell_systemd(struct plan *plan, struct spec_words *env, struct error *err)
{
	const char **more;

	if (!plan->is_systemd || spec_env(env, "container"))
		return 0;
	more = arena_take(plan->arena, (env->count + 2) * sizeof(*more));
	if (!more)
		return error_errno(err, ENOMEM, "make the environment");
	if (env->count)
		memcpy(more, env->at, env->count * sizeof(*more));
	more[env->count] = "container=private-users";
	*env = (struct spec_words){ more, env->count + 1 };
	return 0;
}

/* Registered from here on; who plans in vain says so to the services. */
static int plan_with_services(struct services *services, struct plan *plan, const char *id,
			      const char *bundle, struct error *err)
{
	int r = services_plan(services, plan, id, bundle, err);

	if (r == 0)
		r = plan_ids(plan, err);
	return r < 0 ? r : plan_process(plan, err);
}

int plan_make(struct services *services, struct spec *spec, const char *id, const char *bundle,
	      struct plan *ret_plan, struct error *err)
{
	int r;

	*ret_plan = (struct plan){ .spec = spec, .arena = &spec->arena };
	for (int n = 0; n < NAMESPACE_KINDS; n++)
		ret_plan->join_fd[n] = -1;
	r = plan_read_switches(ret_plan, err);
	if (r == 0)
		r = plan_rootfs(ret_plan, bundle, err);
	if (r == 0)
		r = plan_namespaces(ret_plan, err);
	if (r == 0)
		r = plan_with_services(services, ret_plan, id, bundle, err);
	if (r < 0)
		return r;
	plan_label(ret_plan);
	if (!ret_plan->is_plain)
		r = plan_find_init(ret_plan, err);
	if (r == 0)
		r = plan_tell_systemd(ret_plan, &spec->process.env, err);
	return r < 0 ? r : plan_mounts(ret_plan, err);
}

void plan_done(struct plan *plan)
{
	for (size_t n = 0; n < plan->mount_count; n++)
		if (plan->mounts[n].fd >= 0)
			close(plan->mounts[n].fd);
	for (int n = 0; n < NAMESPACE_KINDS && plan->spec; n++)
		if (plan->join_fd[n] >= 0)
			close(plan->join_fd[n]);
	free(plan->mounts);
	*plan = (struct plan){ 0 };
}

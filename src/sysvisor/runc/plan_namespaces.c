/* SPDX-License-Identifier: Apache-2.0 */
/* Which namespaces are made, which are joined, and which can't be. */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>

#include "base/file.h"
#include "sysvisor/runc/plan.h"

#define PLAN_ISOLATES "because they use the linux user-namespace for isolation"

/* Those that the engine has to ask for: where it doesn't, it means the host's. */
static const enum namespace_kind plan_wanted[] = { NAMESPACE_pid, NAMESPACE_ipc, NAMESPACE_uts,
						   NAMESPACE_mount, NAMESPACE_network };
/* Those that we make whether it asks or not. */
static const enum namespace_kind plan_always[] = { NAMESPACE_user, NAMESPACE_cgroup };

static int plan_check_wanted(unsigned int asked, struct error *err)
{
	auto_text struct text missing = { 0 };

	for (size_t n = 0; n < array_count(plan_wanted); n++)
		if (!(asked & 1u << plan_wanted[n]))
			text_printf(&missing, "%s%s", missing.bytes ? " " : "",
				    namespace_rows[plan_wanted[n]].name);
	if (missing.bytes == 0)
		return 0;
	return error_say(
		err, EINVAL,
		"system containers can't share namespaces [%s] with the host (" PLAN_ISOLATES
		"); start the container without --net=host, --pid=host and the like",
		text_str(&missing));
}

static bool plan_is_hosts(int fd, enum namespace_kind kind)
{
	auto_fd int own = namespace_open(getpid(), kind, NULL);

	return own >= 0 && namespace_same(fd, own);
}

static int plan_join(struct plan *plan, enum namespace_kind kind, const char *path,
		     struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "open %s namespace '%s'", namespace_rows[kind].name,
				   path);
	plan->join_fd[kind] = fd;
	if (kind == NAMESPACE_mount)
		return error_say(
			err, ENOSYS,
			"not supported: joining mount namespace '%s', because the root file "
			"system is made anew for each container; leave the path away",
			path);
	if (plan_is_hosts(fd, kind))
		return error_say(err, EINVAL,
				 "system containers can't share a %s namespace with the host "
				 "(" PLAN_ISOLATES "); start the container without --%s=host",
				 namespace_rows[kind].name,
				 kind == NAMESPACE_network ? "net" : namespace_rows[kind].name);
	return 0;
}

/* --- the user namespace behind a joined one --- */

static int plan_read_map(struct plan *plan, const char *proc, const char *file, struct id_map *map,
			 struct error *err)
{
	auto_text struct text path = { 0 }, text = { 0 };
	struct id_range *ranges = arena_take(plan->arena, 340 * sizeof(*ranges));
	struct slice rest, line;
	int r;

	if (!ranges)
		return error_errno(err, ENOMEM, "map ids");
	text_printf(&path, "%s/%s", proc, file);
	r = file_read(text_str(&path), 65536, &text, err);
	if (r < 0)
		return r;
	*map = (struct id_map){ ranges, 0 };
	rest = text_slice(&text);
	while (slice_next(&rest, '\n', &line) && map->count < 340) {
		uint64_t numbers[3] = { 0 };

		for (size_t n = 0; n < 3; n++) {
			line = slice_trim(line);
			slice_eat_u64(&line, &numbers[n]);
		}
		ranges[map->count++] =
			(struct id_range){ (uint32_t)numbers[0], (uint32_t)numbers[1],
					   (uint32_t)numbers[2] };
	}
	return 0;
}

/* Containers that share a network, or a pod's pids, share the user namespace that owns it: only
 * there have they rights over it. Its map is that of the process whose namespace was named. */
static int plan_join_owner(struct plan *plan, enum namespace_kind kind, const char *path,
			   struct error *err)
{
	auto_fd int owner = ioctl(plan->join_fd[kind], NS_GET_USERNS);
	struct slice proc = slice_of(path);
	auto_text struct text dir = { 0 };
	ssize_t end = slice_find(proc, SLICE("/ns/"));
	int r;

	if (owner < 0)
		return error_errno(err, errno, "find who owns %s namespace '%s'",
				   namespace_rows[kind].name, path);
	if (plan_is_hosts(owner, NAMESPACE_user) ||
	    (plan->join_fd[NAMESPACE_user] >= 0 &&
	     !namespace_same(owner, plan->join_fd[NAMESPACE_user]))) {
		if (kind == NAMESPACE_network) {
			plan->net_is_foreign = true;
			plan->net_is_pods = !slice_starts(proc, SLICE("/proc/"));
		}
		return 0;
	}
	if (plan->join_fd[NAMESPACE_user] >= 0)
		return 0;
	plan->join_fd[NAMESPACE_user] = take_fd(&owner);
	if (plan->spec->linux_.uid_map.count || !slice_starts(proc, SLICE("/proc/")) || end < 0)
		return 0;
	text_put(&dir, slice_first(proc, (size_t)end));
	r = plan_read_map(plan, text_str(&dir), "uid_map", &plan->uid_map, err);
	return r < 0 ? r : plan_read_map(plan, text_str(&dir), "gid_map", &plan->gid_map, err);
}

static int plan_namespace(struct plan *plan, const struct spec_namespace *wanted,
			  unsigned int *asked, struct error *err)
{
	int kind = namespace_by_name(wanted->type);

	if (kind < 0)
		return error_say(err, EINVAL,
				 "config.json: linux.namespaces: '%.40s' is no namespace that this "
				 "runtime knows",
				 wanted->type);
	*asked |= 1u << kind;
	if (wanted->path && *wanted->path)
		return plan_join(plan, (enum namespace_kind)kind, wanted->path, err);
	plan->clone_flags |= namespace_rows[kind].clone_flag;
	return 0;
}

int plan_namespaces(struct plan *plan, struct error *err)
{
	const struct spec_list *list = &plan->spec->linux_.namespaces;
	const struct spec_namespace *wanted;
	unsigned int asked = 0;
	int r = 0;

	spec_each(list, wanted) {
		r = plan_namespace(plan, wanted, &asked, err);
		if (r < 0)
			return r;
	}
	r = plan_check_wanted(asked, err);
	if (r < 0)
		return r;
	/* First those with a path: they may bring the user namespace. */
	spec_each(list, wanted) {
		int kind = namespace_by_name(wanted->type);

		if (plan->join_fd[kind] < 0 || kind == NAMESPACE_user)
			continue;
		r = plan_join_owner(plan, (enum namespace_kind)kind, wanted->path, err);
		if (r < 0)
			return r;
	}
	for (size_t n = 0; n < array_count(plan_always); n++)
		if (plan->join_fd[plan_always[n]] < 0)
			plan->clone_flags |= namespace_rows[plan_always[n]].clone_flag;
		else
			plan->clone_flags &= ~namespace_rows[plan_always[n]].clone_flag;
	return 0;
}

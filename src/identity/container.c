/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/container.h"

#include <errno.h>

#include "base/clock.h"
#include "event/metrics.h"
#include "identity/engine.h"
#include "identity/process.h"
#include "kernel/cgroup.h"
#include "kernel/procfs.h"

#define CONTAINER_AGAIN_S     5
#define CONTAINER_ANCESTORS   8 /* from a process of a container's up to its monitor */
#define CONTAINER_CGROUP_TEXT 16384

struct container_group {
	uint64_t id;
	char *path;
	bool cut;		     /* the kernel's record had no room for all of it */
	struct container *container; /* NULL: in none */
	struct list node;	     /* by when it was last asked for */
};

struct containers {
	struct containers_env env;
	struct engines *engines;
	struct map groups, all;
	struct list by_use; /* groups */
	struct list fresh;  /* questions that go to the engines when the loop comes round */
	struct loop_deferred begin;
	struct metric count, group_evictions, evictions;
	struct metric lookups[ENGINE_RESULT_COUNT];
};

struct container_question {
	struct engine_question base;
	struct containers *containers;
	uint32_t pid; /* that made us ask */
	struct list node;
};

static struct slice container_group_key(const void *item)
{
	const struct container_group *group = item;

	return (struct slice){ (const char *)&group->id, sizeof(group->id) };
}

static struct slice container_key(const void *item)
{
	const struct container *container = item;

	_Static_assert(offsetof(struct container, outer_id) ==
			       offsetof(struct container, id) + CONTAINER_ID_BYTES,
		       "the two ids of the key stand side by side");
	return (struct slice){ container->id, sizeof(container->id) + sizeof(container->outer_id) };
}

/* --- containers --- */

/* systemd writes a character that its names may not hold as "\x2d". */
static void container_set_name(struct container *container)
{
	char name[CONTAINER_ID_BYTES];
	struct slice rest = slice_of(container->id);
	size_t bytes = 0;

	while (rest.bytes) {
		uint64_t code;

		if (slice_starts(rest, SLICE("\\x")) && rest.bytes >= 4 &&
				 slice_hex((struct slice){ rest.at + 2, 2 }, &code) && code) {
			name[bytes++] = (char)code;
			rest = slice_skip(rest, 4);
		} else {
			name[bytes++] = rest.at[0];
			rest = slice_skip(rest, 1);
		}
	}
	container_set(&container->name, (struct slice){ name, bytes });
}

static void container_set_path(struct container *container, const struct container_path *path)
{
	slice_copy(path->id, container->id, sizeof(container->id));
	slice_copy(path->outer_id, container->outer_id, sizeof(container->outer_id));
	slice_copy(path->pod_uid, container->pod_uid, sizeof(container->pod_uid));
	for (char *at = container->pod_uid; (at = strchr(at, '_'));)
		*at = '-';
	container->runtime = path->runtime;
	if (path->named)
		container_set_name(container);
}

/* The container that a path says, made if it is new; NULL: none, or out of memory. */
static struct container *containers_of_path(struct containers *containers, const char *path)
{
	struct container_path parts;
	struct container wanted = { 0 }, *container;

	if (!container_parse_path(slice_of(path), &parts))
		return NULL;
	slice_copy(parts.id, wanted.id, sizeof(wanted.id));
	slice_copy(parts.outer_id, wanted.outer_id, sizeof(wanted.outer_id));
	container = map_get(&containers->all, container_key(&wanted));
	if (container)
		return container;
	container = calloc(1, sizeof(*container));
	if (!container)
		return NULL;
	container_set_path(container, &parts);
	if (map_put(&containers->all, container, NULL) < 0) {
		container_clear(container);
		free(container);
		return NULL;
	}
	containers->count.value++;
	return container;
}

static void container_drop_question(struct container *container)
{
	struct container_question *question;

	if (!container->question)
		return;
	question = container_of(container->question, struct container_question, base);
	if (list_is_linked(&question->node))
		list_remove(&question->node);
	else
		engines_cancel(&question->base);
	free(question);
	container->question = NULL;
}

static void containers_drop(struct containers *containers, struct container *container)
{
	map_take(&containers->all, container_key(container));
	containers->count.value--;
	container_drop_question(container);
	container_clear(container);
	free(container);
}

/* --- control groups --- */

/* False: out of memory. */
static bool containers_set_path(struct containers *containers, struct container_group *group,
				struct slice path)
{
	struct container *before = group->container;
	char *copy = strndup(path.at, path.bytes);

	if (!copy)
		return false;
	free(group->path);
	group->path = copy;
	group->container = containers_of_path(containers, copy);
	if (group->container)
		group->container->groups++;
	if (before && --before->groups == 0)
		containers_drop(containers, before);
	return true;
}

static void containers_drop_group(struct containers *containers, struct container_group *group)
{
	struct container *container = group->container;

	map_take(&containers->groups, container_group_key(group));
	list_remove(&group->node);
	free(group->path);
	free(group);
	if (container && --container->groups == 0)
		containers_drop(containers, container);
}

static void containers_make_room(struct containers *containers)
{
	while (containers->groups.count >= containers->env.limit) {
		struct container_group *group =
			list_first(&containers->by_use, struct container_group, node);

		containers->group_evictions.value++;
		containers->evictions.value += group->container && group->container->groups == 1;
		if (containers->env.forgot)
			containers->env.forgot(containers->env.owner, group->id);
		containers_drop_group(containers, group);
	}
}

static struct container_group *containers_get(const struct containers *containers, uint64_t id)
{
	struct container_group wanted = { .id = id };

	return map_get(&containers->groups, container_group_key(&wanted));
}

static struct container_group *containers_add(struct containers *containers, uint64_t id,
					      struct slice path)
{
	struct container_group *group;

	containers_make_room(containers);
	group = calloc(1, sizeof(*group));
	if (!group)
		return NULL;
	group->id = id;
	list_append(&containers->by_use, &group->node);
	if (!containers_set_path(containers, group, path) ||
	    map_put(&containers->groups, group, NULL) < 0) {
		containers_drop_group(containers, group);
		return NULL;
	}
	return group;
}

void containers_record(struct containers *containers, const struct ring_cgroup *record)
{
	char path[RING_CGROUP_DEPTH * (RING_CGROUP_NAME + 1) + 2] = "/";
	bool cut = record->depth == RING_CGROUP_DEPTH;
	struct container_group *group;
	size_t bytes = 0;

	if (record->depth > RING_CGROUP_DEPTH || containers_get(containers, record->head.cgroup_id))
		return;
	for (size_t n = record->depth; n-- > 0;) {
		struct slice name = { record->names[n],
				      strnlen(record->names[n], RING_CGROUP_NAME) };

		cut |= name.bytes >= RING_CGROUP_NAME - 1;
		path[bytes++] = '/';
		bytes += slice_copy(name, path + bytes, sizeof(path) - bytes);
	}
	group = containers_add(containers, record->head.cgroup_id,
			       (struct slice){ path, bytes ? bytes : 1 });
	if (group)
		group->cut = cut;
}

/* The path as /proc gives it; empty when the process is gone, or has moved to another group. */
static struct slice containers_read_path(const struct containers *containers, uint64_t id,
					 uint32_t pid, struct text *text)
{
	const struct containers_env *env = &containers->env;
	struct slice path, none = { NULL, 0 };
	uint64_t now_id;

	if (procfs_read(env->proc_fd, pid, "cgroup", CONTAINER_CGROUP_TEXT, text) < 0)
		return none;
	path = cgroup_path(text_slice(text), env->hierarchy);
	if (id == 0 || slice_starts(path, SLICE("/..")))
		return path;
	/* The root's is 1, whatever stands above it; but v1 says "/" for any that is dying. */
	if (path.bytes <= 1)
		return (uint32_t)id == 1 ? path : none;
	now_id = cgroup_id(path, env->hierarchy);
	return now_id == 0 || now_id == id ? path : none;
}

/* The group with this id, whose path is read from /proc/PID when it isn't known. */
static struct container_group *containers_group(struct containers *containers, uint64_t id,
						uint32_t pid)
{
	struct container_group *group = id ? containers_get(containers, id) : NULL;
	auto_text struct text text = { 0 };
	struct slice path;

	if (group && !group->cut)
		return group;
	path = containers_read_path(containers, id, pid, &text);
	if (group) {
		group->cut = false; /* asked once; a part is better than nothing */
		if (path.bytes)
			containers_set_path(containers, group, path);
		return group;
	}
	if (path.bytes == 0)
		return NULL;
	/* No id, since the control groups aren't mounted here: the path has to do. */
	if (id == 0)
		id = map_siphash(containers->groups.seed, path) | 1ull << 63;
	group = containers_get(containers, id);
	return group ? group : containers_add(containers, id, path);
}

/* --- questions --- */

/* Changes nothing in the tables: the question's own container might have to make room. */
static bool containers_hold(const struct containers *containers, const struct process *process)
{
	const struct container_group *group = containers_get(containers, process->cgroup_id);
	auto_text struct text text = { 0 };
	struct container_path parts;
	struct slice path;

	if (group)
		return group->container;
	path = containers_read_path(containers, process->cgroup_id, process->pid, &text);
	return path.bytes == 0 || container_parse_path(path, &parts);
}

/* A shim works in the bundle of its first container; the others' are beside it. */
static void containers_find_bundle(const struct containers *containers, uint32_t shim_pid,
				   const char *id, struct container_monitor *monitor)
{
	char link[32], directory[MONITOR_PATH_BYTES];
	ssize_t bytes, end;

	snprintf(link, sizeof(link), "%u/cwd", shim_pid);
	bytes = readlinkat(containers->env.proc_fd, link, directory, sizeof(directory));
	if (bytes <= 0 || (size_t)bytes == sizeof(directory))
		return;
	end = slice_find_last((struct slice){ directory, (size_t)bytes }, SLICE("/"));
	if (end >= 0 && (size_t)end + strlen(id) + 2 <= sizeof(monitor->bundle))
		snprintf(monitor->bundle, sizeof(monitor->bundle), "%.*s/%s", (int)end, directory,
			 id);
}

static void containers_find_monitor(struct containers *containers,
				    struct container_question *question)
{
	struct container_monitor *monitor = &question->base.monitor;
	const char *id = question->base.container->id;
	uint32_t pid = question->pid;

	for (int n = 0; n < CONTAINER_ANCESTORS && pid > 1; n++) {
		const struct process *process = processes_find(containers->env.processes, pid, 0);

		if (!process)
			break;
		pid = process->ppid;
		if (!process->exe || !process->command_line ||
		    !container_parse_monitor(slice_of(process->exe->at),
					     slice_of(process->command_line->at), slice_of(id),
					     monitor))
			continue;
		/* A monitor is the host's: one that runs in a container is a liar, or an inner
		 * engine's, whose paths are not ours. */
		if (containers_hold(containers, process))
			break;
		if (process->uid != 0)
			monitor->bundle[0] = '\0';
		else if (monitor->kind == MONITOR_shim)
			containers_find_bundle(containers, process->pid, id, monitor);
		return;
	}
	*monitor = (struct container_monitor){ .kind = MONITOR_none };
}

static void containers_on_answer(struct engine_question *base, enum engine_result result)
{
	struct container_question *question = container_of(base, struct container_question, base);
	struct containers *containers = question->containers;
	struct container *container = base->container;

	free(question);
	container->question = NULL;
	containers->lookups[result].value++;
	container->state = result == ENGINE_known ? CONTAINER_known : CONTAINER_unknown;
	container->again_ns = clock_mono_ns() + CONTAINER_AGAIN_S * NS_PER_S;
	container->sockets = engines_sockets(containers->engines);
	if (containers->env.answered)
		containers->env.answered(containers->env.owner, container);
}

static void containers_on_begin(struct loop_deferred *deferred)
{
	struct containers *containers = container_of(deferred, struct containers, begin);
	struct container_question *question;

	list_drain(&containers->fresh, question, node)
	{
		if (containers->env.processes)
			containers_find_monitor(containers, question);
		engines_ask(containers->engines, &question->base);
	}
}

static void containers_ask(struct containers *containers, struct container *container, uint32_t pid)
{
	struct container_question *question = calloc(1, sizeof(*question));

	container->state = CONTAINER_unknown;
	if (!question)
		return;
	question->containers = containers;
	question->pid = pid;
	question->base.container = container;
	question->base.answered = containers_on_answer;
	container->question = &question->base;
	container->state = CONTAINER_asked;
	container->asked++;
	list_append(&containers->fresh, &question->node);
	loop_defer(containers->env.loop, &containers->begin);
}

static bool containers_should_ask(struct containers *containers, const struct container *container)
{
	if (container->state != CONTAINER_unknown)
		return container->state == CONTAINER_new;
	if (container->asked == 1 && clock_mono_ns() >= container->again_ns)
		return true;
	return container->sockets != engines_sockets(containers->engines);
}

const struct container *containers_find(struct containers *containers, uint64_t cgroup_id,
					uint32_t pid, const char **ret_path)
{
	struct container_group *group = containers_group(containers, cgroup_id, pid);

	*ret_path = group ? group->path : NULL;
	if (!group)
		return NULL;
	list_remove(&group->node);
	list_append(&containers->by_use, &group->node);
	if (group->container && containers_should_ask(containers, group->container))
		containers_ask(containers, group->container, pid);
	return group->container;
}

/* --- start and end --- */

static void containers_add_metrics(struct containers *containers)
{
	static const char *const results[] = {
		[ENGINE_known] = "known",
		[ENGINE_not_found] = "not_found",
		[ENGINE_failed] = "failed",
	};
	struct metrics *metrics = containers->env.metrics;

	metric_add(metrics, METRIC_containers, &containers->count, NULL);
	metric_add(metrics, METRIC_process_evictions, &containers->evictions, "containers");
	metric_add(metrics, METRIC_process_evictions, &containers->group_evictions, "cgroups");
	for (size_t n = 0; n < ENGINE_RESULT_COUNT; n++)
		metric_add(metrics, METRIC_container_lookups, &containers->lookups[n], results[n]);
}

int containers_new(struct containers **ret_containers, const struct containers_env *env,
		   struct error *err)
{
	struct engines_env engines_env = {
		.loop = env->loop,
		.sockets = env->sockets,
		.refused = env->refused,
		.owner = env->owner,
	};
	struct containers *containers = calloc(1, sizeof(*containers));
	int r;

	if (!containers)
		return error_errno(err, ENOMEM, "make the table of containers");
	r = engines_new(&containers->engines, &engines_env, err);
	if (r < 0) {
		free(containers);
		return r;
	}
	containers->env = *env;
	containers->begin.run = containers_on_begin;
	map_init(&containers->groups, container_group_key);
	map_init(&containers->all, container_key);
	list_init(&containers->by_use);
	list_init(&containers->fresh);
	containers_add_metrics(containers);
	*ret_containers = containers;
	return 0;
}

void containers_free(struct containers *containers)
{
	struct container_group *group;

	if (!containers)
		return;
	while ((group = list_first(&containers->by_use, struct container_group, node)))
		containers_drop_group(containers, group);
	engines_free(containers->engines);
	loop_undefer(&containers->begin);
	map_done(&containers->groups);
	map_done(&containers->all);
	metric_remove(&containers->count);
	metric_remove(&containers->evictions);
	metric_remove(&containers->group_evictions);
	for (size_t n = 0; n < ENGINE_RESULT_COUNT; n++)
		metric_remove(&containers->lookups[n]);
	free(containers);
}

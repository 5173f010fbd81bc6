/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file_roots.h"

#include "base/clock.h"
#include "kernel/procfs.h"
#include "sensor/file_open.h"

#define FILE_ROOTS_LOOK_NS (10 * NS_PER_S)

static void file_roots_add(struct file_roots *roots, uint32_t pid, uint32_t ppid, uint32_t ns)
{
	struct file_node *root;

	if (ns == 0 || ns == roots->host_ns)
		return;
	root = file_tree_add_root(roots->tree, pid, ns);
	if (!root)
		return;
	if (!file_open_is_root(roots->tree, root, root->root_pid))
		root->root_pid = pid;
	/* Parents live longer. */
	if (root->root_pid == pid && ppid && file_open_is_root(roots->tree, root, ppid))
		root->root_pid = ppid;
	if (!list_is_empty(&roots->tree->unread))
		loop_timer_set(roots->env->loop, roots->turn, 1);
	if (!roots->look.due_ns)
		loop_timer_set(roots->env->loop, &roots->look, FILE_ROOTS_LOOK_NS);
}

static void file_roots_on_exec(void *owner, const struct ring_exec *record)
{
	file_roots_add(owner, record->head.pid, record->ppid, record->ns_mnt);
}

/* --- roots whose pid has ended --- */

struct file_roots_search {
	struct file_roots *roots;
	struct file_node *root;
	bool found;
};

static void file_roots_try(void *owner, uint32_t pid)
{
	struct file_roots_search *search = owner;
	int proc_fd = search->roots->env->proc_fd;

	search->found =
		search->found || (procfs_namespace(proc_fd, pid, "mnt") == search->root->root_ns &&
				  file_open_is_root(search->roots->tree, search->root, pid));
	if (search->found && search->root->root_pid == 0)
		search->root->root_pid = pid;
}

/* Another process of the same container, or there is none any more. */
static bool file_roots_lives(struct file_roots *roots, struct file_node *root)
{
	struct file_roots_search search = { .roots = roots, .root = root };

	if (file_open_is_root(roots->tree, root, root->root_pid))
		return true;
	root->root_pid = 0;
	return procfs_each(roots->env->proc_fd, file_roots_try, &search, NULL) == 0 && search.found;
}

static void file_roots_on_look(struct loop_timer *timer)
{
	struct file_roots *roots = container_of(timer, struct file_roots, look);
	struct file_node *root;
	struct list kept;
	bool any = false, changed = false;

	list_init(&kept);
	list_drain(&roots->tree->roots, root, node)
	{
		uint32_t pid = root->root_pid;

		if (root->root_ns && !file_roots_lives(roots, root)) {
			file_tree_leave(roots->tree, root);
			continue;
		}
		any = any || root->root_ns;
		changed = changed || root->root_pid != pid;
		list_append(&kept, &root->node);
	}
	list_drain(&kept, root, node) list_append(&roots->tree->roots, &root->node);
	if (changed) { /* it was out of sight meanwhile */
		file_tree_again(roots->tree);
		loop_timer_set(roots->env->loop, roots->turn, 1);
	}
	if (any)
		loop_timer_set(roots->env->loop, &roots->look, FILE_ROOTS_LOOK_NS);
}

/* --- life --- */

static void file_roots_on_process(void *owner, uint32_t pid)
{
	struct file_roots *roots = owner;
	uint32_t ns = procfs_namespace(roots->env->proc_fd, pid, "mnt");
	uint32_t above = roots->env->settings->only_under;

	if (ns != roots->host_ns &&
	    (above == 0 || roots->env->processes->is_under(roots->env->processes, pid, above, 0)))
		file_roots_add(roots, pid, 0, ns);
}

int file_roots_start(struct file_roots *roots, const struct sensor_env *env, struct file_tree *tree,
		     struct loop_timer *turn, struct error *err)
{
	roots->env = env;
	roots->tree = tree;
	roots->turn = turn;
	roots->look.fire = file_roots_on_look;
	roots->host_ns = procfs_namespace(env->proc_fd, 1, "mnt");
	if (roots->host_ns == 0) /* it may be closed to us: then our own is taken for it */
		roots->host_ns = procfs_namespace(env->proc_fd, (uint32_t)getpid(), "mnt");
	env->shared->exec_told = file_roots_on_exec;
	env->shared->exec_owner = roots;
	return procfs_each(env->proc_fd, file_roots_on_process, roots, err);
}

void file_roots_stop(struct file_roots *roots)
{
	if (!roots->env)
		return;
	roots->env->shared->exec_told = NULL;
	loop_timer_clear(&roots->look);
}

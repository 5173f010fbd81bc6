/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#include "base/file.h"
#include "kernel/namespace.h"
#include "kernel/procfs.h"
#include "sysvisor/runc/birth.h"
#include "sysvisor/runc/channel.h"
#include "sysvisor/runc/console.h"

/* --- in the container --- */

static int exec_become_root(struct error *err)
{
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return error_errno(err, errno, "become root inside");
	/* Until it is the program, nobody inside may look into it (CVE-2016-9962). */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, errno, "hide from the container");
	setsid();
	return 0;
}

static int exec_console(struct exec *exec, struct error *err)
{
	auto_fd int root = -1;

	if (!exec->spec.process.terminal)
		return 0;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_errno(err, errno, "open '/'");
	return console_make(root, exec->console_fd, &exec->spec.process, false, err);
}

static int exec_prepare(struct exec *exec, struct process *process, struct error *err)
{
	int r = channel_wait(exec->channel[1], CHANNEL_mapped, NULL, err);

	if (r == 0)
		r = exec_become_root(err);
	if (r == 0)
		r = exec_console(exec, err);
	if (r == 0)
		r = process_find(process, &exec->spec.arena, err);
	return r < 0 ? r : process_prepare(process, err);
}

static void exec_run(struct exec *exec) __attribute__((noreturn));
static void exec_run(struct exec *exec)
{
	const struct spec_process *spec = &exec->spec.process;
	struct process process = {
		.spec = spec,
		.caps = plan_caps(spec, exec->state.honor_caps, exec->state.plain),
		.filter = &exec->filter,
		.traps = &exec->traps,
		.reply_fd = exec->channel[1],
		.personality = exec->state.personality,
		.label = exec->label,
		.keep_fds = exec->keep_fds,
		.id = exec->state.id,
		.terminal_fd = spec->terminal ? 0 : -1,
	};
	struct error err = { 0 };
	sigset_t none;

	close(take_fd(&exec->channel[0]));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int n = 1; n < NSIG; n++)
		signal(n, SIG_DFL);
	if (exec_prepare(exec, &process, &err) == 0)
		(void)process_become(&process, &err);
	channel_fail(exec->channel[1], &err);
	_exit(1);
}

/* --- on the way --- */

/* On v2, a group whose children are in use takes no process: where the container has sorted its
 * processes into groups of its own, we go where its first process is. */
static int exec_attach_beside(const struct exec *exec, struct error *err)
{
	const struct cgroup_hierarchy *hierarchy = cgroup_tree_v2(&exec->tree);
	auto_text struct text text = { 0 }, path = { 0 };
	char file[40];
	struct slice line;
	ssize_t at;
	int r;

	snprintf(file, sizeof(file), "/proc/%lld/cgroup", (long long)exec->state.pid.value);
	r = file_read(file, 65536, &text, err);
	if (r < 0)
		return r;
	at = slice_find(text_slice(&text), SLICE("0::/"));
	if (!hierarchy || at < 0)
		return error_say(err, ENOENT, "the container has no control group");
	line = slice_skip(text_slice(&text), (size_t)at + strlen("0::/"));
	slice_cut(&line, '\n', &line);
	text_printf(&path, "%.*s/cgroup.procs", SLICE_ARG(line));
	{
		auto_fd int fd = openat(hierarchy->root_fd, text_str(&path), O_WRONLY | O_CLOEXEC);

		if (fd < 0 || write(fd, "0", 1) < 0)
			return error_errno(err, errno, "enter control group '%.*s'",
					   SLICE_ARG(line));
	}
	return 0;
}

static int exec_open_group(struct exec *exec, struct error *err)
{
	auto_text struct text path = { 0 };
	int r = cgroup_tree_init(&exec->tree, err);

	text_printf(&path, "%s", exec->state.cgroup);
	if (exec->group)
		text_printf(&path, "/%s", exec->group);
	if (r == 0)
		r = cgroup_tree_open(&exec->tree, text_str(&path), err);
	return r < 0 ? r : cgroup_tree_open_tasks(&exec->tree, err);
}

/* The namespaces that differ from ours: joining one's own time namespace, for one, is refused on
 * kernels that have none. */
static int exec_join(const struct exec *exec, struct error *err)
{
	unsigned int flags = 0;

	for (int n = 0; n < NAMESPACE_user; n++) {
		auto_fd int own = namespace_open(getpid(), (enum namespace_kind)n, NULL);
		auto_fd int theirs =
			namespace_open((pid_t)exec->state.pid.value, (enum namespace_kind)n, NULL);

		if (own >= 0 && theirs >= 0 && !namespace_same(own, theirs))
			flags |= namespace_rows[n].clone_flag;
	}
	/* As the host's root we may join them all; as the container's only what it owns. */
	if (flags && setns(exec->pidfd, (int)flags) < 0)
		return error_errno(err, errno, "join the container's namespaces");
	if (setns(exec->pidfd, CLONE_NEWUSER) < 0)
		return error_errno(err, errno, "join the container's user namespace");
	return 0;
}

static int exec_give_birth(void *owner, pid_t *ret_pid, struct error *err)
{
	struct exec *exec = owner;
	int r;

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	r = exec->beside ? exec_attach_beside(exec, err) : cgroup_tree_enter(&exec->tree, err);
	if (r == 0)
		r = exec_join(exec, err);
	if (r < 0)
		return r;
	*ret_pid = process_clone(CLONE_PARENT, -1);
	if (*ret_pid == 0)
		exec_run(exec);
	return *ret_pid < 0 ? error_errno(err, errno, "clone") : 0;
}

/* The helper is made in the container's group of v2; those of v1 it enters by itself. */
static int exec_spawn(struct exec *exec, struct error *err)
{
	const struct cgroup_hierarchy *v2;
	int r = exec_open_group(exec, err);

	if (r < 0)
		return r;
	v2 = cgroup_tree_v2(&exec->tree);
	r = birth_by_helper(exec_give_birth, exec, v2 ? v2->group_fd : -1, &exec->pid, err);
	if (r != -EBUSY || !exec->tree.v2_only || exec->group)
		return r;
	exec->beside = true;
	return birth_by_helper(exec_give_birth, exec, -1, &exec->pid, err);
}

/* --- */

static int exec_limit(struct exec *exec, struct error *err)
{
	const struct spec_process *process = &exec->spec.process;
	const char *clamped;
	int r = process_limit(exec->pid, &process->rlimits, exec->runtime->clamp_limits, &clamped,
			      err);

	if (r == 0 && clamped)
		runtime_warn(exec->runtime, "%s; it stays where it can be", clamped);
	if (r == 0)
		r = process_schedule(exec->pid, process, err);
	if (r == 0)
		r = process_pin(exec->pid, process->exec_affinity.final, err);
	if (r == 0 && process->oom_score_adj.set)
		r = process_oom(exec->pid, process->oom_score_adj.value, err);
	return r;
}

int exec_make(struct exec *exec, struct error *err)
{
	struct plan ids = { .uid_map = spec_id_map(&exec->state.uid_map) };
	int r = plan_label("process.selinuxLabel", exec->spec.process.selinux, &exec->label, err);

	if (r == 0)
		r = channel_open(exec->channel, err);
	if (r < 0)
		return r;
	exec->pidfd = state_pidfd(&exec->state, err);
	if (exec->pidfd < 0)
		return exec->pidfd;
	/* Those that it begins on are inherited: it is in the container's group at once. */
	r = process_pin(0, exec->spec.process.exec_affinity.initial, err);
	if (r == 0)
		r = exec_spawn(exec, err);
	if (r < 0)
		return r;
	close(take_fd(&exec->channel[1]));
	process_give_stdio(&ids, &exec->spec.process.user);
	r = exec_limit(exec, err);
	return r < 0 ? r : channel_send(exec->channel[0], CHANNEL_mapped, -1, err);
}

void exec_done(struct exec *exec)
{
	const int fds[] = { exec->channel[0], exec->channel[1], exec->pidfd, exec->console_fd };

	for (size_t n = 0; n < array_count(fds); n++)
		if (fds[n] >= 0)
			close(fds[n]);
	cgroup_tree_done(&exec->tree);
	filter_done(&exec->filter);
	filter_done(&exec->traps);
	spec_done(&exec->spec);
	state_done(&exec->state);
}

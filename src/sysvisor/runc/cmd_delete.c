/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "sysvisor/runc/cgroup.h"
#include "sysvisor/runc/command.h"
#include "sysvisor/runc/delete.h"
#include "sysvisor/runc/hooks.h"
#include "sysvisor/runc/rootfs.h"
#include "sysvisor/runc/services.h"

#define DELETE_WAIT_MS 10000

struct delete_options {
	bool force;
};

static const struct setting delete_rows[] = {
	{ .option = "force",
	  .letter = 'f',
	  .type = SETTING_flag,
	  .at = offsetof(struct delete_options, force),
	  .programs = COMMAND_PROGRAM,
	  .help = "Kill it first; that it doesn't exist is no error" },
};

static int delete_kill_pid(void *owner, pid_t pid, struct error *err)
{
	(void)owner;
	(void)err;
	kill(pid, SIGKILL); /* from the container's group: nothing else can be there */
	return 0;
}

/* A systemd that doesn't answer has no say: its unit goes with the last process. */
static void delete_scope(const struct runtime *runtime, const struct state *state)
{
	struct error said;

	if (state->scope && scope_stop(runtime, state->scope, &said) < 0)
		runtime_warn(runtime, "%s", said.text);
}

/* What has outlived the first process: there is some only in a shared pid namespace. */
static int delete_cgroup(const struct runtime *runtime, const struct state *state,
			 struct error *err)
{
	struct cgroup_tree tree;
	int r = cgroup_tree_init(&tree, err);

	if (r < 0)
		return r;
	r = cgroup_tree_open(&tree, state->cgroup, err);
	if (r == 0)
		r = cgroup_tree_each(&tree, delete_kill_pid, NULL, err);
	if (r == 0 && cgroup_tree_is_frozen(&tree))
		r = cgroup_tree_freeze(&tree, false, err);
	if (r == 0)
		delete_scope(runtime, state);
	if (r == 0)
		r = cgroup_tree_remove(&tree, state->cgroup, err);
	cgroup_tree_done(&tree);
	return r;
}

int delete_rest(const struct runtime *runtime, const struct state *state, int dir_fd,
		struct error *err)
{
	struct error said;
	int r = delete_cgroup(runtime, state, err);

	if (r < 0)
		return r;
	services_end(runtime, state->id);
	if (state->storage)
		overlay_clean(state->storage);
	if (hooks_run("hook poststop", &state->hooks.poststop, state, STATE_stopped, &said) < 0)
		runtime_warn(runtime, "%s", said.text);
	return state_remove(runtime->root, state->id, dir_fd, err);
}

static int delete_kill(const struct state *state, struct error *err)
{
	auto_fd int fd = state_pidfd(state, NULL);
	struct pollfd wait_for = { .fd = fd, .events = POLLIN };

	if (fd < 0)
		return 0;
	if (cgroup_is_frozen(state->cgroup)) {
		struct cgroup_tree tree;

		/* A frozen process dies when it is let go. */
		if (syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0 &&
		    cgroup_tree_init(&tree, NULL) == 0) {
			if (cgroup_tree_open(&tree, state->cgroup, NULL) == 0)
				(void)!cgroup_tree_freeze(&tree, false, NULL);
			cgroup_tree_done(&tree);
		}
	}
	if (syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return error_errno(err, errno, "kill container '%s'", state->id);
	if (poll(&wait_for, 1, DELETE_WAIT_MS) == 0)
		return error_say(err, ETIMEDOUT,
				 "container '%s' has not ended in %d s after SIGKILL", state->id,
				 DELETE_WAIT_MS / 1000);
	return 0;
}

static int delete_loaded(const struct runtime *runtime, const struct state *state, int dir_fd,
			 bool force, struct error *err)
{
	enum state_status status = state_status(runtime->root, state);
	int r = 0;

	/* One that was never started has nothing to lose. */
	if (status != STATE_stopped && status != STATE_created && !force)
		return error_say(err, EBUSY,
				 "cannot delete container '%s': it is %s; stop it first, or use "
				 "--force",
				 state->id, state_status_name(status));
	if (status != STATE_stopped)
		r = delete_kill(state, err);
	return r < 0 ? r : delete_rest(runtime, state, dir_fd, err);
}

static int delete_command(const struct runtime *runtime, void *options, char **args,
			  struct error *err)
{
	const struct delete_options *wanted = options;
	auto_fd int dir = state_open(runtime->root, args[0], err);
	struct state state;
	int r;

	if (dir == -ENOENT && wanted->force)
		return 0;
	if (dir < 0)
		return dir;
	r = state_load(runtime->root, args[0], &state, err);
	if (r == -ENOENT) { /* `create` was killed before it had written it */
		services_end(runtime, args[0]);
		r = state_remove(runtime->root, args[0], dir, err);
	} else if (r == 0)
		r = delete_loaded(runtime, &state, dir, wanted->force, err);
	state_done(&state);
	return r;
}

const struct command command_delete = {
	.name = "delete",
	.arguments = "ID",
	.purpose = "Remove what is left of a container that has ended",
	.least = 1,
	.most = 1,
	.rows = delete_rows,
	.row_count = array_count(delete_rows),
	.options_bytes = sizeof(struct delete_options),
	.run = delete_command,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>

#include "sysvisor/runc/cgroup.h"
#include "sysvisor/runc/command.h"
#include "sysvisor/runc/state.h"

struct kill_options {
	bool all;
};

static const struct setting kill_rows[] = {
	{ .option = "all",
	  .letter = 'a',
	  .type = SETTING_flag,
	  .at = offsetof(struct kill_options, all),
	  .programs = COMMAND_PROGRAM,
	  .help = "Every process of the container, not only the first" },
};

/* "9", "KILL", "SIGKILL" */
static int kill_parse(const char *name, int *ret_signal, struct error *err)
{
	struct slice word = slice_of(name);
	uint64_t number;

	if (slice_u64(word, &number) && number > 0 && number <= 64) {
		*ret_signal = (int)number;
		return 0;
	}
	if (word.bytes > 3 && strncasecmp(word.at, "SIG", 3) == 0)
		word = slice_skip(word, 3);
	for (int n = 1; n < NSIG; n++) {
		const char *known = sigabbrev_np(n);

		if (known && strcasecmp(known, word.at) == 0) {
			*ret_signal = n;
			return 0;
		}
	}
	return error_say(err, EINVAL,
			 "signal '%.40s' is not known; use a number or a name such as "
			 "TERM",
			 name);
}

static int kill_one(void *owner, pid_t pid, struct error *err)
{
	const int *signal_ = owner;

	if (kill(pid, *signal_) < 0 && errno != ESRCH)
		return error_errno(err, errno, "kill process %d", pid);
	return 0;
}

/* Frozen, the processes can't make new ones while they are told; the signal comes when they go on.
 */
static int kill_all(const struct state *state, int signal_, struct error *err)
{
	struct cgroup_tree tree;
	bool thaw;
	int r = cgroup_tree_init(&tree, err);

	if (r < 0)
		return r;
	r = cgroup_tree_open(&tree, state->cgroup, err);
	thaw = r == 0 && state_is_alive(state) && !cgroup_tree_is_frozen(&tree) &&
	       cgroup_tree_freeze(&tree, true, NULL) == 0;
	if (r == 0)
		r = cgroup_tree_each(&tree, kill_one, &signal_, err);
	if (thaw || (r == 0 && signal_ == SIGKILL && cgroup_tree_is_frozen(&tree)))
		r = cgroup_tree_freeze(&tree, false, r == 0 ? err : NULL);
	cgroup_tree_done(&tree);
	return r;
}

static int kill_first(const struct state *state, int signal_, struct error *err)
{
	auto_fd int fd = state_pidfd(state, err);

	if (fd < 0)
		return fd;
	if (syscall(SYS_pidfd_send_signal, fd, signal_, NULL, 0) == 0)
		return 0;
	if (errno == ESRCH)
		return error_say(err, ESRCH,
				 "container '%s': container not running: process already finished",
				 state->id);
	return error_errno(err, errno, "kill container '%s'", state->id);
}

static int kill_command(const struct runtime *runtime, void *options, char **args,
			struct error *err)
{
	const struct kill_options *wanted = options;
	struct state state = { 0 };
	int signal_ = SIGTERM, r = 0;

	if (args[1])
		r = kill_parse(args[1], &signal_, err);
	if (r == 0)
		r = state_load(runtime->root, args[0], &state, err);
	if (r == 0)
		r = wanted->all ? kill_all(&state, signal_, err) : kill_first(&state, signal_, err);
	state_done(&state);
	return r;
}

const struct command command_kill = {
	.name = "kill",
	.arguments = "ID [SIGNAL]",
	.purpose = "Send a signal to a container's first process (TERM)",
	.least = 1,
	.most = 2,
	.rows = kill_rows,
	.row_count = array_count(kill_rows),
	.options_bytes = sizeof(struct kill_options),
	.run = kill_command,
};

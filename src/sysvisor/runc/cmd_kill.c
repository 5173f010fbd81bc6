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

/* "RTMIN+3" */
static bool kill_parse_real_time(struct slice word, int *ret_signal)
{
	struct slice low = SLICE("RTMIN"), high = SLICE("RTMAX");
	bool from_low = word.bytes >= low.bytes && strncasecmp(word.at, low.at, low.bytes) == 0;
	uint64_t distance = 0;

	if (!from_low &&
	    (word.bytes < high.bytes || strncasecmp(word.at, high.at, high.bytes) != 0))
		return false;
	word = slice_skip(word, low.bytes);
	if (word.bytes &&
	    (!slice_eat(&word, from_low ? SLICE("+") : SLICE("-")) || !slice_u64(word, &distance)))
		return false;
	if (distance > (uint64_t)(SIGRTMAX - SIGRTMIN))
		return false;
	*ret_signal = from_low ? SIGRTMIN + (int)distance : SIGRTMAX - (int)distance;
	return true;
}

/* "9", "KILL", "SIGKILL", "SIGRTMIN+3" */
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
	if (kill_parse_real_time(word, ret_signal))
		return 0;
	return error_say(err, EINVAL,
			 "signal '%.40s' is not known; use a number, or a name such as TERM or "
			 "RTMIN+3",
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

/* TERM is how engines ask a container to end, but has systemd start itself anew; its word for
 * "power off" is RTMIN+3 (systemd(1), CONTAINER_INTERFACE). */
static int kill_translate(const struct state *state, int signal_)
{
	return state->systemd && signal_ == SIGTERM ? SIGRTMIN + 3 : signal_;
}

static int kill_first(const struct state *state, int signal_, struct error *err)
{
	auto_fd int fd = state_pidfd(state, err);

	if (fd < 0)
		return fd;
	signal_ = kill_translate(state, signal_);
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

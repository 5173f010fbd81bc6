/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/json.h"
#include "sysvisor/runc/channel.h"
#include "sysvisor/runc/command.h"
#include "sysvisor/runc/dns.h"
#include "sysvisor/runc/hooks.h"
#include "sysvisor/runc/services.h"
#include "sysvisor/runc/start.h"

/* The OCI's "container process state": one message, one connection. */
static int start_tell_agent(const struct start *start, int listener_fd, struct error *err)
{
	const struct state *state = start->state;
	auto_text struct text words = { 0 };
	struct json json = { .out = &words };
	auto_fd int fd = channel_connect(state->listener_path, SOCK_STREAM, err);

	if (fd < 0)
		return error_wrap(err, fd, "linux.seccomp.listenerPath");
	json_open(&json, '{');
	json_key(&json, SLICE("ociVersion"));
	json_text(&json, slice_of(state->version));
	json_key(&json, SLICE("fds"));
	json_open(&json, '[');
	json_text(&json, SLICE("seccompFd"));
	json_close(&json, ']');
	json_key(&json, SLICE("pid"));
	json_i64(&json, start->pid);
	if (state->listener_metadata && *state->listener_metadata) {
		json_key(&json, SLICE("metadata"));
		json_text(&json, slice_of(state->listener_metadata));
	}
	json_key(&json, SLICE("state"));
	state_print(state, start->status, &words);
	json_close(&json, '}');
	return words.failed ? error_errno(err, ENOMEM, "tell of the listener")
			    : channel_send_fd(fd, listener_fd, text_str(&words), err);
}

static bool start_has_ended(const struct start *start)
{
	auto_fd int fd = (int)syscall(SYS_pidfd_open, (pid_t)start->pid, 0);
	struct pollfd ended = { .fd = fd, .events = POLLIN };

	return fd < 0 ? errno == ESRCH : poll(&ended, 1, 0) == 1;
}

/* Without sysvisor-fs a container doesn't start, but who is to look after one that runs may go in:
 * mounts fail for him (ENOSYS). */
static int start_hand_in(const struct start *start, int listener_fd, struct error *err)
{
	int r = services_trap(start->runtime, start->state->id, listener_fd, err);

	/* The process does not wait for us: when it has ended, sysvisor-fs has forgotten it. */
	if (r < 0 && start_has_ended(start))
		return 0;
	if (r == 0 || start->status != STATE_running)
		return r;
	runtime_warn(start->runtime, "mounts will fail: %s", err->text);
	return 0;
}

/* The process's end closes when it becomes the program: silence is success. */
int start_wait(const struct start *start, int fd, struct error *err)
{
	for (;;) {
		struct channel_message message;
		auto_fd int passed = -1;
		int r = channel_hear(fd, &message, &passed, err);

		if (r == -EPIPE)
			return 0;
		if (r == 0 && message.word == CHANNEL_failed) {
			if (err)
				*err = message.err;
			return message.err.code > 0 ? -message.err.code : -EIO;
		}
		if (r == 0 && message.word == CHANNEL_listener && passed >= 0)
			r = start_tell_agent(start, passed, err);
		else if (r == 0 && message.word == CHANNEL_traps && passed >= 0)
			r = start_hand_in(start, passed, err);
		else if (r == 0)
			r = error_say(err, EPROTO, "the process said something unexpected");
		if (r < 0)
			return r;
	}
}

static int start_connect(const struct runtime *runtime, const struct state *state,
			 struct error *err)
{
	auto_text struct text path = { 0 };
	enum state_status status = state_status(runtime->root, state);

	if (status != STATE_created)
		return error_say(err, EINVAL,
				 "cannot start container '%s': it is %s; only a created one can be "
				 "started",
				 state->id, state_status_name(status));
	text_printf(&path, "%s/%s/" STATE_START_SOCKET, runtime->root, state->id);
	return channel_connect(text_str(&path), SOCK_SEQPACKET, err);
}

/* One that has failed by itself is gone already. */
static void start_kill(const struct state *state)
{
	auto_fd int pidfd = state_pidfd(state, NULL);

	if (pidfd >= 0)
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

/* Without it the container has names all the same; only those inside it have none. */
static void start_alias_dns(const struct runtime *runtime, const struct state *state)
{
	struct error err;

	if (!state->plain && state_status(runtime->root, state) == STATE_created &&
	    dns_alias(state, &err) < 0)
		runtime_warn(runtime, "names for containers inside: %s", err.text);
}

static int start_it(const struct runtime *runtime, const struct state *state, int dir_fd,
		    struct error *err)
{
	const struct start start = { runtime, state, STATE_created, state->pid.value };
	auto_fd int fd = -1;
	int r;

	/* Only now: engines give the container its network between `create` and `start`. */
	start_alias_dns(runtime, state);
	fd = start_connect(runtime, state, err);
	if (fd < 0)
		return fd;
	r = start_wait(&start, fd, err);
	unlinkat(dir_fd, STATE_START_SOCKET, 0);
	if (r < 0) {
		start_kill(state);
		return r;
	}
	r = hooks_run("hook poststart", &state->hooks.poststart, state, STATE_running, err);
	if (r < 0)
		runtime_warn(runtime, "%s", err->text);
	return 0;
}

static int start_command(const struct runtime *runtime, void *options, char **args,
			 struct error *err)
{
	auto_fd int dir = state_open(runtime->root, args[0], err);
	struct state state;
	int r;

	(void)options;
	if (dir < 0)
		return dir;
	r = state_load(runtime->root, args[0], &state, err);
	if (r == 0)
		r = start_it(runtime, &state, dir, err);
	state_done(&state);
	return r;
}

const struct command command_start = {
	.name = "start",
	.arguments = "ID",
	.purpose = "Start the program of a created container",
	.least = 1,
	.most = 1,
	.run = start_command,
};

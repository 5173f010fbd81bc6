/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>

#include "sysvisor/runc/channel.h"
#include "sysvisor/runc/command.h"
#include "sysvisor/runc/dns.h"
#include "sysvisor/runc/hooks.h"
#include "sysvisor/runc/start.h"

/* The process's end closes when it becomes the program: silence is success. */
int start_wait(int fd, struct error *err)
{
	struct error why = { 0 };
	int r = channel_wait(fd, CHANNEL_failed, NULL, &why);

	if (r == -EPIPE && why.code == EPIPE)
		return 0;
	if (err)
		*err = why;
	return r;
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
	auto_fd int fd = -1;
	int r;

	/* Only now: engines give the container its network between `create` and `start`. */
	start_alias_dns(runtime, state);
	fd = start_connect(runtime, state, err);
	if (fd < 0)
		return fd;
	r = start_wait(fd, err);
	unlinkat(dir_fd, STATE_START_SOCKET, 0);
	if (r < 0)
		return r;
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

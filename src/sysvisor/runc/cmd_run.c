/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "sysvisor/runc/command.h"
#include "sysvisor/runc/create.h"
#include "sysvisor/runc/delete.h"
#include "sysvisor/runc/foreground.h"
#include "sysvisor/runc/hooks.h"
#include "sysvisor/runc/start.h"

static const struct setting run_rows[] = {
	CREATE_ROWS,
	{ .option = "detach",
	  .letter = 'd',
	  .type = SETTING_flag,
	  CREATE_AT(detach),
	  .help = "Leave the container behind" },
	{ .option = "keep",
	  .type = SETTING_flag,
	  CREATE_AT(keep),
	  .help = "Don't delete the container when it has ended" },
	{ .option = "no-subreaper",
	  .type = SETTING_flag,
	  CREATE_AT(no_subreaper),
	  .help = "Accepted; we reap only what is ours" },
};

/* Waits for the program to run, and then for it to end. */
static int run_go(struct create *create, struct foreground *foreground, struct error *err)
{
	const struct spec_hooks *hooks = &create->spec.hooks;
	const struct start start = { create->runtime, &create->state, STATE_created, create->pid };
	int r = start_wait(&start, create->channel[0], err);

	if (r == 0)
		r = hooks_run("hook poststart", &hooks->poststart, &create->state, STATE_running,
			      err);
	if (r < 0) {
		kill(create->pid, SIGKILL);
		while (waitpid(create->pid, NULL, 0) < 0 && errno == EINTR)
			;
		return r;
	}
	return create->options->detach ? 0 : foreground_wait(foreground, create->pid, err);
}

static int run_made(const struct runtime *runtime, struct create *create,
		    struct foreground *foreground, struct error *err)
{
	int status = run_go(create, foreground, err), r = 0;

	if (status < 0 || (!create->options->detach && !create->options->keep)) {
		struct error *say = status < 0 ? NULL : err;

		cgroup_tree_done(&create->tree);
		r = delete_rest(runtime, &create->state, create->dir_fd, say);
	}
	return status < 0 ? status : r < 0 ? r : status;
}

static int run_command(const struct runtime *runtime, void *options, char **args, struct error *err)
{
	struct create create = { .runtime = runtime,
				 .options = options,
				 .id = args[0],
				 .start_now = true,
				 .console_fd = -1 };
	struct foreground foreground;
	bool ours = !create.options->detach && !create.options->console_socket;
	int r = foreground_init(&foreground, ours, err);

	if (r == 0 && ours)
		create.console_fd = take_fd(&foreground.console[1]);
	if (r == 0)
		r = create_make(&create, err);
	if (r == 0 && !create.spec.process.terminal && foreground.console[0] >= 0)
		close(take_fd(&foreground.console[0]));
	if (r == 0)
		r = run_made(runtime, &create, &foreground, err);
	create_done(&create);
	foreground_done(&foreground);
	return r;
}

const struct command command_run = {
	.name = "run",
	.arguments = "ID",
	.purpose = "Make a container, start it, wait for its end and delete it",
	.least = 1,
	.most = 1,
	.rows = run_rows,
	.row_count = array_count(run_rows),
	.options_bytes = sizeof(struct create_options),
	.run = run_command,
};

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

#define AT(member) .at = offsetof(struct create_options, member), .programs = COMMAND_PROGRAM
static const struct setting run_rows[] = {
	{ .option = "bundle",
	  .letter = 'b',
	  .type = SETTING_text,
	  AT(bundle),
	  .argument = "DIR",
	  .help = "The directory with config.json; default is where we are" },
	{ .option = "console-socket",
	  .type = SETTING_text,
	  AT(console_socket),
	  .argument = "SOCKET",
	  .help = "Where the terminal's master is sent" },
	{ .option = "detach",
	  .letter = 'd',
	  .type = SETTING_flag,
	  AT(detach),
	  .help = "Leave the container behind" },
	{ .option = "keep",
	  .type = SETTING_flag,
	  AT(keep),
	  .help = "Don't delete the container when it has ended" },
	{ .option = "no-subreaper",
	  .type = SETTING_flag,
	  AT(no_subreaper),
	  .help = "Accepted; we reap only what is ours" },
	{ .option = "pid-file",
	  .type = SETTING_text,
	  AT(pid_file),
	  .argument = "FILE",
	  .help = "Where the pid of the first process is written" },
	{ .option = "preserve-fds",
	  .type = SETTING_count,
	  AT(preserve_fds),
	  .max = 65536,
	  .argument = "COUNT",
	  .help = "How many fds from 3 on are passed to the container" },
	{ .option = "no-pivot",
	  .type = SETTING_flag,
	  AT(no_pivot),
	  .help = "Move the root instead of pivot_root(2), for hosts on a ramdisk" },
	{ .option = "no-new-keyring",
	  .type = SETTING_flag,
	  AT(no_new_keyring),
	  .help = "Keep the session keyring" },
};
#undef AT

/* Waits for the program to run, and then for it to end. */
static int run_go(struct create *create, struct foreground *foreground, struct error *err)
{
	const struct spec_hooks *hooks = &create->spec.hooks;
	int r = start_wait(create->channel[0], err);

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

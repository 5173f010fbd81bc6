/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/command.h"
#include "sysvisor/runc/create.h"

#define AT(member) .at = offsetof(struct create_options, member), .programs = COMMAND_PROGRAM
static const struct setting create_rows[] = {
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

static int create_command(const struct runtime *runtime, void *options, char **args,
			  struct error *err)
{
	struct create create = {
		.runtime = runtime, .options = options, .id = args[0], .console_fd = -1
	};
	int r = create_make(&create, err);

	create_done(&create);
	return r;
}

const struct command command_create = {
	.name = "create",
	.arguments = "ID",
	.purpose = "Make a container, up to where its program would start",
	.least = 1,
	.most = 1,
	.rows = create_rows,
	.row_count = array_count(create_rows),
	.options_bytes = sizeof(struct create_options),
	.run = create_command,
};

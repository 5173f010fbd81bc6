/* SPDX-License-Identifier: Apache-2.0 */
/* polytect - sees attacks while they are tried, from the crashes they leave in the kernel log. */
#include "agent/program.h"

static const struct sensor_kind *const sensors[] = { &sensor_setting, &sensor_kmsg, &sensor_exec,
						     NULL };

static const struct program_command commands[] = {
	{ "check", "FILE", "Say whether a settings file is right", program_check_file },
	{ "config", NULL, "Print a settings file with every key and its default",
	  program_print_config },
	{ "man", NULL, "Print the manual page", program_print_man },
};

int main(int argc, char **argv)
{
	const struct program program = {
		.name = "polytect",
		.bit = PROGRAM_polytect,
		.purpose = "sees attacks in the kernel log while they are still being tried",
		.sensors = sensors,
		.commands = commands,
		.command_count = array_count(commands),
		/* They tell detectors and identity of crashes; polytect's subject is the kernel
		   log. */
		.unsaid = 1ull << EVENT_process_exec | 1ull << EVENT_process_exit,
		.file_excludes_options = true,
		.runs_bare = true,
		.needs_sink = true,
	};

	return program_main(&program, argc, argv);
}

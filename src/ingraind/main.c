/* SPDX-License-Identifier: Apache-2.0 */
/* ingraind - facts of every host, on their way to where they are wanted. */
#include "agent/program.h"

#include "ingraind/environment.h"

static const struct sensor_kind *const sensors[] = {
	&sensor_exec,  &sensor_kmsg,	  &sensor_tcp,
	&sensor_udp,   &sensor_dns,	  &sensor_tls,
	&sensor_http,  &sensor_privilege, &sensor_syscall,
	&sensor_files, &sensor_statsd,	  &sensor_osquery,
	NULL,
};

static int ingraind_check(const struct program *program, int argc, char **argv)
{
	if (argc == 1 || strcmp(argv[1], "--json") == 0)
		return program_check_kernel(program, argc, argv);
	return program_check_file(program, argc, argv);
}

static const struct program_command commands[] = {
	{ "check", "[--json | FILE]",
	  "Say which sensors this kernel permits, and why not better; or whether a settings file "
	  "is right",
	  ingraind_check },
	{ "config", NULL, "Print a settings file with every key and its default",
	  program_print_config },
	{ "events", NULL, "Print the table of events and their fields", program_print_events },
	{ "metrics", NULL, "Print the table of metrics", program_print_metrics },
	{ "man", NULL, "Print the manual page", program_print_man },
};

int main(int argc, char **argv)
{
	const struct program program = {
		.name = "ingraind",
		.bit = PROGRAM_ingraind,
		.purpose = "sends facts about processes, connections and containers where they are "
			   "wanted",
		.sensors = sensors,
		.commands = commands,
		.command_count = array_count(commands),
		.environment = ingraind_environment,
		.runs_bare = true,
		.takes_file = true,
		.needs_sink = true,
	};

	return program_main(&program, argc, argv);
}

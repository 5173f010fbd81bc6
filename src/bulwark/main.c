/* SPDX-License-Identifier: Apache-2.0 */
/* bulwark - every sensor that this kernel permits, on one loop. */
#include "agent/program.h"

static const struct sensor_kind *const sensors[] = {
	&sensor_kmsg,	 &sensor_exec,	&sensor_setting,
	&sensor_tcp,	 &sensor_udp,	&sensor_dns,
	&sensor_tls,	 &sensor_http,	&sensor_privilege,
	&sensor_syscall, &sensor_files, &sensor_statsd,
	&sensor_osquery, NULL,
};

static const struct program_command commands[] = {
	{ "up", "[OPTION...]", "Run every sensor that this kernel permits", program_run },
	{ "check", "[--json]", "Say which sensors this kernel permits, how, and why not better",
	  program_check_kernel },
	{ "config", NULL, "Print a settings file with every key and its default",
	  program_print_config },
	{ "events", NULL, "Print the table of events and their fields", program_print_events },
	{ "metrics", NULL, "Print the table of metrics", program_print_metrics },
	{ "man", NULL, "Print the manual page", program_print_man },
};

int main(int argc, char **argv)
{
	const struct program program = {
		.name = "bulwark",
		.bit = PROGRAM_bulwark,
		.purpose = "watches what containers and processes do to the kernel they share",
		.sensors = sensors,
		.commands = commands,
		.command_count = array_count(commands),
	};

	return program_main(&program, argc, argv);
}

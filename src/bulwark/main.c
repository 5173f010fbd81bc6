/* SPDX-License-Identifier: Apache-2.0 */
/* bulwark - every sensor that this kernel permits, on one loop. */
#include "agent/agent.h"

#include <stdio.h>

#include "base/log.h"

static const struct sensor_kind *const sensors[] = { &sensor_kmsg, &sensor_exec, NULL };

int main(int argc, char **argv)
{
	static struct agent agent;
	static struct agent_settings values;
	const struct agent_program program = { "bulwark", BULWARK_VERSION, sensors };
	struct settings_table table = {
		"bulwark",	     PROGRAM_bulwark,	    agent_setting_rows,
		agent_setting_count, agent_setting_aliases, agent_alias_count
	};
	struct settings settings;
	struct error err;
	auto_text struct text words = { 0 };
	int rest, r;

	r = settings_init(&settings, &table, &values, &err);
	if (r == 0)
		r = settings_read_options(&settings, argc, argv, &rest, &err);
	if (r < 0) {
		fprintf(stderr, "bulwark: %s\n", err.text);
		return 2;
	}
	r = agent_start(&agent, &program, &values, &err);
	if (r == 0) {
		agent_print_sensors(&agent, &words);
		fputs(text_str(&words), stderr);
		r = agent_run(&agent, &err);
	}
	agent_stop(&agent);
	if (r < 0) {
		fprintf(stderr, "bulwark: %s\n", err.text);
		return 1;
	}
	settings_done(&settings);
	return 0;
}

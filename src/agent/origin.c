/* SPDX-License-Identifier: Apache-2.0 */
/* origin - who speaks: host, node, and this run of the agent. */
#include "agent/agent.h"

#include <sys/random.h>

#include "base/clock.h"
#include "base/file.h"

/* The first line of a file, trimmed; false when there is none. */
static bool agent_read_name(const char *path, char *name, size_t room)
{
	auto_text struct text text = { 0 };
	struct slice line, rest;

	if (file_read(path, 4096, &text, NULL) < 0)
		return false;
	rest = text_slice(&text);
	return slice_next(&rest, '\n', &line) && slice_copy(slice_trim(line), name, room) > 0;
}

void agent_init_origin(struct agent *agent, const struct agent_program *program)
{
	struct event_origin *origin = &agent->origin;
	uint64_t run;

	origin->program = program->name;
	origin->version = program->version;
	if (agent->settings->hostname)
		slice_copy(slice_of(agent->settings->hostname), origin->host, sizeof(origin->host));
	else if (!agent_read_name("/etc/hostname", origin->host, sizeof(origin->host)) &&
		 !agent_read_name("/proc/sys/kernel/hostname", origin->host, sizeof(origin->host)))
		slice_copy(SLICE("localhost"), origin->host, sizeof(origin->host));
	slice_copy(slice_of(agent->settings->node_id), origin->node_id, sizeof(origin->node_id));
	if (getrandom(&run, sizeof(run), 0) != sizeof(run))
		run = clock_wall_ns();
	snprintf(origin->run_id, sizeof(origin->run_id), "%016llx", (unsigned long long)run);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* sensors - which start when, and with which settings. */
#include "agent/agent.h"

#include "sensor/programs.h"

void agent_use_sensor_settings(struct agent *agent, const struct agent_settings *settings)
{
	struct scope scope = agent->sensor_settings.scope;

	agent->sensor_settings = (struct sensor_settings){
		.scope = scope,
		.kernel = settings->kernel,
		.only_under = (uint32_t)settings->only_under,
		.cgroups = (uint32_t)settings->containers,
		.old_records = settings->old_records,
		.poll_ns = settings->poll_ns,
		.source = settings->source,
		.watch = settings->watch,
		.queries = settings->pipelines.queries,
	};
	agent->sensor_settings.watch.cgroup = settings->packet_cgroup;
	agent->sensor_settings.watch.file_paths = settings->file_paths;
	agent->sensor_settings.watch.file_exclude = settings->file_exclude;
}

int agent_start_sensor(struct agent *agent, struct sensor *sensor, const struct sensor_kind *kind,
		       struct error *err)
{
	int r;

	if (!agent_settings_want_sensor(agent->settings, kind->name)) {
		sensor_decline(sensor, kind, "no probe asks for it");
		return 0;
	}
	r = sensor_start(sensor, kind, &agent->sensor_env, err);
	if (r == 0 && kind == &sensor_exec && sensor->taken && !sensor->taken->samples)
		agent->identity.processes.feed = sensor_needs_owner(&agent->sensor_settings)
							 ? PROCESSES_some
							 : PROCESSES_all;
	return r;
}

int agent_start_sensors(struct agent *agent, const struct sensor_kind *const *kinds, bool behind,
			struct error *err)
{
	for (; *kinds; kinds++) {
		int r;

		if ((*kinds)->behind != behind)
			continue;
		r = agent_start_sensor(agent, &agent->sensors[agent->sensor_count], *kinds, err);
		if (r < 0)
			return r;
		agent->sensor_count++;
	}
	return 0;
}

void agent_on_started(struct agent *agent)
{
	agent->all_started = true;
	if (agent->program.started)
		agent->program.started(agent);
}

void agent_start_behind(struct loop_deferred *deferred)
{
	struct agent *agent = container_of(deferred, struct agent, start_behind);
	int r = agent_start_sensors(agent, agent->program.sensors, true, &agent->failed);

	programs_settle(&agent->sensor_shared);
	if (r < 0)
		loop_stop(agent->loop);
	else
		agent_on_started(agent);
}

static void agent_on_loaded(void *owner)
{
	struct agent *agent = owner;

	loop_defer(agent->loop, &agent->start_behind);
}

/* The first events wait for processes to be known, and for nothing else. What takes longer is
 * loaded on threads meanwhile. */
int agent_start_live(struct agent *agent, struct error *err)
{
	int loading = programs_load_behind(&agent->sensor_env, agent_on_loaded, agent, err);
	int r = loading;

	if (r >= 0)
		r = agent_start_sensors(agent, agent->program.sensors, false, err);
	if (r == 0)
		r = processes_scan(&agent->identity.processes, err);
	if (r == 0 && !loading)
		agent_on_loaded(agent);
	return r < 0 ? r : 0;
}

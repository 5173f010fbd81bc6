/* SPDX-License-Identifier: Apache-2.0 */
/* reload - from one set of settings to another while events flow; back again when it is refused. */
#include "agent/agent.h"

#include <errno.h>

#include "base/log.h"
#include "sensor/programs.h"

/* Which sensors are another one with the fresh settings. */
struct reload {
	const struct agent_settings *old, *fresh;
	struct sensor_settings old_sensors, fresh_sensors;
	bool changed[AGENT_SENSORS], ran[AGENT_SENSORS];
};

static bool reload_changes(const struct reload *reload, const struct sensor_kind *kind)
{
	bool wanted = agent_settings_want_sensor(reload->fresh, kind->name);

	if (agent_settings_want_sensor(reload->old, kind->name) != wanted)
		return true;
	return wanted && kind->same && !kind->same(&reload->old_sensors, &reload->fresh_sensors);
}

static void reload_compare(struct reload *reload, struct agent *agent)
{
	for (size_t n = 0; n < agent->sensor_count; n++) {
		reload->changed[n] = reload_changes(reload, agent->sensors[n].kind);
		reload->ran[n] = agent->sensors[n].taken != NULL;
	}
}

/* Stops what changes, all of it first: some share what runs in the kernel. */
static void reload_stop(const struct reload *reload, struct agent *agent)
{
	for (size_t n = agent->sensor_count; n-- > 0;) {
		const struct sensor_kind *kind = agent->sensors[n].kind;

		if (!reload->changed[n])
			continue;
		if (agent->ring)
			ring_drain(agent->ring);
		if (kind == &sensor_exec)
			agent->identity.processes.feed = PROCESSES_sampled;
		sensor_stop(&agent->sensors[n]);
		agent->sensors[n].kind = kind;
	}
}

/* One that ran, and should still, has to: or the settings are refused. */
static int reload_check(const struct reload *reload, const struct sensor *sensor, size_t n,
			struct error *err)
{
	struct slice refused = text_slice(&sensor->refused), best = SLICE("");
	const char *name = sensor->kind->name;

	if (sensor->taken || !reload->ran[n] || !agent_settings_want_sensor(reload->fresh, name) ||
	    !agent_settings_switch(reload->fresh, name))
		return 0;
	(void)slice_next(&refused, '\n', &best); /* why the best of its mechanisms didn't */
	return error_say(err, EINVAL, "sensor '%s': %.*s", name, SLICE_ARG(best));
}

static int reload_start(const struct reload *reload, struct agent *agent, struct error *err)
{
	int r = 0;

	for (size_t n = 0; n < agent->sensor_count; n++) {
		struct sensor *sensor = &agent->sensors[n];
		int one = 0;

		if (!reload->changed[n])
			continue;
		one = agent_start_sensor(agent, sensor, sensor->kind, r < 0 ? NULL : err);
		if (one == 0 && sensor->kind == &sensor_exec && sensor->taken)
			one = processes_scan(&agent->identity.processes, r < 0 ? NULL : err);
		if (one == 0 && r == 0)
			one = reload_check(reload, sensor, n, err);
		r = r < 0 ? r : one;
	}
	programs_settle(&agent->sensor_shared);
	return r;
}

static int reload_sensors(struct reload *reload, struct agent *agent, struct error *err)
{
	int r;

	reload->old_sensors = agent->sensor_settings;
	agent_use_sensor_settings(agent, reload->fresh);
	reload->fresh_sensors = agent->sensor_settings;
	reload_compare(reload, agent);
	/* What a sensor says at its end is said of its own settings. */
	agent->sensor_settings = reload->old_sensors;
	reload_stop(reload, agent);
	agent->sensor_settings = reload->fresh_sensors;
	r = reload_start(reload, agent, err);
	for (size_t n = 0; r == 0 && n < agent->sensor_count; n++)
		if (reload->changed[n] && agent->sensors[n].kind != &sensor_setting)
			log_info("sensor '%s': %s", agent->sensors[n].kind->name,
				 agent->sensors[n].taken ? agent->sensors[n].taken->name : "off");
	return r;
}

/* All as it was; what does not come back is said. */
static void reload_undo(struct reload *reload, struct agent *agent)
{
	struct error err;

	agent_close_sinks(agent);
	agent->settings = reload->old;
	if (agent_open_sinks(agent, &err) < 0)
		log_error("a sink is gone: %s", err.text);
	reload_stop(reload, agent);
	agent->sensor_settings = reload->old_sensors;
	reload->fresh = reload->old;
	if (reload_start(reload, agent, &err) < 0)
		log_error("a sensor is gone: %s", err.text);
}

int agent_reload(struct agent *agent, const struct agent_settings *settings, struct error *err)
{
	struct reload reload = { .old = agent->settings,
				 .fresh = settings,
				 .old_sensors = agent->sensor_settings };
	int r;

	/* Sinks own files and directories that the new ones may want. */
	agent_close_sinks(agent);
	agent->settings = settings;
	r = agent_open_sinks(agent, err);
	if (r == 0)
		r = reload_sensors(&reload, agent, err);
	if (r == 0)
		r = agent_start_detect(agent, err);
	if (r < 0)
		reload_undo(&reload, agent);
	return r;
}

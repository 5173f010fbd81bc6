/* SPDX-License-Identifier: Apache-2.0 */
/* pages - what the agent says of itself: its sensors, /metrics and /healthz. */
#include "agent/agent.h"

#include "base/log.h"

/* A line, and one for each mechanism that was refused before the one that was taken. */
static void agent_print_sensor(const struct sensor *sensor, struct text *out)
{
	struct slice refused = text_slice(&sensor->refused), line;

	text_printf(out, "%-9s %s", sensor->kind->name,
		    sensor->taken ? sensor->taken->name : "off");
	if (!sensor->taken && slice_next(&refused, '\n', &line))
		text_printf(out, ": %.*s", SLICE_ARG(line));
	if (sensor->taken && sensor->taken->costs)
		text_printf(out, " (without: %s)", sensor->taken->costs);
	text_putc(out, '\n');
	while (slice_next(&refused, '\n', &line))
		text_printf(out, "%-9s   %.*s\n", "", SLICE_ARG(line));
}

void agent_print_sensors(const struct agent *agent, struct text *out)
{
	for (size_t n = 0; n < agent->sensor_count; n++)
		agent_print_sensor(&agent->sensors[n], out);
}

static unsigned int agent_print_metrics(void *owner, struct text *out)
{
	metrics_print(&((struct agent *)owner)->metrics, out);
	return 200;
}

/* Healthy: it watches something. Which sensor does not run, the page says. */
static unsigned int agent_print_health(void *owner, struct text *out)
{
	const struct agent *agent = owner;
	size_t running = 0;

	for (size_t n = 0; n < agent->sensor_count; n++)
		running += agent->sensors[n].taken != NULL;
	agent_print_sensors(agent, out);
	return running ? 200 : 503;
}

static const struct serve_page agent_pages[] = {
	{ "/metrics", "text/plain; version=0.0.4; charset=utf-8", agent_print_metrics },
	{ "/healthz", "text/plain; charset=utf-8", agent_print_health },
};

/* A port that is taken is no reason not to watch. */
void agent_serve(struct agent *agent)
{
	const char *listen = agent->settings->listen;
	struct error err;

	if (!listen || strcmp(listen, "off") == 0)
		return;
	if (serve_new(&agent->serve, agent->loop, listen, agent_pages, array_count(agent_pages),
		      agent, &err) < 0)
		log_warning("no /metrics: %s", err.text);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* check - which sensors this kernel permits, tried, not guessed. */
#include "agent/program.h"

#include <stdio.h>
#include <sys/utsname.h>

#include "base/json.h"

static void check_put_json_refused(struct json *json, const struct sensor *sensor)
{
	struct slice refused = text_slice(&sensor->refused), line;

	json_key(json, SLICE("refused"));
	json_open(json, '[');
	while (slice_next(&refused, '\n', &line))
		json_text(json, line);
	json_close(json, ']');
}

static void check_put_json_sensor(struct json *json, const struct sensor *sensor)
{
	json_open(json, '{');
	json_key(json, SLICE("sensor"));
	json_text(json, slice_of(sensor->kind->name));
	json_key(json, SLICE("mechanism"));
	if (sensor->taken)
		json_text(json, slice_of(sensor->taken->name));
	else
		json_none(json);
	json_key(json, SLICE("without"));
	if (sensor->taken && sensor->taken->costs)
		json_text(json, slice_of(sensor->taken->costs));
	else
		json_none(json);
	check_put_json_refused(json, sensor);
	json_close(json, '}');
}

static void check_put_json(const struct agent *agent, const struct utsname *name, struct text *out)
{
	struct json json = { .out = out };

	json_open(&json, '{');
	json_key(&json, SLICE("kernel"));
	json_text(&json, slice_of(name->release));
	json_key(&json, SLICE("machine"));
	json_text(&json, slice_of(name->machine));
	json_key(&json, SLICE("sensors"));
	json_open(&json, '[');
	for (size_t n = 0; n < agent->sensor_count; n++)
		check_put_json_sensor(&json, &agent->sensors[n]);
	json_close(&json, ']');
	json_close(&json, '}');
	text_putc(out, '\n');
}

static void check_on_started(struct agent *agent)
{
	loop_stop(agent->loop);
}

/* Starts the agent with no sink and no say, looks at its sensors, and stops it. */
int program_check_kernel(const struct program *program, int argc, char **argv)
{
	static struct agent agent;
	struct agent_program identity = program_identity(program);
	bool as_json = argc == 2 && strcmp(argv[1], "--json") == 0;
	struct agent_settings settings;
	auto_text struct text words = { 0 };
	struct utsname name;
	struct error err;
	int r;

	if (argc > 1 && !as_json) {
		fprintf(stderr, "%s: usage: %s check [--json]\n", program->name, program->name);
		return EXIT_USAGE;
	}
	agent_settings_for_check(&settings);
	identity.started = check_on_started;
	r = agent_start(&agent, &identity, &settings, &err);
	if (r == 0)
		r = agent_run(&agent, &err);
	uname(&name);
	if (r == 0 && as_json) {
		check_put_json(&agent, &name, &words);
	} else if (r == 0) {
		text_printf(&words, "kernel   %s %s\n", name.release, name.machine);
		agent_print_sensors(&agent, &words);
	}
	agent_stop(&agent);
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", program->name, err.text);
		return EXIT_FAILED;
	}
	return program_say(program, &words);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* program_print - what the tables say, as a settings file, a manual page and Markdown. */
#include "agent/program.h"

/* What no row of the table describes. */
static const char program_pipelines[] =
	"\n# Which events go which way; without a probe every pipeline gets them all.\n"
	"#[[probe]]\n"
	"#pipelines = [\"store\"]\n"
	"#[probe.config]\n"
	"#type = \"Exec\"\n"
	"#\n"
	"#[pipeline.store.config]\n"
	"#backend = \"S3\"\n"
	"#bucket = \"facts\"\n"
	"#\n"
	"#[[pipeline.store.steps]]\n"
	"#type = \"Filter\"\n"
	"#keep = \"process.user.id == 0 and not process.comm in ['cron', 'sshd']\"\n"
	"#\n"
	"#[[pipeline.store.steps]]\n"
	"#type = \"Buffer\"\n"
	"#interval_s = 30\n";

int program_print_config(const struct program *program, int argc, char **argv)
{
	struct settings_table table = program_table(program);
	auto_text struct text words = { 0 };

	(void)argc, (void)argv;
	text_printf(&words, "# %s: every setting with its default.\n", program->name);
	settings_print_sample(&table, &words);
	if (program->bit == PROGRAM_ingraind)
		text_put(&words, slice_of(program_pipelines));
	return program_say(program, &words);
}

int program_print_man(const struct program *program, int argc, char **argv)
{
	struct settings_table table = program_table(program);
	auto_text struct text words = { 0 };

	(void)argc, (void)argv;
	text_printf(&words, ".Dd $Mdocdate$\n.Dt %s 8\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n",
		    program->name, program->name, program->purpose);
	text_put(&words, SLICE(".Sh SYNOPSIS\n"));
	if (program->runs_bare)
		text_printf(&words, ".Nm %s\n.Op Ar options\n", program->name);
	for (size_t n = 0; n < program->command_count; n++)
		text_printf(&words, ".Nm %s\n.Cm %s\n%s%s%s", program->name,
			    program->commands[n].name, program->commands[n].arguments ? ".Ar " : "",
			    program->commands[n].arguments ? program->commands[n].arguments : "",
			    program->commands[n].arguments ? "\n" : "");
	text_put(&words, SLICE(".Sh COMMANDS\n.Bl -tag -width Ds\n"));
	for (size_t n = 0; n < program->command_count; n++)
		text_printf(&words, ".It Cm %s\n%s.\n", program->commands[n].name,
			    program->commands[n].help);
	text_put(&words, SLICE(".El\n.Sh OPTIONS AND SETTINGS\n"));
	settings_print_man(&table, &words);
	text_put(&words,
		 SLICE(".Sh EXIT STATUS\n0 on success, 1 when it failed, 2 when the command "
			       "line or the settings are wrong.\n.Sh SIGNALS\nSIGTERM and SIGINT "
			       "deliver what waits and end; SIGHUP reads the settings again and "
			       "keeps the old ones when the new ones are wrong.\n"));
	return program_say(program, &words);
}

static void program_put_fields(enum event_kind kind, struct text *out)
{
	text_put(out, SLICE("| field | type | |\n| --- | --- | --- |\n"));
	for (size_t n = 0; n < FIELD_COUNT; n++)
		if (event_kind_has(kind, (enum event_field)n))
			text_printf(out, "| `%s` | %s | %s |\n", event_fields[n].name,
				    event_type_names[event_fields[n].type], event_fields[n].help);
}

int program_print_events(const struct program *program, int argc, char **argv)
{
	auto_text struct text words = { 0 };

	(void)argc, (void)argv;
	text_put(&words,
		 SLICE("# Events\n\nEvery event has `time` (RFC 3339, UTC, nanoseconds), "
		       "`event.name`, `severity`, `event.id`\n(unique among all agents) and "
		       "`host.name`, and those of the fields below that are known.\nAddresses are "
		       "texts (`\"0x...\"`), spans are seconds, sizes are bytes.\n"));
	for (size_t n = 0; n < EVENT_KIND_COUNT; n++) {
		const struct event_kind_row *kind = &event_kinds[n];

		text_printf(&words, "\n## %s\n\n%s (%s).\n\n", kind->name, kind->help,
			    event_severities[kind->severity].name);
		program_put_fields((enum event_kind)n, &words);
	}
	return program_say(program, &words);
}

int program_print_metrics(const struct program *program, int argc, char **argv)
{
	auto_text struct text words = { 0 };

	(void)argc, (void)argv;
	text_put(&words, SLICE("# Metrics\n\nServed as Prometheus text at `/metrics`.\n\n"
			       "| metric | type | label | |\n| --- | --- | --- | --- |\n"));
	for (size_t n = 0; n < METRIC_COUNT; n++)
		text_printf(&words, "| `%s` | %s | %s | %s |\n", metric_kinds[n].name,
			    metric_kinds[n].gauge ? "gauge" : "counter",
			    metric_kinds[n].label ? metric_kinds[n].label : "",
			    metric_kinds[n].help);
	return program_say(program, &words);
}

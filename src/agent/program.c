/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/program.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"

struct settings_table program_table(const struct program *program)
{
	return agent_settings_table(program->name, program->bit);
}

struct agent_program program_identity(const struct program *program)
{
	return (struct agent_program){
		.name = program->name,
		.version = BULWARK_VERSION,
		.sensors = program->sensors,
		.unsaid = program->unsaid,
	};
}

static int program_complain(const struct program *program, const struct error *err, int code)
{
	fprintf(stderr, "%s: %s\n", program->name, err->text);
	return code;
}

int program_say(const struct program *program, struct text *words)
{
	if (fputs(text_str(words), stdout) < 0 || fflush(stdout) != 0) {
		fprintf(stderr, "%s: write to standard output: %s\n", program->name,
			strerror(errno));
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

/* --- settings --- */

/* One set of settings, and where to read it again from. */
struct program_settings {
	const struct program *program;
	struct settings_table table;
	int argc;
	char **argv;
	struct agent_settings values;
	struct settings settings;
};

static int program_read_file(struct program_settings *set, struct error *err)
{
	const char *file = set->values.config_file, *other;
	const char *option = set->program->file_excludes_options ? "configfile" : "config";

	if (!file)
		return 0;
	other = settings_other_option(&set->settings, option);
	if (other && set->program->file_excludes_options)
		return error_say(err, EINVAL,
				 "option '--%s' can't be used with '--%s': set it in '%s'", other,
				 option, file);
	return settings_read_file(&set->settings, file, err);
}

/* What only the whole can show. `file` is what there is, NULL for more than a file. */
static int program_check_whole(const struct program *program, const struct settings *settings,
			       struct agent_settings *values, const char *file, struct error *err)
{
	int r = settings_check(settings, err);

	if (r == 0)
		r = agent_settings_finish(settings, values, err);
	if (r < 0 || !program->needs_sink || values->pipelines.first ||
	    sink_any_wanted(&values->sinks))
		return r;
	r = error_say(err, EINVAL, "nowhere to send events: name a sink, such as %s",
		      file ? "format = \"text\" under [console]" : "--console text");
	return file ? error_wrap(err, r, "%s:1:1", file) : r;
}

/* The settings file as an argument, among the options; a program that takes none refuses it. */
static int program_read_argument(struct program_settings *set, int rest, struct error *err)
{
	int argc = set->argc - rest, more, r;
	char **argv = set->argv + rest;

	if (argc == 0)
		return 0;
	if (!set->program->takes_file || set->values.config_file)
		return error_say(err, EINVAL, "'%s' is not an option; see --help", argv[0]);
	set->values.config_file = strdup(argv[0]);
	if (!set->values.config_file)
		return error_errno(err, ENOMEM, "read '%s'", argv[0]);
	r = settings_read_options(&set->settings, argc, argv, &more, err);
	if (r == 0 && more < argc)
		return error_say(err, EINVAL, "'%s' is not an option; see --help", argv[more]);
	return r;
}

/* For programs with pipelines: how their tables are read. */
static void program_read_pipelines(const struct program *program, struct settings *settings,
				   struct agent_settings *values)
{
	if (program->bit == PROGRAM_polytect)
		return;
	values->pipelines.table = program_table(program);
	values->pipelines.values_bytes = sizeof(*values);
	values->pipelines.sinks_at = offsetof(struct agent_settings, sinks);
	settings->read_other = pipelines_read;
	settings->owner = &values->pipelines;
}

/* What the environment alone makes run counts where there is no file. */
static int program_read_variables(struct program_settings *set, struct error *err)
{
	auto_text struct text toml = { 0 };
	int r;

	if (set->values.config_file || !set->program->environment)
		return 0;
	r = set->program->environment(&toml, err);
	return r < 0 ? r
		     : settings_read_text(&set->settings, text_slice(&toml), "environment", err);
}

static void program_settings_done(struct settings *settings, struct agent_settings *values)
{
	pipelines_config_done(&values->pipelines);
	settings_done(settings);
}

/* Reads options, environment and file anew into `set`. */
static int program_load(struct program_settings *set, const struct program *program, int argc,
			char **argv, struct error *err)
{
	int rest, r;

	*set = (struct program_settings){ .program = program, .argc = argc, .argv = argv };
	set->table = program_table(program);
	r = settings_init(&set->settings, &set->table, &set->values, err);
	program_read_pipelines(program, &set->settings, &set->values);
	if (r == 0)
		r = settings_read_options(&set->settings, argc, argv, &rest, err);
	if (r == 0)
		r = program_read_argument(set, rest, err);
	if (r == 0)
		r = program_read_file(set, err);
	if (r == 0)
		r = program_read_variables(set, err);
	if (r == 0)
		r = settings_read_environment(&set->settings, err);
	if (r == 0)
		r = program_check_whole(
			program, &set->settings, &set->values,
			program->file_excludes_options ? set->values.config_file : NULL, err);
	return r;
}

static void program_log_notices(const struct program_settings *set)
{
	log_lines(LOG_LEVEL_warning, text_slice(&set->settings.notices));
}

static void program_setup_log(const struct agent_settings *values)
{
	log_setup(values->verbosity > 0 ? LOG_LEVEL_debug : LOG_LEVEL_info, values->log_json);
}

/* --- run --- */

struct program_run {
	struct agent agent;
	struct program_settings *now; /* in use */
	struct loop_signal on_hup;
	bool again;		 /* SIGHUP came before all had started */
	struct loop_timer alive; /* the service manager's watchdog */
};

/* New settings count only when they are right as a whole. */
static void program_reload(struct program_run *run)
{
	struct program_settings *fresh = calloc(1, sizeof(*fresh));
	const struct program_settings *now = run->now;
	struct error err = { .text = "no memory" };
	int r = -ENOMEM;

	if (!run->agent.all_started) {
		run->again = true;
		free(fresh);
		return;
	}
	notify_reloading();
	if (fresh)
		r = program_load(fresh, now->program, now->argc, now->argv, &err);
	if (r == 0)
		r = agent_reload(&run->agent, &fresh->values, &err);
	if (r < 0) {
		log_error("settings stay as they are: %s", err.text);
	} else {
		struct program_settings *old = run->now;

		run->now = fresh;
		fresh = old;
		program_setup_log(&run->now->values);
		program_log_notices(run->now);
		log_info("settings read again");
	}
	if (fresh)
		program_settings_done(&fresh->settings, &fresh->values);
	free(fresh);
	notify_send(SLICE("READY=1"));
}

static void program_on_hup(struct loop_signal *watch)
{
	program_reload(container_of(watch, struct program_run, on_hup));
}

/* The loop turns. */
static void program_on_alive(struct loop_timer *timer)
{
	struct program_run *run = container_of(timer, struct program_run, alive);

	notify_send(SLICE("WATCHDOG=1"));
	loop_timer_set(run->agent.loop, timer, notify_watchdog_ns() / 2);
}

static void program_tell_ready(struct program_run *run)
{
	run->alive.fire = program_on_alive;
	notify_send(SLICE("READY=1"));
	if (notify_watchdog_ns())
		program_on_alive(&run->alive);
}

static void program_on_started(struct agent *agent)
{
	struct program_run *run = container_of(agent, struct program_run, agent);
	auto_text struct text table = { 0 };

	agent_print_sensors(agent, &table);
	log_lines(LOG_LEVEL_info, text_slice(&table));
	program_tell_ready(run);
	if (run->again)
		program_reload(run);
	run->again = false;
}

static int program_start_agent(struct program_run *run, struct error *err)
{
	struct agent_program identity = program_identity(run->now->program);
	int r;

	identity.started = program_on_started;
	r = agent_start(&run->agent, &identity, &run->now->values, err);
	if (r < 0)
		return r;
	run->on_hup = (struct loop_signal){ .signo = SIGHUP, .arrived = program_on_hup };
	return loop_signal_add(run->agent.loop, &run->on_hup, err);
}

int program_run(const struct program *program, int argc, char **argv)
{
	static struct program_run run;
	struct program_settings *first = calloc(1, sizeof(*first));
	struct error err;
	int r;

	if (!first)
		abort();
	r = program_load(first, program, argc, argv, &err);
	if (r < 0) {
		program_settings_done(&first->settings, &first->values);
		free(first);
		return program_complain(program, &err, EXIT_USAGE);
	}
	program_setup_log(&first->values);
	program_log_notices(first);
	run.now = first;
	r = program_start_agent(&run, &err);
	if (r == 0)
		r = agent_run(&run.agent, &err);
	notify_send(SLICE("STOPPING=1"));
	loop_timer_clear(&run.alive);
	agent_stop(&run.agent);
	program_settings_done(&run.now->settings, &run.now->values);
	free(run.now);
	return r < 0 ? program_complain(program, &err, EXIT_FAILED) : EXIT_OK;
}

/* --- check --- */

int program_check_file(const struct program *program, int argc, char **argv)
{
	struct settings_table table = program_table(program);
	struct agent_settings values = { 0 };
	struct settings settings;
	struct error err;
	int r;

	if (argc != 2) {
		error_say(&err, EINVAL, "usage: %s %s FILE", program->name, argv[0]);
		return program_complain(program, &err, EXIT_USAGE);
	}
	r = settings_init(&settings, &table, &values, &err);
	program_read_pipelines(program, &settings, &values);
	if (r == 0)
		r = settings_read_file(&settings, argv[1], &err);
	if (r == 0)
		r = program_check_whole(program, &settings, &values, argv[1], &err);
	if (r == 0) {
		fputs(text_str(&settings.notices), stderr);
		printf("%s: fine\n", argv[1]);
	}
	program_settings_done(&settings, &values);
	return r < 0 ? program_complain(program, &err, EXIT_USAGE) : EXIT_OK;
}

/* --- main --- */

static int program_help(const struct program *program)
{
	struct settings_table table = program_table(program);
	auto_text struct text words = { 0 };

	text_printf(&words, "%s - %s\n\nusage:\n", program->name, program->purpose);
	if (program->runs_bare)
		text_printf(&words, "  %s [OPTION...]\n", program->name);
	for (size_t n = 0; n < program->command_count; n++)
		text_printf(&words, "  %s %s%s%s\n\t%s\n", program->name, program->commands[n].name,
			    program->commands[n].arguments ? " " : "",
			    program->commands[n].arguments ? program->commands[n].arguments : "",
			    program->commands[n].help);
	text_put(&words, SLICE("\noptions:\n  -h, --help\n  -V, --version\n"));
	settings_print_help(&table, &words);
	return program_say(program, &words);
}

static bool program_is(const char *word, const char *letter, const char *name)
{
	return strcmp(word, letter) == 0 || strcmp(word, name) == 0;
}

int program_main(const struct program *program, int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	struct error err;

	/* The size at which malloc(3) starts. Said, it stays: what a large batch took goes back to
	 * the kernel. */
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	for (int n = 1; n < argc; n++) {
		if (program_is(argv[n], "-h", "--help"))
			return program_help(program);
		if (program_is(argv[n], "-V", "--version"))
			return printf("%s %s\n", program->name, BULWARK_VERSION) < 0;
	}
	for (size_t n = 0; n < program->command_count; n++)
		if (strcmp(word, program->commands[n].name) == 0)
			return program->commands[n].run(program, argc - 1, argv + 1);
	if (program->runs_bare && (word[0] == '-' || word[0] == '\0' || program->takes_file))
		return program_run(program, argc, argv);
	if (word[0] == '\0') {
		program_help(program);
		return EXIT_USAGE;
	}
	error_say(&err, EINVAL, "command '%s' is not known; see %s --help", word, program->name);
	return program_complain(program, &err, EXIT_USAGE);
}

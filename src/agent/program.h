/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program - what every program of the watch does around its agent: commands, options, help,
 * settings from file and environment, reload, exit codes.
 *
 * Exit codes: EXIT_OK; EXIT_FAILED; EXIT_USAGE when the command line or the settings are wrong.
 */
#ifndef AGENT_PROGRAM_H
#define AGENT_PROGRAM_H

#include "agent/agent.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct program {
	const char *name;
	unsigned int bit;			  /* PROGRAM_... */
	const char *purpose;			  /* one sentence */
	const struct sensor_kind *const *sensors; /* NULL-terminated */
	const struct program_command *commands;
	size_t command_count;
	uint64_t unsaid; /* bits: event kinds that only detectors get to see */
	/* Writes the settings file that the environment stands for, when no file is given. NULL:
	 * there is none. */
	int (*environment)(struct text *toml, struct error *err);
	bool file_excludes_options; /* --configfile allows no other option */
	bool runs_bare;		    /* without a command it runs; otherwise help is shown */
	bool takes_file;	    /* the argument that is no option is the settings file */
	bool needs_sink;	    /* refuses to run with nowhere to send events */
};

struct program_command {
	const char *name, *arguments, *help;
	/* argv[0] is the command's name. Returns the exit code. */
	int (*run)(const struct program *program, int argc, char **argv);
};

/* All of main(). */
int program_main(const struct program *program, int argc, char **argv);

/* For the commands. */
struct settings_table program_table(const struct program *program);
struct agent_program program_identity(const struct program *program);
int program_say(const struct program *program, struct text *words);

/* Commands that programs have in common. */
int program_run(const struct program *program, int argc, char **argv);
int program_check_file(const struct program *program, int argc, char **argv);
int program_check_kernel(const struct program *program, int argc, char **argv);
int program_print_config(const struct program *program, int argc, char **argv);
int program_print_events(const struct program *program, int argc, char **argv);
int program_print_metrics(const struct program *program, int argc, char **argv);
int program_print_man(const struct program *program, int argc, char **argv);

#endif

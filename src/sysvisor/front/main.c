/* SPDX-License-Identifier: Apache-2.0 */
/* sysvisor - the front end of the system-container runtime. */
#include <errno.h>
#include <stdio.h>

#include "base/settings.h"
#include "sysvisor/front/front.h"

static const struct front_command {
	const char *name;
	const char *words; /* one of these has to follow; NULL: none may */
	const char *help;
	int (*run)(struct front *front, struct error *err);
} front_commands[] = {
	{ "up", NULL, "Run sysvisor-mgr and sysvisor-fs in the foreground, and anew when one dies",
	  front_up },
	{ "status", NULL, "Say whether both daemons are there and well", front_status },
	{ "ps", NULL, "List the containers", front_ps },
	{ "ids", NULL, "Say who owns which user and group ids", front_ids },
	{ "doctor", NULL, "Say what this host lacks, and how to get it", front_doctor },
	{ "docker", "enable|disable",
	  "Make sysvisor-runc a runtime of Docker's, or take it out: its settings file is changed, "
	  "and it reads that again; it is not restarted",
	  front_docker },
};

static const struct setting front_rows[] = {
	{ .option = "root",
	  .type = SETTING_text,
	  .at = offsetof(struct front, root),
	  .programs = 1,
	  .argument = "DIR",
	  .help = "Where every file and socket of the daemons is below; without it /" },
	{ .option = "abort",
	  .type = SETTING_flag,
	  .at = offsetof(struct front, abort),
	  .programs = 1,
	  .help = "With doctor: end the file system's mount by force, so that whoever waits for it "
		  "goes on with an error" },
	{ .option = "config-file",
	  .type = SETTING_text,
	  .at = offsetof(struct front, config_file),
	  .programs = 1,
	  .argument = "PATH",
	  .help = "With docker: the settings file of dockerd; without it " PATHS_DOCKER_SETTINGS },
};

static const struct settings_table front_table = {
	.program = "sysvisor",
	.program_bit = 1,
	.rows = front_rows,
	.row_count = array_count(front_rows),
};

static int front_complain(const struct error *err, int code)
{
	fprintf(stderr, "sysvisor: %s\n", err->text);
	return code;
}

static int front_print(struct text *words)
{
	if (fputs(text_str(words), stdout) < 0 || fflush(stdout) != 0)
		return FRONT_FAILED;
	return FRONT_OK;
}

static int front_help(void)
{
	auto_text struct text words = { 0 };

	text_put(&words, SLICE("sysvisor - system containers: what runs, and what it needs\n\n"
			       "usage:\n"));
	for (size_t n = 0; n < array_count(front_commands); n++)
		text_printf(&words, "  sysvisor %s%s%s [OPTION...]\n\t%s\n", front_commands[n].name,
			    front_commands[n].words ? " " : "",
			    front_commands[n].words ? front_commands[n].words : "",
			    front_commands[n].help);
	text_put(&words, SLICE("  sysvisor man\n\tPrint the manual page\n"
			       "\noptions:\n  -h, --help\n  -V, --version\n"));
	settings_print_help(&front_table, &words);
	return front_print(&words);
}

static int front_man(void)
{
	auto_text struct text words = { 0 };

	text_put(&words, SLICE(".Dd $Mdocdate$\n.Dt sysvisor 8\n.Os\n.Sh NAME\n.Nm sysvisor\n"
			       ".Nd system containers: what runs, and what it needs\n"
			       ".Sh SYNOPSIS\n.Nm sysvisor\n.Ar command\n.Op Ar options\n"
			       ".Sh COMMANDS\n.Bl -tag -width Ds\n"));
	for (size_t n = 0; n < array_count(front_commands); n++)
		text_printf(&words, ".It Cm %s%s%s\n%s.\n", front_commands[n].name,
			    front_commands[n].words ? " Cm " : "",
			    front_commands[n].words ? front_commands[n].words : "",
			    front_commands[n].help);
	text_put(&words, SLICE(".El\n.Sh OPTIONS\n"));
	settings_print_man(&front_table, &words);
	text_put(&words, SLICE(".Sh EXIT STATUS\n0 on success, 1 when something is wrong, 2 when "
			       "the command line is.\n.Sh SEE ALSO\n.Xr sysvisor-fs 8 ,\n"
			       ".Xr sysvisor-mgr 8 ,\n.Xr sysvisor-runc 8\n"));
	return front_print(&words);
}

static int front_load(const struct front_command *command, struct front *front,
		      struct settings *settings, int argc, char **argv, struct error *err)
{
	int rest, r = settings_init(settings, &front_table, front, err);

	if (r == 0 && command->words && argc < 2)
		r = error_say(err, EINVAL, "%s: which of %s?", command->name, command->words);
	if (r == 0 && command->words) {
		front->word = *++argv;
		argc--;
	}
	if (r == 0)
		r = settings_read_options(settings, argc, argv, &rest, err);
	if (r == 0 && rest < argc)
		r = error_say(err, EINVAL, "'%s' is not an option; see --help", argv[rest]);
	if (r == 0 && front->root && front->root[0] != '/')
		r = error_say(err, EINVAL, "option '--root': '%s' is no absolute path",
			      front->root);
	if (r == 0)
		r = paths_join(&front->mgr_socket, front->root, PATHS_MGR_SOCKET, err);
	if (r == 0)
		r = paths_join(&front->fs_socket, front->root, PATHS_FS_SOCKET, err);
	front->mgr = (struct client){ .socket = front->mgr_socket.path, .timeout_ms = 3000 };
	front->fs = (struct client){ .socket = front->fs_socket.path, .timeout_ms = 3000 };
	return r;
}

static int front_run(const struct front_command *command, int argc, char **argv)
{
	struct front front = { 0 };
	struct settings settings;
	struct error err = { 0 };
	int code = FRONT_USAGE;

	if (front_load(command, &front, &settings, argc, argv, &err) == 0) {
		code = command->run(&front, &err);
		front_print(&front.out);
	}
	client_done(&front.mgr);
	client_done(&front.fs);
	text_done(&front.out);
	settings_done(&settings);
	return err.code ? front_complain(&err, code) : code;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	struct error err;

	for (int n = 1; n < argc; n++) {
		if (strcmp(argv[n], "-h") == 0 || strcmp(argv[n], "--help") == 0)
			return front_help();
		if (strcmp(argv[n], "-V") == 0 || strcmp(argv[n], "--version") == 0)
			return printf("sysvisor %s\n", BULWARK_VERSION) < 0;
	}
	if (strcmp(word, "man") == 0)
		return front_man();
	for (size_t n = 0; n < array_count(front_commands); n++)
		if (strcmp(word, front_commands[n].name) == 0)
			return front_run(&front_commands[n], argc - 1, argv + 1);
	if (word[0] == '\0') {
		front_help();
		return FRONT_USAGE;
	}
	error_say(&err, EINVAL, "command '%s' is not known; see sysvisor --help", word);
	return front_complain(&err, FRONT_USAGE);
}

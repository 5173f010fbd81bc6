/* SPDX-License-Identifier: Apache-2.0 */
/* sysvisor-runc - runs system containers, as an OCI runtime. */
#include <errno.h>
#include <sys/stat.h>

#include "sysvisor/runc/command.h"
#include "sysvisor/runc/plan.h"

static const struct command command_man;

static const struct command *const commands[] = {
	&command_create,     &command_start,   &command_run,	&command_state, &command_kill,
	&command_delete,     &command_exec,    &command_list,	&command_ps,	&command_pause,
	&command_resume,     &command_update,  &command_events, &command_spec,	&command_features,
	&command_checkpoint, &command_restore, &command_man,
};

static const char *const log_formats[] = { "text", "json", NULL };

#define AT(member) .at = offsetof(struct runtime, member), .programs = COMMAND_PROGRAM
static const struct setting runtime_rows[] = {
	{ .option = "root",
	  .type = SETTING_text,
	  AT(root),
	  .argument = "DIR",
	  .help = "Where containers are kept; default /run/sysvisor-runc" },
	{ .option = "log",
	  .type = SETTING_text,
	  AT(log_file),
	  .argument = "FILE",
	  .help = "Where errors and warnings are added" },
	{ .option = "log-format",
	  .type = SETTING_text,
	  AT(log_format),
	  .argument = "text|json",
	  .help = "How lines of the log look; default text" },
	{ .option = "debug",
	  .type = SETTING_flag,
	  AT(debug),
	  .help = "Accepted; there is no debug log" },
	{ .option = "systemd-cgroup",
	  .type = SETTING_flag,
	  AT(systemd_cgroup),
	  .help = "Have systemd make control groups, as units: linux.cgroupsPath is "
		  "slice:prefix:name" },
	{ .option = "no-sysvisor-mgr",
	  .type = SETTING_flag,
	  AT(no_manager),
	  .help = "Without sysvisor-mgr: every container has ids 231072 to 296607" },
	{ .option = "no-sysvisor-fs",
	  .type = SETTING_flag,
	  AT(no_filesystem),
	  .help = "Without sysvisor-fs: /proc and /sys as the kernel shows them" },
	{ .option = "services-root",
	  .type = SETTING_text,
	  AT(services_root),
	  .argument = "DIR",
	  .help = "What sysvisor-mgr and sysvisor-fs were given as --root" },
	{ .option = "clamp-limits",
	  .type = SETTING_flag,
	  AT(clamp_limits),
	  .help = "Take what limits this host allows where the specification asks for more" },
	{ .option = "version",
	  .letter = 'v',
	  .type = SETTING_flag,
	  AT(version),
	  .help = "Print the version" },
	{ .option = "help", .letter = 'h', .type = SETTING_flag, AT(help), .help = "Print this" },
};
#undef AT

int command_print(struct text *answer, struct error *err)
{
	if (fputs(text_str(answer), stdout) < 0 || fflush(stdout) != 0)
		return error_errno(err, errno, "write to standard output");
	return 0;
}

/* --- what is asked --- */

static int main_print_version(struct error *err)
{
	auto_text struct text text = { 0 };

	text_printf(&text, RUNTIME_NAME " version %s\nspec: " RUNTIME_OCI_VERSION "\n",
		    BULWARK_VERSION);
	return command_print(&text, err);
}

static int main_print_help(const struct settings_table *table, struct error *err)
{
	auto_text struct text text = { 0 };

	text_printf(&text,
		    "usage: " RUNTIME_NAME " [OPTION...] COMMAND [OPTION...] [ARGUMENT...]\n\n"
		    "Runs system containers: containers that look like whole machines.\n\n");
	for (size_t n = 0; n < array_count(commands); n++)
		text_printf(&text, "  %-10s %s\n", commands[n]->name, commands[n]->purpose);
	text_put(&text, SLICE("\nOptions:\n"));
	settings_print_help(table, &text);
	text_put(&text, SLICE("\n`" RUNTIME_NAME " COMMAND --help` says more.\n"));
	return command_print(&text, err);
}

/* --- the manual page --- */

static const char main_man_head[] =
	".Dd $Mdocdate$\n.Dt " RUNTIME_NAME " 8\n.Os\n.Sh NAME\n.Nm " RUNTIME_NAME "\n"
	".Nd run system containers: containers that look like whole machines\n"
	".Sh SYNOPSIS\n.Nm\n.Op Ar options\n.Ar command\n.Op Ar options\n.Op Ar arguments\n"
	".Sh DESCRIPTION\n"
	"An OCI runtime.\nRoot inside is nobody outside, and may do all that a machine's root may: "
	"run systemd, Docker, mount, set sysctls.\nEngines call it; for use by hand see\n"
	".Cm spec\nand\n.Cm run .\n"
	".Pp\nWhere systemd is the first process, SIGTERM powers it off.\n";

static const char main_man_tail[] =
	".Sh ANNOTATIONS\n.Bl -tag -width Ds\n"
	".It io.sysvisor.init\n"
	"What the first process is: systemd, none, or auto, which looks at what the program is.\n"
	".It org.systemd.property. Ns Ar NAME\nWith\n.Fl -systemd-cgroup :\na property of the "
	"unit, "
	"as in \"uint64 5000000\", \"'text'\", \"true\".\n.El\n"
	".Sh EXIT STATUS\n.Cm run\nand\n.Cm exec\nend as the program in the container does; all "
	"else ends with 0 on success and 1 when it failed.\n"
	".Sh SEE ALSO\n.Xr sysvisor 8 ,\n.Xr sysvisor-fs 8 ,\n.Xr sysvisor-mgr 8\n";

static void main_man_command(const struct command *command, struct text *out)
{
	const struct settings_table table = { .program_bit = COMMAND_PROGRAM,
					      .rows = command->rows,
					      .row_count = command->row_count };

	text_printf(out, ".It Cm %s%s%s\n%s.\n", command->name, *command->arguments ? " Ar " : "",
		    command->arguments, command->purpose);
	if (table.row_count)
		settings_print_man(&table, out);
}

static int main_man(const struct runtime *runtime, void *options, char **args, struct error *err)
{
	const struct settings_table table = { .program_bit = COMMAND_PROGRAM,
					      .rows = runtime_rows,
					      .row_count = array_count(runtime_rows) };
	auto_text struct text text = { 0 };

	(void)runtime;
	(void)options;
	(void)args;
	text_put(&text, slice_of(main_man_head));
	text_put(&text, SLICE(".Sh OPTIONS\n"));
	settings_print_man(&table, &text);
	text_put(&text, SLICE(".Sh COMMANDS\n.Bl -tag -width Ds\n"));
	for (size_t n = 0; n < array_count(commands); n++)
		main_man_command(commands[n], &text);
	text_put(&text, SLICE(".El\n.Sh ENVIRONMENT\nOf the container's process, TRUE or FALSE:\n"
			      ".Bl -tag -width Ds\n"));
	plan_print_man_switches(&text);
	text_put(&text, SLICE(".El\n"));
	text_put(&text, slice_of(main_man_tail));
	return command_print(&text, err);
}

static const struct command command_man = {
	.name = "man",
	.arguments = "",
	.purpose = "Print the manual page",
	.most = 0,
	.run = main_man,
};

/* --- one command --- */

/* Every command understands --help, whatever its own options are. */
static bool main_wants_help(char **args)
{
	return args[1] && (strcmp(args[1], "--help") == 0 || strcmp(args[1], "-h") == 0);
}

static int main_print_command(const struct command *command, const struct settings_table *table,
			      struct error *err)
{
	auto_text struct text text = { 0 };

	text_printf(&text, "usage: " RUNTIME_NAME " %s [OPTION...] %s\n\n%s.\n", command->name,
		    command->arguments, command->purpose);
	if (table->row_count)
		text_put(&text, SLICE("\nOptions:\n"));
	settings_print_help(table, &text);
	return command_print(&text, err);
}

static int main_check_count(const struct command *command, int count, struct error *err)
{
	if (count < command->least || (command->most >= 0 && count > command->most))
		return error_say(err, EINVAL, "%s: %s; usage: " RUNTIME_NAME " %s [OPTION...] %s",
				 command->name,
				 count < command->least ? "an argument is missing"
							: "there is an argument too many",
				 command->name, command->arguments);
	return 0;
}

static int main_run_command(const struct runtime *runtime, const struct command *command, int argc,
			    char **argv, struct error *err)
{
	const struct settings_table table = { .program = command->name,
					      .program_bit = COMMAND_PROGRAM,
					      .rows = command->rows,
					      .row_count = command->row_count };
	auto_free void *options = calloc(1, command->options_bytes + 1);
	struct settings settings;
	int rest = 1, r;

	if (!options)
		return error_errno(err, ENOMEM, "%s", command->name);
	if (main_wants_help(argv))
		return main_print_command(command, &table, err);
	r = settings_init(&settings, &table, options, err);
	if (r == 0 && command->row_count)
		r = settings_read_options(&settings, argc, argv, &rest, err);
	if (r == 0)
		r = main_check_count(command, argc - rest, err);
	if (r == 0)
		r = command->run(runtime, options, argv + rest, err);
	settings_done(&settings);
	return r;
}

static const struct command *main_find_command(const char *name, struct error *err)
{
	for (size_t n = 0; n < array_count(commands); n++)
		if (strcmp(commands[n]->name, name) == 0)
			return commands[n];
	error_say(err, EINVAL, "'%s' is no command; see " RUNTIME_NAME " --help", name);
	return NULL;
}

static int main_default_root(struct runtime *runtime, struct error *err)
{
	const char *run = geteuid() ? getenv("XDG_RUNTIME_DIR") : NULL;
	auto_text struct text root = { 0 };

	if (runtime->root && runtime->root[0] == '/')
		return 0;
	if (runtime->root) {
		auto_free char *here = getcwd(NULL, 0);

		if (!here)
			return error_errno(err, errno, "--root");
		text_printf(&root, "%s/%s", here, runtime->root);
	} else {
		text_printf(&root, "%s/" RUNTIME_NAME, run ? run : "/run");
	}
	free(runtime->root);
	runtime->root = strdup(text_str(&root));
	return runtime->root ? 0 : error_errno(err, ENOMEM, "--root");
}

static int main_run(struct runtime *runtime, const struct settings_table *table, int rest, int argc,
		    char **argv, struct error *err)
{
	const struct command *command;
	int r = main_default_root(runtime, err);

	if (r < 0)
		return r;
	if (runtime->version)
		return main_print_version(err);
	if (runtime->help || rest == argc)
		return main_print_help(table, err);
	if (runtime->log_format && strcmp(runtime->log_format, log_formats[0]) != 0 &&
	    strcmp(runtime->log_format, log_formats[1]) != 0)
		return error_say(err, EINVAL,
				 "option '--log-format': '%s' is not known; use text or "
				 "json",
				 runtime->log_format);
	command = main_find_command(argv[rest], err);
	return command ? main_run_command(runtime, command, argc - rest, argv + rest, err)
		       : -EINVAL;
}

int main(int argc, char **argv)
{
	const struct settings_table table = { .program = RUNTIME_NAME,
					      .program_bit = COMMAND_PROGRAM,
					      .rows = runtime_rows,
					      .row_count = array_count(runtime_rows) };
	struct runtime runtime = { 0 };
	struct settings settings;
	struct error err = { 0 };
	int rest = 1, r;

	umask(0);
	r = settings_init(&settings, &table, &runtime, &err);
	if (r == 0)
		r = settings_read_options(&settings, argc, argv, &rest, &err);
	if (r == 0)
		r = main_run(&runtime, &table, rest, argc, argv, &err);
	if (r < 0)
		runtime_fail(&runtime, &err);
	settings_done(&settings);
	return r < 0 ? 1 : r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>

#include "sysvisor/runc/command.h"
#include "sysvisor/runc/state.h"

static int state_command(const struct runtime *runtime, void *options, char **args,
			 struct error *err)
{
	auto_text struct text text = { 0 };
	struct state state;
	int r = state_load(runtime->root, args[0], &state, err);

	(void)options;
	if (r == 0) {
		state_print(&state, state_status(runtime->root, &state), &text);
		text_putc(&text, '\n');
		r = command_print(&text, err);
	}
	state_done(&state);
	return r;
}

const struct command command_state = {
	.name = "state",
	.arguments = "ID",
	.purpose = "Print how it stands with a container, as JSON",
	.least = 1,
	.most = 1,
	.run = state_command,
};

/* --- list --- */

struct list_options {
	bool quiet;
	char *format;
};

#define AT(member) .at = offsetof(struct list_options, member), .programs = COMMAND_PROGRAM
static const struct setting list_rows[] = {
	{ .option = "quiet", .letter = 'q', .type = SETTING_flag, AT(quiet), .help = "Only ids" },
	{ .option = "format",
	  .letter = 'f',
	  .type = SETTING_text,
	  AT(format),
	  .argument = "table|json",
	  .help = "How the list looks; default table" },
};
#undef AT

static void list_print(const struct runtime *runtime, const struct state *state,
		       const struct list_options *options, bool is_json, struct text *out)
{
	enum state_status status = state_status(runtime->root, state);

	if (options->quiet) {
		text_printf(out, "%s\n", state->id);
	} else if (is_json) {
		text_put(out, out->bytes > 1 ? SLICE(",") : SLICE(""));
		state_print(state, status, out);
	} else {
		text_printf(out, "%-20s %-8lld %-9s %-40s %s\n", state->id,
			    status == STATE_stopped ? 0ll : (long long)state->pid.value,
			    state_status_name(status), state->bundle, state->created);
	}
}

static int list_command(const struct runtime *runtime, void *options, char **args,
			struct error *err)
{
	const struct list_options *wanted = options;
	bool is_json = wanted->format && strcmp(wanted->format, "json") == 0;
	auto_text struct text text = { 0 };
	struct dirent *entry;
	DIR *dir = opendir(runtime->root);

	(void)args;
	if (!dir && errno != ENOENT)
		return error_errno(err, errno, "read directory '%s'", runtime->root);
	if (is_json)
		text_putc(&text, '[');
	else if (!wanted->quiet)
		text_printf(&text, "%-20s %-8s %-9s %-40s %s\n", "ID", "PID", "STATUS", "BUNDLE",
			    "CREATED");
	while (dir && (entry = readdir(dir))) {
		struct state state = { 0 };

		if (entry->d_name[0] != '.' &&
		    state_load(runtime->root, entry->d_name, &state, NULL) == 0)
			list_print(runtime, &state, wanted, is_json, &text);
		state_done(&state);
	}
	if (dir)
		closedir(dir);
	if (is_json)
		text_put(&text, SLICE("]\n"));
	return command_print(&text, err);
}

const struct command command_list = {
	.name = "list",
	.arguments = "",
	.purpose = "Print all containers",
	.most = 0,
	.rows = list_rows,
	.row_count = array_count(list_rows),
	.options_bytes = sizeof(struct list_options),
	.run = list_command,
};

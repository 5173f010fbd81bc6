/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to a container's control group: pause, resume, update, ps. */
#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "sysvisor/runc/cgroup.h"
#include "sysvisor/runc/command.h"
#include "sysvisor/runc/state.h"

#define UPDATE_LIMIT_BYTES (1u << 20)

/* A container that runs, with its control group open. */
struct group {
	struct state state;
	struct cgroup_tree tree;
};

static int group_open(struct group *group, const struct runtime *runtime, const char *id,
		      struct error *err)
{
	int r = state_load(runtime->root, id, &group->state, err);

	if (r == 0 && !state_is_alive(&group->state))
		r = error_say(err, ESRCH, "container '%s': container not running", id);
	if (r == 0)
		r = cgroup_tree_init(&group->tree, err);
	return r < 0 ? r : cgroup_tree_open(&group->tree, group->state.cgroup, err);
}

static void group_done(struct group *group)
{
	cgroup_tree_done(&group->tree);
	state_done(&group->state);
}

static int group_freeze(const struct runtime *runtime, const char *id, bool freeze,
			struct error *err)
{
	auto_fd int dir = state_open(runtime->root, id, err);
	struct group group = { 0 };
	int r = dir < 0 ? dir : group_open(&group, runtime, id, err);

	if (r == 0 && cgroup_tree_is_frozen(&group.tree) == freeze)
		r = error_say(err, EINVAL, "container '%s' is %s", id,
			      freeze ? "paused already" : "not paused");
	if (r == 0)
		r = cgroup_tree_freeze(&group.tree, freeze, err);
	group_done(&group);
	return r;
}

static int pause_command(const struct runtime *runtime, void *options, char **args,
			 struct error *err)
{
	(void)options;
	return group_freeze(runtime, args[0], true, err);
}

static int resume_command(const struct runtime *runtime, void *options, char **args,
			  struct error *err)
{
	(void)options;
	return group_freeze(runtime, args[0], false, err);
}

const struct command command_pause = {
	.name = "pause",
	.arguments = "ID",
	.purpose = "Hold all processes of a container",
	.least = 1,
	.most = 1,
	.run = pause_command,
};

const struct command command_resume = {
	.name = "resume",
	.arguments = "ID",
	.purpose = "Let a paused container go on",
	.least = 1,
	.most = 1,
	.run = resume_command,
};

/* --- update --- */

struct update_options {
	char *resources;
	char *numbers[8];
};

/* Options that stand for one key of the JSON each. */
static const struct {
	const char *option;
	size_t at; /* of a spec_number in spec_resources */
} update_keys[] = {
	{ "memory", offsetof(struct spec_resources, memory.limit) },
	{ "memory-swap", offsetof(struct spec_resources, memory.swap) },
	{ "memory-reservation", offsetof(struct spec_resources, memory.reservation) },
	{ "cpu-share", offsetof(struct spec_resources, cpu.shares) },
	{ "cpu-quota", offsetof(struct spec_resources, cpu.quota) },
	{ "cpu-period", offsetof(struct spec_resources, cpu.period) },
	{ "pids-limit", offsetof(struct spec_resources, pids) },
	{ "blkio-weight", offsetof(struct spec_resources, block_io.weight) },
};

#define NUMBER(n, name, words)                                                                     \
	{                                                                                          \
		.option = (name), .type = SETTING_text,                                            \
		.at = offsetof(struct update_options, numbers) + (n) * sizeof(char *),             \
		.argument = "NUMBER", .programs = COMMAND_PROGRAM, .help = (words)                 \
	}
static const struct setting update_rows[] = {
	{ .option = "resources",
	  .letter = 'r',
	  .type = SETTING_text,
	  .at = offsetof(struct update_options, resources),
	  .argument = "FILE",
	  .programs = COMMAND_PROGRAM,
	  .help = "The limits as JSON; '-' is standard input" },
	NUMBER(0, "memory", "Memory in bytes; -1 is no limit"),
	NUMBER(1, "memory-swap", "Memory and swap in bytes; -1 is no limit"),
	NUMBER(2, "memory-reservation", "Soft limit in bytes"),
	NUMBER(3, "cpu-share", "Processor time, as a weight among others"),
	NUMBER(4, "cpu-quota", "Microseconds of processor time in each period"),
	NUMBER(5, "cpu-period", "The period in microseconds"),
	NUMBER(6, "pids-limit", "How many processes"),
	NUMBER(7, "blkio-weight", "Disk time, as a weight among others (10 to 1000)"),
};

static int update_read_stdin(struct text *text, struct error *err)
{
	for (;;) {
		char *at = text_reserve(text, 4096);
		ssize_t n = at ? read(0, at, 4096) : -1;

		if (n < 0)
			return error_errno(err, at ? errno : ENOMEM, "read standard input");
		if (n == 0)
			return 0;
		text->bytes += (size_t)n;
		if (text->bytes > UPDATE_LIMIT_BYTES)
			return error_say(err, EFBIG, "standard input: larger than 1 MiB");
	}
}

static int update_read_file(const char *path, struct spec *spec, struct error *err)
{
	auto_text struct text text = { 0 };
	bool in = strcmp(path, "-") == 0;
	int r = in ? update_read_stdin(&text, err)
		   : file_read(path, UPDATE_LIMIT_BYTES, &text, err);

	return r < 0 ? r : spec_parse_resources(text_slice(&text), "resources", spec, err);
}

static int update_read(const struct update_options *options, struct spec *spec, struct error *err)
{
	int r = options->resources ? update_read_file(options->resources, spec, err) : 0;

	for (size_t n = 0; n < array_count(update_keys) && r == 0; n++) {
		struct spec_number *number =
			(struct spec_number *)((char *)&spec->linux_.resources + update_keys[n].at);
		struct slice word = slice_of(options->numbers[n]);
		bool minus = slice_eat(&word, SLICE("-"));
		uint64_t value;

		if (!options->numbers[n])
			continue;
		if (!slice_u64(word, &value) || value > INT64_MAX)
			return error_say(err, EINVAL, "option '--%s': '%s' is no number",
					 update_keys[n].option, options->numbers[n]);
		*number = (struct spec_number){ minus ? -(int64_t)value : (int64_t)value, true };
	}
	return r;
}

static int update_command(const struct runtime *runtime, void *options, char **args,
			  struct error *err)
{
	auto_fd int dir = state_open(runtime->root, args[0], err);
	struct group group = { 0 };
	struct spec spec = { 0 };
	int r = dir < 0 ? dir : group_open(&group, runtime, args[0], err);

	if (r == 0)
		r = update_read(options, &spec, err);
	/* Device rules come along from CRI and say "nothing at all": not meant for us. */
	if (r == 0 && group.state.scope)
		r = scope_update(runtime, group.state.scope, &spec, err);
	if (r == 0)
		r = resources_apply(&group.tree, &spec.linux_.resources, err);
	spec_done(&spec);
	group_done(&group);
	return r;
}

const struct command command_update = {
	.name = "update",
	.arguments = "ID",
	.purpose = "Change the limits of a container",
	.least = 1,
	.most = 1,
	.rows = update_rows,
	.row_count = array_count(update_rows),
	.options_bytes = sizeof(struct update_options),
	.run = update_command,
};

/* --- ps --- */

struct ps_options {
	char *format;
};

static const struct setting ps_rows[] = {
	{ .option = "format",
	  .letter = 'f',
	  .type = SETTING_text,
	  .at = offsetof(struct ps_options, format),
	  .argument = "table|json",
	  .programs = COMMAND_PROGRAM,
	  .help = "How the list looks; default table" },
};

struct ps_list {
	struct text *out;
	const char *separator, *next;
};

static int ps_found(void *owner, pid_t pid, struct error *err)
{
	struct ps_list *list = owner;

	(void)err;
	text_printf(list->out, "%s%d", list->separator, pid);
	list->separator = list->next;
	return 0;
}

static int ps_command(const struct runtime *runtime, void *options, char **args, struct error *err)
{
	const struct ps_options *wanted = options;
	bool is_json = wanted->format && strcmp(wanted->format, "json") == 0;
	auto_text struct text text = { 0 };
	struct ps_list list = { &text, is_json ? "[" : "PID\n", is_json ? "," : "\n" };
	struct group group = { 0 };
	int r = group_open(&group, runtime, args[0], err);

	if (r == 0)
		r = cgroup_tree_each(&group.tree, ps_found, &list, err);
	group_done(&group);
	if (r < 0)
		return r;
	text_put(&text, !is_json ? SLICE("\n") : text.bytes ? SLICE("]\n") : SLICE("[]\n"));
	return command_print(&text, err);
}

const struct command command_ps = {
	.name = "ps",
	.arguments = "ID",
	.purpose = "Print the pids of a container's processes",
	.least = 1,
	.most = 1,
	.rows = ps_rows,
	.row_count = array_count(ps_rows),
	.options_bytes = sizeof(struct ps_options),
	.run = ps_command,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>

#include "base/json.h"
#include "sysvisor/runc/cgroup.h"
#include "sysvisor/runc/command.h"
#include "sysvisor/runc/state.h"

struct events_options {
	bool stats;
	uint64_t interval_ns;
};

#define AT(member) .at = offsetof(struct events_options, member), .programs = COMMAND_PROGRAM
static const struct setting events_rows[] = {
	{ .option = "stats", .type = SETTING_flag, AT(stats), .help = "Print once, and end" },
	{ .option = "interval",
	  .type = SETTING_duration,
	  AT(interval_ns),
	  .fallback = "5s",
	  .scale = 1000000000,
	  .min = 1000000,
	  .argument = "TIME",
	  .help = "How long from one to the next" },
};
#undef AT

/* A figure of the JSON: where it is in v1 and in v2. `key`: the line of the file that has it. */
struct events_row {
	const char *group, *key;
	const char *v1_controller, *v1_file, *v1_key;
	const char *v2_file, *v2_key;
	uint64_t v2_scale;
};

static const struct events_row events_table[] = {
	{ "cpu", "total", "cpuacct", "cpuacct.usage", NULL, "cpu.stat", "usage_usec", 1000 },
	{ "cpu", "user", "cpuacct", "cpuacct.usage_user", NULL, "cpu.stat", "user_usec", 1000 },
	{ "cpu", "kernel", "cpuacct", "cpuacct.usage_sys", NULL, "cpu.stat", "system_usec", 1000 },
	{ "throttling", "periods", "cpu", "cpu.stat", "nr_periods", "cpu.stat", "nr_periods", 1 },
	{ "throttling", "throttledPeriods", "cpu", "cpu.stat", "nr_throttled", "cpu.stat",
	  "nr_throttled", 1 },
	{ "memory", "usage", "memory", "memory.usage_in_bytes", NULL, "memory.current", NULL, 1 },
	{ "memory", "limit", "memory", "memory.limit_in_bytes", NULL, "memory.max", NULL, 1 },
	{ "memory", "max", "memory", "memory.max_usage_in_bytes", NULL, "memory.peak", NULL, 1 },
	{ "memory", "failcnt", "memory", "memory.failcnt", NULL, "memory.events", "max", 1 },
	{ "memory", "oomKills", "memory", "memory.oom_control", "oom_kill", "memory.events",
	  "oom_kill", 1 },
	{ "memory", "cache", "memory", "memory.stat", "total_cache", "memory.stat", "file", 1 },
	{ "memory", "rss", "memory", "memory.stat", "total_rss", "memory.stat", "anon", 1 },
	{ "pids", "current", "pids", "pids.current", NULL, "pids.current", NULL, 1 },
	{ "pids", "limit", "pids", "pids.max", NULL, "pids.max", NULL, 1 },
};

/* The number of a file, or of its line that starts with a key. "max" is 2^64 - 1. */
static bool events_number(struct slice text, const char *key, uint64_t *ret)
{
	struct slice line, name;

	while (slice_next(&text, '\n', &line)) {
		if (key && (!slice_cut(&line, ' ', &name) || !slice_is(name, key)))
			continue;
		line = slice_trim(line);
		if (slice_is(line, "max")) {
			*ret = UINT64_MAX;
			return true;
		}
		return slice_u64(line, ret);
	}
	return false;
}

static bool events_read(const struct cgroup_tree *tree, const struct events_row *row, uint64_t *ret)
{
	const struct cgroup_hierarchy *v1 = cgroup_tree_v1(tree, row->v1_controller);
	const struct cgroup_hierarchy *hierarchy = v1 ? v1 : cgroup_tree_v2(tree);
	auto_text struct text text = { 0 };

	if (!hierarchy || cgroup_read(hierarchy, v1 ? row->v1_file : row->v2_file, &text) < 0 ||
	    !events_number(text_slice(&text), v1 ? row->v1_key : row->v2_key, ret))
		return false;
	if (!v1)
		*ret *= row->v2_scale;
	return true;
}

static void events_print(const struct state *state, const struct cgroup_tree *tree,
			 struct text *out)
{
	struct json json = { .out = out };
	const char *group = "";

	json_open(&json, '{');
	json_key(&json, SLICE("type"));
	json_text(&json, SLICE("stats"));
	json_key(&json, SLICE("id"));
	json_text(&json, slice_of(state->id));
	json_key(&json, SLICE("data"));
	json_open(&json, '{');
	for (size_t n = 0; n < array_count(events_table); n++) {
		const struct events_row *row = &events_table[n];
		uint64_t value;

		if (strcmp(group, row->group) != 0) {
			if (*group)
				json_close(&json, '}');
			group = row->group;
			json_key(&json, slice_of(group));
			json_open(&json, '{');
		}
		if (!events_read(tree, row, &value))
			continue;
		json_key(&json, slice_of(row->key));
		json_u64(&json, value);
	}
	json_close(&json, '}');
	json_close(&json, '}');
	json_close(&json, '}');
	text_putc(out, '\n');
}

static int events_once(const struct state *state, struct error *err)
{
	auto_text struct text text = { 0 };
	struct cgroup_tree tree;
	int r = cgroup_tree_init(&tree, err);

	if (r < 0)
		return r;
	r = cgroup_tree_open(&tree, state->cgroup, err);
	if (r == 0) {
		events_print(state, &tree, &text);
		r = command_print(&text, err);
	}
	cgroup_tree_done(&tree);
	return r;
}

static int events_command(const struct runtime *runtime, void *options, char **args,
			  struct error *err)
{
	const struct events_options *wanted = options;
	struct state state = { 0 };
	int r = state_load(runtime->root, args[0], &state, err);

	if (r == 0 && !state_is_alive(&state))
		r = error_say(err, ESRCH, "container '%s': container not running", args[0]);
	while (r == 0) {
		r = events_once(&state, err);
		if (r < 0 || wanted->stats)
			break;
		usleep((useconds_t)(wanted->interval_ns / 1000));
		if (!state_is_alive(&state))
			break;
	}
	state_done(&state);
	return r;
}

const struct command command_events = {
	.name = "events",
	.arguments = "ID",
	.purpose = "Print what a container uses, as JSON, again and again",
	.least = 1,
	.most = 1,
	.rows = events_rows,
	.row_count = array_count(events_rows),
	.options_bytes = sizeof(struct events_options),
	.run = events_command,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions on events: what they match, and what is said of wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "pipeline/filter.h"

static struct event_origin origin = { .host = "web1" };

static const struct event *exec_event(void)
{
	static const struct event_pair labels[] = {
		{ SLICE("app"), SLICE("shop") },
		  { SLICE("app.kubernetes.io/name"), SLICE("cart") },
		};
	static struct event event;

	event_init(&event, EVENT_process_exec, 1, 0);
	event_number(&event, FIELD_pid, 4711);
	event_text(&event, FIELD_comm, SLICE("sh"));
	event_text(&event, FIELD_exe, SLICE("/usr/bin/dash"));
	event_number(&event, FIELD_uid, 0);
	event_map(&event, FIELD_container_labels, (struct event_map){ labels, 2 });
	return &event;
}

static const struct event *oom_event(void)
{
	static struct event event;

	event_init(&event, EVENT_kernel_oom_kill, 1, 0);
	event_number(&event, FIELD_oom_anon_rss, 5 << 20);
	event_number(&event, FIELD_oom_score_adj, (uint64_t)-500);
	event_number(&event, FIELD_pid, 7);
	/* There is no field for addresses yet: any text will do. */
	event_text(&event, FIELD_oom_cgroup, SLICE("10.1.2.3"));
	event_text(&event, FIELD_comm, SLICE("2001:db8::1"));
	return &event;
}

static bool matches(const char *words, const struct event *event)
{
	struct filter *filter;
	struct error err;
	bool result;

	if (filter_parse(&filter, slice_of(words), &err) < 0)
		fail_msg("%s: %s", words, err.text);
	result = filter_matches(filter, event, &origin);
	filter_free(filter);
	return result;
}

static void check(const char *words, const struct event *event, bool expected)
{
	if (matches(words, event) != expected)
		fail_msg("%s is %s", words, expected ? "false" : "true");
}

static void conditions_match(void **state)
{
	static const struct {
		const char *words;
		bool expected;
	} rows[] = {
		{ "event.name == \"process.exec\"", true },
		{ "event.name = 'process.exit'", false },
		{ "host.name like \"web*\"", true },
		{ "process.pid == 4711", true },
		{ "process.pid == 0x1267", true },
		{ "process.pid < 4711", false },
		{ "process.pid <= 4711", true },
		{ "process.pid > 4k", true },
		{ "process.comm in [\"bash\", \"sh\"]", true },
		{ "process.comm in ['bash']", false },
		{ "process.user.id in [0, 1000]", true },
		{ "process.executable.path starts \"/usr/\"", true },
		{ "process.executable.path ends \"dash\"", true },
		{ "process.executable.path contains \"bin\"", true },
		{ "process.executable.path like \"/usr/*/?ash\"", true },
		{ "process.executable.path like \"/usr/*/?sh\"", false },
		{ "container.label.app == \"shop\"", true },
		{ "container.label[\"app.kubernetes.io/name\"] == \"cart\"", true },
		{ "container.label.none == \"shop\"", false },
		{ "container.label.none", false },
		{ "container.label", true },
		{ "not process.comm == \"sh\"", false },
	};

	(void)state;
	for (size_t n = 0; n < array_count(rows); n++)
		check(rows[n].words, exec_event(), rows[n].expected);
	check("thread.id", exec_event(), false);
	check("thread.id == 0", exec_event(), false);
	check("thread.id != 0", exec_event(), true);
	check("thread.id < 5", exec_event(), false);
}

static void words_join(void **state)
{
	(void)state;
	check("process.pid == 1 or process.pid == 4711 and process.user.id == 0", exec_event(),
	      true);
	check("(process.pid == 1 or process.pid == 4711) and process.user.id == 1", exec_event(),
	      false);
	check("process.pid == 4711 && !(process.user.id != 0 || process.comm == 'x')", exec_event(),
	      true);
	check("not not process.pid", exec_event(), true);
}

static void numbers_have_units_and_signs(void **state)
{
	(void)state;
	check("oom.anon_rss >= 5M", oom_event(), true);
	check("oom.anon_rss > 5M", oom_event(), false);
	check("oom.score_adj < 0", oom_event(), true);
	check("oom.score_adj == -500", oom_event(), true);
	check("oom.score_adj > -501", oom_event(), true);
	check("severity >= error", oom_event(), true);
	check("severity == \"error\"", oom_event(), true);
	check("severity > error", oom_event(), false);
}

static void spans_have_units(void **state)
{
	static struct event event;

	(void)state;
	event_init(&event, EVENT_kernel_stall, 1, 0);
	event_number(&event, FIELD_task_blocked, 1500 * NS_PER_MS);
	check("task.blocked > 1s", &event, true);
	check("task.blocked > 1", &event, true);
	check("task.blocked >= 1500ms", &event, true);
	check("task.blocked > 2m", &event, false);
}

static void addresses_are_in_networks(void **state)
{
	(void)state;
	check("oom.cgroup in \"10.0.0.0/8\"", oom_event(), true);
	check("oom.cgroup in \"10.1.2.0/30\"", oom_event(), true);
	check("oom.cgroup in \"10.1.2.4/30\"", oom_event(), false);
	check("oom.cgroup in \"10.1.2.3\"", oom_event(), true);
	check("oom.cgroup in \"::/0\"", oom_event(), false);
	check("oom.cgroup in \"0.0.0.0/0\"", oom_event(), true);
	check("process.comm in \"2001:db8::/32\"", oom_event(), true);
	check("process.comm in \"2001:db9::/32\"", oom_event(), false);
}

static void mistakes_have_a_column(void **state)
{
	static const struct {
		const char *words, *said;
	} rows[] = {
		{ "", "column 1: the name of a field is missing at the end" },
		{ "process.pidd == 1",
		  "column 1: field 'process.pidd' is not known; did you mean 'process.pid'?" },
		{ "process.pid == 1 or nonsense.at.all == 2",
		  "column 21: field 'nonsense.at.all' is not known; 'bulwark events' lists them" },
		{ "process.pid == \"x\"", "column 16: a number is missing before '\"x\"'" },
		{ "process.comm == 5", "column 17: a text in quotes is missing before '5'" },
		{ "process.comm < \"x\"", "column 14: '<' can't compare a text" },
		{ "process.pid like \"x\"", "column 13: 'like' can't compare a number" },
		{ "process.comm == \"x", "column 17: the text that begins here has no end" },
		{ "(process.pid == 1", "column 18: ')' is missing at the end" },
		{ "process.pid == 1 process.pid == 2",
		  "column 18: 'process.pid == 2' is too much; use and, or" },
		{ "process.pid == 5s", "column 16: '5s' is no number of this field" },
		{ "process.pid == 99999999999999999999", "column 16: a number is missing" },
		{ "severity > loud", "column 12: 'loud' is no severity" },
		{ "container.label == \"x\"", "column 17: this field has keys" },
		{ "process.comm in \"10.0.0.0/33\"", "column 17: '10.0.0.0/33' is no network" },
		{ "process.comm in \"10.0.0/8\"", "column 17: '10.0.0/8' is no network" },
		{ "process.comm in [\"a\" \"b\"]", "column 22: ',' or ']' is missing" },
		{ "process.pid in 5", "column 16: a list such as" },
		{ "process.pid ==", "column 15: a number is missing at the end" },
	};

	(void)state;
	for (size_t n = 0; n < array_count(rows); n++) {
		struct filter *filter;
		struct error err;

		if (filter_parse(&filter, slice_of(rows[n].words), &err) == 0)
			fail_msg("'%s' is taken", rows[n].words);
		if (strncmp(err.text, rows[n].said, strlen(rows[n].said)) != 0)
			fail_msg("'%s': %s", rows[n].words, err.text);
	}
}

static void length_and_depth_are_bounded(void **state)
{
	auto_text struct text deep = { 0 };
	auto_text struct text longer = { 0 };
	struct filter *filter;
	struct error err;

	(void)state;
	for (size_t n = 0; n < 10000; n++)
		text_putc(&deep, '(');
	assert_true(filter_parse(&filter, text_slice(&deep), &err) < 0);
	assert_non_null(strstr(err.text, "levels deep"));
	for (size_t n = 0; n < 1000; n++)
		text_put(&longer, SLICE("process.pid == 1 or "));
	text_put(&longer, SLICE("process.pid == 1"));
	assert_true(filter_parse(&filter, text_slice(&longer), &err) < 0);
	assert_non_null(strstr(err.text, "longer than"));
}

static void stars_are_tried_in_reasonable_time(void **state)
{
	auto_text struct text text = { 0 };
	uint64_t start_ns = clock_mono_ns();

	(void)state;
	for (size_t n = 0; n < 20000; n++)
		text_putc(&text, 'a');
	assert_false(filter_is_like(text_slice(&text), SLICE("*a*a*a*a*a*a*a*a*a*a*a*a*b")));
	assert_true(clock_mono_ns() - start_ns < 5 * NS_PER_S);
	assert_true(filter_is_like(SLICE(""), SLICE("")));
	assert_true(filter_is_like(SLICE(""), SLICE("***")));
	assert_false(filter_is_like(SLICE(""), SLICE("?")));
	assert_true(filter_is_like(SLICE("abc"), SLICE("*b*")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_match),
		cmocka_unit_test(words_join),
		cmocka_unit_test(numbers_have_units_and_signs),
		cmocka_unit_test(spans_have_units),
		cmocka_unit_test(addresses_are_in_networks),
		cmocka_unit_test(mistakes_have_a_column),
		cmocka_unit_test(length_and_depth_are_bounded),
		cmocka_unit_test(stars_are_tried_in_reasonable_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

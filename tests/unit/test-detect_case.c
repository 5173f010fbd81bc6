/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a detection, and what else bears on it: rates, what was lost, time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bench-detect.h"

#include <jansson.h>

#include "detect/timeline.h"

/* --- rates --- */

/* A crash whose place is not known and says nothing else. */
static void take_mixed(struct bench *bench, uint64_t n)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL };

	take_exit(bench, &(struct shot){ .exe = "/usr/bin/httpd", .signo = signals[n % 3] });
}

static void far_more_crashes_than_usual_are_unusual(void **state)
{
	struct bench *bench = *state;

	for (uint64_t n = 0; n < 20; n++) {
		assert_int_equal(bench->told_count, 0);
		take_mixed(bench, n);
		bench_pass(bench, 10 * NS_PER_S);
	}
	assert_only(bench, EVENT_crash_rate);
	assert_says(bench->told[0], "20 crashes of httpd within 5 min, where 0.0 are usual");
	assert_int_equal(event_number_of(bench->told[0], FIELD_detection_score), 40);
}

static void what_is_usual_is_learnt(void **state)
{
	struct bench *bench = *state;

	/* 30 in five minutes, for a day: unusual at first, then not. */
	for (uint64_t n = 0; n < 8640; n++) {
		take_mixed(bench, n);
		bench_tick(bench, 10 * NS_PER_S);
	}
	assert_int_equal(bench_told(bench, EVENT_crash_rate, "resolved"), 1);
	bench_forget_told(bench);
	for (uint64_t n = 0; n < 60; n++)
		take_mixed(bench, n);
	assert_int_equal(bench->told_count, 0); /* three times as many are not enough now */
	for (uint64_t n = 0; n < 600; n++)
		take_mixed(bench, n);
	assert_only(bench, EVENT_crash_rate);
}

static void an_attack_does_not_teach_that_it_is_usual(void **state)
{
	struct bench *bench = *state;

	for (uint64_t n = 0; n < 10000; n++)
		take_mixed(bench, n);
	bench_tick(bench, 3600 * NS_PER_S);
	bench_forget_told(bench);
	for (uint64_t n = 0; n < 20; n++)
		take_mixed(bench, n);
	assert_only(bench, EVENT_crash_rate);
}

static void ten_unrelated_crashes_are_nothing(void **state)
{
	struct bench *bench = *state;
	char exe[32];

	for (uint64_t n = 0; n < 10; n++) {
		snprintf(exe, sizeof(exe), "/usr/bin/tool%u", (unsigned int)n);
		take_trap(bench, &(struct shot){ .exe = exe,
						 .module = "libc.so.6",
						 .start = 0x7f0000000000,
						 .offset = 0x1000 + 4 * n });
		take_exit(bench, &(struct shot){ .exe = exe, .signo = SIGABRT });
		bench_pass(bench, 100 * NS_PER_MS);
	}
	bench_tick(bench, 3600 * NS_PER_S);
	assert_int_equal(bench->told_count, 0);
}

/* --- what the kernel held back --- */

static void crashes_held_back_weigh(void **state)
{
	struct bench *bench = *state;

	for (uint64_t n = 0; n < 6; n++)
		take_pie(bench, 0x1000 + 0x1000 * n);
	for (uint64_t n = 0; n < 2; n++)
		take_trap(bench, &(struct shot){ .comm = "other",
						 .module = "other",
						 .start = 0x55d0c0000000,
						 .offset = 0x100 + 0x1000 * n });
	bench_pass(bench, 30 * NS_PER_S);
	assert_int_equal(bench->told_count, 0);
	take_suppressed(bench, 40);
	assert_only(bench, EVENT_crash_rate); /* 6 + 30; the other has 2 + 10 */
	assert_int_equal(event_number_of(bench->told[0], FIELD_detection_count), 36);
	assert_true(slice_is(event_text_of(bench->told[0], FIELD_comm), "httpd"));
}

/* Ten programs fill the kernel's limit with one crash each; what it holds back then is many times
 * that, and still no program is known to have crashed twice. */
static void crashes_held_back_are_not_those_of_one_line(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
	struct bench *bench = *state;

	for (size_t n = 0; n < array_count(names); n++)
		take_trap(bench, &(struct shot){ .comm = names[n],
						 .module = names[n],
						 .start = 0x55d0c0000000,
						 .offset = 0x100 });
	take_suppressed(bench, 1000);
	assert_only(bench, EVENT_crash_rate); /* of nobody's */
	assert_says(bench->told[0], "of programs that the kernel log does not name");
}

static void crashes_that_others_told_do_not_weigh_twice(void **state)
{
	struct bench *bench = *state;

	for (uint32_t n = 0; n < 18; n++) {
		struct shot shot = { .exe = "/usr/bin/httpd",
				     .pid = 700 + n,
				     .module = "httpd",
				     .start = 0x55d0c0000000,
				     .offset = 0x1000 + 0x1000 * n };

		if (n < 8)
			take_trap(bench, &shot);
		shot.signo = SIGSEGV;
		take_exit(bench, &shot);
	}
	take_suppressed(bench, 11); /* one more than the ten whose exit was seen */
	assert_int_equal(bench->told_count, 0);
	take_suppressed(bench, 15); /* nobody's: no line came before it */
	assert_int_equal(bench->told_count, 0);
}

static void crashes_that_nobody_names_have_a_rate(void **state)
{
	struct bench *bench = *state;

	take_suppressed(bench, 12);
	assert_int_equal(bench->told_count, 0);
	bench_pass(bench, 5 * NS_PER_S);
	take_suppressed(bench, 40);
	assert_only(bench, EVENT_crash_rate);
	assert_says(bench->told[0], "52 crashes of programs that the kernel log does not name");
	assert_false(event_has(bench->told[0], FIELD_pid));
}

static void records_that_were_lost_weigh(void **state)
{
	struct bench *bench = *state;
	struct event event;

	for (uint64_t n = 0; n < 6; n++)
		take_pie(bench, 0x1000 + 0x1000 * n);
	event_init(&event, EVENT_loss, bench->wall_ns, bench->boot_ns);
	event_text(&event, FIELD_loss_place, SLICE("/dev/kmsg"));
	event_number(&event, FIELD_loss_count, 20 * 20);
	detect_take(bench->detect, &event);
	assert_only(bench, EVENT_crash_rate);
}

/* --- one crash, several events --- */

static void one_crash_told_by_many_counts_once(void **state)
{
	struct bench *bench = *state;

	for (uint32_t n = 0; n < 5; n++) {
		struct shot shot = { .pid = 4000 + n,
				     .module = "httpd",
				     .start = 0x55d0c0000000 + (n << 20),
				     .offset = 0x10,
				     .signo = SIGSEGV };
		struct event event;

		assert_int_equal(bench->told_count, 0);
		if (n & 1) /* the exit may come first, and under another name */
			take_exit(bench, &(struct shot){ .pid = shot.pid, .signo = SIGSEGV });
		take_trap(bench, &shot);
		if (!(n & 1))
			take_exit(bench, &(struct shot){ .pid = shot.pid,
							 .exe = "/usr/bin/httpd",
							 .signo = SIGSEGV });
		shot_begin(bench, &event, EVENT_process_abend, &shot);
		detect_take(bench->detect, &event);
		shot_begin(bench, &event, EVENT_process_fatal_signal, &shot);
		detect_take(bench->detect, &event);
	}
	assert_only(bench, EVENT_crash_loop);
	assert_int_equal(event_number_of(bench->told[0], FIELD_detection_count), 5);
}

static void a_crash_without_executable_finds_its_program(void **state)
{
	struct bench *bench = *state;

	for (int n = 0; n < 3; n++)
		take_exit(bench, &(struct shot){ .exe = "/usr/bin/httpd",
						 .container = "aaaa",
						 .signo = SIGBUS });
	take_exit(bench, &(struct shot){ .signo = SIGBUS }); /* of no container */
	take_exit(bench, &(struct shot){ .container = "aaaa", .signo = SIGBUS });
	assert_int_equal(bench->told_count, 0);
	take_exit(bench, &(struct shot){ .container = "aaaa", .signo = SIGBUS });
	assert_only(bench, EVENT_crash_loop);
	assert_true(slice_is(event_text_of(bench->told[0], FIELD_exe), "/usr/bin/httpd"));
}

/* --- the life of a case --- */

static void a_case_is_raised_once_told_again_and_resolved(void **state)
{
	struct bench *bench = *state;
	struct slice key;

	for (int n = 0; n < 50; n++) {
		take_pie(bench, 0x10);
		bench_tick(bench, NS_PER_S);
	}
	assert_only(bench, EVENT_crash_loop);
	assert_int_equal(bench->told_count, 3); /* then 10 and another 20 seconds later */
	assert_int_equal(event_number_of(bench->told[1], FIELD_detection_count), 14);
	assert_int_equal(event_number_of(bench->told[2], FIELD_detection_count), 34);
	assert_int_equal(metrics_total(&bench->metrics, METRIC_detections), 1);
	bench_tick(bench, 60 * NS_PER_S);
	assert_int_equal(bench->told_count, 4); /* what had grown since */
	assert_int_equal(event_number_of(bench->told[3], FIELD_detection_count), 50);
	bench_tick(bench, 300 * NS_PER_S);
	assert_int_equal(bench->told_count, 4); /* nothing had */
	bench_tick(bench, 300 * NS_PER_S);
	assert_int_equal(bench->told_count, 5);
	assert_int_equal(bench_told(bench, EVENT_crash_loop, "resolved"), 1);
	key = event_text_of(bench->told[0], FIELD_detection_key);
	assert_int_equal(key.bytes, 16);
	for (size_t n = 0; n < bench->told_count; n++)
		assert_true(slice_eq(event_text_of(bench->told[n], FIELD_detection_key), key));
	for (int n = 0; n < 4; n++)
		take_pie(bench, 0x10);
	assert_int_equal(bench->told_count, 5); /* old evidence is settled */
	take_pie(bench, 0x10);
	assert_int_equal(bench->told_count, 6);
}

static void keys_tell_cases_apart(void **state)
{
	struct bench *bench = *state;

	for (int n = 0; n < 5; n++)
		take_trap(bench,
			  &(struct shot){ .exe = "/bin/a", .container = "aaaa", .trap = "x" });
	for (int n = 0; n < 5; n++)
		take_exit(bench, &(struct shot){ .exe = "/bin/a", .signo = SIGBUS });
	for (int n = 0; n < 5; n++)
		take_exit(bench,
			  &(struct shot){ .exe = "/bin/a", .container = "aaaa", .signo = SIGBUS });
	assert_only(bench, EVENT_crash_loop);
	assert_int_equal(bench->told_count, 2);
	assert_false(slice_eq(event_text_of(bench->told[0], FIELD_detection_key),
			      event_text_of(bench->told[1], FIELD_detection_key)));
}

static void justification_decides_what_is_shown(void **state)
{
	struct bench *bench = *state;
	struct slice events;
	json_t *root;

	bench->settings.justification = DETECT_JUSTIFY_none;
	for (int n = 0; n < 5; n++)
		take_pie(bench, 0x10);
	assert_false(event_has(bench->told[0], FIELD_detection_values));
	bench_forget_told(bench);

	bench->settings.justification = DETECT_JUSTIFY_full;
	bench->settings.max_event_count = 4;
	bench->settings.event_drop_count = 2;
	bench_restart(bench);
	take_trap(bench, &(struct shot){ .comm = "old" });
	bench_pass(bench, 31 * NS_PER_S); /* too old by then to be shown or dropped */
	for (int n = 0; n < 5; n++)
		take_pie(bench, 0x10);
	events = event_text_of(bench->told[0], FIELD_detection_events);
	root = json_loadb(events.at, events.bytes, 0, NULL);
	assert_int_equal(json_array_size(root), 3); /* of 4, 2 made room for the fifth */
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(root, 0), "event.name")),
		"process.trap");
	json_decref(root);
	assert_int_equal(metrics_total(&bench->metrics, METRIC_detect_dropped), 2);
}

static void histories_are_bounded(void **state)
{
	struct bench *bench = *state;
	char exe[32];

	bench->settings.programs = 8;
	bench_restart(bench);
	for (int n = 0; n < 5; n++)
		take_exit(bench, &(struct shot){ .exe = "/bin/loop", .signo = SIGBUS });
	assert_int_equal(bench->told_count, 1);
	for (int n = 0; n < 4; n++)
		take_exit(bench, &(struct shot){ .exe = "/bin/tool0", .signo = SIGBUS });
	for (unsigned int n = 1; n < 100; n++) {
		snprintf(exe, sizeof(exe), "/bin/tool%u", n);
		take_exit(bench, &(struct shot){ .exe = exe, .signo = SIGBUS });
	}
	assert_int_equal(metrics_total(&bench->metrics, METRIC_detect_evictions), 93);
	assert_int_equal(metrics_total(&bench->metrics, METRIC_detect_programs), 8);
	take_exit(bench, &(struct shot){ .exe = "/bin/tool0", .signo = SIGBUS });
	assert_int_equal(bench->told_count, 1); /* its four are forgotten; the loop is not */
	for (unsigned int n = 0; n < 45; n++) {
		snprintf(exe, sizeof(exe), "/bin/loop%u", n % 9);
		for (int k = 0; k < 5; k++)
			take_exit(bench, &(struct shot){ .exe = exe, .signo = SIGBUS });
	}
	/* With all in use by open cases, the oldest is said to be over before it goes. */
	assert_true(bench_told(bench, EVENT_crash_loop, "resolved") > 0);
	assert_int_equal(metrics_total(&bench->metrics, METRIC_detect_programs), 8);
}

static void identity_is_carried(void **state)
{
	struct bench *bench = *state;
	const struct event *event;

	for (uint32_t n = 0; n < 5; n++)
		take_exit(bench, &(struct shot){ .exe = "/bin/a",
						 .comm = "a",
						 .pid = 100 + n,
						 .ppid = 9,
						 .ancestors = "sh[9]",
						 .container = "aaaa",
						 .signo = SIGSEGV });
	event = bench_last(bench, EVENT_crash_loop);
	assert_int_equal(event_number_of(event, FIELD_pid), 104);
	assert_int_equal(event_number_of(event, FIELD_ppid), 9);
	assert_true(slice_is(event_text_of(event, FIELD_exe), "/bin/a"));
	assert_true(slice_is(event_text_of(event, FIELD_ancestors), "sh[9]"));
	assert_true(slice_is(event_text_of(event, FIELD_signal), "SIGSEGV"));
	assert_true(event->boot_ns == bench->boot_ns && event->wall_ns == bench->wall_ns);
}

/* --- time --- */

static void a_step_of_the_wall_clock_breaks_nothing(void **state)
{
	struct bench *bench = *state;

	for (uint64_t value = 0; value < 9; value++) {
		assert_int_equal(bench_raised(bench, EVENT_register_probe), 0);
		take_dump(bench, "RDI", "%016llx", 0x7f32b0001000 + value);
		bench_tick(bench, NS_PER_S);
		if (value == 3)
			bench->wall_ns -= 7200 * NS_PER_S;
		if (value == 6)
			bench->boot_ns = 0; /* from here on wall time is all there is */
		if (value == 7)
			bench->wall_ns -= 86400 * NS_PER_S;
	}
	assert_int_equal(bench_raised(bench, EVENT_register_probe), 1);
	assert_true(event_number_of(bench_last(bench, EVENT_register_probe), FIELD_detection_span) <
		    60 * NS_PER_S);
	bench_tick(bench, 601 * NS_PER_S);
	assert_int_equal(bench_told(bench, EVENT_register_probe, "resolved"), 1);
}

static void a_suspended_machine_breaks_nothing(void **state)
{
	struct bench *bench = *state;

	for (uint64_t value = 0; value < 8; value++)
		take_dump(bench, "RDI", "%016llx", 0x7f32b0001000 + value);
	bench_tick(bench, 3600 * NS_PER_S); /* asleep for an hour; the window is longer */
	take_dump(bench, "RDI", "%016llx", 0x7f32b0001008);
	assert_int_equal(bench_raised(bench, EVENT_register_probe), 1);
	bench_tick(bench, 30 * 86400 * NS_PER_S);
	assert_int_equal(bench_told(bench, EVENT_register_probe, "resolved"), 1);
}

static void time_never_runs_backwards(void **state)
{
	struct timeline timeline = { 0 };
	uint64_t start_ns, at_ns;

	(void)state;
	start_ns = timeline_at(&timeline, 1000 * NS_PER_S, 500 * NS_PER_S);
	at_ns = timeline_at(&timeline, 400 * NS_PER_S, 510 * NS_PER_S); /* wall stepped back */
	assert_int_equal(at_ns - start_ns, 10 * NS_PER_S);
	at_ns = timeline_at(&timeline, 401 * NS_PER_S, 0);
	assert_int_equal(at_ns - start_ns, 11 * NS_PER_S);
	at_ns = timeline_at(&timeline, 398 * NS_PER_S, 0); /* late, not a step */
	assert_int_equal(at_ns - start_ns, 8 * NS_PER_S);
	at_ns = timeline_at(&timeline, 10 * NS_PER_S, 0);
	assert_int_equal(at_ns - start_ns, 11 * NS_PER_S);
	at_ns = timeline_at(&timeline, 12 * NS_PER_S, 3 * NS_PER_S); /* another boot */
	assert_int_equal(at_ns - start_ns, 13 * NS_PER_S);
	at_ns = timeline_at(&timeline, 13 * NS_PER_S, 4 * NS_PER_S);
	assert_int_equal(at_ns - start_ns, 14 * NS_PER_S);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(far_more_crashes_than_usual_are_unusual),
		TEST(what_is_usual_is_learnt),
		TEST(an_attack_does_not_teach_that_it_is_usual),
		TEST(ten_unrelated_crashes_are_nothing),
		TEST(crashes_held_back_weigh),
		TEST(crashes_held_back_are_not_those_of_one_line),
		TEST(crashes_that_others_told_do_not_weigh_twice),
		TEST(crashes_that_nobody_names_have_a_rate),
		TEST(records_that_were_lost_weigh),
		TEST(one_crash_told_by_many_counts_once),
		TEST(a_crash_without_executable_finds_its_program),
		TEST(a_case_is_raised_once_told_again_and_resolved),
		TEST(keys_tell_cases_apart),
		TEST(justification_decides_what_is_shown),
		TEST(histories_are_bounded),
		TEST(identity_is_carried),
		TEST(a_step_of_the_wall_clock_breaks_nothing),
		TEST(a_suspended_machine_breaks_nothing),
		TEST(time_never_runs_backwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

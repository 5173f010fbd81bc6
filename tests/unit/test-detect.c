/* SPDX-License-Identifier: Apache-2.0 */
/* What a run of crashes means: events in, detections out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bench-detect.h"

#include <errno.h>
#include <jansson.h>

/* --- register probes --- */

static void registers_that_step_are_a_probe(void **state)
{
	static const char *const names[] = { "RDI", "RSI", "RIP" };
	struct bench *bench = *state;

	for (size_t n = 0; n < array_count(names); n++) {
		for (uint64_t value = 0; value < 8; value++)
			take_dump(bench, names[n], "%016llx", 0x7f32b0001000 + value);
		assert_int_equal(bench_raised(bench, EVENT_register_probe), 0);
		take_dump(bench, names[n], "0033:0x%llx", 0x7f32b0001008);
		assert_int_equal(bench_raised(bench, EVENT_register_probe), 1);
		assert_true(slice_is(event_text_of(bench_last(bench, EVENT_register_probe),
						   FIELD_detection_register),
				     names[n]));
		bench_forget_told(bench);
		bench_restart(bench);
	}
}

static void a_probe_shows_its_values(void **state)
{
	struct bench *bench = *state;
	const struct event *event;
	struct slice values;
	json_t *root;

	for (uint64_t value = 9; value-- > 0;)
		take_dump(bench, "RDI", "%016llx", 0x7f32b0001000 + value);
	event = bench_last(bench, EVENT_register_probe);
	values = event_text_of(event, FIELD_detection_values);
	root = json_loadb(values.at, values.bytes, 0, NULL);
	assert_int_equal(json_array_size(root), 9);
	assert_string_equal(json_string_value(json_array_get(root, 0)), "0x7f32b0001000");
	assert_string_equal(json_string_value(json_array_get(root, 8)), "0x7f32b0001008");
	json_decref(root);
	assert_int_equal(event_number_of(event, FIELD_detection_count), 9);
	assert_false(event_has(event, FIELD_detection_events));
}

/* The kernel passes them to tgkill(2) when a program aborts: they step by themselves. */
static void process_ids_in_registers_are_none(void **state)
{
	struct bench *bench = *state;

	for (uint32_t n = 0; n < 40; n++) {
		char inner[32];
		const struct event_pair pair = { SLICE("RDI"), { inner, 0 } };
		struct shot shot = {
			.pid = 25484 + n, .signo = SIGSEGV, .registers = &pair, .register_count = 1
		};
		struct event event;

		snprintf(inner, sizeof(inner), "%016x", 211 + n);
		((struct event_pair *)&pair)->text.bytes = strlen(inner);
		shot_begin(bench, &event, EVENT_process_fatal_signal, &shot);
		detect_take(bench->detect, &event);
	}
	assert_int_equal(bench_raised(bench, EVENT_register_probe), 0);
}

static void arm_registers_are_known(void **state)
{
	struct bench *bench = *state;

	for (uint64_t value = 0; value < 9; value++)
		take_dump(bench, "x0", "%016llx", 0xffff8000 + 8 * value);
	assert_true(slice_is(
		event_text_of(bench_last(bench, EVENT_register_probe), FIELD_detection_register),
		"x0"));
}

static void neighbouring_places_are_a_probe_though_others_come_between(void **state)
{
	struct bench *bench = *state;

	take_pie(bench, 0x1000);
	take_pie(bench, 0x9000);
	take_pie(bench, 0x9000);
	take_pie(bench, 0x1009);
	take_dump(bench, "RDI", "%016llx", 0);
	assert_int_equal(bench_raised(bench, EVENT_register_probe), 0);
	take_pie(bench, 0x5000);
	take_pie(bench, 0x1008);
	assert_int_equal(bench_raised(bench, EVENT_register_probe), 1);
	assert_says(bench->told[0], "httpd+0x1000");
	assert_true(slice_is(event_text_of(bench->told[0], FIELD_detection_register), "ip"));
	assert_int_equal(bench->told[0]->severity, SEVERITY_error); /* it may be one bug's faces */
}

static void slow_steps_add_up(void **state)
{
	struct bench *bench = *state;

	for (uint64_t value = 0; value < 9; value++) {
		assert_int_equal(bench_raised(bench, EVENT_register_probe), 0);
		take_dump(bench, "RSP", "002b:%016llx", 0x7ffd00001000 + 8 * value);
		bench_tick(bench, 60 * NS_PER_S);
	}
	assert_int_equal(bench_raised(bench, EVENT_register_probe), 1);
	assert_int_equal(
		event_number_of(bench_last(bench, EVENT_register_probe), FIELD_detection_span),
		8 * 60 * NS_PER_S);
}

static void steps_outside_of_the_window_do_not(void **state)
{
	struct bench *bench = *state;

	for (uint64_t value = 0; value < 40; value++) {
		take_dump(bench, "RDI", "%016llx", 0x7f32b0001000 + value);
		bench_tick(bench, 3600 * NS_PER_S);
	}
	assert_int_equal(bench_raised(bench, EVENT_register_probe), 0);
}

static void two_programs_do_not_make_one_probe(void **state)
{
	struct bench *bench = *state;

	for (uint64_t n = 0; n < 8; n++) {
		take_trap(bench, &(struct shot){ .comm = n & 1 ? "smtpd" : "imapd",
						 .module = "libmail.so",
						 .start = 0x7f0000000000,
						 .offset = 0x100 + 8 * n });
	}
	assert_int_equal(bench->told_count, 0);
}

/* --- clusters --- */

static void many_places_close_together_are_a_cluster(void **state)
{
	struct bench *bench = *state;

	for (uint64_t n = 0; n < 4; n++)
		take_pie(bench, 0x1000 + 60 * n);
	take_pie(bench, 0x1000);
	assert_int_equal(bench->told_count, 0);
	take_pie(bench, 0x1000 + 60 * 4);
	assert_only(bench, EVENT_crash_cluster);
	assert_says(bench->told[0], "5 places within 240 bytes from httpd+0x1000");
	assert_true(slice_is(event_text_of(bench->told[0], FIELD_module), "httpd"));
	assert_int_equal(event_number_of(bench->told[0], FIELD_module_offset), 0x10f0);
	assert_int_equal(event_number_of(bench->told[0], FIELD_detection_count), 6);
}

static void many_places_anywhere_are_a_cluster(void **state)
{
	struct bench *bench = *state;

	for (uint64_t n = 0; n < 10; n++) {
		assert_int_equal(bench->told_count, 0);
		take_trap(bench, &(struct shot){ .exe = "/usr/bin/httpd",
						 .module = n & 1 ? "libc.so.6" : "httpd",
						 .start = 0x7f0000000000 + (n << 24),
						 .offset = 0x1000 + 0x777 * n });
		bench_tick(bench, 60 * NS_PER_S); /* one a minute */
	}
	assert_only(bench, EVENT_crash_cluster);
	assert_says(bench->told[0], "10 different places");
}

static void a_settled_cluster_needs_new_crashes(void **state)
{
	struct bench *bench = *state;

	for (uint64_t n = 0; n < 5; n++)
		take_pie(bench, 0x1000 + 60 * n);
	bench_tick(bench, 601 * NS_PER_S);
	assert_int_equal(bench_told(bench, EVENT_crash_cluster, "resolved"), 1);
	bench_forget_told(bench);
	for (uint64_t n = 0; n < 4; n++)
		take_pie(bench, 0x1000 + 60 * n);
	assert_int_equal(bench->told_count, 0);
	take_pie(bench, 0x1000 + 60 * 4);
	assert_only(bench, EVENT_crash_cluster);
}

static void containers_are_kept_apart(void **state)
{
	struct bench *bench = *state;

	for (uint64_t n = 0; n < 8; n++)
		take_trap(bench, &(struct shot){ .exe = "/usr/bin/httpd",
						 .container = n & 1 ? "aaaa" : "bbbb",
						 .module = "httpd",
						 .start = 0x55d0c0000000,
						 .offset = 0x1000 + 20 * n });
	assert_int_equal(bench->told_count, 0);
	take_trap(bench, &(struct shot){ .exe = "/usr/bin/httpd",
					 .container = "bbbb",
					 .module = "httpd",
					 .start = 0x55d0c0000000,
					 .offset = 0x1000 + 30 });
	assert_only(bench, EVENT_crash_cluster);
	assert_true(slice_is(event_text_of(bench->told[0], FIELD_container_id), "bbbb"));
	assert_says(bench->told[0], "in container bbbb");
}

static void a_pods_container_stays_itself_when_it_is_started_again(void **state)
{
	struct bench *bench = *state;
	char id[16];

	for (uint64_t n = 0; n < 5; n++) {
		struct shot shot = { .exe = "/app", .container = id, .signo = SIGSEGV };
		struct event event;

		snprintf(id, sizeof(id), "id%u", (unsigned int)n);
		shot_begin(bench, &event, EVENT_process_exit, &shot);
		event_text(&event, FIELD_pod_uid, SLICE("0f6b-11"));
		event_text(&event, FIELD_pod_container, SLICE("web"));
		event_text(&event, FIELD_pod_name, SLICE("shop-1"));
		detect_take(bench->detect, &event);
	}
	assert_only(bench, EVENT_crash_loop);
	assert_says(bench->told[0], "in pod shop-1");
}

static void take_seccomp(struct bench *bench, uint64_t number)
{
	struct shot shot = { .exe = "/app", .signo = SIGSYS };
	struct event event;

	shot_begin(bench, &event, EVENT_seccomp_action, &shot);
	event_number(&event, FIELD_syscall_number, number);
	detect_take(bench->detect, &event);
}

static void refused_system_calls_are_a_cluster(void **state)
{
	struct bench *bench = *state;

	for (uint64_t n = 0; n < 5; n++)
		take_seccomp(bench, 101 + 40 * n);
	assert_only(bench, EVENT_crash_cluster);
	assert_says(bench->told[0], "5 different system calls");
	assert_false(event_has(bench->told[0], FIELD_module));
}

static void one_refused_system_call_is_a_loop(void **state)
{
	struct bench *bench = *state;

	for (uint64_t n = 0; n < 20; n++)
		take_seccomp(bench, 101);
	assert_only(bench, EVENT_crash_loop);
	assert_says(bench->told[0], "system call 101");
}

/* --- crash loops --- */

static void one_place_again_and_again_is_a_plain_bug(void **state)
{
	struct bench *bench = *state;

	for (int n = 0; n < 4; n++)
		take_pie(bench, 0x1234);
	assert_int_equal(bench->told_count, 0);
	for (int n = 4; n < 2000; n++) {
		take_pie(bench, 0x1234);
		bench_pass(bench, 20 * NS_PER_MS);
		if (n % 250 == 0)
			take_suppressed(bench, 240);
	}
	bench_tick(bench, 20 * NS_PER_S);
	assert_only(bench, EVENT_crash_loop);
	assert_int_equal(bench->told[0]->severity, SEVERITY_warning);
	assert_int_equal(event_number_of(bench->told[0], FIELD_module_offset), 0x1234);
	assert_false(event_has(bench->told[0], FIELD_technique_id));
	assert_true(event_number_of(bench->told[bench->told_count - 1], FIELD_detection_count) >
		    2000);
}

static void a_bug_that_strikes_seldom_is_no_loop(void **state)
{
	struct bench *bench = *state;

	for (int n = 0; n < 10; n++) {
		take_pie(bench, 0x1234);
		bench_tick(bench, 7 * 3600 * NS_PER_S);
	}
	assert_int_equal(bench->told_count, 0);
}

static void one_place_and_aborts_elsewhere_are_not(void **state)
{
	struct bench *bench = *state;

	for (int n = 0; n < 12; n++) {
		take_pie(bench, 0x1234);
		take_exit(bench, &(struct shot){ .signo = n ? SIGSEGV : SIGABRT });
	}
	assert_only(bench, EVENT_crash_rate);
}

static void a_forked_workers_bug_is_one_too(void **state)
{
	struct bench *bench = *state;

	for (uint32_t n = 0; n < 500; n++) {
		struct shot shot = { .comm = "httpd",
				     .exe = "/usr/bin/httpd",
				     .ancestors = "httpd[70] < systemd[1]",
				     .ppid = 70,
				     .pid = 900 + n,
				     .module = "httpd",
				     .start = 0x55d0c0000000,
				     .offset = 0x1234,
				     .address = 8 };

		if (n % 50 < 10)
			take_trap(bench, &shot);
		shot.signo = SIGSEGV;
		take_exit(bench, &shot);
		bench_pass(bench, 10 * NS_PER_MS);
	}
	assert_only(bench, EVENT_crash_loop);
}

static void a_call_through_null_is_one_too(void **state)
{
	struct bench *bench = *state;
	struct event event;

	for (int n = 0; n < 40; n++) {
		struct shot shot = { .exe = "/usr/bin/httpd", .signo = SIGSEGV };

		shot_begin(bench, &event, EVENT_process_trap, &shot);
		event_text(&event, FIELD_trap, SLICE("segfault"));
		event_number(&event, FIELD_fault_ip, 0);
		event_number(&event, FIELD_fault_address, 0);
		detect_take(bench->detect, &event);
	}
	assert_only(bench, EVENT_crash_loop);
	assert_says(bench->told[0], "a call to 0x0");
}

static void aborts_of_a_service_started_again_are_one_too(void **state)
{
	struct bench *bench = *state;

	for (uint32_t n = 0; n < 60; n++) {
		take_exit(bench, &(struct shot){ .exe = "/usr/bin/httpd",
						 .ancestors = "systemd[1]",
						 .ppid = 1,
						 .signo = SIGABRT });
		bench_pass(bench, 100 * NS_PER_MS);
	}
	assert_only(bench, EVENT_crash_loop);
	assert_says(bench->told[0], "SIGABRT");
}

/* --- canaries --- */

static void take_child(struct bench *bench, int signo)
{
	take_exit(bench, &(struct shot){ .comm = "httpd",
					 .exe = "/usr/bin/httpd",
					 .ancestors = "httpd[70] < systemd[1]",
					 .ppid = 70,
					 .signo = signo });
}

static void children_that_abort_fast_are_a_canary_probe(void **state)
{
	struct bench *bench = *state;

	for (int n = 0; n < 19; n++) {
		take_child(bench, SIGABRT);
		bench_pass(bench, 100 * NS_PER_MS);
	}
	assert_int_equal(bench->told_count, 0);
	take_child(bench, SIGABRT);
	assert_only(bench, EVENT_canary_probe);
	assert_says(bench->told[0], "20 forked children of httpd crashed within 1900 ms");
	assert_int_equal(event_number_of(bench->told[0], FIELD_ppid), 70);
	assert_int_equal(bench->told[0]->severity, SEVERITY_critical);
	assert_true(slice_is(event_text_of(bench->told[0], FIELD_technique_id), "T1190"));
}

static void children_that_abort_slowly_are_one_too(void **state)
{
	struct bench *bench = *state;

	for (int n = 0; n < 60; n++) {
		assert_int_equal(bench->told_count, 0);
		take_child(bench, SIGABRT);
		bench_tick(bench, 60 * NS_PER_S);
	}
	assert_only(bench, EVENT_canary_probe);
}

static void musls_check_counts_as_an_abort(void **state)
{
	struct bench *bench = *state;

	for (int n = 0; n < 20; n++) {
		take_trap(bench, &(struct shot){ .comm = "httpd",
						 .ancestors = "httpd[70] < init[1]",
						 .ppid = 70,
						 .trap = "general_protection",
						 .module = "ld-musl-x86_64.so.1",
						 .start = 0x7f0000000000,
						 .offset = 0x1c1a5 });
		bench_pass(bench, 50 * NS_PER_MS);
	}
	assert_int_equal(bench_raised(bench, EVENT_canary_probe), 1);
}

/* kernel.print-fatal-signals tells where the thread's storage is, which forked children share. */
static void dumps_of_aborts_are_told_apart_by_layout(void **state)
{
	struct bench *bench = *state;

	for (int forked = 0; forked < 2; forked++) {
		for (uint64_t n = 0; n < 20; n++) {
			char text[24];
			struct event_pair pair = { SLICE("FS"), { text, 0 } };
			struct shot shot = { .comm = forked ? "forks" : "execs",
					     .signo = SIGABRT,
					     .registers = &pair,
					     .register_count = 1 };
			struct event event;

			pair.text.bytes =
				(size_t)snprintf(text, sizeof(text), "%016llx",
						 0x7f3b147d4740ull + (forked ? 0 : 0x123000 * n));
			shot_begin(bench, &event, EVENT_process_fatal_signal, &shot);
			detect_take(bench->detect, &event);
		}
		assert_int_equal(bench_raised(bench, EVENT_canary_probe), forked);
	}
	assert_int_equal(bench_raised(bench, EVENT_crash_loop), 1);
}

static void a_settled_canary_probe_needs_new_aborts(void **state)
{
	struct bench *bench = *state;

	for (int n = 0; n < 60; n++)
		take_child(bench, SIGABRT);
	bench_tick(bench, 601 * NS_PER_S);
	assert_int_equal(bench_told(bench, EVENT_canary_probe, "resolved"), 1);
	bench_forget_told(bench);
	bench_pass(bench, NS_PER_S);
	for (int n = 0; n < 19; n++)
		take_child(bench, SIGABRT);
	assert_int_equal(bench->told_count, 0);
	take_child(bench, SIGABRT);
	assert_only(bench, EVENT_canary_probe);
}

/* Without exit records and parents: that the layout stays the same tells that they fork. */
static void a_return_address_guessed_byte_by_byte_is_one(void **state)
{
	struct bench *bench = *state;

	for (uint64_t guess = 0; guess < 8; guess++) {
		uint64_t ip = 0x56070fa77319 + (guess << 40);

		assert_int_equal(bench->told_count, 0);
		take_trap(bench, &(struct shot){ .ip = ip, .address = ip });
		bench_tick(bench, 30 * NS_PER_S);
	}
	assert_only(bench, EVENT_canary_probe);
	assert_says(bench->told[0], "8 of them jumps to nowhere");
}

static void random_jumps_of_fresh_processes_are_none(void **state)
{
	struct bench *bench = *state;

	for (uint64_t n = 1; n <= 18; n++) {
		uint64_t ip = 0x550000000000 + (n * 0x9e3779b97f4a7c15 & 0xffffffff000);

		take_trap(bench, &(struct shot){ .ip = ip, .address = ip });
		bench_tick(bench, 30 * NS_PER_S);
	}
	assert_int_equal(bench->told_count, 0);
}

/* --- a real attack --- */

static struct slice replay_word(struct slice *line)
{
	struct slice word = { "", 0 };

	if (!slice_cut(line, ' ', &word)) {
		word = *line;
		*line = (struct slice){ "", 0 };
	}
	return word;
}

static uint64_t replay_hex(struct slice *line)
{
	uint64_t value = 0;

	slice_hex(replay_word(line), &value);
	return value;
}

static void replay_trap(struct event *event, struct slice line)
{
	struct slice word;
	uint64_t number;

	event_text(event, FIELD_trap, replay_word(&line));
	word = replay_word(&line);
	if (slice_hex(word, &number))
		event_number(event, FIELD_fault_address, number);
	event_number(event, FIELD_fault_ip, replay_hex(&line));
	event_number(event, FIELD_fault_code, replay_hex(&line));
	word = replay_word(&line);
	if (!word.bytes)
		return;
	event_text(event, FIELD_module, word);
	event_number(event, FIELD_module_start, replay_hex(&line));
	event_number(event, FIELD_module_offset, replay_hex(&line));
}

/* Which of a recording's lines an agent sees. */
enum replay_part { REPLAY_all, REPLAY_log };

static void replay_line(struct bench *bench, struct slice line, enum replay_part part)
{
	bool is_trap = slice_is(replay_word(&line), "trap");
	struct slice ms = replay_word(&line), whole = ms;
	uint64_t thousandths, units, number;
	struct event event;

	assert_true(slice_cut(&ms, '.', &whole) && slice_u64(whole, &units) &&
		    slice_u64(ms, &thousandths) && slice_u64(replay_word(&line), &number));
	if (!is_trap && part == REPLAY_log)
		return;
	units = units * NS_PER_MS + thousandths * NS_PER_US;
	event_init(&event, is_trap ? EVENT_process_trap : EVENT_process_exit,
		   bench->wall_ns + units, bench->boot_ns + units);
	event_number(&event, FIELD_pid, number);
	event_text(&event, FIELD_comm, SLICE("victim"));
	if (part == REPLAY_all) {
		event_text(&event, FIELD_exe, SLICE("/srv/victim"));
		event_text(&event, FIELD_ancestors, SLICE("victim[1905] < systemd[1]"));
		event_number(&event, FIELD_ppid, 1905);
	}
	if (is_trap)
		replay_trap(&event, line);
	else if (slice_u64(replay_word(&line), &number))
		event_signal(&event, (int)number);
	detect_take(bench->detect, &event);
}

/* Returns after how many lines the first detection came. */
static size_t replay(struct bench *bench, const char *name, enum replay_part part)
{
	auto_free char *line = NULL;
	size_t room = 0, count = 0, first = 0;
	char path[256];
	ssize_t bytes;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", FIXTURES, name);
	file = fopen(path, "re");
	assert_non_null(file);
	while ((bytes = getline(&line, &room, file)) > 0) {
		if (line[0] == '#')
			continue;
		replay_line(bench, slice_trim((struct slice){ line, (size_t)bytes }), part);
		count++;
		if (!first && bench->told_count)
			first = count;
	}
	fclose(file);
	assert_true(count > 500);
	return first;
}

static void a_real_attack_is_seen_at_its_twentieth_crash(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(replay(bench, "default.txt", REPLAY_all), 20);
	assert_int_equal(bench->told[0]->kind, EVENT_canary_probe);
	assert_says(bench->told[0], "20 of them aborted");
	bench_tick(bench, 11 * NS_PER_S);
	assert_int_equal(
		event_number_of(bench_last(bench, EVENT_canary_probe), FIELD_detection_count),
		1538);
	assert_int_equal(bench_raised(bench, EVENT_crash_loop), 0);
	assert_int_equal(bench_raised(bench, EVENT_crash_rate), 0);
}

/* Ten lines of 1538 crashes: one layout, two places and four addresses are no one bug. */
static void ten_lines_raise_a_suspicion(void **state)
{
	struct bench *bench = *state;
	const struct event *event;

	replay(bench, "default.txt", REPLAY_log);
	event = bench_last(bench, EVENT_canary_probe);
	assert_int_equal(event_number_of(event, FIELD_detection_score), 45);
	assert_int_equal(event->severity, SEVERITY_error);
}

static void the_kernel_log_alone_shows_its_later_part(void **state)
{
	struct bench *bench = *state;

	replay(bench, "lines.txt", REPLAY_log);
	assert_int_equal(bench_raised(bench, EVENT_canary_probe), 1);
	assert_int_equal(bench_raised(bench, EVENT_register_probe), 1);
	assert_int_equal(bench_raised(bench, EVENT_crash_cluster), 1);
}

/* --- settings --- */

static void contradicting_settings_are_refused(void **state)
{
	struct bench *bench = *state;
	const struct detect_env env = { &bench->settings, &bench->origin, &bench->port, NULL };
	struct detect *detect = NULL;
	struct error err;

	bench->settings.event_drop_count = 21;
	assert_int_equal(detect_new(&detect, &env, &err), -EINVAL);
	assert_non_null(strstr(err.text, "analytics.event_drop_count"));
	assert_null(detect);
	bench->settings.event_drop_count = 20;
	bench->settings.canary_window_ns = bench->settings.window_ns + 1;
	assert_int_equal(detect_new(&detect, &env, &err), -EINVAL);
	bench->settings.canary_window_ns = 1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(registers_that_step_are_a_probe),
		TEST(a_probe_shows_its_values),
		TEST(process_ids_in_registers_are_none),
		TEST(arm_registers_are_known),
		TEST(neighbouring_places_are_a_probe_though_others_come_between),
		TEST(slow_steps_add_up),
		TEST(steps_outside_of_the_window_do_not),
		TEST(two_programs_do_not_make_one_probe),
		TEST(many_places_close_together_are_a_cluster),
		TEST(many_places_anywhere_are_a_cluster),
		TEST(a_settled_cluster_needs_new_crashes),
		TEST(containers_are_kept_apart),
		TEST(a_pods_container_stays_itself_when_it_is_started_again),
		TEST(refused_system_calls_are_a_cluster),
		TEST(one_refused_system_call_is_a_loop),
		TEST(one_place_again_and_again_is_a_plain_bug),
		TEST(a_bug_that_strikes_seldom_is_no_loop),
		TEST(one_place_and_aborts_elsewhere_are_not),
		TEST(a_forked_workers_bug_is_one_too),
		TEST(a_call_through_null_is_one_too),
		TEST(aborts_of_a_service_started_again_are_one_too),
		TEST(children_that_abort_fast_are_a_canary_probe),
		TEST(children_that_abort_slowly_are_one_too),
		TEST(musls_check_counts_as_an_abort),
		TEST(dumps_of_aborts_are_told_apart_by_layout),
		TEST(a_settled_canary_probe_needs_new_aborts),
		TEST(a_return_address_guessed_byte_by_byte_is_one),
		TEST(random_jumps_of_fresh_processes_are_none),
		TEST(a_real_attack_is_seen_at_its_twentieth_crash),
		TEST(ten_lines_raise_a_suspicion),
		TEST(the_kernel_log_alone_shows_its_later_part),
		TEST(contradicting_settings_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

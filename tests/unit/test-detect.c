/* SPDX-License-Identifier: Apache-2.0 */
/* What a run of crashes means: events in, detections out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "detect/detect.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>

#include "detect/timeline.h"
#include "event/metrics.h"

/* --- the bench: a detector, and what comes out of it --- */

#define TOLD_MAX 512

struct bench {
	struct detect_settings settings;
	struct event_origin origin;
	struct event_port port;
	struct metrics metrics;
	struct detect *detect;
	uint64_t wall_ns, boot_ns;
	struct event *told[TOLD_MAX];
	size_t told_count;
};

static void bench_emit(struct event_port *port, struct event *event)
{
	struct bench *bench = container_of(port, struct bench, port);

	assert_true(bench->told_count < TOLD_MAX);
	bench->told[bench->told_count++] = event_dup(event);
	detect_take(bench->detect, event); /* as an agent does with whatever it passes on */
}

static void bench_start(struct bench *bench)
{
	const struct detect_env env = { &bench->settings, &bench->origin, &bench->port,
					&bench->metrics };
	struct error err;

	assert_int_equal(detect_new(&bench->detect, &env, &err), 0);
}

static int bench_setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	detect_settings_init(&bench->settings);
	bench->origin = (struct event_origin){ .host = "node-7", .run_id = "0123456789abcdef" };
	bench->port.emit = bench_emit;
	bench->wall_ns = 1795320000 * NS_PER_S;
	bench->boot_ns = 5000 * NS_PER_S;
	metrics_init(&bench->metrics, metric_kinds, METRIC_COUNT);
	bench_start(bench);
	*state = bench;
	return 0;
}

static void bench_forget_told(struct bench *bench)
{
	while (bench->told_count)
		free(bench->told[--bench->told_count]);
}

static int bench_teardown(void **state)
{
	struct bench *bench = *state;

	bench_forget_told(bench);
	detect_free(bench->detect);
	metrics_done(&bench->metrics);
	free(bench);
	return 0;
}

/* With other settings than it was made with. */
static void bench_restart(struct bench *bench)
{
	detect_free(bench->detect);
	bench_start(bench);
}

static void bench_pass(struct bench *bench, uint64_t ns)
{
	bench->wall_ns += ns;
	bench->boot_ns += ns;
}

static void bench_tick(struct bench *bench, uint64_t ns)
{
	bench_pass(bench, ns);
	detect_tick(bench->detect, bench->wall_ns);
}

static size_t bench_told(const struct bench *bench, enum event_kind kind, const char *state)
{
	size_t count = 0;

	for (size_t n = 0; n < bench->told_count; n++)
		count += bench->told[n]->kind == kind &&
			 slice_is(event_text_of(bench->told[n], FIELD_detection_state), state);
	return count;
}

static size_t bench_raised(const struct bench *bench, enum event_kind kind)
{
	return bench_told(bench, kind, "raised");
}

/* The last of a kind. */
static const struct event *bench_last(const struct bench *bench, enum event_kind kind)
{
	for (size_t n = bench->told_count; n-- > 0;)
		if (bench->told[n]->kind == kind)
			return bench->told[n];
	fail_msg("no %s was told", event_kinds[kind].name);
	return NULL;
}

static void assert_only(const struct bench *bench, enum event_kind kind)
{
	for (size_t n = 0; n < bench->told_count; n++)
		assert_string_equal(event_kinds[bench->told[n]->kind].name, event_kinds[kind].name);
	assert_true(bench->told_count > 0);
}

static void assert_says(const struct event *event, const char *words)
{
	struct slice reason = event_text_of(event, FIELD_detection_reason);

	if (slice_find(reason, slice_of(words)) < 0)
		fail_msg("'%.*s' does not say '%s'", SLICE_ARG(reason), words);
}

/* --- crashes --- */

struct shot {
	const char *comm, *exe, *container, *ancestors;
	uint32_t pid, ppid;
	const char *trap; /* NULL: "segfault" */
	uint64_t ip, address;
	const char *module; /* NULL: none */
	uint64_t start, offset;
	int signo;
	const struct event_pair *registers;
	size_t register_count;
};

static uint32_t shot_next_pid = 3000;

static void shot_begin(struct bench *bench, struct event *event, enum event_kind kind,
		       const struct shot *shot)
{
	event_init(event, kind, bench->wall_ns, bench->boot_ns);
	event_number(event, FIELD_pid, shot->pid ? shot->pid : (shot_next_pid += 7));
	event_text(event, FIELD_comm, slice_of(shot->comm ? shot->comm : "httpd"));
	if (shot->exe)
		event_text(event, FIELD_exe, slice_of(shot->exe));
	if (shot->ppid)
		event_number(event, FIELD_ppid, shot->ppid);
	if (shot->ancestors)
		event_text(event, FIELD_ancestors, slice_of(shot->ancestors));
	if (shot->container)
		event_text(event, FIELD_container_id, slice_of(shot->container));
	if (shot->signo)
		event_signal(event, shot->signo);
	if (shot->register_count)
		event_map(event, FIELD_registers,
			  (struct event_map){ shot->registers, shot->register_count });
}

static void take_trap(struct bench *bench, const struct shot *shot)
{
	struct event event;

	shot_begin(bench, &event, EVENT_process_trap, shot);
	if (!shot->signo)
		event_signal(&event, SIGSEGV);
	event_text(&event, FIELD_trap, slice_of(shot->trap ? shot->trap : "segfault"));
	event_number(&event, FIELD_fault_ip, shot->ip ? shot->ip : shot->start + shot->offset);
	if (shot->address)
		event_number(&event, FIELD_fault_address, shot->address);
	if (shot->module) {
		event_text(&event, FIELD_module, slice_of(shot->module));
		event_number(&event, FIELD_module_start, shot->start);
		event_number(&event, FIELD_module_offset, shot->offset);
	}
	detect_take(bench->detect, &event);
}

static void take_exit(struct bench *bench, const struct shot *shot)
{
	struct event event;

	shot_begin(bench, &event, EVENT_process_exit, shot);
	detect_take(bench->detect, &event);
}

/* A dump with one register that matters. */
static void take_dump(struct bench *bench, const char *name, const char *fmt, uint64_t value)
{
	char text[64];
	struct event_pair pairs[2] = { { SLICE("RBX"), SLICE("0000000000000000") },
					 { slice_of(name), { text, 0 } } };
	struct shot shot = { .signo = SIGSEGV, .registers = pairs, .register_count = 2 };
	struct event event;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	pairs[1].text.bytes = (size_t)snprintf(text, sizeof(text), fmt, (unsigned long long)value);
#pragma GCC diagnostic pop
	shot_begin(bench, &event, EVENT_process_fatal_signal, &shot);
	detect_take(bench->detect, &event);
}

static void take_suppressed(struct bench *bench, uint64_t count)
{
	struct event event;

	event_init(&event, EVENT_kmsg_suppressed, bench->wall_ns, bench->boot_ns);
	event_text(&event, FIELD_suppressed_function, SLICE("show_signal_msg"));
	event_number(&event, FIELD_suppressed_count, count);
	detect_take(bench->detect, &event);
}

/* A crash of a position-independent worker: the file's offset stays, the address doesn't. */
static void take_pie(struct bench *bench, uint64_t offset)
{
	static uint64_t start = 0x55d0c0000000;

	start += 0x12345000;
	bench_pass(bench, NS_PER_MS);
	take_trap(bench,
		  &(struct shot){
			  .module = "httpd", .start = start, .offset = offset, .address = 8 });
}

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
		TEST(contradicting_settings_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* bench-detect - what tests of detectors stand on: a detector, crashes for it, what it told. */
#ifndef TESTS_UNIT_BENCH_DETECT_H
#define TESTS_UNIT_BENCH_DETECT_H

#include <signal.h>

#include "detect/detect.h"
#include "event/metrics.h"

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

#endif

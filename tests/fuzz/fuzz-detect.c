/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-detect - any bytes as a run of events: every four to twelve bytes are one.
 *
 * Whatever comes, histories stay bounded, detections are well-formed, and a case is resolved only
 * after it was raised.
 */
#include <assert.h>

#include "detect/detect.h"

#define FUZZ_PROGRAMS 4
#define FUZZ_CASES    64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

struct fuzz {
	struct slice rest;
	uint64_t wall_ns, boot_ns;
	struct event_port port;
	/* Keys of the cases that are open. */
	char open[FUZZ_CASES][17];
};

static uint8_t fuzz_byte(struct fuzz *fuzz)
{
	uint8_t byte = fuzz->rest.bytes ? (uint8_t)fuzz->rest.at[0] : 0;

	fuzz->rest = slice_skip(fuzz->rest, 1);
	return byte;
}

/* The slot of a key, or a free one. */
static char *fuzz_case(struct fuzz *fuzz, struct slice key)
{
	char *free_slot = NULL;

	for (size_t n = 0; n < FUZZ_CASES; n++) {
		if (slice_is(key, fuzz->open[n]))
			return fuzz->open[n];
		if (!fuzz->open[n][0])
			free_slot = fuzz->open[n];
	}
	return free_slot;
}

static void fuzz_emit(struct event_port *port, struct event *event)
{
	struct fuzz *fuzz = container_of(port, struct fuzz, port);
	struct slice key = event_text_of(event, FIELD_detection_key);
	char *slot = fuzz_case(fuzz, key);

	assert(key.bytes == 16 && slot);
	assert(event_number_of(event, FIELD_detection_score) <= 100);
	assert(event_text_of(event, FIELD_detection_reason).bytes);
	if (slice_is(event_text_of(event, FIELD_detection_state), "resolved")) {
		assert(slot[0]);
		slot[0] = '\0';
	} else {
		slice_copy(key, slot, 17);
	}
}

static void fuzz_put_trap(struct fuzz *fuzz, struct event *event)
{
	static const char *const modules[] = { "httpd", "libc.so.6", "ld-musl-x86_64.so.1" };
	uint8_t how = fuzz_byte(fuzz);
	uint64_t start = 0x7f0000000000 + ((uint64_t)(how & 3) << 20);
	uint64_t offset = (uint64_t)fuzz_byte(fuzz) << (how >> 5);

	event_text(event, FIELD_trap, how & 4 ? SLICE("segfault") : SLICE("general_protection"));
	event_number(event, FIELD_fault_ip, start + offset);
	if (how & 8)
		event_number(event, FIELD_fault_address, start + fuzz_byte(fuzz));
	if (!(how & 16))
		return;
	event_text(event, FIELD_module, slice_of(modules[how % array_count(modules)]));
	event_number(event, FIELD_module_start, start);
	event_number(event, FIELD_module_offset, offset);
}

static void fuzz_take(struct fuzz *fuzz, struct detect *detect)
{
	static const enum event_kind kinds[] = { EVENT_process_trap,   EVENT_process_fatal_signal,
						 EVENT_process_exit,   EVENT_process_abend,
						 EVENT_seccomp_action, EVENT_process_exec };
	static const char *const names[] = { "RDI", "RSP", "pc", "FS", "x0" };
	uint8_t what = fuzz_byte(fuzz), who = fuzz_byte(fuzz);
	struct event_pair pair = { slice_of(names[what % array_count(names)]), { "", 0 } };
	char exe[] = "/bin/0";
	struct event event;

	event_init(&event, kinds[what % array_count(kinds)], fuzz->wall_ns, fuzz->boot_ns);
	exe[5] = (char)('0' + who % 8);
	event_number(&event, FIELD_pid, fuzz_byte(fuzz));
	event_number(&event, FIELD_ppid, who >> 6);
	event_text(&event, FIELD_comm, SLICE("httpd"));
	if (who & 8)
		event_text(&event, FIELD_exe, slice_of(exe));
	if (who & 16)
		event_text(&event, FIELD_ancestors, SLICE("httpd[1]"));
	if (who & 32)
		event_text(&event, FIELD_container_id, slice_of(exe));
	if (what & 128 && event_kind_has(event.kind, FIELD_signal))
		event_signal(&event, 1 + fuzz_byte(fuzz) % 64);
	if (event.kind == EVENT_process_trap)
		fuzz_put_trap(fuzz, &event);
	if (event.kind == EVENT_seccomp_action)
		event_number(&event, FIELD_syscall_number, fuzz_byte(fuzz));
	if (event_kind_has(event.kind, FIELD_registers)) {
		size_t length = fuzz_byte(fuzz) % 20;

		pair.text = slice_first(fuzz->rest, length);
		fuzz->rest = slice_skip(fuzz->rest, length);
		event_map(&event, FIELD_registers, (struct event_map){ &pair, 1 });
	}
	detect_take(detect, &event);
}

static void fuzz_take_count(struct fuzz *fuzz, struct detect *detect, bool lost)
{
	struct event event;

	event_init(&event, lost ? EVENT_loss : EVENT_kmsg_suppressed, fuzz->wall_ns, fuzz->boot_ns);
	event_text(&event, lost ? FIELD_loss_place : FIELD_suppressed_function,
		   lost ? SLICE("/dev/kmsg") : SLICE("show_signal_msg"));
	event_number(&event, lost ? FIELD_loss_count : FIELD_suppressed_count,
		     (uint64_t)fuzz_byte(fuzz) << (fuzz_byte(fuzz) % 64));
	detect_take(detect, &event);
}

static void fuzz_pass_time(struct fuzz *fuzz)
{
	uint8_t how = fuzz_byte(fuzz);
	uint64_t ns = (uint64_t)fuzz_byte(fuzz) << (how % 60);

	if (how & 64)
		fuzz->wall_ns -= ns;
	else
		fuzz->wall_ns += ns;
	if (how & 128)
		fuzz->boot_ns += ns;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct fuzz fuzz = { .rest = { (const char *)data, bytes },
			     .wall_ns = 1795320000 * NS_PER_S,
			     .port.emit = fuzz_emit };
	struct event_origin origin = { .host = "host", .run_id = "0" };
	struct detect_settings settings;
	struct detect_env env = { &settings, &origin, &fuzz.port, NULL };
	struct detect *detect;
	uint8_t op;

	detect_settings_init(&settings);
	settings.programs = FUZZ_PROGRAMS;
	settings.justification = DETECT_JUSTIFY_full;
	if (detect_new(&detect, &env, NULL) < 0)
		return 0;
	while (fuzz.rest.bytes) {
		op = fuzz_byte(&fuzz);
		if (op % 8 < 5)
			fuzz_take(&fuzz, detect);
		else if (op % 8 == 5)
			fuzz_take_count(&fuzz, detect, op & 8);
		else if (op % 8 == 6)
			fuzz_pass_time(&fuzz);
		else
			detect_tick(detect, fuzz.wall_ns);
	}
	detect_free(detect);
	return 0;
}

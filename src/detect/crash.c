/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/crash.h"

#include <signal.h>

/* ASLR places nothing below; an executable that isn't position-independent stands there. */
#define CRASH_ASLR_LEAST (1ull << 32)

const struct crash_value_row crash_values[VALUE_COUNT] = {
#define X(id, x86_64, i386, arm64, step, small_step)                                               \
	[VALUE_##id] = { { x86_64, i386, arm64 }, step, small_step },
	CRASH_VALUES(X)
#undef X
};

static void crash_put(struct crash *crash, enum crash_value_id id, uint64_t value, size_t name)
{
	crash->has |= 1u << id;
	crash->values[id] = value;
	crash->names[id] = (unsigned char)name;
}

/* By these a process ends that did what it must not; by others somebody wished it to end. */
static bool crash_is_signal(uint64_t signo)
{
	static const uint64_t signals = 1ull << SIGILL | 1ull << SIGTRAP | 1ull << SIGABRT |
					1ull << SIGBUS | 1ull << SIGFPE | 1ull << SIGSEGV |
					1ull << SIGSYS;

	return signo < 64 && (signals >> signo & 1);
}

/* The nearest ancestor has the same name: "nginx[12] < systemd[1]". */
static bool crash_is_forked(const struct event *event)
{
	struct slice comm = event_text_of(event, FIELD_comm);
	struct slice parent = event_text_of(event, FIELD_ancestors);

	return comm.bytes && slice_eat(&parent, comm) &&
	       slice_starts(parent, SLICE("[")) &&
			    slice_eat(&parent, SLICE("[")) &&
				      slice_eat_u64(&parent, &(uint64_t){ 0 }) &&
				      slice_starts(parent, SLICE("]"));
}

/* "0033:0x7f32..." and "002b:00007ffd... EFLAGS" as well as the bare number. */
static bool crash_eat_register(struct slice text, uint64_t *ret_value)
{
	ssize_t colon = slice_find_last(text, SLICE(":"));

	text = slice_trim(slice_skip(text, (size_t)(colon + 1)));
	return slice_eat_hex(&text, ret_value);
}

static void crash_read_register(struct crash *crash, const struct event_pair *pair)
{
	struct slice name = slice_trim(pair->name);
	uint64_t value;

	for (size_t id = VALUE_pc; id < VALUE_COUNT; id++)
		for (size_t n = 0; n < CRASH_NAMES; n++)
			if (slice_is(name, crash_values[id].names[n]) &&
			    crash_eat_register(pair->text, &value)) {
				crash_put(crash, (enum crash_value_id)id, value, n);
				return;
			}
	/* The thread's own storage: where its segment register points. */
	if (slice_is(name, "FS") && crash_eat_register(pair->text, &value) &&
	    value >= CRASH_ASLR_LEAST) {
		crash->layout = SLICE("FS");
		crash->layout_start = value;
	}
}

static void crash_read_registers(struct crash *crash)
{
	const struct event_value *value = event_find(crash->event, FIELD_registers);

	for (size_t n = 0; value && n < value->map.count; n++)
		crash_read_register(crash, &value->map.pairs[n]);
}

static void crash_read_place(struct crash *crash)
{
	struct slice module = event_text_of(crash->event, FIELD_module);
	uint64_t start = event_number_of(crash->event, FIELD_module_start);

	if (!module.bytes || !event_has(crash->event, FIELD_module_offset))
		return;
	crash->place = (struct crash_place){ PLACE_code, module,
					     event_number_of(crash->event, FIELD_module_offset) };
	if (start >= CRASH_ASLR_LEAST) {
		crash->layout = module;
		crash->layout_start = start;
	}
}

/* musl's stack check ends in a privileged instruction, not in abort(3). */
static bool crash_is_musl_check(const struct crash *crash)
{
	return slice_starts(crash->place.module, SLICE("ld-musl")) &&
			    slice_is(event_text_of(crash->event, FIELD_trap), "general_protection");
}

static void crash_read_trap(struct crash *crash)
{
	const struct event *event = crash->event;
	uint64_t ip = event_number_of(event, FIELD_fault_ip);
	uint64_t address = event_number_of(event, FIELD_fault_address);
	bool has_address = event_has(event, FIELD_fault_address);

	crash_read_place(crash);
	crash_read_registers(crash);
	if (crash_is_musl_check(crash))
		crash->facts |= FACT_abort;
	if (!event_has(event, FIELD_fault_ip))
		return;
	if (!(has_address && address == ip) &&
	    !slice_is(event_text_of(event, FIELD_fault_access), "execute")) {
		if (has_address)
			crash_put(crash, VALUE_address, address, 0);
		return;
	}
	/* It jumped where there is nothing to execute: the page it hit is no place of its code. */
	if (ip < CRASH_SMALL) {
		crash->place = (struct crash_place){ .kind = PLACE_null, .offset = ip };
		return;
	}
	crash->place = (struct crash_place){ 0 };
	crash_put(crash, VALUE_wild, ip, 0);
}

static void crash_read_seccomp(struct crash *crash)
{
	if (event_has(crash->event, FIELD_syscall_number))
		crash->place = (struct crash_place){
			.kind = PLACE_system_call,
			.offset = event_number_of(crash->event, FIELD_syscall_number),
		};
}

static const struct crash_reader {
	enum event_kind kind;
	enum crash_source source;
	bool needs_signal; /* without a deadly signal it is no crash */
	void (*read)(struct crash *crash);
} crash_readers[] = {
	{ EVENT_process_trap, CRASH_trap, false, crash_read_trap },
	{ EVENT_process_fatal_signal, CRASH_dump, true, crash_read_registers },
	{ EVENT_process_exit, CRASH_exit, true, NULL },
	{ EVENT_process_abend, CRASH_abend, true, NULL },
	{ EVENT_seccomp_action, CRASH_seccomp, true, crash_read_seccomp },
};

static const struct crash_reader *crash_reader_of(enum event_kind kind)
{
	for (size_t n = 0; n < array_count(crash_readers); n++)
		if (crash_readers[n].kind == kind)
			return &crash_readers[n];
	return NULL;
}

bool crash_read(const struct event *event, struct crash *ret_crash)
{
	const struct crash_reader *reader = crash_reader_of(event->kind);
	uint64_t signo = event_number_of(event, FIELD_signal_number);

	if (!reader)
		return false;
	/* seccomp(2)'s strict mode kills by SIGKILL. */
	if (signo && reader->source == CRASH_seccomp)
		signo = SIGSYS;
	if (!crash_is_signal(signo))
		signo = 0;
	if (reader->needs_signal && !signo)
		return false;
	*ret_crash = (struct crash){
		.event = event,
		.source = reader->source,
		.pid = (uint32_t)event_number_of(event, FIELD_pid),
		.ppid = (uint32_t)event_number_of(event, FIELD_ppid),
		.signo = (int)signo,
		.facts = FACT_crash | (signo == SIGABRT ? FACT_abort : 0),
		.forked = crash_is_forked(event),
	};
	if (reader->read)
		reader->read(ret_crash);
	if (ret_crash->place.kind)
		ret_crash->facts |= FACT_place;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events in the schema of polytect's last generation. Its consumers check the names, the order is
 * free, absent options may be left out. It wants numbers where we know that they lose bits above
 * 2^53 in some readers: that is its word, not ours.
 */
#include "event/encode.h"

#include <signal.h>

#include "base/clock.h"
#include "base/json.h"

static void v1_text(struct json *json, struct slice key, struct slice value)
{
	json_key(json, key);
	json_text(json, value);
}

static void v1_number(struct json *json, struct slice key, uint64_t value)
{
	json_key(json, key);
	json_u64(json, value);
}

static void v1_flag(struct json *json, struct slice key, bool value)
{
	json_key(json, key);
	json_bool(json, value);
}

/* A member that is left out when the event has no such field. */
static void v1_option(struct json *json, struct slice key, const struct event *event,
		      enum event_field field)
{
	if (!event_has(event, field))
		return;
	if (event_fields[field].type == TYPE_text)
		v1_text(json, key, event_text_of(event, field));
	else
		v1_number(json, key, event_number_of(event, field));
}

/* Only the kernel's own records become events of these kinds. */
static void v1_put_level(struct json *json, const struct event *event)
{
	static const struct {
		const char *level, *name;
	} rows[] = {
		{ "emerg", "Emergency" }, { "alert", "Alert" },	    { "crit", "Critical" },
		{ "err", "Error" },	  { "warning", "Warning" }, { "notice", "Notice" },
		{ "debug", "Debug" },
	};
	struct slice level = event_text_of(event, FIELD_kmsg_level), name = SLICE("Info");

	for (size_t n = 0; n < array_count(rows); n++)
		if (slice_is(level, rows[n].level))
			name = slice_of(rows[n].name);
	v1_text(json, SLICE("level"), name);
	v1_text(json, SLICE("facility"), SLICE("Kern"));
}

static void v1_put_trap_kind(struct json *json, const struct event *event)
{
	struct slice trap = event_text_of(event, FIELD_trap);

	json_key(json, SLICE("trap"));
	json_open(json, '{');
	if (slice_is(trap, "segfault")) {
		v1_text(json, SLICE("type"), SLICE("Segfault"));
		v1_number(json, SLICE("location"), event_number_of(event, FIELD_fault_address));
	} else if (slice_is(trap, "invalid_opcode")) {
		v1_text(json, SLICE("type"), SLICE("InvalidOpcode"));
	} else if (slice_is(trap, "general_protection")) {
		v1_text(json, SLICE("type"), SLICE("GeneralProtectionFault"));
	} else {
		v1_text(json, SLICE("type"), SLICE("Generic"));
		v1_text(json, SLICE("description"), trap);
	}
	json_close(json, '}');
}

/*
 * The schema wants x86's page fault bits, and wants them for every trap. What the event says in
 * words comes first, since it is right on other machines, too; their codes are above 16 bits.
 */
static void v1_put_error_code(struct json *json, const struct event *event)
{
	uint64_t code = event_number_of(event, FIELD_fault_code);
	struct slice reason = event_text_of(event, FIELD_fault_reason);
	struct slice access = event_text_of(event, FIELD_fault_access);
	struct slice mode = event_text_of(event, FIELD_fault_mode);
	uint64_t bits = code <= UINT16_MAX ? code : 0;
	bool protection = reason.bytes ? slice_is(reason, "protection") : bits & 1;
	bool written = access.bytes ? slice_is(access, "write") : bits & 2;
	bool user = mode.bytes ? slice_is(mode, "user") : bits & 4;
	bool fetched = access.bytes ? slice_is(access, "execute") : bits & 16;

	json_key(json, SLICE("errcode"));
	json_open(json, '{');
	v1_text(json, SLICE("reason"),
			    protection ? SLICE("ProtectionFault") : SLICE("NoPageFound"));
	v1_text(json, SLICE("access_type"), written ? SLICE("Write") : SLICE("Read"));
	v1_text(json, SLICE("access_mode"), user ? SLICE("User") : SLICE("Kernel"));
	v1_flag(json, SLICE("use_of_reserved_bit"), bits & 8);
	v1_flag(json, SLICE("instruction_fetch"), fetched);
	v1_flag(json, SLICE("protection_keys_block_access"), bits & 32);
	json_close(json, '}');
}

static void v1_put_trap(struct json *json, const struct event *event)
{
	v1_put_level(json, event);
	v1_put_trap_kind(json, event);
	v1_text(json, SLICE("procname"), event_text_of(event, FIELD_comm));
	v1_number(json, SLICE("pid"), event_number_of(event, FIELD_pid));
	v1_number(json, SLICE("ip"), event_number_of(event, FIELD_fault_ip));
	v1_number(json, SLICE("sp"), event_number_of(event, FIELD_fault_sp));
	v1_put_error_code(json, event);
	v1_option(json, SLICE("file"), event, FIELD_module);
	v1_option(json, SLICE("vmastart"), event, FIELD_module_start);
	v1_option(json, SLICE("vmasize"), event, FIELD_module_bytes);
}

/* The schema knows signals 1 to 30, and two of them by older names. */
static struct slice v1_signal(const struct event *event)
{
	uint64_t number = event_number_of(event, FIELD_signal_number);

	if (number == SIGABRT)
		return SLICE("SIGIOT");
	if (number == SIGIO)
		return SLICE("SIGIO");
	return event_text_of(event, FIELD_signal);
}

static void v1_put_fatal_signal(struct json *json, const struct event *event)
{
	const struct event_value *registers = event_find(event, FIELD_registers);

	v1_put_level(json, event);
	v1_text(json, SLICE("signal"), v1_signal(event));
	json_key(json, SLICE("stack_dump"));
	json_open(json, '{');
	v1_option(json, SLICE("Comm"), event, FIELD_comm);
	for (size_t n = 0; registers && n < registers->map.count; n++)
		v1_text(json, registers->map.pairs[n].name, registers->map.pairs[n].text);
	json_close(json, '}');
}

static void v1_put_suppressed(struct json *json, const struct event *event)
{
	v1_put_level(json, event);
	v1_text(json, SLICE("function_name"), event_text_of(event, FIELD_suppressed_function));
	v1_number(json, SLICE("count"), event_number_of(event, FIELD_suppressed_count));
}

static void v1_put_drift(struct json *json, const struct event *event)
{
	v1_text(json, SLICE("key"), event_text_of(event, FIELD_setting));
	v1_text(json, SLICE("expected_value"), event_text_of(event, FIELD_setting_expected));
	v1_text(json, SLICE("observed_value"), event_text_of(event, FIELD_setting_observed));
}

static void v1_put_probe(struct json *json, const struct event *event)
{
	v1_text(json, SLICE("register"), event_text_of(event, FIELD_detection_register));
	v1_text(json, SLICE("message"), event_text_of(event, FIELD_detection_reason));
	v1_text(json, SLICE("procname"), event_text_of(event, FIELD_comm));
	json_key(json, SLICE("justification"));
	json_open(json, '{');
	/* The values and events of a detection have a shape of our own, which the schema hasn't. */
	v1_number(json, SLICE("EventCount"), event_number_of(event, FIELD_detection_count));
	json_close(json, '}');
}

static const struct {
	const char *type;
	void (*put)(struct json *json, const struct event *event);
} v1_kinds[EVENT_KIND_COUNT] = {
	[EVENT_process_trap] = { "LinuxKernelTrap", v1_put_trap },
	[EVENT_process_fatal_signal] = { "LinuxFatalSignal", v1_put_fatal_signal },
	[EVENT_kmsg_suppressed] = { "LinuxSuppressedCallback", v1_put_suppressed },
	[EVENT_setting_drift] = { "ConfigMismatch", v1_put_drift },
	[EVENT_register_probe] = { "RegisterProbe", v1_put_probe },
};

bool event_has_json_v1(enum event_kind kind)
{
	return v1_kinds[kind].type != NULL;
}

void event_put_json_v1(const struct event *event, const struct event_origin *origin,
		       struct text *out)
{
	struct json json = { .out = out };
	char time[CLOCK_RFC3339_BYTES];

	if (!event_has_json_v1(event->kind)) {
		event_put_json(event, origin, out);
		return;
	}
	clock_rfc3339(time, event->wall_ns);
	json_open(&json, '{');
	v1_text(&json, SLICE("version"), SLICE("V1"));
	v1_text(&json, SLICE("timestamp"), (struct slice){ time, sizeof(time) });
	v1_text(&json, SLICE("hostname"), slice_of(origin->host));
	json_key(&json, SLICE("event"));
	json_open(&json, '{');
	v1_text(&json, SLICE("type"), slice_of(v1_kinds[event->kind].type));
	v1_kinds[event->kind].put(&json, event);
	json_close(&json, '}');
	json_close(&json, '}');
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "event/measure.h"

#include "event/encode.h"

#define C MEASURE_COUNTER
#define H MEASURE_HISTOGRAM
#define M MEASURE_METER
#define T MEASURE_TIMER

/*
 * What an event is measured as. Kinds and fields are named, not numbered: a row whose kind or field
 * the table of events doesn't have stands for none. A kind without a row is counted under its own
 * name. A value of zero is no measurement.
 */
static const struct measure_row {
	const char *event;
	const char *name, *unit;
	unsigned int kinds;
	const char *value; /* field; NULL: it counts 1 */
	const char *when; /* field that has to be there, or, behind a '!', must not; NULL: always */
} measure_rows[] = {
	{ "tcp.connect", "connection.out", "count", C | H | M, NULL, NULL },
	{ "tcp.connect", "connection.out.latency", "duration", T, "network.connect.latency", NULL },
	{ "tcp.accept", "connection.in", "count", C | H | M, NULL, NULL },
	{ "tcp.connect_failed", "connection.failed", "count", C | M, NULL, NULL },
	{ "tcp.close", "volume.out", "byte", C | H, "network.sent.bytes",
	  "!tcp.untold.sent.bytes" },
	{ "tcp.close", "volume.in", "byte", C | H, "network.received.bytes",
	  "!tcp.untold.received.bytes" },
	{ "tcp.close", "volume.out", "byte", C | H, "tcp.untold.sent.bytes", NULL },
	{ "tcp.close", "volume.in", "byte", C | H, "tcp.untold.received.bytes", NULL },
	{ "tcp.flow", "volume.out", "byte", C | H, "network.sent.bytes", NULL },
	{ "tcp.flow", "volume.in", "byte", C | H, "network.received.bytes", NULL },
	{ "tcp.close", "connection", "duration", T, "network.duration", NULL },
	{ "tcp.close", "connection.retransmits", "count", C, "tcp.retransmits", NULL },
	{ "udp.flow", "volume.out", "byte", C | H, "network.sent.bytes", NULL },
	{ "udp.flow", "volume.in", "byte", C | H, "network.received.bytes", NULL },
	{ "dns.lookup", "dns.answer", "count", C | M, NULL, NULL },
	{ "dns.lookup", "dns.answer.latency", "duration", T, "dns.latency", NULL },
	{ "tls.handshake", "tls.handshake.clienthello", "count", C | M, NULL, NULL },
	{ "tls.handshake", "tls.handshake.serverhello", "count", C | M, NULL, "tls.cipher" },
	{ "tls.handshake", "tls.handshake.latency", "duration", T, "tls.latency", NULL },
	{ "syscall.enter", "syscall.enter", "count", C | H, "syscall.count", NULL },
	{ "file.close", "file.read", "byte", C | H, "file.read.bytes", NULL },
	{ "file.close", "file.write", "byte", C | H, "file.written.bytes", NULL },
	{ "kmsg.suppressed", "kmsg.suppressed", "count", C, "kmsg.suppressed.count", NULL },
	{ "loss", "loss", "count", C, "loss.count", NULL },
	{ "kernel.oom_kill", "kernel.oom_kill", "count", C, NULL, NULL },
	{ "kernel.oom_kill", "kernel.oom_kill.anon_rss", "byte", C | H, "oom.anon_rss", NULL },
};

/* Fields that become tags, and what ingraind's consumers call them. */
static const struct measure_tag {
	const char *field, *tag;
} measure_tag_rows[] = {
	{ "process.comm", "process_str" },
	{ "process.pid", "process_id" },
	{ "process.executable.path", "path_str" },
	{ "process.exit.code", "exit_code" },
	{ "signal.name", "signal_str" },
	{ "trap.kind", "trap_str" },
	{ "code.module.name", "module_str" },
	{ "kernel.report.kind", "report_str" },
	{ "lsm.name", "lsm_str" },
	{ "kmsg.suppressed.function", "function_str" },
	{ "setting.name", "setting_str" },
	{ "loss.place", "place_str" },
	{ "oom.constraint", "constraint_str" },
	{ "detection.key", "detection_str" },
	{ "network.local.address", "s_ip" },
	{ "network.local.port", "s_port" },
	{ "network.peer.address", "d_ip" },
	{ "network.peer.port", "d_port" },
	{ "network.transport", "proto" },
	{ "tcp.end", "end_str" },
	{ "error.type", "error_str" },
	{ "dns.question.name", "q_address_str" },
	{ "dns.question.type", "q_type" },
	{ "dns.response_code", "rcode_str" },
	{ "tls.client.server_name", "sni_list" },
	{ "tls.client.supported_ciphers", "ciphersuites_list" },
	{ "tls.client.ja3", "ja3_str" },
	{ "tls.client.ja4", "ja4_str" },
	{ "tls.protocol.version", "tls_version" },
	{ "tls.cipher", "ciphersuite_str" },
	{ "tls.next_protocol", "alpn_str" },
	{ "detection.state", "state_str" },
	{ "syscall.name", "syscall_str" },
	{ "file.path", "file_str" },
	{ "file.inode", "ino_id" },
};

/* --- names to numbers, once --- */

static short tag_of_field[FIELD_COUNT]; /* index into measure_tag_rows, or -1 */
static struct {
	unsigned char rows[array_count(measure_rows)];
	size_t count;
} measure_kinds_of[EVENT_KIND_COUNT];
/* Fields, or -1: none is named, or the table of events has none of that name. */
static int value_of_row[array_count(measure_rows)], when_of_row[array_count(measure_rows)];

static int measure_find_field(const char *name)
{
	for (int n = 0; name && n < FIELD_COUNT; n++)
		if (strcmp(event_fields[n].name, name) == 0)
			return n;
	return -1;
}

/* The field that a condition names. */
static const char *measure_condition(const char *when)
{
	return when && when[0] == '!' ? when + 1 : when;
}

static void measure_set_up(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	memset(tag_of_field, -1, sizeof(tag_of_field));
	for (size_t n = 0; n < array_count(measure_tag_rows); n++) {
		int field = measure_find_field(measure_tag_rows[n].field);

		if (field >= 0)
			tag_of_field[field] = (short)n;
	}
	for (size_t n = 0; n < array_count(measure_rows); n++) {
		value_of_row[n] = measure_find_field(measure_rows[n].value);
		when_of_row[n] = measure_find_field(measure_condition(measure_rows[n].when));
		for (size_t kind = 0; kind < EVENT_KIND_COUNT; kind++)
			if (strcmp(event_kinds[kind].name, measure_rows[n].event) == 0)
				measure_kinds_of[kind].rows[measure_kinds_of[kind].count++] =
					(unsigned char)n;
	}
}

/* --- making --- */

void measure_make(struct event *event, const struct measure *measure, uint64_t wall_ns)
{
	event_init(event, EVENT_measurement, wall_ns, 0);
	event_text(event, FIELD_measure_name, measure->name);
	event_number(event, FIELD_measure_value, (uint64_t)measure->value);
	event_text(event, FIELD_measure_unit, measure->unit);
	event_number(event, FIELD_measure_kinds, measure->kinds);
	event_map(event, FIELD_measure_tags, measure->tags);
	if (measure->samples > 1)
		event_number(event, FIELD_measure_samples, measure->samples);
}

bool measure_is_gauge(const struct event *measurement)
{
	uint64_t kinds = event_number_of(measurement, FIELD_measure_kinds);

	return kinds & (MEASURE_GAUGE | MEASURE_PERCENTILE) && !(kinds & MEASURE_COUNTER);
}

/* The text of a value, borrowed or made in the measurement's own memory. */
static struct slice measure_tag_text(struct event *event, const struct event_value *value,
				     struct text *words)
{
	enum event_type type = event_fields[value->field].type;
	char *at;

	if (type == TYPE_text)
		return slice_first(value->text, MEASURE_TAG_BYTES);
	if (type == TYPE_u64) { /* most are, and need no memory of their own */
		at = event_room(event, NUMBER_ROOM);
		if (!at)
			return SLICE("");
		return (struct slice){ at, (size_t)(number_decimal(at, value->number) - at) };
	}
	text_clear(words);
	event_put_value(value, words);
	words->bytes = words->bytes < MEASURE_TAG_BYTES ? words->bytes : MEASURE_TAG_BYTES;
	at = event_room(event, words->bytes);
	if (!at || words->bytes == 0)
		return SLICE("");
	memcpy(at, words->at, words->bytes);
	return (struct slice){ at, words->bytes };
}

static size_t measure_fill_tags(const struct event *source, struct event *event,
				struct event_pair pairs[MEASURE_TAGS])
{
	auto_text struct text words = { 0 };
	size_t count = 0;

	for (size_t n = 0; n < source->count && count < MEASURE_TAGS; n++) {
		int row = tag_of_field[source->values[n].field];

		if (row < 0)
			continue;
		pairs[count].name = slice_of(measure_tag_rows[row].tag);
		pairs[count++].text = measure_tag_text(event, &source->values[n], &words);
	}
	return count;
}

static void measure_copy_identity(const struct event *source, struct event *event)
{
	for (size_t n = 0; n < source->count; n++)
		if (event_kind_has(EVENT_measurement, source->values[n].field))
			event_value(event, &source->values[n]);
}

static void measure_take(const struct event *source, struct measure *measure,
			 struct measure_port *port)
{
	struct event_pair pairs[MEASURE_TAGS];
	struct event event;

	measure_make(&event, measure, source->wall_ns);
	event.boot_ns = source->boot_ns;
	event.serial = source->serial;
	measure_copy_identity(source, &event);
	for (size_t n = 0; n < event.count; n++)
		if (event.values[n].field == FIELD_measure_tags)
			event.values[n].map =
				(struct event_map){ pairs,
						    measure_fill_tags(source, &event, pairs) };
	port->take(port, &event);
}

/* Whether the field that a row names is not there. */
static bool measure_lacks(const struct event *event, const char *name, int field)
{
	return name && (field < 0 || !event_has(event, (enum event_field)field));
}

/* The event is a number already. */
static void measure_pass(const struct event *source, uint64_t weight, struct measure_port *port)
{
	uint64_t samples = event_number_of(source, FIELD_measure_samples);
	struct event event;

	event_init(&event, EVENT_measurement, source->wall_ns, source->boot_ns);
	event.serial = source->serial;
	measure_copy_identity(source, &event);
	if (weight > 1 && !measure_is_gauge(&event)) {
		if (!samples)
			event_number(&event, FIELD_measure_samples, 1);
		for (size_t n = 0; n < event.count; n++)
			if (event.values[n].field == FIELD_measure_samples ||
			    event.values[n].field == FIELD_measure_value)
				event.values[n].number *= weight;
	}
	port->take(port, &event);
}

static bool measure_applies(const struct event *event, const char *when, int field)
{
	return measure_lacks(event, when, field) == (when && when[0] == '!');
}

void measure_event(const struct event *event, uint64_t weight, struct measure_port *port)
{
	struct measure measure = { .kinds = C | M,
				   .unit = SLICE("count"), .value = (int64_t)weight };

	if (event_has(event, FIELD_measure_name)) {
		measure_pass(event, weight, port);
		return;
	}
	measure_set_up();
	measure.name = slice_of(event_kinds[event->kind].name);
	if (measure_kinds_of[event->kind].count == 0)
		measure_take(event, &measure, port);
	for (size_t n = 0; n < measure_kinds_of[event->kind].count; n++) {
		size_t at = measure_kinds_of[event->kind].rows[n];
		const struct measure_row *row = &measure_rows[at];

		if (measure_lacks(event, row->value, value_of_row[at]) ||
		    !measure_applies(event, row->when, when_of_row[at]))
			continue;
		measure.name = slice_of(row->name);
		measure.unit = slice_of(row->unit);
		measure.kinds = row->kinds;
		measure.value = (int64_t)weight;
		measure.samples = row->kinds & (H | T) ? weight : 1;
		if (row->value)
			measure.value *=
				(int64_t)event_number_of(event, (enum event_field)value_of_row[at]);
		if (measure.value == 0)
			continue;
		measure_take(event, &measure, port);
	}
}

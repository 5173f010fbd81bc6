/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event - something that happened, as fields of the one table.
 *
 * An event is made once, by a sensor or detector, and only read afterwards. It is a flat list of
 * values; texts are borrowed from whoever made it and live until the event has been passed on.
 * Who keeps one longer takes event_dup().
 *
 *	struct event event;
 *
 *	event_init(&event, EVENT_process_trap, wall_ns, boot_ns);
 *	event_u64(&event, FIELD_pid, 4711);
 *	event_text(&event, FIELD_comm, comm);
 *	port->emit(port, &event);
 */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include "base/slice.h"
#include "base/text.h"
#include "event/table.h"

enum event_kind {
#define X(id, ...) EVENT_##id,
	EVENT_KINDS(X)
#undef X
		EVENT_KIND_COUNT
};

enum event_field {
#define X(id, ...) FIELD_##id,
	EVENT_FIELDS(X)
#undef X
		FIELD_COUNT
};

enum event_severity {
#define X(id, ...) SEVERITY_##id,
	EVENT_SEVERITIES(X)
#undef X
		SEVERITY_COUNT
};

enum event_type {
	TYPE_text,
	TYPE_u64,
	TYPE_i64,
	TYPE_hex,
	TYPE_flag,
	TYPE_ns,
	TYPE_time,
	TYPE_bytes,
	TYPE_map,
	TYPE_json,
};

/* Sets of fields are bits in so many words. */
#define EVENT_FIELD_WORDS 3

struct event_field_row {
	const char *id;	  /* as the table's lines and filters call it */
	const char *name; /* as the world sees it */
	enum event_type type;
	const char *cef;
	const char *help;
};

struct event_kind_row {
	const char *id, *name;
	enum event_severity severity;
	const char *title, *line, *help;
	uint64_t fields[EVENT_FIELD_WORDS]; /* bits: what it may carry */
};

struct event_severity_row {
	const char *name;
	unsigned int syslog, cef, otel;
};

extern const char *const event_type_names[]; /* by enum event_type */
extern const struct event_field_row event_fields[FIELD_COUNT];
extern const struct event_kind_row event_kinds[EVENT_KIND_COUNT];
extern const struct event_severity_row event_severities[SEVERITY_COUNT];

static inline bool event_kind_has(enum event_kind kind, enum event_field field)
{
	return event_kinds[kind].fields[field / 64] >> (field % 64) & 1;
}

/* Names with texts, for TYPE_map. */
struct event_pair {
	struct slice name, text;
};
struct event_map {
	const struct event_pair *pairs;
	size_t count;
};

struct event_value {
	enum event_field field;
	union {
		uint64_t number; /* also flag, hex, ns, time, bytes; i64 as two's complement */
		struct slice text;
		struct event_map map;
	};
};

#define EVENT_VALUES  56
#define EVENT_SCRATCH 3072

struct event {
	enum event_kind kind;
	enum event_severity severity;
	uint64_t wall_ns; /* when, UTC since 1970 */
	uint64_t
		boot_ns; /* the same on CLOCK_BOOTTIME, to tell a pid's owners apart; 0 = unknown */
	uint64_t serial; /* given by the agent when it is passed on; 0 before */
	uint64_t present[EVENT_FIELD_WORDS]; /* bits: fields it has */
	size_t count, scratch_bytes;
	struct event_value values[EVENT_VALUES];
	char scratch[EVENT_SCRATCH]; /* holds texts made for this event */
};

/* Who speaks: the same for all events of a process. */
struct event_origin {
	char host[256];	   /* host.name */
	char node_id[128]; /* what the operator calls this node; "unidentified" */
	char run_id[17];   /* 16 hex digits, new at each start: with the serial, the event's id */
	const char *program, *version;
};

/* Starts an event; only its head is written. */
void event_init(struct event *event, enum event_kind kind, uint64_t wall_ns, uint64_t boot_ns);

/* Add a value. A field stands once; the kind must have it (asserted). */
void event_number(struct event *event, enum event_field field, uint64_t number);
void event_text(struct event *event, enum event_field field, struct slice text);
void event_map(struct event *event, enum event_field field, struct event_map map);
/* Adds a value that another event has; borrows what that borrows. */
void event_value(struct event *event, const struct event_value *value);
/* Copies the text into the event first; what finds no room there is cut. */
void event_copy(struct event *event, enum event_field field, struct slice text);
void event_printf(struct event *event, enum event_field field, const char *fmt, ...)
	printf_like(3, 4);

/* signal.number and signal.name ("SIGSEGV", "SIGRTMIN+3") of a signal. */
void event_signal(struct event *event, int signo);

/* A piece of the event's own memory; NULL when it has no more. */
char *event_room(struct event *event, size_t bytes);

static inline bool event_has(const struct event *event, enum event_field field)
{
	return event->present[field / 64] >> (field % 64) & 1;
}

/* The value of a field, or NULL. The text variant gives an empty slice, the number 0. */
const struct event_value *event_find(const struct event *event, enum event_field field);
struct slice event_text_of(const struct event *event, enum event_field field);
uint64_t event_number_of(const struct event *event, enum event_field field);

/* A copy that owns all it holds; free(3) frees it. NULL when memory is out. */
struct event *event_dup(const struct event *event);

/* Where events go next. */
struct event_port {
	void (*emit)(struct event_port *port, struct event *event);
};

#endif

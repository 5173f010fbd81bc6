/* SPDX-License-Identifier: Apache-2.0 */
#include "event/event.h"

#include <assert.h>
#include <signal.h>
#include <stdarg.h>

const struct event_field_row event_fields[FIELD_COUNT] = {
#define X(id, name, type, cef, help) [FIELD_##id] = { #id, name, TYPE_##type, cef, help },
	EVENT_FIELDS(X)
#undef X
};

const char *const event_type_names[] = {
	[TYPE_text] = "text",	 [TYPE_u64] = "number",	     [TYPE_i64] = "number",
	[TYPE_hex] = "hex text", [TYPE_flag] = "true/false", [TYPE_ns] = "seconds",
	[TYPE_time] = "time",	 [TYPE_bytes] = "bytes",     [TYPE_map] = "object",
	[TYPE_json] = "JSON",
};

const struct event_severity_row event_severities[SEVERITY_COUNT] = {
#define X(id, syslog, cef, otel) [SEVERITY_##id] = { #id, syslog, cef, otel },
	EVENT_SEVERITIES(X)
#undef X
};

/* One word of the set of fields that a list of the table names. */
#define EVENT_BIT(word, field) ((field) / 64 == (word) ? 1ull << ((field) % 64) : 0)
#define EVENT_BIT_0(id)	       | EVENT_BIT(0, FIELD_##id)
#define EVENT_BIT_1(id)	       | EVENT_BIT(1, FIELD_##id)
#define EVENT_BIT_2(id)	       | EVENT_BIT(2, FIELD_##id)
_Static_assert(EVENT_FIELD_WORDS == 3 && FIELD_COUNT <= 192, "another word of bits is needed");

const struct event_kind_row event_kinds[EVENT_KIND_COUNT] = {
#define X(id, name, severity, title, line, help)                                                   \
	[EVENT_##id] = { #id,                                                                      \
			 name,                                                                     \
			 SEVERITY_##severity,                                                      \
			 title,                                                                    \
			 line,                                                                     \
			 help,                                                                     \
			 { 0 EVENT_HAS_##id(EVENT_BIT_0), 0 EVENT_HAS_##id(EVENT_BIT_1),           \
			   0 EVENT_HAS_##id(EVENT_BIT_2) } },
	EVENT_KINDS(X)
#undef X
};

void event_init(struct event *event, enum event_kind kind, uint64_t wall_ns, uint64_t boot_ns)
{
	event->kind = kind;
	event->severity = event_kinds[kind].severity;
	event->wall_ns = wall_ns;
	event->boot_ns = boot_ns;
	event->serial = 0;
	memset(event->present, 0, sizeof(event->present));
	event->count = 0;
	event->scratch_bytes = 0;
}

static struct event_value *event_add(struct event *event, enum event_field field)
{
	struct event_value *value = &event->values[event->count];

	assert(event_kind_has(event->kind, field));
	assert(event->count < EVENT_VALUES);
	assert(!event_has(event, field));
	event->count++;
	event->present[field / 64] |= 1ull << (field % 64);
	value->field = field;
	return value;
}

void event_number(struct event *event, enum event_field field, uint64_t number)
{
	event_add(event, field)->number = number;
}

void event_text(struct event *event, enum event_field field, struct slice text)
{
	event_add(event, field)->text = text;
}

void event_map(struct event *event, enum event_field field, struct event_map map)
{
	event_add(event, field)->map = map;
}

void event_value(struct event *event, const struct event_value *value)
{
	*event_add(event, value->field) = *value;
}

char *event_room(struct event *event, size_t bytes)
{
	size_t at = (event->scratch_bytes + 7) & ~(size_t)7;

	if (bytes > EVENT_SCRATCH || at > EVENT_SCRATCH - bytes)
		return NULL;
	event->scratch_bytes = at + bytes;
	return event->scratch + at;
}

void event_copy(struct event *event, enum event_field field, struct slice text)
{
	size_t left = EVENT_SCRATCH - event->scratch_bytes;
	char *at;

	text = slice_first(text, left > 8 ? left - 8 : 0);
	at = event_room(event, text.bytes);
	if (at && text.bytes)
		memcpy(at, text.at, text.bytes);
	event_text(event, field, (struct slice){ at, at ? text.bytes : 0 });
}

void event_printf(struct event *event, enum event_field field, const char *fmt, ...)
{
	char words[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	event_copy(event, field, slice_of(words));
}

void event_signal(struct event *event, int signo)
{
	const char *name = sigabbrev_np(signo);

	event_number(event, FIELD_signal_number, (uint64_t)signo);
	if (name)
		event_printf(event, FIELD_signal, "SIG%s", name);
	else
		event_printf(event, FIELD_signal, "SIGRTMIN+%d", signo - 32); /* the kernel's 32 */
}

const struct event_value *event_find(const struct event *event, enum event_field field)
{
	for (size_t n = 0; event_has(event, field) && n < event->count; n++)
		if (event->values[n].field == field)
			return &event->values[n];
	return NULL;
}

struct slice event_text_of(const struct event *event, enum event_field field)
{
	const struct event_value *value = event_find(event, field);

	return value ? value->text : (struct slice){ "", 0 };
}

uint64_t event_number_of(const struct event *event, enum event_field field)
{
	const struct event_value *value = event_find(event, field);

	return value ? value->number : 0;
}

static bool event_is_text(enum event_field field)
{
	return event_fields[field].type == TYPE_text || event_fields[field].type == TYPE_json;
}

/* How many bytes the value borrows, its map's pairs included. */
static size_t event_borrowed_bytes(const struct event_value *value)
{
	size_t bytes = 0;

	if (event_is_text(value->field))
		return value->text.bytes;
	if (event_fields[value->field].type != TYPE_map)
		return 0;
	for (size_t n = 0; n < value->map.count; n++)
		bytes += value->map.pairs[n].name.bytes + value->map.pairs[n].text.bytes;
	return bytes;
}

/* Moves a slice's bytes to *at, and *at behind them. */
static void event_own(struct slice *slice, char **at)
{
	if (slice->bytes)
		memcpy(*at, slice->at, slice->bytes);
	slice->at = *at;
	*at += slice->bytes;
}

static void event_own_map(struct event_map *map, struct event_pair **pair_at, char **at)
{
	struct event_pair *pairs = *pair_at;

	for (size_t n = 0; n < map->count; n++) {
		pairs[n] = map->pairs[n];
		event_own(&pairs[n].name, at);
		event_own(&pairs[n].text, at);
	}
	map->pairs = pairs;
	*pair_at += map->count;
}

struct event *event_dup(const struct event *event)
{
	size_t bytes = sizeof(*event), pair_count = 0;
	struct event_pair *pair_at;
	struct event *copy;
	char *at;

	for (size_t n = 0; n < event->count; n++) {
		bytes += event_borrowed_bytes(&event->values[n]);
		if (event_fields[event->values[n].field].type == TYPE_map)
			pair_count += event->values[n].map.count;
	}
	copy = malloc(bytes + pair_count * sizeof(*pair_at));
	if (!copy)
		return NULL;
	memcpy(copy, event, offsetof(struct event, scratch));
	pair_at = (struct event_pair *)(copy + 1);
	at = (char *)(pair_at + pair_count);
	for (size_t n = 0; n < copy->count; n++) {
		struct event_value *value = &copy->values[n];

		if (event_is_text(value->field))
			event_own(&value->text, &at);
		else if (event_fields[value->field].type == TYPE_map)
			event_own_map(&value->map, &pair_at, &at);
	}
	copy->scratch_bytes = 0; /* its texts have moved out; there is room for later ones */
	return copy;
}

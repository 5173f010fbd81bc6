/* SPDX-License-Identifier: Apache-2.0 */
#include "event/encode.h"

#include "base/clock.h"
#include "base/json.h"

const char *const event_format_names[] = {
	[FORMAT_text] = "text",
	[FORMAT_json] = "json",
	[FORMAT_json_v1] = "json-v1",
	[FORMAT_cef] = "cef",
	[FORMAT_measurement] = "measurement",
	NULL,
};

event_encoder *event_encoder_of(enum event_format format)
{
	static event_encoder *const encoders[] = {
		[FORMAT_text] = event_put_text,
		[FORMAT_json] = event_put_json,
		[FORMAT_json_v1] = event_put_json_v1,
		[FORMAT_cef] = event_put_cef,
		[FORMAT_measurement] = event_put_json_measurement,
	};

	return encoders[format];
}

void event_put_id(const struct event *event, const struct event_origin *origin, struct text *out)
{
	char *at = text_reserve(out, sizeof(origin->run_id) + 1 + NUMBER_ROOM);
	char *end = at;

	if (!at)
		return;
	memcpy(end, origin->run_id, sizeof(origin->run_id) - 1);
	end += sizeof(origin->run_id) - 1;
	*end++ = '-';
	end = number_hex(end, event->serial);
	out->bytes += (size_t)(end - at);
}

/* A span of time in seconds with as many digits as it has. */
static char *event_write_seconds(char *at, uint64_t ns)
{
	uint64_t rest = ns % NS_PER_S;

	at = number_decimal(at, ns / NS_PER_S);
	if (rest == 0)
		return at;
	*at++ = '.';
	at = number_padded(at, (uint32_t)rest, 9);
	while (at[-1] == '0')
		at--;
	return at;
}

/* The value's number, in plain form; what event_put_value() and JSON share. */
#define EVENT_NUMBER_ROOM 40
static char *event_write_number(char *at, const struct event_value *value)
{
	enum event_type type = event_fields[value->field].type;

	switch (type) {
	case TYPE_hex:
		*at++ = '0';
		*at++ = 'x';
		return number_hex(at, value->number);
	case TYPE_flag:
		memcpy(at, value->number ? "true" : "false", value->number ? 4 : 5);
		return at + (value->number ? 4 : 5);
	case TYPE_time:
		return clock_rfc3339(at, value->number);
	case TYPE_ns:
		return event_write_seconds(at, value->number);
	case TYPE_i64:
		if ((int64_t)value->number < 0) {
			*at++ = '-';
			return number_decimal(at, -value->number);
		}
		return number_decimal(at, value->number);
	case TYPE_u64:
	case TYPE_bytes:
	case TYPE_text:
	case TYPE_json:
	case TYPE_map:
		break;
	}
	return number_decimal(at, value->number);
}

static void event_put_map(const struct event_map *map, struct text *out)
{
	for (size_t n = 0; n < map->count; n++) {
		if (n)
			text_putc(out, ',');
		text_put(out, map->pairs[n].name);
		text_putc(out, '=');
		text_put(out, map->pairs[n].text);
	}
}

void event_put_value(const struct event_value *value, struct text *out)
{
	enum event_type type = event_fields[value->field].type;
	char *at;

	if (type == TYPE_text || type == TYPE_json) {
		text_put(out, value->text);
		return;
	}
	if (type == TYPE_map) {
		event_put_map(&value->map, out);
		return;
	}
	at = text_reserve(out, EVENT_NUMBER_ROOM);
	if (at)
		out->bytes += (size_t)(event_write_number(at, value) - at);
}

/* --- JSON --- */

/* A piece of JSON that is the same every time. Copying all of the array takes a few instructions,
 * copying just what is used takes a call. */
struct event_literal {
	char text[63];
	unsigned char bytes;
};
#define EVENT_LITERAL(words)                                                                       \
	{                                                                                          \
		words, sizeof(words) - 1                                                           \
	}
#define EVENT_LITERAL_FITS(words)                                                                  \
	_Static_assert(sizeof(words) <= sizeof(((struct event_literal *)0)->text), words)

#define EVENT_JSON_KEY(name)  ",\"" name "\":"
#define EVENT_JSON_KIND(name) "\",\"event.name\":\"" name "\""

static const struct event_literal event_json_keys[FIELD_COUNT] = {
#define X(id, name, ...) [FIELD_##id] = EVENT_LITERAL(EVENT_JSON_KEY(name)),
	EVENT_FIELDS(X)
#undef X
};

static const struct event_literal event_json_kinds[EVENT_KIND_COUNT] = {
#define X(id, name, ...) [EVENT_##id] = EVENT_LITERAL(EVENT_JSON_KIND(name)),
	EVENT_KINDS(X)
#undef X
};

static const struct event_literal event_json_severities[SEVERITY_COUNT] = {
#define X(id, ...) [SEVERITY_##id] = EVENT_LITERAL(",\"severity\":\"" #id "\",\"event.id\":\""),
	EVENT_SEVERITIES(X)
#undef X
};

#define X(id, name, ...) EVENT_LITERAL_FITS(EVENT_JSON_KEY(name));
EVENT_FIELDS(X)
#undef X
#define X(id, name, ...) EVENT_LITERAL_FITS(EVENT_JSON_KIND(name));
EVENT_KINDS(X)
#undef X

/* Writes up to a literal's size behind what it returns: there must be room. */
static char *event_write_literal(char *at, const struct event_literal *literal)
{
	memcpy(at, literal->text, sizeof(literal->text));
	return at + literal->bytes;
}

static char *event_write(char *at, struct slice slice)
{
	memcpy(at, slice.at, slice.bytes);
	return at + slice.bytes;
}

static size_t event_json_room(const struct event_value *value)
{
	enum event_type type = event_fields[value->field].type;
	size_t bytes = sizeof(struct event_literal) + 4 + EVENT_NUMBER_ROOM;

	if (type == TYPE_text)
		return bytes + JSON_ESCAPE_ROOM(value->text.bytes);
	if (type == TYPE_json)
		return bytes + value->text.bytes;
	if (type != TYPE_map)
		return bytes;
	for (size_t n = 0; n < value->map.count; n++)
		bytes += 8 + JSON_ESCAPE_ROOM(value->map.pairs[n].name.bytes +
					      value->map.pairs[n].text.bytes);
	return bytes;
}

static char *event_write_json_text(char *at, struct slice text)
{
	*at++ = '"';
	at = json_escape(at, text);
	*at++ = '"';
	return at;
}

static char *event_write_json_map(char *at, const struct event_map *map)
{
	*at++ = '{';
	for (size_t n = 0; n < map->count; n++) {
		if (n)
			*at++ = ',';
		at = event_write_json_text(at, map->pairs[n].name);
		*at++ = ':';
		at = event_write_json_text(at, map->pairs[n].text);
	}
	*at++ = '}';
	return at;
}

static char *event_write_json_value(char *at, const struct event_value *value)
{
	at = event_write_literal(at, &event_json_keys[value->field]);
	switch (event_fields[value->field].type) {
	case TYPE_text:
		return event_write_json_text(at, value->text);
	case TYPE_json:
		return event_write(at, value->text);
	case TYPE_map:
		return event_write_json_map(at, &value->map);
	case TYPE_hex:
	case TYPE_time:
		*at++ = '"';
		at = event_write_number(at, value);
		*at++ = '"';
		return at;
	case TYPE_u64:
	case TYPE_i64:
	case TYPE_flag:
	case TYPE_ns:
	case TYPE_bytes:
		break;
	}
	return event_write_number(at, value);
}

static char *event_write_json_head(char *at, const struct event *event,
				   const struct event_origin *origin)
{
	memcpy(at, "{\"time\":\"", 9);
	at = clock_rfc3339(at + 9, event->wall_ns);
	at = event_write_literal(at, &event_json_kinds[event->kind]);
	at = event_write_literal(at, &event_json_severities[event->severity]);
	memcpy(at, origin->run_id, 16);
	at[16] = '-';
	at = number_hex(at + 17, event->serial);
	memcpy(at, "\",\"host.name\":", 14);
	at += 14;
	return event_write_json_text(at, slice_of(origin->host));
}

/* The loop every event passes: room is reserved once, for the worst case. */
void event_put_json(const struct event *event, const struct event_origin *origin, struct text *out)
{
	size_t room = 512 + JSON_ESCAPE_ROOM(sizeof(origin->host));
	char *start, *at;

	for (size_t n = 0; n < event->count; n++)
		room += event_json_room(&event->values[n]);
	start = text_reserve(out, room);
	if (!start)
		return;
	at = event_write_json_head(start, event, origin);
	for (size_t n = 0; n < event->count; n++)
		at = event_write_json_value(at, &event->values[n]);
	*at++ = '}';
	out->bytes += (size_t)(at - start);
}

/* --- the readable line --- */

/* Terminals obey control bytes, and a log's reader trusts its line ends: neither may come from an
 * event. C1 controls have two bytes in UTF-8. */
static void event_put_printable(struct text *out, struct slice text)
{
	while (text.bytes) {
		unsigned char c = (unsigned char)text.at[0];
		size_t bytes = slice_utf8_bytes(text);

		if (c < 0x20 || c == 0x7f || bytes == 0) {
			text_printf(out, "\\x%02x", c);
			bytes = 1;
		} else if (c == 0xc2 && (unsigned char)text.at[1] < 0xa0) {
			text_printf(out, "\\x%02x", (unsigned char)text.at[1]);
		} else {
			text_put(out, slice_first(text, bytes));
		}
		text = slice_skip(text, bytes);
	}
}

static const struct event_value *event_find_named(const struct event *event, struct slice id)
{
	for (size_t n = 0; n < event->count; n++)
		if (slice_is(id, event_fields[event->values[n].field].id))
			return &event->values[n];
	return NULL;
}

/* Expands "{field}" in one part of a line; says whether every field was there. */
static bool event_put_part(const struct event *event, struct slice part, struct text *out)
{
	bool whole = true;
	struct slice head, id;

	while (slice_cut(&part, '{', &head)) {
		const struct event_value *value;

		text_put(out, head);
		if (!slice_cut(&part, '}', &id))
			break;
		value = event_find_named(event, id);
		if (value)
			event_put_value(value, out);
		else
			text_putc(out, '?');
		whole = whole && value;
	}
	text_put(out, part);
	return whole;
}

void event_put_message(const struct event *event, struct text *out)
{
	struct slice line = slice_of(event_kinds[event->kind].line), part;
	auto_text struct text words = { 0 };

	while (slice_cut(&line, '<', &part)) {
		size_t before;

		event_put_part(event, part, &words);
		before = words.bytes;
		if (!slice_cut(&line, '>', &part))
			break;
		if (!event_put_part(event, part, &words))
			words.bytes = before;
	}
	event_put_part(event, line, &words);
	event_put_printable(out, text_slice(&words));
}

/* Whose it was: behind every message, when known. */
static void event_put_whose(const struct event *event, struct text *out)
{
	static const struct {
		const char *word;
		enum event_field field;
	} rows[] = {
		{ "container", FIELD_container_name },
		{ "id", FIELD_container_id },
		{ "image", FIELD_container_image },
		{ "namespace", FIELD_pod_namespace },
		{ "pod", FIELD_pod_name },
	};

	for (size_t n = 0; n < array_count(rows); n++) {
		struct slice text = event_text_of(event, rows[n].field);

		if (text.bytes == 0)
			continue;
		if (rows[n].field == FIELD_container_id)
			text = slice_first(text, 12);
		text_printf(out, " %s=", rows[n].word);
		event_put_printable(out, text);
	}
}

static void event_put_line(const struct event *event, struct text *out, const char *colour)
{
	char time[CLOCK_RFC3339_BYTES];

	clock_rfc3339(time, event->wall_ns);
	text_put(out, (struct slice){ time, 23 }); /* to the millisecond */
	text_printf(out, "Z %s%-8s%s %s: ", colour ? colour : "",
		    event_severities[event->severity].name, colour ? "\033[0m" : "",
		    event_kinds[event->kind].name);
	event_put_message(event, out);
	event_put_whose(event, out);
}

void event_put_text(const struct event *event, const struct event_origin *origin, struct text *out)
{
	(void)origin;
	event_put_line(event, out, NULL);
}

void event_put_text_coloured(const struct event *event, const struct event_origin *origin,
			     struct text *out)
{
	static const char *const colours[SEVERITY_COUNT] = {
		[SEVERITY_debug] = "\033[2m",	    [SEVERITY_info] = "\033[32m",
		[SEVERITY_warning] = "\033[33m",    [SEVERITY_error] = "\033[31m",
		[SEVERITY_critical] = "\033[1;31m",
	};

	(void)origin;
	event_put_line(event, out, colours[event->severity]);
}

/* --- formats that escape what others mean by a byte --- */

/* As valid UTF-8; the `marks` get a backslash, line ends become \n and \r if wanted, other
 * control bytes become blanks. */
static void event_put_escaped(struct text *out, struct slice text, const char *marks,
			      bool escape_line_ends)
{
	while (text.bytes) {
		char c = text.at[0];
		size_t bytes = slice_utf8_bytes(text);

		if (bytes == 0) {
			text_put(out, SLICE("\xef\xbf\xbd")); /* U+FFFD */
			bytes = 1;
		} else if (escape_line_ends && (c == '\n' || c == '\r')) {
			text_put(out, c == '\n' ? SLICE("\\n") : SLICE("\\r"));
		} else if ((unsigned char)c < 0x20 || c == 0x7f) {
			text_putc(out, ' ');
		} else {
			if (strchr(marks, c))
				text_putc(out, '\\');
			text_put(out, slice_first(text, bytes));
		}
		text = slice_skip(text, bytes);
	}
}

/* "process.executable.path" -> "BulwarkProcessExecutablePath": CEF's names for one's own fields. */
static void event_put_cef_key(const struct event_field_row *row, struct text *out)
{
	bool upper = true;

	if (row->cef) {
		text_put(out, slice_of(row->cef));
		return;
	}
	text_put(out, SLICE("Bulwark"));
	for (const char *c = row->name; *c; c++) {
		bool separator = *c == '.' || *c == '_';

		if (!separator)
			text_putc(out, upper && *c >= 'a' ? (char)(*c - 'a' + 'A') : *c);
		upper = separator;
	}
}

static void event_put_cef_pair(struct text *out, struct slice key, struct slice value)
{
	text_putc(out, ' ');
	text_put(out, key);
	text_putc(out, '=');
	event_put_escaped(out, value, "\\=", true);
}

void event_put_cef(const struct event *event, const struct event_origin *origin, struct text *out)
{
	const struct event_kind_row *kind = &event_kinds[event->kind];
	auto_text struct text key = { 0 };
	auto_text struct text value = { 0 };

	text_printf(out, "CEF:0|Bulwark|%s|%s|%s|", origin->program, origin->version, kind->name);
	event_put_escaped(out, slice_of(kind->title), "\\|", false);
	text_printf(out, "|%u|rt=%llu", event_severities[event->severity].cef,
		    (unsigned long long)(event->wall_ns / NS_PER_MS));
	event_put_cef_pair(out, SLICE("dhost"), slice_of(origin->host));
	event_put_id(event, origin, &value);
	event_put_cef_pair(out, SLICE("externalId"), text_slice(&value));
	for (size_t n = 0; n < event->count; n++) {
		text_clear(&key);
		text_clear(&value);
		event_put_cef_key(&event_fields[event->values[n].field], &key);
		event_put_value(&event->values[n], &value);
		event_put_cef_pair(out, text_slice(&key), text_slice(&value));
	}
}

static void event_put_param(struct text *out, const char *name, struct slice value)
{
	text_printf(out, " %s=\"", name);
	event_put_escaped(out, value, "\"\\]", false);
	text_putc(out, '"');
}

void event_put_structured_data(const struct event *event, const struct event_origin *origin,
			       struct text *out)
{
	auto_text struct text value = { 0 };

	/* 32473 is the enterprise number that RFC 5612 sets aside for those who have none. */
	text_put(out, SLICE("[bulwark@32473"));
	event_put_param(out, "event.name", slice_of(event_kinds[event->kind].name));
	event_put_param(out, "severity", slice_of(event_severities[event->severity].name));
	event_put_id(event, origin, &value);
	event_put_param(out, "event.id", text_slice(&value));
	for (size_t n = 0; n < event->count; n++) {
		text_clear(&value);
		event_put_value(&event->values[n], &value);
		event_put_param(out, event_fields[event->values[n].field].name, text_slice(&value));
	}
	text_putc(out, ']');
}

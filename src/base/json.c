/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

static char *json_escape_control(char *at, unsigned char c)
{
	static const char names[] = "btn?fr";

	*at++ = '\\';
	if (c >= 8 && c <= 13 && c != 11) {
		*at++ = names[c - 8];
		return at;
	}
	memcpy(at, "u00", 3);
	at[3] = "0123456789abcdef"[c >> 4];
	at[4] = "0123456789abcdef"[c & 15];
	return at + 5;
}

/* Eight bytes at once: is any of them a quote, a backslash, a control or not ASCII? Each
 * subtraction sets the top bit of a byte that was too small for it. */
static bool json_plain8(uint64_t eight)
{
	const uint64_t ones = 0x0101010101010101, tops = ones * 0x80;
	uint64_t control = eight - ones * 0x20;
	uint64_t quote = (eight ^ (ones * '"')) - ones;
	uint64_t slash = (eight ^ (ones * '\\')) - ones;

	return ((eight | control | quote | slash) & tops) == 0;
}

/* One character that is not plain: escaped, copied, or replaced. Steps over it. */
static char *json_escape_one(char *at, struct slice *value)
{
	unsigned char c = (unsigned char)value->at[0];
	size_t bytes = slice_utf8_bytes(*value);

	if (c < 0x20) {
		at = json_escape_control(at, c);
	} else if (bytes == 0) {
		memcpy(at, "\xef\xbf\xbd", 3); /* U+FFFD */
		at += 3;
		bytes = 1;
	} else {
		if (c == '"' || c == '\\')
			*at++ = '\\';
		memcpy(at, value->at, bytes);
		at += bytes;
	}
	*value = slice_skip(*value, bytes);
	return at;
}

/* The same for the last bytes of a text, fewer than eight: looked at together with those before
 * them, or, of a short text, as two halves that overlap. Copied if all are plain. */
static bool json_copy_tail(char *at, const char *from, const char *end, bool more_before)
{
	size_t left = (size_t)(end - from);
	uint32_t first, last;
	uint64_t eight;

	if (more_before) {
		memcpy(&eight, end - 8, 8);
		if (json_plain8(eight))
			memcpy(at + left - 8, &eight, 8);
		return json_plain8(eight);
	}
	if (left < 4)
		return false;
	memcpy(&first, from, 4);
	memcpy(&last, end - 4, 4);
	if (!json_plain8(first | (uint64_t)last << 32))
		return false;
	memcpy(at, &first, 4);
	memcpy(at + left - 4, &last, 4);
	return true;
}

/* The plain bytes at the front, copied; *value starts behind them. */
static char *json_copy_plain(char *at, struct slice *value)
{
	const char *from = value->at, *end = from + value->bytes;
	uint64_t eight;

	for (; end - from >= 8; from += 8, at += 8) {
		memcpy(&eight, from, 8);
		if (!json_plain8(eight))
			break;
		memcpy(at, &eight, 8);
	}
	if (end - from < 8 && json_copy_tail(at, from, end, from != value->at)) {
		at += end - from;
		from = end;
	}
	while (from < end && (signed char)*from >= 0x20 && *from != '"' && *from != '\\')
		*at++ = *from++;
	*value = (struct slice){ from, (size_t)(end - from) };
	return at;
}

char *json_escape(char *at, struct slice value)
{
	for (;;) {
		at = json_copy_plain(at, &value);
		if (value.bytes == 0)
			return at;
		at = json_escape_one(at, &value);
	}
}

static void json_item(struct json *json)
{
	if (json->comma)
		text_putc(json->out, ',');
	json->comma = true;
}

void json_open(struct json *json, char bracket)
{
	json_item(json);
	text_putc(json->out, bracket);
	json->comma = false;
}

void json_close(struct json *json, char bracket)
{
	text_putc(json->out, bracket);
	json->comma = true;
}

static void json_quoted(struct json *json, struct slice value)
{
	char *at = text_reserve(json->out, JSON_ESCAPE_ROOM(value.bytes) + 2);
	char *end;

	if (!at)
		return;
	at[0] = '"';
	end = json_escape(at + 1, value);
	*end++ = '"';
	json->out->bytes += (size_t)(end - at);
}

void json_key(struct json *json, struct slice key)
{
	json_item(json);
	json_quoted(json, key);
	text_putc(json->out, ':');
	json->comma = false;
}

void json_text(struct json *json, struct slice value)
{
	json_item(json);
	json_quoted(json, value);
}

void json_u64(struct json *json, uint64_t value)
{
	json_item(json);
	text_u64(json->out, value, 0);
}

void json_i64(struct json *json, int64_t value)
{
	json_item(json);
	if (value < 0)
		text_putc(json->out, '-');
	text_u64(json->out, value < 0 ? -(uint64_t)value : (uint64_t)value, 0);
}

void json_bool(struct json *json, bool value)
{
	json_item(json);
	text_put(json->out, value ? SLICE("true") : SLICE("false"));
}

void json_none(struct json *json)
{
	json_item(json);
	text_put(json->out, SLICE("null"));
}

void json_raw(struct json *json, struct slice value)
{
	json_item(json);
	text_put(json->out, value);
}

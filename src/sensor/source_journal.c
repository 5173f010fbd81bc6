/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/source_journal.h"

#include <jansson.h>

#include "base/clock.h"

void journal_clear(struct journal_entry *entry)
{
	struct text message = entry->message;

	text_clear(&message);
	*entry = (struct journal_entry){ .message = message };
}

void journal_put(struct journal_entry *entry, struct slice name, struct slice value)
{
	if (slice_is(name, "MESSAGE")) {
		text_clear(&entry->message);
		text_put(&entry->message, slice_first(value, KMSG_RECORD_BYTES));
		entry->has_message = true;
	} else if (slice_is(name, "PRIORITY")) {
		entry->has_level = slice_u64(value, &entry->level) && entry->level < 8;
	} else if (slice_is(name, "SYSLOG_FACILITY")) {
		entry->has_facility = slice_u64(value, &entry->facility);
	} else if (slice_is(name, "_TRANSPORT")) {
		entry->from_kernel = slice_is(value, "kernel");
	} else if (slice_is(name, "__REALTIME_TIMESTAMP")) {
		slice_u64(value, &entry->realtime_us);
	} else if (slice_is(name, "__MONOTONIC_TIMESTAMP")) {
		slice_u64(value, &entry->monotonic_us);
	} else if (slice_is(name, "_SOURCE_MONOTONIC_TIMESTAMP")) {
		slice_u64(value, &entry->source_us);
	}
}

/* A text that is not UTF-8 comes as an array of its bytes. */
static void journal_put_bytes(struct journal_entry *entry, const char *name, const json_t *array)
{
	auto_text struct text bytes = { 0 };
	const json_t *byte;
	size_t n;

	json_array_foreach(array, n, byte)
		text_putc(&bytes, (char)json_integer_value(byte));
	journal_put(entry, slice_of(name), text_slice(&bytes));
}

bool journal_read_json(struct journal_entry *entry, struct slice line)
{
	json_t *object = json_loadb(line.at, line.bytes, JSON_ALLOW_NUL, NULL);
	const char *name;
	json_t *value;

	if (!json_is_object(object)) {
		json_decref(object);
		return false;
	}
	json_object_foreach(object, name, value) {
		if (json_is_string(value))
			journal_put(entry, slice_of(name),
				    (struct slice){ json_string_value(value),
						    json_string_length(value) });
		else if (json_is_array(value))
			journal_put_bytes(entry, name, value);
	}
	json_decref(object);
	return true;
}

bool journal_record(const struct journal_entry *entry, struct kmsg_record *record,
		    uint64_t *ret_wall_ns)
{
	uint64_t wall_us = entry->realtime_us;

	if (!entry->has_message ||
	    (!entry->from_kernel && (!entry->has_facility || entry->facility != 0)))
		return false;
	/* When it was written, not when the journal took it: at boot those are seconds apart. */
	if (entry->source_us && entry->monotonic_us > entry->source_us &&
	    wall_us > entry->monotonic_us - entry->source_us)
		wall_us -= entry->monotonic_us - entry->source_us;
	*record = (struct kmsg_record){
		.level = (unsigned int)entry->level,
		.has_level = entry->has_level,
		/* What user space wrote to /dev/kmsg comes by the same transport. */
		.facility = entry->has_facility ? (unsigned int)entry->facility : 0,
		.us = entry->source_us ? entry->source_us : wall_us,
		.has_us = entry->source_us || wall_us,
		.flag = '-',
		.text = text_slice(&entry->message),
	};
	*ret_wall_ns = wall_us * NS_PER_US;
	return true;
}

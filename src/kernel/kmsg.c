/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/kmsg.h"

#include "base/auto.h"

const char *const kmsg_levels[8] = {
	"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
};

const char *kmsg_facility(unsigned int facility)
{
	static const char *const names[] = {
		"kern",	  "user",   "mail",	"daemon", "auth",   "syslog", "lpr",	"news",
		"uucp",	  "cron",   "authpriv", "ftp",	  "ntp",    "audit",  "alert",	"clock",
		"local0", "local1", "local2",	"local3", "local4", "local5", "local6", "local7",
	};

	return facility < array_count(names) ? names[facility] : "?";
}

struct slice kmsg_decode(struct slice text, char *room)
{
	size_t n = 0;

	for (size_t at = 0; at < text.bytes; at++) {
		bool escape = at + 3 < text.bytes && text.at[at] == '\\' && text.at[at + 1] == 'x';
		int high = escape ? slice_hex_digit(text.at[at + 2]) : -1;
		int low = escape ? slice_hex_digit(text.at[at + 3]) : -1;

		if (high >= 0 && low >= 0) {
			room[n++] = (char)(high << 4 | low);
			at += 3;
		} else {
			room[n++] = text.at[at];
		}
	}
	return (struct slice){ room, n };
}

/* Reads digits up to a comma and steps over it. 19 digits fit. Inline: it is most of the work of
 * passing over a record. */
static inline bool kmsg_eat_number(struct slice *bytes, uint64_t *ret_value)
{
	size_t most = bytes->bytes < 20 ? bytes->bytes : 20, n = 0;
	const char *at = bytes->at;
	unsigned int digit;
	uint64_t value = 0;

	for (; n < most && (digit = (unsigned int)at[n] - '0') <= 9; n++)
		value = value * 10 + digit;
	if (n == 0 || n == most || at[n] != ',')
		return false;
	bytes->at += n + 1;
	bytes->bytes -= n + 1;
	*ret_value = value;
	return true;
}

/* Any number of ",key=value" may follow the flag; one of them is known. */
static bool kmsg_parse_extras(struct slice *bytes, struct kmsg_record *record)
{
	struct slice extras, extra;

	if (!slice_cut(bytes, ';', &extras))
		return false;
	while (slice_next(&extras, ',', &extra))
		if (slice_eat(&extra, SLICE("caller=")) && extra.bytes < KMSG_CALLER_BYTES)
			record->caller = extra;
	return true;
}

/* Everything up to the ';', and steps over it. */
static bool kmsg_parse_header(struct slice *bytes, struct kmsg_record *record)
{
	uint64_t priority;

	if (!kmsg_eat_number(bytes, &priority) || priority > (0xff << 3 | 7) ||
	    !kmsg_eat_number(bytes, &record->sequence) || !kmsg_eat_number(bytes, &record->us) ||
	    bytes->bytes < 2 || bytes->at[0] == ';')
		return false;
	record->level = priority & 7;
	record->facility = (unsigned int)priority >> 3;
	record->has_us = record->has_sequence = record->has_level = true;
	record->caller = (struct slice){ NULL, 0 };
	record->flag = bytes->at[0];
	if (bytes->at[1] != ';')
		return kmsg_parse_extras(bytes, record);
	*bytes = slice_skip(*bytes, 2);
	return true;
}

bool kmsg_parse(struct slice bytes, char *room, struct kmsg_record *record)
{
	if (!kmsg_parse_header(&bytes, record))
		return false;
	record->dictionary = (struct slice){ NULL, 0 };
	if (slice_cut(&bytes, '\n', &record->text))
		record->dictionary = bytes;
	else
		record->text = bytes;
	if (record->text.bytes && memchr(record->text.at, '\\', record->text.bytes))
		record->text = kmsg_decode(record->text, room);
	return true;
}

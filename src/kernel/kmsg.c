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

static int kmsg_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

struct slice kmsg_decode(struct slice text, char *room)
{
	size_t n = 0;

	for (size_t at = 0; at < text.bytes; at++) {
		bool escape = at + 3 < text.bytes && text.at[at] == '\\' && text.at[at + 1] == 'x';
		int high = escape ? kmsg_hex(text.at[at + 2]) : -1;
		int low = escape ? kmsg_hex(text.at[at + 3]) : -1;

		if (high >= 0 && low >= 0) {
			room[n++] = (char)(high << 4 | low);
			at += 3;
		} else {
			room[n++] = text.at[at];
		}
	}
	return (struct slice){ room, n };
}

/* Any number of ",key=value" may follow the flag in kernels to come. */
static bool kmsg_parse_header(struct slice header, struct kmsg_record *record)
{
	uint64_t priority;

	if (!slice_eat_u64(&header, &priority) || priority > 0xff << 3 ||
	    !slice_eat(&header, SLICE(",")) || !slice_eat_u64(&header, &record->sequence) ||
		       !slice_eat(&header, SLICE(",")) || !slice_eat_u64(&header, &record->us) ||
				  !slice_eat(&header, SLICE(",")) || header.bytes == 0)
		return false;
	record->level = priority & 7;
	record->facility = (unsigned int)priority >> 3;
	record->flag = header.at[0];
	record->has_us = record->has_sequence = true;
	return true;
}

bool kmsg_parse(struct slice bytes, char *room, struct kmsg_record *record)
{
	struct slice header;

	if (!slice_cut(&bytes, ';', &header) || !kmsg_parse_header(header, record))
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

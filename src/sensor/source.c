/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/source.h"

#include <errno.h>

#include "base/clock.h"
#include "sensor/klog/pattern.h"
#include "sensor/source_journal.h"
#include "sensor/source_time.h"

struct source {
	struct klog *klog;
	uint64_t now_wall_ns;
	struct source_counts counts;
	struct text line; /* the start of a line whose end has not come */
	bool cut;	  /* more of it came than is kept */
	bool raw;	  /* the line before was a record of /dev/kmsg */
	struct source_time last;
	/* The journal's export format. */
	struct journal_entry entry;
	bool entry_open;
	struct text name; /* of the value that follows with its length */
	uint64_t binary_left;
	size_t length_left; /* bytes of the length that have not come */
	char room[SOURCE_LINE_BYTES];
};

int source_new(struct source **ret_source, struct klog *klog, uint64_t now_wall_ns,
	       struct error *err)
{
	struct source *source = calloc(1, sizeof(*source));

	if (!source)
		return error_errno(err, ENOMEM, "read a saved kernel log");
	source->klog = klog;
	source->now_wall_ns = now_wall_ns;
	*ret_source = source;
	return 0;
}

void source_free(struct source *source)
{
	if (!source)
		return;
	text_done(&source->line);
	text_done(&source->name);
	text_done(&source->entry.message);
	free(source);
}

const struct source_counts *source_counts(const struct source *source)
{
	return &source->counts;
}

static void source_give(struct source *source, struct kmsg_record *record, uint64_t wall_ns)
{
	source->counts.records++;
	record->text = slice_first(record->text, KMSG_RECORD_BYTES);
	/* Without a date at least the distances are right. */
	if (wall_ns == 0 && record->has_us)
		wall_ns = record->us * NS_PER_US;
	klog_take(source->klog, record, wall_ns, 0);
}

/* --- dmesg --- */

/* "[    T12]", "[   C1]": who wrote it (CONFIG_PRINTK_CALLER). */
static void source_eat_caller(struct slice *text, struct kmsg_record *record)
{
	struct slice rest = *text, body;

	slice_eat(&rest, SLICE(" "));
	if (!slice_eat(&rest, SLICE("[")) || !slice_cut(&rest, ']', &body))
		return;
	body = slice_trim(body);
	if (body.bytes < 2 || body.bytes >= KMSG_CALLER_BYTES ||
	    (body.at[0] != 'T' && body.at[0] != 'C') || body.at[1] < '0' || body.at[1] > '9')
		return;
	record->caller = body;
	*text = rest;
}

/* What stands behind priority and time, if there are any. */
static void source_take_text(struct source *source, struct slice text, struct kmsg_record *record)
{
	struct source_time time;
	uint64_t wall_ns = 0;

	if (source_time_bracket(&text, source->now_wall_ns, &source->last, &time)) {
		source->last = time;
		wall_ns = time.wall_ns;
		record->us = time.us;
		record->has_us = time.has_us;
		source_eat_caller(&text, record);
		slice_eat(&text, SLICE(" "));
	}
	if (text.bytes && memchr(text.at, '\\', text.bytes))
		text = kmsg_decode(text, source->room);
	record->flag = '-';
	record->text = text;
	source_give(source, record, wall_ns);
}

/* "<6>" */
static bool source_eat_priority(struct slice *text, struct kmsg_record *record)
{
	struct slice rest = *text;
	uint64_t priority;

	if (!slice_eat(&rest, SLICE("<")) || !slice_eat_u64(&rest, &priority) ||
		       priority > (0xff << 3 | 7) || !slice_eat(&rest, SLICE(">")))
		return false;
	record->level = priority & 7;
	record->facility = (unsigned int)priority >> 3;
	record->has_level = true;
	*text = rest;
	return true;
}

/* "kern  :info  : " */
static bool source_eat_decoded(struct slice *text, struct kmsg_record *record)
{
	struct slice rest = *text, facility, level;
	unsigned int n = 0;

	if (!slice_cut(&rest, ':', &facility) || !slice_cut(&rest, ':', &level) ||
	    facility.bytes > 8 || level.bytes > 8 || !slice_eat(&rest, SLICE(" ")))
		return false;
	facility = slice_trim(facility);
	level = slice_trim(level);
	while (n < 24 && !slice_is(facility, kmsg_facility(n)))
		n++;
	if (n == 24)
		return false;
	record->facility = n;
	for (n = 0; n < 8 && !record->has_level; n++)
		if (slice_starts(slice_of(kmsg_levels[n]), level) && level.bytes >= 3) {
			record->level = n;
			record->has_level = true;
		}
	*text = rest;
	return record->has_level;
}

/* --- syslog --- */

/* "host kernel: text" */
static void source_take_syslog(struct source *source, struct slice rest,
			       const struct source_time *time)
{
	struct kmsg_record record = { .us = time->us, .has_us = true, .flag = '-' };
	struct source_time since_boot;
	struct match match;

	if (!pattern_match("{z^} kernel: ", rest, &match)) {
		source->counts.others++;
		return;
	}
	rest = match.rest;
	if (source_time_bracket(&rest, source->now_wall_ns, &source->last, &since_boot)) {
		record.us = since_boot.us;
		slice_eat(&rest, SLICE(" "));
	}
	record.text = rest;
	source_give(source, &record, time->wall_ns);
}

/* Lines that start with a time; false when there is none. */
static bool source_take_dated(struct source *source, struct slice line)
{
	struct source_time time;
	struct slice rest = line;
	bool comma = false;

	if (source_time_iso(&rest, &time, &comma)) {
		struct kmsg_record record = { .us = time.us, .has_us = true, .flag = '-' };

		if (!comma) {
			source_take_syslog(source, rest, &time);
			return true;
		}
		record.text = rest;
		if (rest.bytes && memchr(rest.at, '\\', rest.bytes))
			record.text = kmsg_decode(rest, source->room);
		source_give(source, &record, time.wall_ns);
		return true;
	}
	if (!source_time_syslog(&rest, source->now_wall_ns, &time) || !slice_eat(&rest, SLICE(" ")))
		return false;
	source_take_syslog(source, rest, &time);
	return true;
}

/* --- the journal --- */

static void source_end_entry(struct source *source)
{
	struct kmsg_record record;
	uint64_t wall_ns;

	if (journal_record(&source->entry, &record, &wall_ns))
		source_give(source, &record, wall_ns);
	else
		source->counts.others++;
	journal_clear(&source->entry);
	source->entry_open = false;
}

static void source_take_json(struct source *source, struct slice line)
{
	if (journal_read_json(&source->entry, line)) {
		source_end_entry(source);
		return;
	}
	source->counts.invalid++;
	journal_clear(&source->entry);
}

/* A line of the export format; entries start with "__CURSOR=". */
static bool source_take_export(struct source *source, struct slice line)
{
	struct slice value = line, name;

	if (!source->entry_open && !slice_starts(line, SLICE("__CURSOR=")))
		return false;
	if (line.bytes == 0) {
		source_end_entry(source);
	} else if (slice_cut(&value, '=', &name)) {
		source->entry_open = true;
		journal_put(&source->entry, name, value);
	} else {
		text_clear(&source->name);
		text_put(&source->name, line);
		source->length_left = sizeof(uint64_t);
		source->binary_left = 0;
	}
	return true;
}

/* Takes from the bytes what belongs to a value with a length; false when there is none. */
static bool source_take_binary(struct source *source, struct slice *bytes)
{
	size_t take;

	if (source->length_left) {
		uint64_t byte = (unsigned char)bytes->at[0];

		source->binary_left |= byte << 8 * (sizeof(uint64_t) - source->length_left);
		source->length_left--;
		*bytes = slice_skip(*bytes, 1);
		/* And the line end behind the value. */
		if (source->length_left == 0 && source->binary_left != UINT64_MAX)
			source->binary_left++;
		return true;
	}
	if (source->name.bytes == 0)
		return false;
	take = source->binary_left < bytes->bytes ? (size_t)source->binary_left : bytes->bytes;
	if (source->line.bytes + take <= SOURCE_LINE_BYTES)
		text_put(&source->line, slice_first(*bytes, take));
	else
		source->cut = true;
	source->binary_left -= take;
	*bytes = slice_skip(*bytes, take);
	if (source->binary_left)
		return true;
	source->counts.invalid += source->cut;
	source->line.bytes -= source->line.bytes && !source->cut;
	journal_put(&source->entry, text_slice(&source->name), text_slice(&source->line));
	source->cut = false;
	text_clear(&source->line);
	text_clear(&source->name);
	return true;
}

/* --- lines --- */

static bool source_take_raw(struct source *source, struct slice line)
{
	struct kmsg_record record;

	if (!kmsg_parse(line, source->room, &record))
		return false;
	source->raw = true;
	source_give(source, &record, 0);
	return true;
}

static bool source_is_pstore_header(struct slice line)
{
	struct match match;

	return pattern_match("{z^}#{d#} Part{d#}$", line, &match);
}

static void source_line(struct source *source, struct slice line)
{
	struct kmsg_record record = { .flag = '-' };
	bool after_raw = source->raw;

	if (slice_ends(line, SLICE("\r")))
		line.bytes--;
	if (source_take_export(source, line))
		return;
	source->raw = false;
	if (line.bytes == 0 || source_is_pstore_header(line))
		return;
	/* A record's dictionary. */
	if (line.at[0] == ' ' && after_raw) {
		source->raw = true;
		return;
	}
	if (line.at[0] == '{') {
		source_take_json(source, line);
	} else if (line.at[0] == '<') {
		source_eat_priority(&line, &record);
		source_take_text(source, line, &record);
	} else if (!source_take_raw(source, line) && !source_take_dated(source, line)) {
		source_eat_decoded(&line, &record);
		source_take_text(source, line, &record);
	}
}

/* A piece of a line; at its end the line is whole. */
static void source_take_piece(struct source *source, struct slice piece, bool end)
{
	size_t room = SOURCE_LINE_BYTES - source->line.bytes;

	source->cut |= piece.bytes > room;
	piece = slice_first(piece, room);
	if (source->line.bytes || !end)
		text_put(&source->line, piece);
	if (!end)
		return;
	source->counts.invalid += source->cut;
	source_line(source, source->line.bytes ? text_slice(&source->line) : piece);
	source->cut = false;
	text_clear(&source->line);
}

void source_take(struct source *source, struct slice bytes)
{
	struct slice line;

	while (bytes.bytes) {
		if ((source->length_left || source->name.bytes) &&
		    source_take_binary(source, &bytes))
			continue;
		if (slice_cut(&bytes, '\n', &line)) {
			source_take_piece(source, line, true);
			continue;
		}
		source_take_piece(source, bytes, false);
		return;
	}
}

void source_end(struct source *source)
{
	if (source->line.bytes)
		source_take_piece(source, (struct slice){ "", 0 }, true);
	if (source->entry_open)
		source_end_entry(source);
	klog_flush(source->klog);
}

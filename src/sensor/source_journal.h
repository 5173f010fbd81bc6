/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_journal - entries of systemd's journal, as journalctl exports them.
 *
 * JSON has one object a line (systemd.io/JOURNAL_EXPORT_FORMATS). The export format has a field a
 * line and an empty line behind each entry; a value with line ends in it follows its name's line
 * with its length as eight bytes, the lowest first.
 */
#ifndef SENSOR_SOURCE_JOURNAL_H
#define SENSOR_SOURCE_JOURNAL_H

#include "base/text.h"
#include "kernel/kmsg.h"

struct journal_entry {
	struct text message;
	uint64_t realtime_us, monotonic_us, source_us; /* 0: not said */
	uint64_t level, facility;
	bool has_level, has_facility, from_kernel, has_message;
};

void journal_clear(struct journal_entry *entry);

/* One field; those that nobody asks for are left out. */
void journal_put(struct journal_entry *entry, struct slice name, struct slice value);

/* One object; false when it is none. */
bool journal_read_json(struct journal_entry *entry, struct slice line);

/* The record, which borrows from the entry; false when it is not the kernel's. */
bool journal_record(const struct journal_entry *entry, struct kmsg_record *ret_record,
		    uint64_t *ret_wall_ns);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kmsg - one record of the kernel log, as /dev/kmsg gives it.
 *
 *	<prio>,<sequence>,<microseconds>,<flag>[,key=value...];<text>\n
 *	 KEY=value\n ...
 *
 * (Documentation/ABI/testing/dev-kmsg.) One read(2) is one record. Control bytes, bytes from 127 on
 * and backslashes arrive as \xHH.
 */
#ifndef KERNEL_KMSG_H
#define KERNEL_KMSG_H

#include "base/slice.h"

/* More than any record needs: the kernel's own limit is below 8 KiB. */
#define KMSG_RECORD_BYTES 8192

/* Room for the longest caller, "C" or "T" and a number. */
#define KMSG_CALLER_BYTES 16

enum { KMSG_FACILITY_kern = 0 };

struct kmsg_record {
	unsigned int level, facility; /* as in syslog(3) */
	uint64_t sequence;
	uint64_t us; /* since boot, on a clock that stands still in suspend */
	bool has_us; /* false: the source has no times */
	bool has_sequence;
	bool has_level;		 /* false: the source says no level */
	char flag;		 /* '-' whole, 'c' a fragment, '+' continues one */
	struct slice caller;	 /* "T1234" or "C1" (CONFIG_PRINTK_CALLER), or empty */
	struct slice text;	 /* decoded; may hold any byte */
	struct slice dictionary; /* the lines behind the text, undecoded */
};

/* Parses one record; `bytes` must hold it whole. `room` (as long as the record) takes the decoded
 * text when it had escapes; otherwise the text points into `bytes`. False: not a record. */
bool kmsg_parse(struct slice bytes, char *room, struct kmsg_record *ret_record);

/* Decodes \xHH into `room`, which holds at least text.bytes; returns the decoded text. What is no
 * escape stays as it is. */
struct slice kmsg_decode(struct slice text, char *room);

extern const char *const kmsg_levels[8];	  /* "emerg" ... "debug" */
const char *kmsg_facility(unsigned int facility); /* "kern", "user", ...; "?" beyond the known */

#endif

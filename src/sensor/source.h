/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source - a saved kernel log, in any form that people save it in, becomes records again.
 *
 * Told line by line, so that files put together from several sources work:
 *
 *	6,434,1370208517,-;text			/dev/kmsg
 *	[ 1370.208517] text			dmesg; also with -d, -e, -r, -S, -t, -T, -x and
 *	<6>[ 1370.208517] text			--time-format iso
 *	Nov 22 14:50:47 host kernel: text	a syslog file, old time or RFC 3339
 *	{"MESSAGE":"text",...}			journalctl -o json
 *	MESSAGE=text				journalctl -o export
 *	Panic#1 Part1				pstore, as a header line before dmesg's
 *
 * A line without facility is believed to be the kernel's, since it stands in a saved kernel log. Of
 * a syslog file only the lines of "kernel:", of a journal only what came from the kernel.
 *
 * Pure but for the local time zone, in which dmesg and syslog write.
 */
#ifndef SENSOR_SOURCE_H
#define SENSOR_SOURCE_H

#include "sensor/klog/klog.h"

/* Longer lines are cut. */
#define SOURCE_LINE_BYTES 262144

struct source;

struct source_counts {
	uint64_t records; /* given to klog */
	uint64_t others;  /* lines of syslog and entries of the journal that are not the kernel's */
	uint64_t invalid; /* JSON that is none, and lines that had to be cut */
};

/* `now_wall_ns` tells which year a time without one means. */
must_check int source_new(struct source **ret_source, struct klog *klog, uint64_t now_wall_ns,
			  struct error *err);
void source_free(struct source *source);

/* The next bytes of the log, however many; lines may be split anywhere. */
void source_take(struct source *source, struct slice bytes);
/* There are no more: the last line may lack its end. */
void source_end(struct source *source);

const struct source_counts *source_counts(const struct source *source);

#endif

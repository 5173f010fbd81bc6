/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shape - THE table of messages that mean something, and the way from a line to its row.
 *
 * A row names words that stand at a place in the line which can be found without a search: its
 * start, its end, or behind the "[pid]" or ':' that follows a thread's name. Names are chosen by
 * whoever runs the program; they have at most 15 bytes, so the mark behind the name is the last of
 * its sort near the start, whatever the name, or a file name further back, looks like. The four
 * bytes at the place are looked up in one hash table: a line that means nothing costs four
 * look-ups.
 *
 * The rows stand with the families that understand them (trap.c, fatal.c, ...), as one array each.
 */
#ifndef SENSOR_KLOG_SHAPE_H
#define SENSOR_KLOG_SHAPE_H

#include "event/event.h"
#include "kernel/kmsg.h"

struct klog;
struct shape;

enum shape_anchor {
	ANCHOR_start,
	ANCHOR_pid,  /* behind the ']' of "name[pid]" */
	ANCHOR_name, /* at the ':' behind a thread's name */
	ANCHOR_end,  /* not counting a number and a full stop behind the words */
};

/* A record on its way through the families. */
struct line {
	const struct kmsg_record *record;
	struct slice text;
	struct slice whole; /* the same, or all lines of the report that this line began */
	uint64_t wall_ns, boot_ns;
	struct slice name; /* ANCHOR_pid, ANCHOR_name: what stands before the mark */
	uint64_t pid;	   /* ANCHOR_pid */
	struct slice rest; /* behind the words; ANCHOR_end: before them */
};

struct shape {
	enum shape_anchor anchor;
	enum event_kind kind;
	const char *words; /* four bytes or more */
	/* Makes something of the line; false: it isn't what it looked like. */
	bool (*take)(struct klog *klog, const struct shape *shape, const struct line *line);
	const char *pattern; /* of line->rest, or as the family reads it */
	const char *name;    /* what the family calls it: trap.kind, kernel.report.kind, ... */
	int number;	     /* a signal, a rank: as the family reads it */
	unsigned int flags;  /* the family's */
};

#define SHAPE_COUNT 192	 /* room in the index */
#define SHAPE_HEADS 2048 /* so many that most of what means nothing finds none */

struct shape_index {
	uint8_t heads[SHAPE_HEADS]; /* 0 = none */
	uint8_t count;
	struct shape_entry {
		uint32_t key;
		uint8_t next;
		struct slice words;
		const struct shape *shape;
	} entries[SHAPE_COUNT + 1]; /* the first is not used */
};

void shape_index_init(struct shape_index *index);

/* Hands the line to the rows that it may be; whether one took it. */
bool shape_dispatch(const struct shape_index *index, struct klog *klog, struct line *line);

/* Whether it may be for one of the rows, by its words alone. */
bool shape_is_known(const struct shape_index *index, struct line line);

/* Finds the shape's anchor in the line again, as it was found at first. */
bool shape_locate(const struct shape *shape, struct line *line);

/* The families' rows; each ends with one without words. */
extern const struct shape trap_shapes[], fatal_shapes[], audit_shapes[], notice_shapes[],
	oom_shapes[], report_shapes[];

#endif

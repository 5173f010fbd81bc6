/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gather - messages of several lines, collected until they are whole.
 *
 * The lines of one message may be mixed with others: with those of a message on another processor,
 * and with strangers. Each line is offered to what is open, the oldest first; on kernels that print
 * who wrote a record (CONFIG_PRINTK_CALLER) only to those of the same writer. A message ends with
 * its last line, with one that begins another report, after GATHER_STRANGERS lines that nobody
 * wanted, after GATHER_SILENCE_US of the log's time, or when the log falls silent (klog_flush()).
 */
#ifndef SENSOR_KLOG_GATHER_H
#define SENSOR_KLOG_GATHER_H

#include "sensor/klog/shape.h"

/* Open at once; when one more begins, the oldest is ended. */
#define GATHER_OPEN	  4
#define GATHER_STRANGERS  8
#define GATHER_SILENCE_US 1000000
/* Text kept of one message; GATHER_CUT stands behind what was too long. */
#define GATHER_TEXT_BYTES 65536
#define GATHER_CUT	  "[cut]"

enum gather_verdict {
	GATHER_stranger, /* not one of its lines */
	GATHER_more,	 /* one of its lines */
	GATHER_last,	 /* one of its lines, and the last */
	GATHER_over,	 /* not one of its lines, and there will be no more */
};

struct gather;

struct gather_kind {
	enum gather_verdict (*wants)(const struct klog *klog, struct gather *gather,
				     const struct line *line);
	/* Makes the event. The lines are gather->text, separated by NUL; `first` is the line that
	 * began it, its anchor found. */
	void (*finish)(struct klog *klog, struct gather *gather, struct line *first);
};

struct gather {
	const struct gather_kind *kind;
	const struct shape *shape;
	struct kmsg_record record; /* of the first line; holds no text */
	uint64_t wall_ns, boot_ns;
	uint64_t last_us;
	char caller[KMSG_CALLER_BYTES];
	struct text text;
	unsigned int lines, strangers;
	bool cut;  /* lines were left out */
	bool body; /* report: its headline is complete */
};

/* Begins a message with this line; one that is not the kernel's is a forgery at once. True. */
bool gather_open(struct klog *klog, const struct gather_kind *kind, const struct shape *shape,
		 const struct line *line);

/* Offers a line to what is open; whether it was taken. Ends what has waited too long. */
bool gather_offer(struct klog *klog, const struct line *line);

/* Appends the rest of a line that arrived in pieces to the line that was taken last. */
bool gather_continue(struct klog *klog, const struct line *piece);

void gather_finish_all(struct klog *klog);

/* Whether one of the lines starts with these bytes. */
bool gather_has(const struct gather *gather, struct slice start);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* inside - what klog.c and the families of messages share; not for others. */
#ifndef SENSOR_KLOG_INSIDE_H
#define SENSOR_KLOG_INSIDE_H

#include "sensor/klog/gather.h"
#include "sensor/klog/klog.h"
#include "sensor/klog/pattern.h"
#include "sensor/klog/shape.h"

/* Registers of one dump; x86-64 prints 41 at most. */
#define KLOG_REGISTERS 64

struct klog {
	struct event_port *out;
	struct shape_index index;
	struct gather open[GATHER_OPEN]; /* the oldest first */
	size_t open_count;
	/* A line that arrives in pieces; its record's text is not used. */
	struct text piece;
	struct kmsg_record piece_record;
	uint64_t piece_wall_ns, piece_boot_ns;
	bool piece_open;
	uint64_t suppressed;
	struct event event; /* the one being made */
	struct event_pair registers[KLOG_REGISTERS];
};

/* Starts klog->event with what every record has, and returns it. */
struct event *klog_begin(struct klog *klog, enum event_kind kind, const struct line *line);

/* Passes klog->event on; when the record is not the kernel's, as a forgery. */
void klog_emit(struct klog *klog, const struct line *line);

/* These add a value unless the event has one, or its kind can't have it. An empty text is none. */
void klog_put_text(struct event *event, enum event_field field, struct slice text);
void klog_put_number(struct event *event, enum event_field field, uint64_t number);
void klog_put_signal(struct event *event, uint64_t signo);

/*
 * Adds what a pattern has captured:
 *
 *	a fault_address   i fault_ip     s fault_sp   e fault_code  g signal   w fault_reason
 *	v fault_access    c comm         p pid        x exe         l command_line
 *	o target's comm   q target's pid r lsm_operation            m module   t title
 *	b seconds blocked u processor
 *	f function held back             n how often
 *
 * Other letters are the family's own.
 */
void klog_put(struct event *event, const struct match *match);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dump - what the kernel prints of a processor and its task: show_regs(), dump_stack().
 *
 *	CPU: 1 UID: 0 PID: 4711 Comm: nginx Tainted: G        W          6.12.9 #1
 *	RIP: 0033:0x7f1c2b0a45c1
 *	RAX: 0000000000000000 RBX: ...
 *
 * Names of registers are the kernel's ("RAX", "x0", "pc"); a value is what stands behind the
 * segment, without the brackets of old kernels: "0x7f1c2b0a45c1", "do_exit+0x1a/0x30".
 */
#ifndef SENSOR_KLOG_DUMP_H
#define SENSOR_KLOG_DUMP_H

#include "event/event.h"

enum dump_line {
	DUMP_none,
	DUMP_task, /* "CPU: ... Comm: ..." */
	DUMP_code,
	DUMP_registers,
	DUMP_around, /* hardware, taint in words, thread_info */
};

struct dump {
	struct event_pair *pairs; /* room for `pair_room` registers, the caller's */
	size_t pair_room, pair_count;
	struct slice comm, taint, release, code;
	uint64_t cpu, pid, uid;
	bool has_task, has_uid;
};

/* Which line of a dump this is. */
enum dump_line dump_line_of(struct slice text);

/* Takes in what a line says; what an earlier line said stays. */
void dump_read(struct dump *dump, struct slice text);

/* Takes in lines that are separated by NUL. */
void dump_read_lines(struct dump *dump, struct slice lines);

/* A register's value, or an empty slice. */
struct slice dump_register(const struct dump *dump, const char *name);

/* Adds all of it to the event, and the instruction and stack pointers. */
void dump_put(const struct dump *dump, struct event *event);

#endif

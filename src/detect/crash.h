/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash - what an event says about a crash: pure reading, nothing is kept.
 *
 * One crash may be told by several events: the trap in the kernel log, the dump of its registers,
 * the exit of the process, audit's record. Each has its share of the truth, so each is read into
 * the same form; whoever counts tells them apart by the source.
 */
#ifndef DETECT_CRASH_H
#define DETECT_CRASH_H

#include "event/event.h"

/* Bits. */
enum crash_source {
	CRASH_trap = 1,	   /* the kernel log's line, which is rate-limited */
	CRASH_dump = 2,	   /* kernel.print-fatal-signals */
	CRASH_exit = 4,	   /* the process is gone: tells the signal, never held back */
	CRASH_abend = 8,   /* audit: a signal ended it */
	CRASH_seccomp = 16 /* audit: a system call ended it */
};

/* What is counted once for a crash, whichever event tells it; bits. */
enum crash_fact {
	FACT_crash = 1, /* all of them tell that */
	FACT_place = 2, /* where */
	FACT_abort = 4, /* a check in the program itself ended it, such as that of the stack */
};

enum crash_place_kind {
	PLACE_none,
	PLACE_code,
	PLACE_null,	   /* it called through a null pointer, or nearly */
	PLACE_system_call, /* seccomp refused it */
};

/* Where it happened, in terms that are the same in every run: no address. */
struct crash_place {
	enum crash_place_kind kind;
	struct slice module; /* PLACE_code */
	uint64_t offset;     /* in the module; or the address, or the number of the call */
};

/* Values whose steps from crash to crash are watched. */
#define CRASH_VALUES(X)                                                                            \
	/* id, names on x86-64, i386, arm64, step among addresses, step among small numbers */     \
	X(address, "fault address", "fault address", "fault address", 0, 0)                        \
	X(wild, "ip", "ip", "ip", 8, 0)                                                            \
	X(pc, "RIP", "EIP", "pc", 8, 1)                                                            \
	X(first, "RDI", "EDI", "x0", 8, 1)                                                         \
	X(second, "RSI", "ESI", "x1", 8, 1)                                                        \
	X(stack, "RSP", "ESP", "sp", 8, 0)                                                         \
	X(frame, "RBP", "EBP", "x29", 8, 0)                                                        \
	X(result, "RAX", "EAX", "x8", 8, 0)                                                        \
	X(link, "lr", "lr", "x30", 8, 0)

enum crash_value_id {
#define X(id, ...) VALUE_##id,
	CRASH_VALUES(X)
#undef X
		VALUE_COUNT
};

#define CRASH_NAMES 3
struct crash_value_row {
	const char *names[CRASH_NAMES];
	uint64_t step, small_step; /* 0: steps are no sign */
};
extern const struct crash_value_row crash_values[VALUE_COUNT];

/* Below this a value is a number, a flag or the null page, not an address. */
#define CRASH_SMALL 0x10000

struct crash {
	const struct event *event;
	enum crash_source source;
	uint32_t pid, ppid; /* 0 = not known */
	int signo;	    /* 0 = not known */
	unsigned int facts; /* bits of enum crash_fact */
	bool forked;	    /* the parent is the same program: a child that never called exec */
	struct crash_place place;
	/* A piece of the layout of addresses that ASLR draws anew at each exec: what it is, and
	 * where. 0 = not known. Children of one server share it. */
	struct slice layout;
	uint64_t layout_start;
	unsigned int has;		  /* bits of enum crash_value_id */
	uint64_t values[VALUE_COUNT];	  /* those it has */
	unsigned char names[VALUE_COUNT]; /* which of its names the value had */
};

/* False when the event tells of no crash. What is read borrows from the event. */
bool crash_read(const struct event *event, struct crash *ret_crash);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program - the history of crashes of one executable in one container (or outside of any).
 *
 * It holds sketches, not events, so it stays small however long a probe takes. Of the crashes
 * themselves only the latest one's identity is kept, to say whom a detection is about.
 */
#ifndef DETECT_PROGRAM_H
#define DETECT_PROGRAM_H

#include "base/list.h"
#include "detect/rate.h"
#include "detect/sketch.h"

/* Children of one parent, or of an unknown one (ppid 0). */
#define PROGRAM_FAMILIES 4
#define FAMILY_LAYOUTS	 3
struct family {
	uint32_t ppid;
	bool forked; /* they share the parent's image: none of them called exec */
	struct layout {
		char name[SKETCH_MODULE_BYTES];
		uint64_t start;
		uint32_t pid; /* who had it */
	} layouts[FAMILY_LAYOUTS];
	size_t next_layout;
	uint64_t last_ns;	     /* 0 = free */
	struct pace crashes, aborts; /* over canary_window */
	struct pace slow_aborts;     /* over window */
	uint64_t first_ns;	     /* of those over window */
};

/* One detection about this program: raised, told again as it grows, resolved when it is quiet. */
#define PROGRAM_REASON_BYTES 320
struct program_case {
	bool open, grown;	    /* grown: more is known than was told */
	uint64_t first_ns, seen_ns; /* its evidence, first and latest */
	uint64_t told_ns;
	unsigned int told;   /* how often */
	uint64_t cleared_ns; /* what was before this is settled and counts no more */
	uint64_t count;	     /* crashes, estimates included */
	/* The latest verdict, for when it has to be told though it holds no longer. */
	unsigned int score;
	const char *register_name;
	char reason[PROGRAM_REASON_BYTES];
};

#define PROGRAM_CASES 5

struct program {
	struct slice key; /* owner, NUL, name; behind the struct */
	struct list node; /* by the latest crash */
	/* The latest crash, as an event of what concerns its process; NULL: nobody's crashes. */
	struct event *latest;
	uint64_t latest_ns, latest_wall_ns, latest_boot_ns;
	struct places places;
	struct values *values[VALUE_COUNT]; /* NULL until the first */
	struct family families[PROGRAM_FAMILIES];
	struct rate rate;
	struct pace unplaced;  /* crashes whose place is not known, over window */
	struct pace held_back; /* estimate: crashes that nobody told of, over window */
	uint64_t signals[32];  /* when each last ended it */
	struct program_case cases[PROGRAM_CASES];
};

must_check int program_new(struct program **ret_program, struct slice key, struct error *err);
void program_free(struct program *program);

/* Whom a crash belongs to, as bytes of a key: the pod's container, or the container, or nobody;
 * then the executable, or where it isn't known the command. Writes at most `room` bytes. */
size_t program_key(const struct event *event, char *at, size_t room);

/* What an event tells of a crash. `fresh` are the facts that no other event of it has told yet. */
void program_take(struct program *program, const struct crash *crash, unsigned int fresh,
		  uint64_t at_ns, const struct detect_settings *settings);
/* Crashes without an event: what the kernel says it held back. */
void program_weigh(struct program *program, uint64_t count, uint64_t at_ns,
		   const struct detect_settings *settings);
/* Remembers whose crash it was and when. */
must_check int program_remember(struct program *program, const struct crash *crash, uint64_t at_ns,
				struct error *err);

/* "nginx" or "nginx in web": for people. Borrowed from `room`. */
const char *program_title(const struct program *program, char *room, size_t bytes);

/* Whether all that is known fits one plain bug: one place, one signal. */
bool program_is_loop(const struct program *program, uint64_t since_ns);

#endif

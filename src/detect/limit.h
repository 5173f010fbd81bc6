/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit - whose crashes the kernel held back.
 *
 * The kernel prints ten crash lines in five seconds and then says, with the next line it prints,
 * how many it held back; it doesn't say whose. They are shared out among the programs of the lines
 * it did print, by their number: a weight, not a certainty. One with a single line gets none: ten
 * unrelated crashes fill the limit, too. Crashes that another source has told
 * (the exit of the process) are known and need no estimate.
 */
#ifndef DETECT_LIMIT_H
#define DETECT_LIMIT_H

#include "detect/program.h"

#define LIMIT_PROGRAMS 16

struct limit_share {
	struct program *program;
	uint64_t lines;	  /* crashes the log told */
	uint64_t unlined; /* crashes that only others told, as yet */
};

struct limit {
	uint64_t start_ns; /* of the kernel's window; 0 = none */
	uint64_t lines;
	size_t count;
	struct limit_share shares[LIMIT_PROGRAMS];
};

/* A crash that is in the log; `told` when another source told it before. */
void limit_line(struct limit *limit, struct program *program, bool told, uint64_t at_ns);
/* A crash that is not in the log, or not yet. */
void limit_unlined(struct limit *limit, struct program *program);

/* Shares crashes out among the programs of the window; `weigh` is called for each that gets some.
 * Returns how many nobody could be found for. */
uint64_t limit_share_out(const struct limit *limit, uint64_t held_back,
			 void (*weigh)(void *owner, struct program *program, uint64_t count),
			 void *owner);

/* The window has ended. */
void limit_end(struct limit *limit);

/* The program is going to be freed. */
void limit_forget(struct limit *limit, const struct program *program);

/* Whether the kernel's function prints crashes. */
bool limit_prints_crashes(struct slice function);

#endif

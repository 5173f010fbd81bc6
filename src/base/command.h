/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command - runs a program beside the loop, for what it prints, or just for what it does.
 *
 * It runs in a process group of its own, without standard input, and with the signals as they are
 * by default. It has so much time, and may print so much: beyond that the group is killed.
 */
#ifndef BASE_COMMAND_H
#define BASE_COMMAND_H

#include "base/loop.h"
#include "base/text.h"

struct command {
	/* The owner's, for command_start(): */
	const char *const *argv; /* NULL-terminated; argv[0] is looked for in $PATH */
	size_t limit_bytes;	 /* of its output; 0: nobody reads it */
	uint64_t timeout_ns;
	/* It has ended, and may be started again or freed. err->code is 0 when it said 0, else
	 * err->text says how it ended. `output` is what it printed, kept until the next start. */
	void (*ended)(struct command *command, const struct error *err);

	/* The command's: */
	struct loop *loop;
	struct text output, complaint; /* complaint: the start of its standard error */
	struct loop_child child;
	struct loop_fd out, said;
	struct loop_timer timer;
	struct error why; /* it is killed for */
};

/* -ENOENT and others: it could not be started; `ended` isn't called. */
must_check int command_start(struct command *command, struct loop *loop, struct error *err);
bool command_runs(const struct command *command);
/* Kills it when it runs, and frees what is kept. Harmless for one never started. */
void command_done(struct command *command);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traps_process - a process that sees to calls of one listener, one after the other: to start one
 * for each costs more than what most calls ask for. It has nothing of the server's but what that
 * takes; when the server dies it answers the call that it has, and ends.
 */
#ifndef SYSVISOR_FS_TRAPS_PROCESS_H
#define SYSVISOR_FS_TRAPS_PROCESS_H

#include "sysvisor/fs/trap.h"
#include "sysvisor/fs/traps_slot.h"

struct traps_process {
	pid_t pid;
	int link;		 /* can be read when it is done, or gone */
	struct traps_slot *slot; /* of the last call that it got, or NULL */
	bool busy;		 /* with it, all but the answer */
	bool leaving;		 /* it gets no more */
};

/* What is the same for all calls of a listener. */
struct traps_office {
	const struct trap_place *place;
	const struct traps_slots *slots;
	int listener_fd;
};

must_check int traps_process_start(struct traps_process *process,
				   const struct traps_office *office);
/* Gives it a call. -EPIPE: it is gone. */
must_check int traps_process_give(struct traps_process *process, const struct traps_office *office,
				  struct traps_slot *slot, const struct trapped_row *row);
/* Tells one that has no call to end. */
void traps_process_dismiss(struct traps_process *process);

enum traps_process_news {
	TRAPS_done, /* with its call */
	TRAPS_gone, /* and reaped */
	TRAPS_late, /* the same, since a call took longer than the deadline */
};

/* What there is to read at `link`. */
enum traps_process_news traps_process_hear(struct traps_process *process);

#endif

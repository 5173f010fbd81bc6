/* SPDX-License-Identifier: Apache-2.0 */
/* traps_thread - receives the calls of one listener, and has them seen to. */
#ifndef SYSVISOR_FS_TRAPS_THREAD_H
#define SYSVISOR_FS_TRAPS_THREAD_H

#include "sysvisor/fs/server.h"
#include "sysvisor/fs/traps_slot.h"

struct traps_listener {
	struct server *server;
	struct container *container; /* referenced */
	const struct traps_slots *slots;
	struct list node;
	pthread_t thread;
	uint64_t key; /* the container's slot, and a number */
	int fd;
	int stop_fd;  /* can be read when it is to end */
	int ended_fd; /* to be written when it has */
	_Atomic(bool) ended;
};

/* `listener`: a struct traps_listener. */
void *traps_thread(void *listener);

#endif

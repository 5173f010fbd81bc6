/* SPDX-License-Identifier: Apache-2.0 */
/* traps_slot - calls under way, in a file that outlives the server. */
#ifndef SYSVISOR_FS_TRAPS_SLOT_H
#define SYSVISOR_FS_TRAPS_SLOT_H

#include <linux/seccomp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum traps_slot_state {
	TRAPS_free,
	TRAPS_received, /* or about to be: then its notice has no id */
	TRAPS_begun,	/* by a process that holds the lock on it */
};

struct traps_slot {
	_Atomic(uint32_t) state;
	uint32_t pad;
	uint64_t key; /* of the listener */
	union {
		struct seccomp_notif notice;
		char room[240]; /* kernels may have more to say */
	};
};

_Static_assert(sizeof(struct traps_slot) == 256, "slots are a format");

#define TRAPS_SLOTS 256

struct traps_slots {
	int fd;
	struct traps_slot *at;
};

must_check int traps_slots_open(struct traps_slots *slots, const char *path, struct error *err);
void traps_slots_close(struct traps_slots *slots);

/* An empty one for a call of this listener; NULL: all are taken. */
struct traps_slot *traps_slot_take(const struct traps_slots *slots, uint64_t key);
void traps_slot_free(struct traps_slot *slot);

/* Marks it as begun by the calling process, and empty; by `fd`, a descriptor of the file. False:
 * another has begun it. */
bool traps_slot_begin(const struct traps_slots *slots, struct traps_slot *slot);
void traps_slot_end(const struct traps_slots *slots, struct traps_slot *slot);
/* Whether the process that has begun is still there. */
bool traps_slot_has_owner(const struct traps_slots *slots, const struct traps_slot *slot);

#endif

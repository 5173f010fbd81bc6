/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ids - who owns which user and group ids on the host: the text of /etc/subuid and /etc/subgid
 * (subuid(5)), a place for a range of our own among them, and the slots that range is cut into.
 * Pure.
 */
#ifndef SYSVISOR_COMMON_IDS_H
#define SYSVISOR_COMMON_IDS_H

#include "base/error.h"
#include "base/text.h"

#define IDS_SLOT_IDS   65536 /* what a whole Linux system needs: 0 to nobody, 65534 */
#define IDS_SLOT_COUNT 4096
#define IDS_LOWEST     100000 /* SUB_UID_MIN of login.defs(5) */

struct ids_range {
	uint32_t first, count;
};

static inline bool ids_overlap(struct ids_range a, struct ids_range b)
{
	return a.count && b.count && a.first < (uint64_t)b.first + b.count &&
	       b.first < (uint64_t)a.first + a.count;
}

/* Steps to the next valid "owner:first:count" line; false at the end. Lines that are none, comments
 * and ranges beyond 32 bits are passed over, as shadow's own tools do. */
bool ids_next(struct slice *file, struct slice *owner, struct ids_range *range);

/* The first range of this owner; false when there is none. */
bool ids_find(struct slice file, struct slice owner, struct ids_range *ret_range);

/* The lowest place for `count` ids where nobody in `subuid` and `subgid` has any and no user or
 * group of `passwd` and `group` lives; its start is a multiple of IDS_SLOT_IDS. False: there is
 * none. */
bool ids_place(struct slice subuid, struct slice subgid, struct slice passwd, struct slice group,
	       uint32_t count, struct ids_range *ret_range);

/* --- the slots of a range --- */

struct ids_slots {
	struct ids_range range;
	uint32_t slot_ids, count;
	uint32_t used;	/* by us */
	uint32_t next;	/* where the search starts: what was freed last is given away last */
	uint8_t *state; /* of each: 0 free, 1 used, 2 another owner's */
};

must_check int ids_slots_init(struct ids_slots *slots, struct ids_range range, uint32_t slot_ids,
			      struct error *err);
void ids_slots_done(struct ids_slots *slots);

/* -ENOSPC: "exclusive id range exhausted (N in use)". */
must_check int ids_take(struct ids_slots *slots, struct ids_range *ret_range, struct error *err);
/* A range that was taken before, or one that never was ours (harmless). */
void ids_mark(struct ids_slots *slots, struct ids_range range);
void ids_release(struct ids_slots *slots, struct ids_range range);
/* What others own in this file (all but `owner`) is not given away; returns how many slots those
 * are. Those in use stay so. */
uint32_t ids_block(struct ids_slots *slots, struct slice file, struct slice owner);

#endif

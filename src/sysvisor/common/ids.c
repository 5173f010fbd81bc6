/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/common/ids.h"

#include <errno.h>

enum ids_state { IDS_free, IDS_used, IDS_foreign };

bool ids_next(struct slice *file, struct slice *owner, struct ids_range *range)
{
	struct slice line, first_text;
	uint64_t first, count;

	while (slice_next(file, '\n', &line)) {
		line = slice_trim(line);
		if (!slice_cut(&line, ':', owner) || owner->bytes == 0 || owner->at[0] == '#' ||
		    !slice_cut(&line, ':', &first_text) || !slice_u64(first_text, &first) ||
		    !slice_u64(line, &count))
			continue;
		if (first > UINT32_MAX || count == 0 || count > UINT32_MAX ||
		    first + count > UINT32_MAX)
			continue;
		*range = (struct ids_range){ (uint32_t)first, (uint32_t)count };
		return true;
	}
	return false;
}

bool ids_find(struct slice file, struct slice owner, struct ids_range *ret_range)
{
	struct slice name;

	while (ids_next(&file, &name, ret_range))
		if (slice_eq(name, owner))
			return true;
	return false;
}

/* The third field of a passwd(5) or group(5) line. */
static bool ids_next_account(struct slice *file, struct ids_range *range)
{
	struct slice line, piece;
	uint64_t id;

	while (slice_next(file, '\n', &line)) {
		unsigned int fields = 0;

		while (fields < 3 && slice_cut(&line, ':', &piece))
			fields++;
		if (fields < 3 || !slice_u64(piece, &id) || id > UINT32_MAX)
			continue;
		*range = (struct ids_range){ (uint32_t)id, 1 };
		return true;
	}
	return false;
}

/* The end of something in the way of `wanted`, or 0. */
static uint64_t ids_obstacle(struct slice subids, struct slice accounts, struct ids_range wanted)
{
	struct ids_range other;
	struct slice owner;
	uint64_t end = 0;

	while (ids_next(&subids, &owner, &other))
		if (ids_overlap(wanted, other) && (uint64_t)other.first + other.count > end)
			end = (uint64_t)other.first + other.count;
	while (ids_next_account(&accounts, &other))
		if (ids_overlap(wanted, other) && (uint64_t)other.first + 1 > end)
			end = (uint64_t)other.first + 1;
	return end;
}

bool ids_place(struct slice subuid, struct slice subgid, struct slice passwd, struct slice group,
	       uint32_t count, struct ids_range *ret_range)
{
	uint64_t first = IDS_LOWEST;

	for (;;) {
		uint64_t end, other;

		first = (first + IDS_SLOT_IDS - 1) / IDS_SLOT_IDS * IDS_SLOT_IDS;
		if (first + count > UINT32_MAX) /* the last one means "no id" */
			return false;
		*ret_range = (struct ids_range){ (uint32_t)first, count };
		end = ids_obstacle(subuid, passwd, *ret_range);
		other = ids_obstacle(subgid, group, *ret_range);
		if (end == 0 && other == 0)
			return true;
		first = end > other ? end : other;
	}
}

/* --- slots --- */

int ids_slots_init(struct ids_slots *slots, struct ids_range range, uint32_t slot_ids,
		   struct error *err)
{
	*slots = (struct ids_slots){ .range = range,
				     .slot_ids = slot_ids,
				     .count = range.count / slot_ids };
	if (slots->count == 0)
		return error_say(err, EINVAL,
				 "a range of %u ids is too small for one container: %u",
				 range.count, slot_ids);
	slots->state = calloc(slots->count, 1);
	return slots->state ? 0 : error_errno(err, ENOMEM, "manage %u id ranges", slots->count);
}

void ids_slots_done(struct ids_slots *slots)
{
	free(slots->state);
	slots->state = NULL;
}

int ids_take(struct ids_slots *slots, struct ids_range *ret_range, struct error *err)
{
	for (uint32_t n = 0; n < slots->count; n++) {
		uint32_t slot = (slots->next + n) % slots->count;

		if (slots->state[slot] != IDS_free)
			continue;
		slots->state[slot] = IDS_used;
		slots->used++;
		slots->next = (slot + 1) % slots->count;
		*ret_range = (struct ids_range){ slots->range.first + slot * slots->slot_ids,
						 slots->slot_ids };
		return 0;
	}
	return error_say(err, ENOSPC, "exclusive id range exhausted (%u in use)", slots->used);
}

/* The slot that is exactly this range, or -1. */
static int64_t ids_slot_of(const struct ids_slots *slots, struct ids_range range)
{
	uint32_t offset = range.first - slots->range.first;

	if (range.first < slots->range.first || range.count != slots->slot_ids ||
	    offset % slots->slot_ids != 0 || offset / slots->slot_ids >= slots->count)
		return -1;
	return offset / slots->slot_ids;
}

void ids_mark(struct ids_slots *slots, struct ids_range range)
{
	int64_t slot = ids_slot_of(slots, range);

	if (slot >= 0 && slots->state[slot] != IDS_used) {
		slots->state[slot] = IDS_used;
		slots->used++;
		slots->next = (uint32_t)(slot + 1) % slots->count;
	}
}

void ids_release(struct ids_slots *slots, struct ids_range range)
{
	int64_t slot = ids_slot_of(slots, range);

	if (slot >= 0 && slots->state[slot] == IDS_used) {
		slots->state[slot] = IDS_free;
		slots->used--;
	}
}

uint32_t ids_block(struct ids_slots *slots, struct slice file, struct slice owner)
{
	struct ids_range other;
	struct slice name;
	uint32_t blocked = 0;

	while (ids_next(&file, &name, &other)) {
		if (slice_eq(name, owner))
			continue;
		for (uint32_t n = 0; n < slots->count; n++) {
			struct ids_range slot = { slots->range.first + n * slots->slot_ids,
						  slots->slot_ids };

			if (slots->state[n] == IDS_free && ids_overlap(slot, other)) {
				slots->state[n] = IDS_foreign;
				blocked++;
			}
		}
	}
	return blocked;
}

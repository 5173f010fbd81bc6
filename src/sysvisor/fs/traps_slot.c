/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/traps_slot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TRAPS_BYTES (TRAPS_SLOTS * sizeof(struct traps_slot))

int traps_slots_open(struct traps_slots *slots, const char *path, struct error *err)
{
	slots->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (slots->fd < 0 || ftruncate(slots->fd, TRAPS_BYTES) < 0)
		return error_errno(err, errno, "open '%s'", path);
	slots->at = mmap(NULL, TRAPS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, slots->fd, 0);
	if (slots->at == MAP_FAILED) {
		slots->at = NULL;
		return error_errno(err, errno, "map '%s'", path);
	}
	return 0;
}

void traps_slots_close(struct traps_slots *slots)
{
	if (slots->at)
		munmap(slots->at, TRAPS_BYTES);
	auto_close_fd(&slots->fd);
	*slots = (struct traps_slots){ .fd = -1 };
}

struct traps_slot *traps_slot_take(const struct traps_slots *slots, uint64_t key)
{
	for (size_t n = 0; n < TRAPS_SLOTS; n++) {
		struct traps_slot *slot = &slots->at[n];
		uint32_t expected = TRAPS_free;

		if (!atomic_compare_exchange_strong(&slot->state, &expected, TRAPS_received))
			continue;
		memset(slot->room, 0, sizeof(slot->room)); /* the kernel insists */
		slot->key = key;
		return slot;
	}
	return NULL;
}

void traps_slot_free(struct traps_slot *slot)
{
	slot->key = 0;
	atomic_store(&slot->state, TRAPS_free);
}

/* Locks of this kind are a process's, and gone with it. */
static struct flock traps_slot_lock(const struct traps_slots *slots, const struct traps_slot *slot,
				    short type)
{
	return (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = slot - slots->at, .l_len = 1
	};
}

static void traps_slot_unlock(const struct traps_slots *slots, const struct traps_slot *slot)
{
	struct flock lock = traps_slot_lock(slots, slot, F_UNLCK);

	if (fcntl(slots->fd, F_SETLK, &lock) < 0)
		_exit(1); /* which does it, too */
}

bool traps_slot_begin(const struct traps_slots *slots, struct traps_slot *slot)
{
	struct flock lock = traps_slot_lock(slots, slot, F_WRLCK);
	uint32_t expected = TRAPS_received;

	/* Whoever had it before may still be about to let go. */
	while (fcntl(slots->fd, F_SETLKW, &lock) < 0)
		if (errno != EINTR)
			_exit(1);
	if (atomic_compare_exchange_strong(&slot->state, &expected, TRAPS_begun))
		return true;
	traps_slot_unlock(slots, slot);
	return false;
}

/* In this order: what is begun and nobody's was begun by a dead one. */
void traps_slot_end(const struct traps_slots *slots, struct traps_slot *slot)
{
	traps_slot_free(slot);
	traps_slot_unlock(slots, slot);
}

bool traps_slot_has_owner(const struct traps_slots *slots, const struct traps_slot *slot)
{
	struct flock lock = traps_slot_lock(slots, slot, F_WRLCK);

	return fcntl(slots->fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

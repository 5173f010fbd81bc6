/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/snapshot.h"

#include <pthread.h>

#include "base/clock.h"

#define SNAPSHOT_COUNT 4096
#define SNAPSHOT_BLOCK 128 /* readers' buffers are multiples of this, or smaller */

struct snapshot {
	uint64_t number;    /* 0: free */
	uint64_t end_bytes; /* of the text */
	char *text;	    /* NULL: it was read in one piece */
};

static struct {
	pthread_mutex_t lock;
	uint64_t next;
	struct snapshot all[SNAPSHOT_COUNT];
} snapshots = { .lock = PTHREAD_MUTEX_INITIALIZER };

void snapshot_init(void)
{
	/* A server gives far less than one number in a nanosecond. */
	snapshots.next = clock_boot_ns();
}

uint64_t snapshot_number(void)
{
	return __atomic_add_fetch(&snapshots.next, 1, __ATOMIC_RELAXED);
}

static struct snapshot *snapshot_at(uint64_t number)
{
	return &snapshots.all[number % SNAPSHOT_COUNT];
}

bool snapshot_get(uint64_t number, uint64_t from, size_t bytes, struct text *out,
		  struct slice *ret_piece)
{
	const struct snapshot *snapshot = snapshot_at(number);
	bool known;

	if (from == 0)
		return false;
	pthread_mutex_lock(&snapshots.lock);
	known = snapshot->number == number && (snapshot->text || from >= snapshot->end_bytes);
	if (known && from < snapshot->end_bytes)
		text_put(out, slice_first((struct slice){ snapshot->text + from,
							  snapshot->end_bytes - from },
					  bytes));
	pthread_mutex_unlock(&snapshots.lock);
	*ret_piece = text_slice(out);
	return known;
}

struct slice snapshot_continue(struct slice text, uint64_t from, size_t bytes)
{
	/* Somebody who had read all of a shorter text asks for nothing; somebody in the middle
	 * stands at a multiple of his buffer, which a shell's read makes one byte. */
	size_t buffer = bytes < SNAPSHOT_BLOCK ? bytes : SNAPSHOT_BLOCK;

	if (from >= text.bytes || bytes == 0 || from % buffer != 0)
		return (struct slice){ text.at, 0 };
	return slice_first(slice_skip(text, from), bytes);
}

struct slice snapshot_put(uint64_t number, uint64_t from, size_t bytes, const struct text *text)
{
	struct snapshot *snapshot = snapshot_at(number);
	struct slice all = text_slice(text);
	char *copy = NULL, *old;

	if (from != 0)
		return snapshot_continue(all, from, bytes);
	if (all.bytes > bytes) {
		copy = malloc(all.bytes);
		if (copy)
			memcpy(copy, all.at, all.bytes);
	}
	pthread_mutex_lock(&snapshots.lock);
	old = snapshot->text;
	*snapshot = (struct snapshot){ number, all.bytes, copy };
	pthread_mutex_unlock(&snapshots.lock);
	free(old);
	return slice_first(all, bytes);
}

void snapshot_drop(uint64_t number)
{
	struct snapshot *snapshot = snapshot_at(number);
	char *old = NULL;

	pthread_mutex_lock(&snapshots.lock);
	if (snapshot->number == number) {
		old = snapshot->text;
		*snapshot = (struct snapshot){ 0 };
	}
	pthread_mutex_unlock(&snapshots.lock);
	free(old);
}

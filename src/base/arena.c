/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#define ARENA_BLOCK_BYTES 16384

struct arena_block {
	struct arena_block *next;
	size_t used, room;
	_Alignas(16) char bytes[];
};

static struct arena_block *arena_grow(struct arena *arena, size_t bytes)
{
	size_t room = bytes > ARENA_BLOCK_BYTES ? bytes : ARENA_BLOCK_BYTES;
	struct arena_block *block = calloc(1, sizeof(*block) + room);

	if (!block)
		return NULL;
	block->room = room;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *arena_take(struct arena *arena, size_t bytes)
{
	struct arena_block *block = arena->blocks;
	void *at;

	if (bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (bytes + 15) & ~(size_t)15;
	if (!block || block->room - block->used < bytes)
		block = arena_grow(arena, bytes);
	if (!block)
		return NULL;
	at = block->bytes + block->used;
	block->used += bytes;
	return at;
}

char *arena_text(struct arena *arena, struct slice slice)
{
	char *copy = arena_take(arena, slice.bytes + 1);

	if (copy && slice.bytes)
		memcpy(copy, slice.at, slice.bytes);
	return copy;
}

void arena_done(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
}

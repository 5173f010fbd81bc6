/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena - memory that is given back all at once.
 *
 * For what is read once and lives as long as its reader: many small arrays, one owner.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/auto.h"
#include "base/slice.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
};

/* Zeroed, aligned for any type; NULL when memory is out. */
void *arena_take(struct arena *arena, size_t bytes);
/* A terminated copy. */
char *arena_text(struct arena *arena, struct slice slice);
void arena_done(struct arena *arena);

#endif

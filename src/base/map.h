/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map - finds an object by the key it holds.
 *
 * Open addressing with linear probing over pointers; the hash is SipHash-1-3 with a random seed
 * for each map, since keys come from attackers. The map borrows its items: it neither copies nor
 * frees them, and an item's key must not change while it is in the map.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/error.h"
#include "base/slice.h"

struct map_slot {
	uint32_t hash; /* 0 = free */
	void *item;
};

struct map {
	struct slice (*key)(const void *item);
	struct map_slot *slots;
	size_t count, room; /* room is 0 or a power of two */
	uint64_t seed[2];
};

/* `key` yields the bytes by which an item is found; they stay the item's. */
void map_init(struct map *map, struct slice (*key)(const void *item));
/* Forgets the items; they are the caller's to free, see map_each(). */
void map_done(struct map *map);

/* The item with this key, or NULL. */
void *map_get(const struct map *map, struct slice key);

/* Puts an item in. -EEXIST when its key is there already, -ENOMEM. */
must_check int map_put(struct map *map, void *item, struct error *err);

/* Takes the item with this key out and returns it, or NULL. */
void *map_take(struct map *map, struct slice key);

/* Steps through all items in no order; start with *at = 0; NULL at the end. Nothing may be put or
 * taken in between. */
void *map_next(const struct map *map, size_t *at);

#define map_each(map, item) for (size_t map_at_ = 0; ((item) = map_next(map, &map_at_)) != NULL;)

/* SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012). */
uint64_t map_siphash(const uint64_t seed[2], struct slice bytes);

#endif

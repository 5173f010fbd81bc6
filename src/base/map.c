/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <errno.h>
#include <sys/random.h>

#define MAP_FIRST_ROOM 16

static uint64_t map_rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static inline void map_sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = map_rotate(v[1], 13) ^ v[0];
	v[0] = map_rotate(v[0], 32);
	v[2] += v[3];
	v[3] = map_rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = map_rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = map_rotate(v[1], 17) ^ v[2];
	v[2] = map_rotate(v[2], 32);
}

uint64_t map_siphash(const uint64_t seed[2], struct slice bytes)
{
	uint64_t v[4] = { seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d,
			  seed[0] ^ 0x6c7967656e657261, seed[1] ^ 0x7465646279746573 };
	uint64_t last = (uint64_t)bytes.bytes << 56, word;

	for (; bytes.bytes >= 8; bytes = slice_skip(bytes, 8)) {
		memcpy(&word, bytes.at, 8);
		v[3] ^= word;
		map_sip_round(v);
		v[0] ^= word;
	}
	for (size_t n = 0; n < bytes.bytes; n++)
		last |= (uint64_t)(unsigned char)bytes.at[n] << (8 * n);
	v[3] ^= last;
	map_sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int n = 0; n < 3; n++)
		map_sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint32_t map_hash(const struct map *map, struct slice key)
{
	uint32_t hash = (uint32_t)map_siphash(map->seed, key);

	return hash ? hash : 1;
}

void map_init(struct map *map, struct slice (*key)(const void *item))
{
	*map = (struct map){ .key = key };
	/* Never fails for so few bytes once the pool is up; before that a weak seed is no harm. */
	if (getrandom(map->seed, sizeof(map->seed), GRND_NONBLOCK) < 0)
		map->seed[0] = (uint64_t)(uintptr_t)map;
}

void map_done(struct map *map)
{
	free(map->slots);
	*map = (struct map){ .key = map->key };
}

/* The slot that holds the key, or the free one where it would go. */
static struct map_slot *map_slot(const struct map *map, struct slice key, uint32_t hash)
{
	size_t at = hash & (map->room - 1);

	for (;; at = (at + 1) & (map->room - 1)) {
		struct map_slot *slot = &map->slots[at];

		if (slot->hash == 0 || (slot->hash == hash && slice_eq(map->key(slot->item), key)))
			return slot;
	}
}

void *map_get(const struct map *map, struct slice key)
{
	struct map_slot *slot;

	if (map->count == 0)
		return NULL;
	slot = map_slot(map, key, map_hash(map, key));
	return slot->hash ? slot->item : NULL;
}

static int map_grow(struct map *map, struct error *err)
{
	struct map wider = *map;

	wider.room = map->room ? map->room * 2 : MAP_FIRST_ROOM;
	wider.slots = calloc(wider.room, sizeof(*wider.slots));
	if (!wider.slots)
		return error_errno(err, ENOMEM, "grow a map to %zu slots", wider.room);
	for (size_t n = 0; n < map->room; n++) {
		size_t at = map->slots[n].hash & (wider.room - 1);

		if (map->slots[n].hash == 0)
			continue;
		while (wider.slots[at].hash)
			at = (at + 1) & (wider.room - 1);
		wider.slots[at] = map->slots[n];
	}
	free(map->slots);
	*map = wider;
	return 0;
}

int map_put(struct map *map, void *item, struct error *err)
{
	struct slice key = map->key(item);
	uint32_t hash = map_hash(map, key);
	struct map_slot *slot;
	int r;

	if (map->count + 1 > map->room / 4 * 3) {
		r = map_grow(map, err);
		if (r < 0)
			return r;
	}
	slot = map_slot(map, key, hash);
	if (slot->hash)
		return error_say(err, EEXIST, "the key is in the map already");
	*slot = (struct map_slot){ hash, item };
	map->count++;
	return 0;
}

/* Closes the hole: moves back every follower that would no longer be found behind it. */
static void map_close_hole(struct map *map, size_t hole)
{
	size_t mask = map->room - 1;

	for (size_t at = (hole + 1) & mask; map->slots[at].hash; at = (at + 1) & mask) {
		size_t home = map->slots[at].hash & mask;

		if (((at - home) & mask) >= ((at - hole) & mask)) {
			map->slots[hole] = map->slots[at];
			hole = at;
		}
	}
	map->slots[hole] = (struct map_slot){ 0 };
}

void *map_take(struct map *map, struct slice key)
{
	struct map_slot *slot;
	void *item;

	if (map->count == 0)
		return NULL;
	slot = map_slot(map, key, map_hash(map, key));
	if (slot->hash == 0)
		return NULL;
	item = slot->item;
	map_close_hole(map, (size_t)(slot - map->slots));
	map->count--;
	return item;
}

void *map_next(const struct map *map, size_t *at)
{
	while (*at < map->room) {
		struct map_slot *slot = &map->slots[(*at)++];

		if (slot->hash)
			return slot->item;
	}
	return NULL;
}

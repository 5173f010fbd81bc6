/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * table - hash tables that are bounded without throwing anything out: what finds one full is not
 * kept, and counted. Programs take out what has ended; what nobody ends the agent has swept out
 * once a table is half full (sensor/sweep.h).
 */
#ifndef BPF_TABLE_BPF_H
#define BPF_TABLE_BPF_H

#include "bpf/ring.bpf.h"

#define EEXIST 17

static void table_lose(struct ring_table *table)
{
	__sync_fetch_and_add(&table->lost, 1);
}

/* False: it is full. Then it is the caller's to say whether anything is lost by that. */
static __always_inline bool table_put(void *map, struct ring_table *table, const void *key,
				      const void *value)
{
	long r = bpf_map_update_elem(map, key, value, BPF_NOEXIST);

	if (r == 0)
		__sync_fetch_and_add(&table->present, 1);
	else if (r == -EEXIST)
		r = bpf_map_update_elem(map, key, value, BPF_ANY);
	return r == 0;
}

static __always_inline void table_drop(void *map, struct ring_table *table, const void *key)
{
	if (bpf_map_delete_elem(map, key) == 0)
		__sync_fetch_and_add(&table->present, -1);
}

#endif

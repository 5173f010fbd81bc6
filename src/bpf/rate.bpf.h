/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* rate - how often a process may tell of something in a second. */
#ifndef BPF_RATE_BPF_H
#define BPF_RATE_BPF_H

#include "bpf/table.bpf.h"

#define RATE_NS	     1000000000ull
#define RATE_KEEP_NS (60 * RATE_NS) /* of one that has to say how much it held back */

struct rate_key {
	__u32 pid, what;
};

struct rate {
	__u64 since_ns;
	__u32 count, held;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RING_RATES);
	__type(key, struct rate_key);
	__type(value, struct rate);
} rates SEC(".maps");

/* Read by the agent. Lost: what was told without a limit, for the table was full. */
struct ring_table rates_table = {};

/* Whether the process may tell one more; *ret_held: how many it couldn't before this one. */
static bool rate_allows(__u32 pid, __u32 what, __u32 limit, __u32 *ret_held)
{
	struct rate *rate, fresh = { .since_ns = bpf_ktime_get_boot_ns(), .count = 1 };
	struct rate_key key = { pid, what };

	*ret_held = 0;
	rate = bpf_map_lookup_elem(&rates, &key);
	if (!rate) {
		if (!table_put(&rates, &rates_table, &key, &fresh))
			table_lose(&rates_table);
		return true;
	}
	if (fresh.since_ns - rate->since_ns >= RATE_NS) {
		rate->since_ns = fresh.since_ns;
		rate->count = 0;
	}
	if (rate->count >= limit) {
		__sync_fetch_and_add(&rate->held, 1);
		return false;
	}
	__sync_fetch_and_add(&rate->count, 1);
	*ret_held = rate->held;
	rate->held = 0;
	return true;
}

/* One that has done nothing for long would begin anew. */
SEC("iter/bpf_map_elem")
int on_sweep_rates(struct bpf_iter__bpf_map_elem *at)
{
	const struct rate *rate = at->value;
	struct rate_key key;
	__u64 quiet_ns;

	if (!at->key || !rate)
		return 0;
	key = *(const struct rate_key *)at->key;
	quiet_ns = bpf_ktime_get_boot_ns() - rate->since_ns;
	if (quiet_ns >= (rate->held ? RATE_KEEP_NS : RATE_NS))
		table_drop(&rates, &rates_table, &key);
	return 0;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/packet.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "network.skel.h"

#define PACKET_BATCH 64

void packets_turn(const struct programs *programs)
{
	const struct network_bpf *bpf = programs_skeleton(programs);

	__atomic_add_fetch(&bpf->bss->udp_generation, 1, __ATOMIC_SEQ_CST);
}

/* What came before anybody was seen to use the socket is whose it is now. */
static void packets_find_owner(const struct network_bpf *bpf, const struct ring_udp_key *key,
			       struct ring_udp_flow *flow)
{
	if (flow->owner.pid == 0)
		(void)bpf_map_lookup_elem(bpf_map__fd(bpf->maps.udp_owners), &key->cookie,
					  &flow->owner);
}

void packets_drain(const struct programs *programs,
		   void (*flow)(void *owner, const struct ring_udp_key *key,
				const struct ring_udp_flow *flow),
		   void *owner)
{
	const struct network_bpf *bpf = programs_skeleton(programs);
	const struct bpf_map *map =
		bpf->bss->udp_generation & 1 ? bpf->maps.udp_flows_even : bpf->maps.udp_flows_odd;
	struct ring_udp_key keys[PACKET_BATCH];
	struct ring_udp_flow flows[PACKET_BATCH];
	__u32 batch = 0;
	void *from = NULL;
	int r;

	do {
		__u32 count = PACKET_BATCH;

		r = bpf_map_lookup_and_delete_batch(bpf_map__fd(map), from, &batch, keys, flows,
						    &count, NULL);
		if (r < 0 && r != -ENOENT)
			return;
		from = &batch;
		for (__u32 n = 0; n < count; n++) {
			packets_find_owner(bpf, &keys[n], &flows[n]);
			flow(owner, &keys[n], &flows[n]);
		}
	} while (r == 0);
}

uint64_t packets_udp_lost(const struct programs *programs)
{
	const struct network_bpf *bpf = programs_skeleton(programs);

	return __atomic_load_n(&bpf->bss->udp_lost_count, __ATOMIC_RELAXED);
}

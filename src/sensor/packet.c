/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/packet.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>

#include "network.skel.h"
#include "sensor/turns.h"

void packets_turn(const struct programs *programs)
{
	const struct network_bpf *bpf = programs_skeleton(programs);

	__atomic_add_fetch(&bpf->bss->udp_generation, 1, __ATOMIC_SEQ_CST);
}

struct packets_drain {
	int owners_fds[2]; /* of the generation that is read, and of the next */
	void (*flow)(void *owner, const struct ring_udp_key *key, const struct ring_udp_flow *flow);
	void *owner;
};

/* What came before anybody was seen to use the socket is whose it is now. */
static void packets_find_owner(const struct packets_drain *drain, const struct ring_udp_key *key,
			       struct ring_udp_flow *flow)
{
	for (size_t n = 0; n < array_count(drain->owners_fds) && flow->owner.pid == 0; n++)
		(void)bpf_map_lookup_elem(drain->owners_fds[n], &key->cookie, &flow->owner);
}

static void packets_on_flow(void *owner, const void *key, const void *value)
{
	const struct packets_drain *drain = owner;
	struct ring_udp_flow flow;

	memcpy(&flow, value, sizeof(flow));
	packets_find_owner(drain, key, &flow);
	drain->flow(drain->owner, key, &flow);
}

static void packets_on_owner(void *owner, const void *key, const void *value)
{
	(void)owner, (void)key, (void)value;
}

void packets_drain(const struct programs *programs,
		   void (*flow)(void *owner, const struct ring_udp_key *key,
				const struct ring_udp_flow *flow),
		   void *owner)
{
	const struct network_bpf *bpf = programs_skeleton(programs);
	int even_fd = bpf_map__fd(bpf->maps.udp_owners_even);
	int odd_fd = bpf_map__fd(bpf->maps.udp_owners_odd);
	bool even = bpf->bss->udp_generation & 1;
	const struct bpf_map *map = even ? bpf->maps.udp_flows_even : bpf->maps.udp_flows_odd;
	struct packets_drain drain = {
		.owners_fds = { even ? even_fd : odd_fd, even ? odd_fd : even_fd },
		.flow = flow,
		.owner = owner,
	};

	turns_take(bpf_map__fd(map), sizeof(struct ring_udp_key), sizeof(struct ring_udp_flow),
		   packets_on_flow, &drain);
	turns_take(drain.owners_fds[0], sizeof(__u64), sizeof(struct ring_head), packets_on_owner,
		   NULL);
}

uint64_t packets_udp_lost(const struct programs *programs)
{
	const struct network_bpf *bpf = programs_skeleton(programs);

	return __atomic_load_n(&bpf->bss->udp_lost_count, __ATOMIC_RELAXED);
}

uint64_t packets_udp_owners_lost(const struct programs *programs)
{
	const struct network_bpf *bpf = programs_skeleton(programs);

	return __atomic_load_n(&bpf->bss->udp_owners_lost_count, __ATOMIC_RELAXED);
}

uint32_t packets_ifindex(const char *interface)
{
	return interface ? if_nametoindex(interface) : 0;
}

int packets_check_interface(const char *interface, struct error *err)
{
	return interface && !packets_ifindex(interface)
		       ? error_errno(err, errno, "interface '%s'", interface)
		       : 0;
}

bool packets_same(const struct sensor_settings *old, const struct sensor_settings *fresh)
{
	const struct watch_settings *a = &old->watch, *b = &fresh->watch;

	return a->tcp == b->tcp && a->udp == b->udp && a->dns == b->dns && a->tls == b->tls &&
	       a->http == b->http && a->tcp_settle_ns == b->tcp_settle_ns &&
	       a->tcp_interval_ns == b->tcp_interval_ns &&
	       a->tcp_connections == b->tcp_connections && sensor_same_text(a->cgroup, b->cgroup) &&
	       sensor_same_text(a->dns_interface, b->dns_interface) &&
	       sensor_same_text(a->tls_interface, b->tls_interface);
}

uint64_t packets_tcp_lost(const struct programs *programs)
{
	const struct network_bpf *bpf = programs_skeleton(programs);

	return __atomic_load_n(&bpf->bss->tcp_notes_lost_count, __ATOMIC_RELAXED);
}

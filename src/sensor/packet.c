/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/packet.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "kernel/bpf.h"
#include "kernel/cgroup.h"
#include "packet.skel.h"
#include "sensor/socket.h"

#define PACKET_BATCH 128

struct packets {
	struct packet_bpf *bpf;
	bool blind;
	size_t users;
	struct bpf_link *links[4];
	struct ring_udp_key keys[PACKET_BATCH];
	struct ring_udp_flow flows[PACKET_BATCH];
};

static void packets_free(struct packets *packets)
{
	if (!packets)
		return;
	for (size_t n = 0; n < array_count(packets->links); n++)
		bpf_link__destroy(packets->links[n]);
	packet_bpf__destroy(packets->bpf);
	free(packets);
}

static void packets_set(struct packet_bpf *bpf, const struct sensor_env *env, bool blind)
{
	bpf->rodata->ring_half_bytes = ring_half_bytes(env->ring);
	bpf->rodata->only_under = env->settings->only_under;
	bpf->rodata->agent_pid = (uint32_t)getpid();
	bpf->rodata->hierarchy = env->hierarchy;
	bpf->rodata->want_udp = env->settings->watch.udp;
	bpf->rodata->want_dns = env->settings->watch.dns;
	bpf->rodata->want_tls = env->settings->watch.tls;
	bpf->rodata->want_http = env->settings->watch.http;
	bpf->rodata->own_tcp = !env->settings->watch.tcp;
	bpf_program__set_autoload(bpf->progs.on_send, !blind);
	bpf_program__set_autoload(bpf->progs.on_receive, !blind);
	bpf_program__set_autoload(bpf->progs.on_drop, !blind && env->settings->watch.udp);
}

/* To the control group; the tracepoints attach themselves. */
static int packets_attach(struct packets *packets, const struct sensor_env *env, struct error *err)
{
	struct packet_bpf *bpf = packets->bpf;
	struct bpf_program *const programs[] = { bpf->progs.on_sent, bpf->progs.on_received,
						 bpf->progs.on_bind4, bpf->progs.on_bind6 };
	auto_fd int cgroup = cgroup_open(env->settings->watch.cgroup, err);
	int r;

	if (cgroup < 0)
		return cgroup;
	for (size_t n = 0; n < array_count(programs); n++) {
		packets->links[n] = bpf_program__attach_cgroup(programs[n], cgroup);
		if (!packets->links[n])
			return bpf_error(err, errno, "attach to the control group");
	}
	r = packet_bpf__attach(bpf);
	return r < 0 ? bpf_error(err, -r, "attach") : 0;
}

static int packets_load(struct packets *packets, const struct sensor_env *env, struct error *err)
{
	struct packet_bpf *bpf = packet_bpf__open();
	int r;

	packets->bpf = bpf;
	if (!bpf)
		return bpf_error(err, errno, "open");
	packets_set(bpf, env, packets->blind);
	r = ring_share(env->ring, bpf->maps.ring, bpf->maps.ring_state, err);
	if (r == 0)
		r = socket_notes_share(env, bpf->maps.socket_notes, err);
	if (r < 0)
		return r;
	r = packet_bpf__load(bpf);
	if (r < 0)
		return bpf_error(err, -r, "load");
	r = packets_attach(packets, env, err);
	return r < 0 ? r : socket_notes_keep(env, bpf->maps.socket_notes, err);
}

int packets_take(const struct sensor_env *env, bool blind, struct error *err)
{
	struct packets *packets = env->shared->packets;
	int r;

	if (packets && packets->blind != blind)
		return error_say(err, ENOTSUP, "refused, as for the sensors before");
	if (packets) {
		packets->users++;
		return 0;
	}
	if (!env->ring)
		return error_say(err, ENOTSUP, "%s", env->ring_refused);
	packets = calloc(1, sizeof(*packets));
	if (!packets)
		return error_errno(err, ENOMEM, "watch packets");
	packets->blind = blind;
	r = packets_load(packets, env, err);
	if (r < 0) {
		packets_free(packets);
		return r;
	}
	packets->users = 1;
	env->shared->packets = packets;
	return 0;
}

void packets_give_back(const struct sensor_env *env, bool *taken)
{
	struct packets *packets = env->shared->packets;

	if (!*taken)
		return;
	*taken = false;
	if (--packets->users)
		return;
	packets_free(packets);
	env->shared->packets = NULL;
}

/* --- UDP --- */

void packets_turn(struct packets *packets)
{
	__atomic_add_fetch(&packets->bpf->bss->udp_generation, 1, __ATOMIC_SEQ_CST);
}

/* What came before anybody was seen to use the socket is whose it is now. */
static void packets_find_owner(const struct packets *packets, const struct ring_udp_key *key,
			       struct ring_udp_flow *flow)
{
	if (flow->owner.pid == 0)
		(void)bpf_map_lookup_elem(bpf_map__fd(packets->bpf->maps.udp_owners), &key->cookie,
					  &flow->owner);
}

void packets_drain(struct packets *packets,
		   void (*flow)(void *owner, const struct ring_udp_key *key,
				const struct ring_udp_flow *flow),
		   void *owner)
{
	const struct bpf_map *map = packets->bpf->bss->udp_generation & 1
					    ? packets->bpf->maps.udp_flows_even
					    : packets->bpf->maps.udp_flows_odd;
	__u32 batch = 0;
	void *from = NULL;
	int r;

	do {
		__u32 count = PACKET_BATCH;

		r = bpf_map_lookup_and_delete_batch(bpf_map__fd(map), from, &batch, packets->keys,
						    packets->flows, &count, NULL);
		if (r < 0 && r != -ENOENT)
			return;
		from = &batch;
		for (__u32 n = 0; n < count; n++) {
			packets_find_owner(packets, &packets->keys[n], &packets->flows[n]);
			flow(owner, &packets->keys[n], &packets->flows[n]);
		}
	} while (r == 0);
}

uint64_t packets_udp_lost(const struct packets *packets)
{
	return __atomic_load_n(&packets->bpf->bss->udp_lost_count, __ATOMIC_RELAXED);
}

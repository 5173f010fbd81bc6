/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * packet - what goes in and out of the sockets of a control group.
 *
 * UDP is counted here and reported by the agent now and then; of some protocols the messages
 * themselves are passed on. Everything else is let go after a few instructions: each packet of each
 * socket comes by.
 */
#ifndef BPF_PACKET_BPF_H
#define BPF_PACKET_BPF_H

#include "bpf/packet_stream.bpf.h"

/* --- UDP --- */

#define UDP_FLOWS  8192
#define UDP_OWNERS 8192

/* Two generations: while the agent reads one, the programs count in the other. */
struct udp_flows {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UDP_FLOWS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct ring_udp_key);
	__type(value, struct ring_udp_flow);
} udp_flows_even SEC(".maps"), udp_flows_odd SEC(".maps");

/* Who uses a socket, by its cookie, for datagrams that came before that was seen. They are in the
 * same generation, or in the one before if that is being read. */
struct udp_owners {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UDP_OWNERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct ring_head);
} udp_owners_even SEC(".maps"), udp_owners_odd SEC(".maps");

__u32 udp_generation = 0;
__u64 udp_lost_count = 0;	 /* datagrams that found the table full */
__u64 udp_owners_lost_count = 0; /* sockets that found theirs full */

static struct ring_udp_flow *udp_flow_get(const struct ring_udp_key *key)
{
	if (udp_generation & 1)
		return bpf_map_lookup_elem(&udp_flows_odd, key);
	return bpf_map_lookup_elem(&udp_flows_even, key);
}

static void udp_flow_add(const struct ring_udp_key *key, const struct ring_udp_flow *flow)
{
	if (udp_generation & 1)
		bpf_map_update_elem(&udp_flows_odd, key, flow, BPF_NOEXIST);
	else
		bpf_map_update_elem(&udp_flows_even, key, flow, BPF_NOEXIST);
}

static struct ring_udp_flow *udp_flow_new(const struct packet *packet,
					  const struct socket_note *note,
					  const struct ring_udp_key *key)
{
	struct ring_udp_flow flow;

	__builtin_memset(&flow, 0, sizeof(flow));
	flow.owner = note->owner;
	__builtin_memcpy(flow.local, packet->local, 16);
	flow.local_port = packet->local_port;
	flow.first_ns = bpf_ktime_get_boot_ns();
	udp_flow_add(key, &flow); /* another processor may have been faster: look again */
	return udp_flow_get(key);
}

CHECKED_ONCE int udp_count(struct __sk_buff *skb, const struct packet *packet,
			   const struct socket_note *note)
{
	/* A large send is cut by the network card, if at all: it is many datagrams in one. */
	__u32 count = skb->gso_segs ?: 1;
	struct ring_udp_flow *flow;
	struct ring_udp_key key;

	if (!packet || !note)
		return 0;
	__builtin_memset(&key, 0, sizeof(key));
	key.cookie = bpf_get_socket_cookie(skb);
	__builtin_memcpy(key.peer, packet->peer, 16);
	key.peer_port = packet->peer_port;
	key.pid = note->owner.pid;
	flow = udp_flow_get(&key);
	if (!flow)
		flow = udp_flow_new(packet, note, &key);
	if (!flow) {
		__sync_fetch_and_add(&udp_lost_count, count);
		return 0;
	}
	if (packet->sending) {
		__sync_fetch_and_add(&flow->sent_bytes, packet->bytes);
		__sync_fetch_and_add(&flow->sent_count, count);
	} else {
		__sync_fetch_and_add(&flow->received_bytes, packet->bytes);
		__sync_fetch_and_add(&flow->received_count, count);
	}
	flow->last_ns = bpf_ktime_get_boot_ns();
	return 0;
}

/* The datagram was counted as received a moment ago. */
static void udp_count_drop(const struct sock *sk, const struct sk_buff *skb,
			   const struct socket_note *note)
{
	const unsigned char *head = BPF_CORE_READ(skb, head);
	const unsigned char *ip = head + BPF_CORE_READ(skb, network_header);
	struct ring_udp_flow *flow;
	struct ring_udp_key key;
	__be32 ip4;
	__be16 port;

	__builtin_memset(&key, 0, sizeof(key));
	key.cookie = bpf_get_socket_cookie((void *)sk);
	key.pid = note->owner.pid;
	bpf_probe_read_kernel(&port, 2, head + BPF_CORE_READ(skb, transport_header));
	key.peer_port = bpf_ntohs(port);
	bpf_probe_read_kernel(key.peer, 1, ip);
	if (key.peer[0] >> 4 == 6) {
		bpf_probe_read_kernel(key.peer, 16, ip + 8);
	} else {
		bpf_probe_read_kernel(&ip4, 4, ip + 12);
		socket_put_ip4(key.peer, ip4);
	}
	flow = udp_flow_get(&key);
	if (flow)
		__sync_fetch_and_add(&flow->dropped_count, 1);
}

/* The current process uses the socket: its are also the datagrams of before. False: nobody has to
 * be told that. */
static bool udp_claim(struct socket_note *note)
{
	return socket_claim(note, false) && note->early;
}

static void udp_own(struct socket_note *note, __u64 cookie)
{
	long r = udp_generation & 1
			 ? bpf_map_update_elem(&udp_owners_odd, &cookie, &note->owner, BPF_ANY)
			 : bpf_map_update_elem(&udp_owners_even, &cookie, &note->owner, BPF_ANY);

	if (r < 0)
		__sync_fetch_and_add(&udp_owners_lost_count, 1);
	note->early = 0;
}

static void on_udp(struct __sk_buff *skb, struct packet *packet, struct socket_note *note)
{
	/* A datagram is sent by whoever runs. */
	if (packet->sending && udp_claim(note))
		udp_own(note, bpf_get_socket_cookie(skb));
	if (note->unwanted || !packet_read(skb, packet) || packet->protocol != IPPROTO_UDP)
		return;
	if (!scope_keeps_ends(packet->local_port, packet->peer_port, packet->peer))
		return;
	/* Without an owner yet: the agent asks again when it reports. */
	if (want_udp) {
		note->early |= note->owner.pid == 0;
		udp_count(skb, packet, note);
	}
	if (want_dns && (packet->local_port == DNS_PORT || packet->peer_port == DNS_PORT) &&
	    packet_is_on(skb, dns_ifindex))
		packet_tell(skb, packet, note, RING_dns);
}

/* --- all --- */

enum { PACKET_PASS = 1 };

/* Where a segment's payload lies: looked at in place, without a call. False: it looks otherwise
 * than usual. */
static __always_inline bool packet_find_payload(const struct __sk_buff *skb, struct packet *packet)
{
	const __u8 *at = (const void *)(long)skb->data, *end = (const void *)(long)skb->data_end;

	if (at + 40 > end)
		return false;
	if (at[0] == 0x45 && at[9] == IPPROTO_TCP) {
		packet->at = 20;
	} else {
		if (at[0] >> 4 != 6 || at + 60 > end || at[6] != IPPROTO_TCP)
			return false;
		at += 20;
		packet->at = 40;
	}
	packet->sequence = bpf_ntohl(*(const __be32 *)(at + 24));
	packet->at += (at[32] >> 4) * 4;
	packet->bytes = skb->len > packet->at ? skb->len - packet->at : 0;
	return true;
}

/* What is not plainly a segment. True: it is one all the same. */
static __always_inline bool on_other(struct __sk_buff *skb, struct packet *packet,
				     struct bpf_sock *sk)
{
	struct socket_note *note;

	sk = bpf_sk_fullsock(sk);
	if (!sk || sk->protocol != IPPROTO_UDP)
		return sk && sk->protocol == IPPROTO_TCP && packet_read(skb, packet);
	note = bpf_sk_storage_get(&socket_notes, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (note)
		on_udp(skb, packet, note);
	return false;
}

static __always_inline int on_packet(struct __sk_buff *skb, bool sending)
{
	const struct bpf_tcp_sock *tcp;
	struct bpf_sock *sk = skb->sk;
	struct packet packet;
	bool is_dns;

	if (!sk)
		return PACKET_PASS;
	__builtin_memset(&packet, 0, sizeof(packet));
	packet.sending = sending;
	if (packet_find_payload(skb, &packet)) {
		if (packet.bytes == 0)
			return PACKET_PASS; /* as most of a short connection */
	} else if (!on_other(skb, &packet, sk)) {
		return PACKET_PASS;
	}
	tcp = bpf_tcp_sock(sk); /* NULL: it isn't one that has been made */
	if (!tcp)
		return PACKET_PASS;
	is_dns = want_dns && (sk->src_port == DNS_PORT || sk->dst_port == bpf_htons(DNS_PORT));
	if (is_dns || ((want_tls || want_http) && stream_may_matter(skb, &packet, tcp)))
		on_tcp(skb, &packet, sk, is_dns);
	return PACKET_PASS;
}

SEC("cgroup_skb/egress")
int on_sent(struct __sk_buff *skb)
{
	return on_packet(skb, true);
}

SEC("cgroup_skb/ingress")
int on_received(struct __sk_buff *skb)
{
	return on_packet(skb, false);
}

/* --- who uses a socket --- */

/* A server is known before its first datagram comes. */
static int on_bind(struct bpf_sock *sk)
{
	struct socket_note *note;

	if (sk->protocol != IPPROTO_UDP)
		return 1;
	note = bpf_sk_storage_get(&socket_notes, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (note && udp_claim(note))
		udp_own(note, bpf_get_socket_cookie(sk));
	return 1; /* let it be bound */
}

SEC("cgroup/post_bind4")
int on_bind4(struct bpf_sock *sk)
{
	return on_bind(sk);
}

SEC("cgroup/post_bind6")
int on_bind6(struct bpf_sock *sk)
{
	return on_bind(sk);
}

SEC("tp_btf/udp_fail_queue_rcv_skb")
int BPF_PROG(on_drop, int reason, struct sock *sk, struct sk_buff *skb)
{
	struct socket_note *note = bpf_sk_storage_get(&socket_notes, sk, 0, 0);

	if (note && socket_wanted(note))
		udp_count_drop(sk, skb, note);
	return 0;
}

#endif

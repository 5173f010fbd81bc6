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

#include "bpf/socket.bpf.h"

/* Set before loading: what the sensors ask for. */
const volatile bool want_udp = false;
const volatile bool want_dns = false;
const volatile bool want_tls = false;
const volatile bool want_http = false;

/* Only what goes through the interface of this number is looked at; 0: through any. */
const volatile __u32 dns_ifindex = 0;
const volatile __u32 tls_ifindex = 0;

#define DNS_PORT 53

#define HTTP_BYTES 1024 /* the first lines are wanted, not the body */

/* What one direction of a TCP connection carries. */
enum packet_stream { STREAM_new, STREAM_tls, STREAM_http, STREAM_other };

/* A ClientHello says how long it is. Behind a ServerHello a certificate may come in the clear. */
#define TLS_CLIENT_BYTES 8192
#define TLS_SERVER_BYTES 6144

enum { PACKET_PASS = 1 };

/* One packet, as far as it has been understood. */
struct packet {
	__u8 local[16], peer[16];
	__u16 local_port, peer_port;
	__u32 whole; /* bytes of the packet */
	__u32 at;    /* of the transport header, then of the payload */
	__u32 bytes; /* of payload */
	__u32 sequence;
	__u8 protocol;
	__u8 sending;
	__u16 pad;
};

static bool packet_is_on(const struct __sk_buff *skb, __u32 ifindex)
{
	return ifindex == 0 || skb->ifindex == ifindex;
}

/* --- headers --- */

static bool packet_read_ip4(struct __sk_buff *skb, struct packet *packet)
{
	struct {
		__u8 version_words, service;
		__be16 bytes, id, fragment;
		__u8 ttl, protocol;
		__be16 check;
		__be32 source, target;
	} header;

	if (bpf_skb_load_bytes(skb, 0, &header, sizeof(header)) < 0)
		return false;
	packet->protocol = header.protocol;
	packet->at = (header.version_words & 0xf) * 4;
	packet->bytes = packet->whole - packet->at;
	socket_put_ip4(packet->sending ? packet->local : packet->peer, header.source);
	socket_put_ip4(packet->sending ? packet->peer : packet->local, header.target);
	return true;
}

#define IP6_EXTENSIONS 4

/* Hop-by-hop options, routing, destination options: each says what follows, and its own length in
 * words of 8 bytes beyond the first (RFC 8200). */
static bool packet_skip_ip6_extensions(struct __sk_buff *skb, struct packet *packet)
{
	for (int n = 0; n < IP6_EXTENSIONS; n++) {
		__u8 extension[2];

		if (packet->protocol != 0 && packet->protocol != 43 && packet->protocol != 60)
			return true;
		if (bpf_skb_load_bytes(skb, packet->at, extension, 2) < 0)
			return false;
		packet->protocol = extension[0];
		packet->at += (extension[1] + 1) * 8;
	}
	return true;
}

static bool packet_read_ip6(struct __sk_buff *skb, struct packet *packet)
{
	struct {
		__be32 version_class_flow;
		__be16 bytes;
		__u8 next, hops;
		__u8 source[16], target[16];
	} header;

	if (bpf_skb_load_bytes(skb, 0, &header, sizeof(header)) < 0)
		return false;
	packet->protocol = header.next;
	packet->at = sizeof(header);
	if (!packet_skip_ip6_extensions(skb, packet) || packet->at > packet->whole)
		return false;
	packet->bytes = packet->whole - packet->at;
	__builtin_memcpy(packet->sending ? packet->local : packet->peer, header.source, 16);
	__builtin_memcpy(packet->sending ? packet->peer : packet->local, header.target, 16);
	return true;
}

/* The transport header; `at` and `bytes` then are the payload's. */
static bool packet_read_ports(struct __sk_buff *skb, struct packet *packet)
{
	struct {
		__be16 source, target;
		__be32 sequence, acknowledged;
		__u8 words;
	} header;
	__u32 header_bytes = 8; /* UDP's */
	__u16 source, target;

	if (bpf_skb_load_bytes(skb, packet->at, &header, 8) < 0)
		return false;
	if (packet->protocol == IPPROTO_TCP) {
		if (bpf_skb_load_bytes(skb, packet->at + 12, &header.words, 1) < 0)
			return false;
		header_bytes = (header.words >> 4) * 4;
		packet->sequence = bpf_ntohl(header.sequence);
	}
	source = bpf_ntohs(header.source);
	target = bpf_ntohs(header.target);
	packet->local_port = packet->sending ? source : target;
	packet->peer_port = packet->sending ? target : source;
	if (packet->bytes < header_bytes)
		return false;
	packet->at += header_bytes;
	packet->bytes -= header_bytes;
	return true;
}

/* 1: it has been understood. */
CHECKED_ONCE int packet_read(struct __sk_buff *skb, struct packet *packet)
{
	bool ip6 = skb->protocol == bpf_htons(0x86dd);

	if (!packet)
		return 0;
	packet->whole = skb->len;
	if (!(ip6 ? packet_read_ip6(skb, packet) : packet_read_ip4(skb, packet)))
		return 0;
	return packet_read_ports(skb, packet);
}

/* --- messages --- */

/* Programs may be interrupted by packets that come in: each gets memory of its own. */
#define PACKET_NESTING 3

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PACKET_NESTING);
	__type(key, __u32);
	__type(value, struct ring_packet);
} packet_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} packet_depth SEC(".maps");

static void packet_fill(struct __sk_buff *skb, struct ring_packet *record,
			const struct packet *packet, const struct socket_note *note, __u16 type)
{
	__u32 bytes = packet->bytes;

	if (type == RING_http && bytes > HTTP_BYTES)
		bytes = HTTP_BYTES;
	if (bytes > RING_PACKET_BYTES)
		bytes = RING_PACKET_BYTES;
	/* Old verifiers don't learn from "not 0" that it is at least 1: show them. */
	bytes--;
	barrier_var(bytes);
	if (bytes >= RING_PACKET_BYTES)
		return;
	bytes++;
	if (bpf_skb_load_bytes(skb, packet->at, record->data, bytes) < 0)
		return;
	record->head = note->owner;
	record->data_bytes = bytes;
	bytes += offsetof(struct ring_packet, data);
	record->head.type = type;
	record->head.bytes = bytes;
	record->head.boot_ns = bpf_ktime_get_boot_ns();
	__builtin_memcpy(record->ends.local, packet->local, 16);
	__builtin_memcpy(record->ends.peer, packet->peer, 16);
	record->ends.local_port = packet->local_port;
	record->ends.peer_port = packet->peer_port;
	record->ends.ns_net = 0; /* a bpf_sock doesn't tell */
	record->ends.cookie = bpf_get_socket_cookie(skb);
	record->protocol = packet->protocol;
	record->sending = packet->sending;
	record->pad = 0;
	record->sequence = packet->sequence;
	record->bytes = packet->bytes;
	ring_put(record, bytes, type);
}

/* Passes the payload on, its first RING_PACKET_BYTES. */
CHECKED_ONCE int packet_tell(struct __sk_buff *skb, const struct packet *packet,
			     const struct socket_note *note, __u32 type)
{
	struct ring_packet *record;
	__u32 zero = 0, depth, *nested = bpf_map_lookup_elem(&packet_depth, &zero);

	if (!nested || !packet || !note)
		return 0;
	depth = *nested;
	if (depth >= PACKET_NESTING)
		return 0;
	*nested = depth + 1;
	record = bpf_map_lookup_elem(&packet_scratch, &depth);
	if (record)
		packet_fill(skb, record, packet, note, type);
	*nested = depth;
	return 0;
}

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

/* Who uses a socket, by its cookie, for datagrams that came before that was seen. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, UDP_OWNERS);
	__type(key, __u64);
	__type(value, struct ring_head);
} udp_owners SEC(".maps");

__u32 udp_generation = 0;
__u64 udp_lost_count = 0; /* datagrams that found the table full */

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

static void on_udp(struct __sk_buff *skb, struct packet *packet, struct socket_note *note)
{
	/* A datagram is sent by whoever runs. */
	if (packet->sending)
		socket_claim(note, false);
	if (note->unwanted || !packet_read(skb, packet) || packet->protocol != IPPROTO_UDP)
		return;
	if (!scope_keeps_ends(packet->local_port, packet->peer_port, packet->peer))
		return;
	/* Without an owner yet: the agent asks again when it reports. */
	if (want_udp)
		udp_count(skb, packet, note);
	if (want_dns && (packet->local_port == DNS_PORT || packet->peer_port == DNS_PORT) &&
	    packet_is_on(skb, dns_ifindex))
		packet_tell(skb, packet, note, RING_dns);
}

/* --- TCP --- */

/* The first bytes of a stream, or of a message in it; shorter ones are filled up with 0. */
struct packet_start {
	__u8 at[8];
};

static bool packet_load_start(struct __sk_buff *skb, const struct packet *packet,
			      struct packet_start *start)
{
	__u32 bytes = packet->bytes;

	__builtin_memset(start, 0, sizeof(*start));
	if (bytes > sizeof(start->at))
		bytes = sizeof(start->at);
	bytes--; /* as above */
	barrier_var(bytes);
	if (bytes >= sizeof(start->at))
		return false;
	return bpf_skb_load_bytes(skb, packet->at, start->at, bytes + 1) == 0;
}

/* A record of a handshake or an alert, of SSL 3.0 up to TLS 1.3. What is split so that this can't
 * be seen is taken for one. */
static bool packet_is_tls(const struct packet *packet, const struct packet_start *start)
{
	if (start->at[0] != 0x16 && start->at[0] != 0x15)
		return false;
	if (packet->bytes > 1 && start->at[1] != 3)
		return false;
	return packet->bytes < 6 || start->at[0] == 0x15 || start->at[5] == 1 || start->at[5] == 2;
}

/* "GET ", "OPTIONS ", ..., or "HTTP/1.": the agent looks closer. */
static bool packet_is_http(const struct packet_start *start)
{
	const __u8 *at = start->at;

	if (at[0] == 'H' && at[1] == 'T' && at[2] == 'T' && at[3] == 'P')
		return at[4] == '/' && at[5] == '1';
	if (at[0] < 'A' || at[0] > 'Z' || at[1] < 'A' || at[1] > 'Z' || at[2] < 'A' || at[2] > 'Z')
		return false;
	for (int n = 3; n < 8; n++) {
		if (at[n] == ' ')
			return true;
		if (at[n] < 'A' || at[n] > 'Z')
			return false;
	}
	return true; /* a method of eight letters or more */
}

/* What a stream that has just begun is. */
static __u8 stream_of(const struct packet *packet, const struct packet_start *start, __u32 *left)
{
	if (want_tls && packet_is_tls(packet, start)) {
		*left = start->at[5] == 1 ? TLS_CLIENT_BYTES : TLS_SERVER_BYTES;
		/* Its length and what stands before that: no more of the client's. */
		if (start->at[5] == 1 && packet->bytes > 8 && start->at[6] == 0)
			*left = (start->at[7] << 8) + 256 + 9;
		return STREAM_tls;
	}
	return want_http && packet_is_http(start) ? STREAM_http : STREAM_other;
}

CHECKED_ONCE int on_stream(struct __sk_buff *skb, const struct packet *packet,
			   struct tcp_note *note)
{
	struct packet_start start;
	__u8 stream;
	__u32 left;

	if (!packet || !note)
		return 0;
	stream = packet->sending ? note->sending : note->receiving;
	left = packet->sending ? note->sent_left : note->received_left;
	if (stream != STREAM_tls && !packet_load_start(skb, packet, &start))
		return 0;
	if (stream == STREAM_new)
		stream = stream_of(packet, &start, &left);
	if (stream == STREAM_tls && !packet_is_on(skb, tls_ifindex))
		stream = STREAM_other;
	if (stream == STREAM_tls)
		packet_tell(skb, packet, &note->use, RING_tls);
	else if (stream == STREAM_http && packet_is_http(&start))
		packet_tell(skb, packet, &note->use, RING_http);
	if (stream == STREAM_tls && left <= packet->bytes)
		stream = STREAM_other;
	else
		left -= packet->bytes;
	if (packet->sending) {
		note->sending = stream;
		note->sent_left = left;
	} else {
		note->receiving = stream;
		note->received_left = left;
	}
	return 0;
}

static void on_tcp(struct __sk_buff *skb, struct packet *packet, const struct bpf_sock *sk,
		   bool is_dns)
{
	__u64 cookie = bpf_get_socket_cookie(skb);
	struct tcp_note *note = tcp_note_get(cookie);

	if (!note && sk->state != TCP_CLOSE)
		note = tcp_note_make(cookie);
	/* A question may come before anybody has used the socket; its answer then tells. */
	if (!note || note->use.unwanted || note->use.ends == SCOPE_drop)
		return;
	if (!is_dns && (packet->sending ? note->sending : note->receiving) == STREAM_other)
		return;
	if (!packet_read(skb, packet) || packet->bytes == 0)
		return;
	/* Nothing leads from the note of who uses the socket to this one: who sends is who runs. */
	if (!socket_has_cookie() && packet->sending && note->use.owner.pid == 0 &&
	    !socket_claim(&note->use, false))
		return;
	if (note->use.ends == SCOPE_silent &&
	    !scope_keeps_ends(packet->local_port, packet->peer_port, packet->peer))
		return;
	if (is_dns && packet_is_on(skb, dns_ifindex))
		packet_tell(skb, packet, &note->use, RING_dns);
	else if (!is_dns)
		on_stream(skb, packet, note);
}

/* A segment that carries nothing, as most of a short connection do. Looked at in place, without a
 * call; one that looks otherwise than usual is taken for one that carries something. */
static bool packet_is_bare_tcp(const struct __sk_buff *skb)
{
	const __u8 *at = (const void *)(long)skb->data, *end = (const void *)(long)skb->data_end;

	if (at + 40 > end)
		return false;
	if (at[0] == 0x45)
		return at[9] == IPPROTO_TCP && skb->len == 20 + (at[32] >> 4) * 4;
	if (at[0] >> 4 != 6 || at + 60 > end)
		return false;
	return at[6] == IPPROTO_TCP && skb->len == 40 + (at[52] >> 4) * 4;
}

static int on_packet(struct __sk_buff *skb, bool sending)
{
	struct bpf_sock *sk = skb->sk;
	struct socket_note *note;
	struct packet packet;
	bool is_dns;

	if (!sk || packet_is_bare_tcp(skb))
		return PACKET_PASS;
	sk = bpf_sk_fullsock(sk);
	if (!sk || (sk->protocol != IPPROTO_UDP && sk->protocol != IPPROTO_TCP))
		return PACKET_PASS;
	is_dns = want_dns && (sk->src_port == DNS_PORT || sk->dst_port == bpf_htons(DNS_PORT));
	__builtin_memset(&packet, 0, sizeof(packet));
	packet.sending = sending;
	if (sk->protocol == IPPROTO_TCP) {
		if (is_dns || want_tls || want_http)
			on_tcp(skb, &packet, sk, is_dns);
		return PACKET_PASS;
	}
	note = bpf_sk_storage_get(&socket_notes, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (note)
		on_udp(skb, &packet, note);
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

static void udp_own(struct socket_note *note, __u64 cookie, bool may_ask_group)
{
	if (socket_claim(note, may_ask_group))
		bpf_map_update_elem(&udp_owners, &cookie, &note->owner, BPF_ANY);
}

/* A server is known before its first datagram comes. */
static int on_bind(struct bpf_sock *sk)
{
	struct socket_note *note;

	if (sk->protocol != IPPROTO_UDP)
		return 1;
	note = bpf_sk_storage_get(&socket_notes, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (note)
		udp_own(note, bpf_get_socket_cookie(sk), false);
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

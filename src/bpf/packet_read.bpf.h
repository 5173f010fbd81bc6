/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* packet_read - what a packet says, and how its payload is passed on. */
#ifndef BPF_PACKET_READ_BPF_H
#define BPF_PACKET_READ_BPF_H

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
	__u8 follows; /* others of its stream came before it */
	__u8 pad;
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

#endif

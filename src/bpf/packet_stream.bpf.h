/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* packet_stream - TCP: what a stream is shows in its first bytes. */
#ifndef BPF_PACKET_STREAM_BPF_H
#define BPF_PACKET_STREAM_BPF_H

#include "bpf/packet_read.bpf.h"

/* What one direction of a TCP connection carries. */
enum packet_stream { STREAM_new, STREAM_tls, STREAM_http, STREAM_other };

/* A ClientHello says how long it is. Behind a ServerHello a certificate may come in the clear. */
#define TLS_CLIENT_BYTES 8192
#define TLS_SERVER_BYTES 6144
#define TLS_MOST_BYTES	 0x10200 /* as long as a hello can say it is */

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

/* Whether a segment may be of a stream that is looked at. Those have a note from their first
 * segment on. Most streams are none: there is no note to look for. */
static bool stream_may_matter(struct __sk_buff *skb, struct packet *packet,
			      const struct bpf_tcp_sock *tcp)
{
	struct packet_start start;
	__u64 before; /* bytes of the stream */
	__u32 left;

	if (want_http)
		return true; /* what began before our start may carry requests */
	if (packet->sending) {
		packet->follows = tcp->data_segs_out > (skb->gso_segs ?: 1);
		before = tcp->bytes_acked;
		barrier_var(before); /* else clang makes one load of both, and is refused */
	} else {
		before = tcp->bytes_received;
		packet->follows = before || packet->sequence != tcp->rcv_nxt;
	}
	if (packet->follows)
		return before < TLS_MOST_BYTES;
	return packet_load_start(skb, packet, &start) &&
	       stream_of(packet, &start, &left) != STREAM_other;
}

/* Whether it is already known that nothing in this stream is looked at. */
static bool stream_is_over(const struct packet *packet, const struct tcp_note *note)
{
	__u8 stream = packet->sending ? note->sending : note->receiving;

	return stream == STREAM_other || (stream == STREAM_new && packet->follows);
}

static void on_tcp(struct __sk_buff *skb, struct packet *packet, const struct bpf_sock *sk,
		   bool is_dns)
{
	__u64 cookie = bpf_get_socket_cookie(skb);
	struct tcp_note *note = tcp_note_get(cookie);

	if (!note && !packet->follows && sk->state != TCP_CLOSE)
		note = tcp_note_make(cookie);
	/* A question may come before anybody has used the socket; its answer then tells. */
	if (!note || note->use.unwanted || note->use.ends == SCOPE_drop)
		return;
	if (!is_dns && stream_is_over(packet, note))
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

#endif

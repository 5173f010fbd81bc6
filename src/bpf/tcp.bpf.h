/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* tcp - connections are made, refused, and end. */
#ifndef BPF_TCP_BPF_H
#define BPF_TCP_BPF_H

#include "bpf/socket.bpf.h"

#define TCP_ETIMEDOUT 110

/* Set before loading. */
const volatile bool want_tcp = false;
const volatile __u64 tcp_settle_ns = 0; /* connections must be this old to be told of as made */

/* A cast to tcp_sock is refused ("access beyond struct sock"): only the helper knows the way. */
static void fill_ends(struct ring_ends *ends, const struct sock *sk, const struct tcp_sock *tcp)
{
	if (sk->__sk_common.skc_family == AF_INET6) {
		__builtin_memcpy(ends->local, &sk->__sk_common.skc_v6_rcv_saddr, 16);
		__builtin_memcpy(ends->peer, &sk->__sk_common.skc_v6_daddr, 16);
	} else {
		socket_put_ip4(ends->local, sk->__sk_common.skc_rcv_saddr);
		socket_put_ip4(ends->peer, sk->__sk_common.skc_daddr);
	}
	/* skc_num is 0 again when the connection ends, this one stays. */
	ends->local_port = bpf_ntohs(tcp->inet_conn.icsk_inet.inet_sport);
	ends->peer_port = bpf_ntohs(sk->__sk_common.skc_dport);
	ends->ns_net = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	ends->cookie = bpf_get_socket_cookie((void *)sk);
}

static void fill_counts(struct ring_tcp *record, const struct sock *sk, const struct tcp_sock *tcp)
{
	unsigned long done = 1ul << bpf_core_enum_value(enum sock_flags, SOCK_DONE);

	/* Both count what was sent again. */
	record->sent_bytes = tcp->bytes_sent - tcp->bytes_retrans;
	/* The other side's FIN takes a place in the sequence, and is counted as a byte. */
	record->received_bytes = tcp->bytes_received;
	if ((sk->__sk_common.skc_flags & done) && record->received_bytes)
		record->received_bytes--;
	record->sent_segments = tcp->segs_out;
	record->received_segments = tcp->segs_in;
	record->retransmits = tcp->total_retrans;
	record->rtt_us = tcp->srtt_us >> 3; /* it is kept times eight */
}

static void tell(const struct sock *sk, const struct tcp_note *note, __u8 what, __u8 end,
		 __u32 error)
{
	const struct tcp_sock *tcp = bpf_skc_to_tcp_sock((void *)sk);
	struct ring_tcp record;

	if (!tcp)
		return;
	__builtin_memset(&record, 0, sizeof(record));
	if (note)
		record.head = note->use.owner;
	record.head.type = RING_tcp;
	record.head.bytes = sizeof(record);
	record.head.boot_ns = bpf_ktime_get_boot_ns();
	record.what = what;
	record.end = end;
	record.error = error;
	if (note && note->ends.cookie)
		record.ends = note->ends;
	else
		fill_ends(&record.ends, sk, tcp);
	fill_counts(&record, sk, tcp);
	if (note) {
		record.role = note->role;
		if (note->asked_ns && note->open_ns)
			record.latency_ns = note->open_ns - note->asked_ns;
		else if (note->asked_ns && what == RING_TCP_fail)
			record.latency_ns = record.head.boot_ns - note->asked_ns;
		if (note->open_ns && what == RING_TCP_close)
			record.duration_ns = record.head.boot_ns - note->open_ns;
	}
	ring_put(&record, sizeof(record), RING_tcp);
}

/* connect(2): the process is still there. */
static void on_asked(const struct sock *sk)
{
	struct tcp_note note;

	__builtin_memset(&note, 0, sizeof(note));
	socket_claim(&note.use);
	note.role = RING_ROLE_client;
	note.asked_ns = note.use.owner.boot_ns;
	tcp_note_put(bpf_get_socket_cookie((void *)sk), &note);
}

/* Tells once that it was made, when it is old enough; the end of one that never is says all. */
static void tcp_tell_open(const struct sock *sk, struct tcp_note *note)
{
	if (note->told || !note->open_ns)
		return;
	if (tcp_settle_ns && bpf_ktime_get_boot_ns() - note->open_ns < tcp_settle_ns)
		return;
	note->told = 1;
	tell(sk, note, note->role == RING_ROLE_client ? RING_TCP_connect : RING_TCP_accept, 0, 0);
}

static void on_open(const struct sock *sk)
{
	const struct tcp_sock *tcp = bpf_skc_to_tcp_sock((void *)sk);
	struct tcp_note *note = tcp_note_make(bpf_get_socket_cookie((void *)sk));

	if (!note || !tcp)
		return;
	note->open_ns = bpf_ktime_get_boot_ns();
	fill_ends(&note->ends, sk, tcp);
	if (note->role != RING_ROLE_client)
		note->role = RING_ROLE_server; /* whose it is shows when somebody uses it */
	else if (!tcp_settle_ns && socket_wanted(&note->use))
		tcp_tell_open(sk, note);
}

/* Somebody closes it, the peer's data unread perhaps. */
static void on_closing(const struct sock *sk)
{
	struct tcp_note *note = tcp_note_get(bpf_get_socket_cookie((void *)sk));

	if (note && note->use.owner.pid == 0 && socket_claim(&note->use))
		tcp_tell_open(sk, note);
}

static __u8 end_of(const struct sock *sk, __u8 reset, int before)
{
	if (reset & SOCKET_RESET_received)
		return RING_TCP_END_reset_peer;
	if (sk->sk_err == TCP_ETIMEDOUT)
		return RING_TCP_END_timeout;
	/* Nobody said goodbye: close(2) with data unread, or SO_LINGER of 0. The reset that tells
	 * the peer so is sent after this. */
	if ((reset & SOCKET_RESET_sent) || before == TCP_ESTABLISHED || before == TCP_CLOSE_WAIT)
		return RING_TCP_END_reset_local;
	return RING_TCP_END_fin;
}

static void tell_closed(const struct sock *sk, const struct tcp_note *note, int before)
{
	if (before == TCP_LISTEN || before == TCP_CLOSE || before == TCP_SYN_RECV)
		return;
	if (note ? !socket_wanted(&note->use) : only_under != 0)
		return;
	if (before == TCP_SYN_SENT)
		tell(sk, note, RING_TCP_fail, 0, sk->sk_err ?: sk->sk_err_soft);
	else
		tell(sk, note, RING_TCP_close, end_of(sk, note ? note->reset : 0, before),
		     sk->sk_err);
}

static void on_closed(const struct sock *sk, int before)
{
	__u64 cookie = bpf_get_socket_cookie((void *)sk);
	struct tcp_note *note = tcp_note_get(cookie);

	if (want_tcp)
		tell_closed(sk, note, before);
	if (note)
		bpf_map_delete_elem(&tcp_notes, &cookie);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, const struct sock *sk, int before, int after)
{
	if (after == TCP_CLOSE)
		on_closed(sk, before);
	else if (!want_tcp)
		return 0;
	else if (after == TCP_SYN_SENT)
		on_asked(sk);
	else if (after == TCP_ESTABLISHED)
		on_open(sk);
	else if (after == TCP_FIN_WAIT1 || after == TCP_LAST_ACK)
		on_closing(sk);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(on_reset_received, struct sock *sk)
{
	struct tcp_note *note = tcp_note_get(bpf_get_socket_cookie(sk));

	if (note)
		note->reset |= SOCKET_RESET_received;
	return 0;
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(on_reset_sent, const struct sock *sk)
{
	struct tcp_note *note;

	if (!sk)
		return 0; /* to a packet that belongs to nobody */
	note = tcp_note_get(bpf_get_socket_cookie((void *)sk));
	if (note)
		note->reset |= SOCKET_RESET_sent;
	return 0;
}

#endif

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
	ends->cookie = socket_cookie(sk);
}

/* --- counts --- */

/* As the kernel keeps them. */
struct tcp_counts {
	__u64 sent_bytes, sent_again_bytes, received_bytes;
	__u32 sent_segments, received_segments, retransmits, rtt_eighths_us;
	unsigned long flags;
};

static void tcp_count(struct tcp_counts *counts, const struct sock *sk, const struct tcp_sock *tcp)
{
	counts->sent_bytes = tcp->bytes_sent;
	counts->sent_again_bytes = tcp->bytes_retrans;
	counts->received_bytes = tcp->bytes_received;
	counts->sent_segments = tcp->segs_out;
	counts->received_segments = tcp->segs_in;
	counts->retransmits = tcp->total_retrans;
	counts->rtt_eighths_us = tcp->srtt_us;
	counts->flags = sk->__sk_common.skc_flags;
}

/* The same where the verifier knows no types. */
static void tcp_count_at(struct tcp_counts *counts, const struct tcp_sock *tcp)
{
	counts->sent_bytes = BPF_CORE_READ(tcp, bytes_sent);
	counts->sent_again_bytes = BPF_CORE_READ(tcp, bytes_retrans);
	counts->received_bytes = BPF_CORE_READ(tcp, bytes_received);
	counts->sent_segments = BPF_CORE_READ(tcp, segs_out);
	counts->received_segments = BPF_CORE_READ(tcp, segs_in);
	counts->retransmits = BPF_CORE_READ(tcp, total_retrans);
	counts->rtt_eighths_us = BPF_CORE_READ(tcp, srtt_us);
	counts->flags = BPF_CORE_READ(tcp, inet_conn.icsk_inet.sk.__sk_common.skc_flags);
}

static void fill_counts(struct ring_tcp *record, const struct tcp_counts *counts)
{
	unsigned long done = 1ul << bpf_core_enum_value(enum sock_flags, SOCK_DONE);

	/* Both count what was sent again. */
	record->sent_bytes = counts->sent_bytes - counts->sent_again_bytes;
	/* The other side's FIN takes a place in the sequence, and is counted as a byte. */
	record->received_bytes = counts->received_bytes;
	if ((counts->flags & done) && record->received_bytes)
		record->received_bytes--;
	record->sent_segments = counts->sent_segments;
	record->received_segments = counts->received_segments;
	record->retransmits = counts->retransmits;
	record->rtt_us = counts->rtt_eighths_us >> 3;
}

/* --- telling --- */

static void tcp_begin(struct ring_tcp *record, const struct tcp_note *note, __u8 what)
{
	__builtin_memset(record, 0, sizeof(*record));
	if (note)
		record->head = note->use.owner;
	record->head.type = RING_tcp;
	record->head.bytes = sizeof(*record);
	record->head.boot_ns = bpf_ktime_get_boot_ns();
	record->what = what;
	if (!note)
		return;
	record->role = note->role;
	record->ends = note->ends;
	record->told_sent_bytes = note->told_sent_bytes;
	record->told_received_bytes = note->told_received_bytes;
	if (note->asked_ns && note->open_ns)
		record->latency_ns = note->open_ns - note->asked_ns;
	else if (note->asked_ns && what == RING_TCP_fail)
		record->latency_ns = record->head.boot_ns - note->asked_ns;
	if (note->open_ns && (what == RING_TCP_close || what == RING_TCP_flow))
		record->duration_ns = record->head.boot_ns - note->open_ns;
}

static void tell(const struct sock *sk, const struct tcp_note *note, __u8 what, __u8 end,
		 __u32 error)
{
	const struct tcp_sock *tcp = bpf_skc_to_tcp_sock((void *)sk);
	struct tcp_counts counts;
	struct ring_tcp record;

	if (!tcp)
		return;
	tcp_begin(&record, note, what);
	record.end = end;
	record.error = error;
	if (!record.ends.cookie) {
		fill_ends(&record.ends, sk, tcp);
		if (!scope_keeps_ends(record.ends.local_port, record.ends.peer_port,
				      record.ends.peer))
			return;
	}
	tcp_count(&counts, sk, tcp);
	fill_counts(&record, &counts);
	ring_put(&record, sizeof(record), RING_tcp);
}

static __u8 tcp_open_what(const struct tcp_note *note)
{
	return note->role == RING_ROLE_client ? RING_TCP_connect : RING_TCP_accept;
}

/* Whether that it was made has to be told, and it is old enough; the end of one that never is says
 * all. */
static bool tcp_open_is_due(const struct tcp_note *note)
{
	if (note->told || !note->open_ns)
		return false;
	return !tcp_settle_ns || bpf_ktime_get_boot_ns() - note->open_ns >= tcp_settle_ns;
}

static void tcp_tell_open(const struct sock *sk, struct tcp_note *note)
{
	if (!tcp_open_is_due(note))
		return;
	note->told = 1;
	tell(sk, note, tcp_open_what(note), 0, 0);
}

/* --- what happens to a connection --- */

/* connect(2): the process is still there. */
static void on_asked(const struct sock *sk)
{
	struct tcp_note note;

	__builtin_memset(&note, 0, sizeof(note));
	socket_claim(&note.use, true);
	note.role = RING_ROLE_client;
	note.asked_ns = note.use.owner.boot_ns;
	if (tcp_note_put(socket_cookie(sk), &note) < 0)
		tcp_note_lost();
}

/* Both ends are known. */
static void tcp_note_ends(struct tcp_note *note, const struct sock *sk, const struct tcp_sock *tcp)
{
	fill_ends(&note->ends, sk, tcp);
	note->address = (__u64)tcp;
	note->use.ends =
		scope_keeps_ends(note->ends.local_port, note->ends.peer_port, note->ends.peer)
			? SCOPE_keep
			: SCOPE_drop;
}

static void on_open(const struct sock *sk, int before)
{
	const struct tcp_sock *tcp = bpf_skc_to_tcp_sock((void *)sk);
	struct tcp_note *note = tcp_note_make(socket_cookie(sk));

	if (!note && before == TCP_SYN_RECV)
		tcp_note_lost(); /* a client's was missed when it asked */
	if (!note || !tcp)
		return;
	note->open_ns = bpf_ktime_get_boot_ns();
	tcp_note_ends(note, sk, tcp);
	if (note->role != RING_ROLE_client)
		note->role = RING_ROLE_server; /* whose it is shows when somebody uses it */
	else if (!tcp_settle_ns && socket_wanted(&note->use))
		tcp_tell_open(sk, note);
}

/* Somebody closes it, the peer's data unread perhaps. */
static void on_closing(const struct sock *sk)
{
	struct tcp_note *note = tcp_note_get(socket_cookie(sk));

	if (note && note->use.owner.pid == 0 && socket_claim(&note->use, true) &&
	    socket_wanted(&note->use))
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

/* close(2) of one that nobody has used, with the peer's data unread: it ends at once, without
 * goodbye. Otherwise whatever runs has nothing to do with it. */
static void tcp_claim_end(const struct sock *sk, struct tcp_note *note, int before)
{
	if (note->use.owner.pid || note->reset || sk->sk_err == TCP_ETIMEDOUT ||
	    (before != TCP_ESTABLISHED && before != TCP_CLOSE_WAIT))
		return;
	if (socket_claim(&note->use, true) && socket_wanted(&note->use))
		tcp_tell_open(sk, note);
}

static void tell_closed(const struct sock *sk, struct tcp_note *note, int before)
{
	if (before == TCP_LISTEN || before == TCP_CLOSE || before == TCP_SYN_RECV)
		return;
	if (note)
		tcp_claim_end(sk, note, before);
	if (note ? !socket_wanted(&note->use) : socket_needs_owner())
		return;
	if (before == TCP_SYN_SENT)
		tell(sk, note, RING_TCP_fail, 0, sk->sk_err ?: sk->sk_err_soft);
	else
		tell(sk, note, RING_TCP_close, end_of(sk, note ? note->reset : 0, before),
		     sk->sk_err);
}

static void on_closed(const struct sock *sk, int before)
{
	__u64 cookie = socket_cookie(sk);
	struct tcp_note *note = tcp_note_get(cookie);

	if (want_tcp)
		tell_closed(sk, note, before);
	if (note)
		bpf_map_delete_elem(&tcp_notes, &cookie);
	if (!socket_has_cookie()) {
		cookie = sk->__sk_common.skc_cookie.counter; /* as packets know it */
		bpf_map_delete_elem(&tcp_notes, &cookie);
	}
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
		on_open(sk, before);
	else if (after == TCP_FIN_WAIT1 || after == TCP_LAST_ACK)
		on_closing(sk);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(on_reset_received, struct sock *sk)
{
	struct tcp_note *note = tcp_note_get(socket_cookie(sk));

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
	note = tcp_note_get(socket_cookie(sk));
	if (note)
		note->reset |= SOCKET_RESET_sent;
	return 0;
}

/* --- those that stay open --- */

/* What has come to it since that was last told. False: nothing. */
static bool tcp_fill_flow(struct ring_tcp *record, const struct tcp_note *note)
{
	const struct tcp_sock *tcp = (const void *)note->address;
	struct tcp_counts counts;

	/* Its memory may be another's by now. */
	if (!tcp ||
	    (socket_has_cookie() &&
	     (__u64)BPF_CORE_READ(tcp, inet_conn.icsk_inet.sk.__sk_common.skc_cookie.counter) !=
		     note->ends.cookie))
		return false;
	tcp_count_at(&counts, tcp);
	fill_counts(record, &counts);
	return record->sent_segments != note->told_sent_segments ||
	       record->received_segments != note->told_received_segments;
}

static void tcp_sweep_flow(struct seq_file *out, struct tcp_note *note)
{
	struct ring_tcp record;
	struct tcp_note told;

	tcp_begin(&record, note, RING_TCP_flow);
	if (!tcp_fill_flow(&record, note))
		return;
	told.told_sent_bytes = record.sent_bytes;
	told.told_received_bytes = record.received_bytes;
	told.told_sent_segments = record.sent_segments;
	told.told_received_segments = record.received_segments;
	told.told_retransmits = record.retransmits;
	record.sent_bytes -= note->told_sent_bytes;
	record.received_bytes -= note->told_received_bytes;
	record.sent_segments -= note->told_sent_segments;
	record.received_segments -= note->told_received_segments;
	record.retransmits -= note->told_retransmits;
	if (bpf_seq_write(out, &record, sizeof(record)) != 0)
		return; /* no room: it comes again */
	note->told_sent_bytes = told.told_sent_bytes;
	note->told_received_bytes = told.told_received_bytes;
	note->told_sent_segments = told.told_sent_segments;
	note->told_received_segments = told.told_received_segments;
	note->told_retransmits = told.told_retransmits;
}

static void tcp_sweep_open(struct seq_file *out, struct tcp_note *note)
{
	struct ring_tcp record;

	tcp_begin(&record, note, tcp_open_what(note));
	if (bpf_seq_write(out, &record, sizeof(record)) == 0)
		note->told = 1;
}

/* The agent reads through all notes once in a while. What it is told goes straight to it: however
 * many they are, it takes them as fast as it can. */
SEC("iter/bpf_map_elem")
int on_sweep(struct bpf_iter__bpf_map_elem *at)
{
	struct tcp_note *note = at->value;

	if (!note || !note->use.owner.pid || !socket_wanted(&note->use))
		return 0;
	if (tcp_open_is_due(note))
		tcp_sweep_open(at->meta->seq, note);
	else if (note->told || !note->open_ns)
		tcp_sweep_flow(at->meta->seq, note);
	return 0;
}

#endif

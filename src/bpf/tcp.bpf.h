/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* tcp - connections are made, refused, and end. */
#ifndef BPF_TCP_BPF_H
#define BPF_TCP_BPF_H

#include "bpf/socket.bpf.h"

#define TCP_ETIMEDOUT 110

/* Set before loading. */
const volatile bool want_tcp = false;
const volatile __u64 tcp_settle_ns = 0; /* connections must be this old to be told of as made */

/* All but the network namespace. A cast to tcp_sock is refused ("access beyond struct sock"): only
 * the helper knows the way. */
static void fill_ends(struct ring_ends *ends, const struct sock *sk, const struct tcp_sock *tcp,
		      __u64 cookie)
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
	ends->cookie = cookie;
}

/* Not through `sk`: for each pointer that is followed from a tracepoint's argument, the verifier of
 * 6.2 and later searches all types by name, several times. */
static __u32 tcp_ns_net(const struct sock *sk)
{
	const struct tcp_sock *tcp = bpf_skc_to_tcp_sock((void *)sk);

	return tcp ? tcp->inet_conn.icsk_inet.sk.__sk_common.skc_net.net->ns.inum : 0;
}

/* The same where the verifier knows no types. */
static void fill_ends_at(struct ring_ends *ends, const struct tcp_sock *tcp, __u64 cookie)
{
	const struct inet_sock *inet = &tcp->inet_conn.icsk_inet;

	if (BPF_CORE_READ(inet, sk.__sk_common.skc_family) == AF_INET6) {
		BPF_CORE_READ_INTO(&ends->local, inet, sk.__sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&ends->peer, inet, sk.__sk_common.skc_v6_daddr);
	} else {
		socket_put_ip4(ends->local, BPF_CORE_READ(inet, sk.__sk_common.skc_rcv_saddr));
		socket_put_ip4(ends->peer, BPF_CORE_READ(inet, sk.__sk_common.skc_daddr));
	}
	ends->local_port = bpf_ntohs(BPF_CORE_READ(inet, inet_sport));
	ends->peer_port = bpf_ntohs(BPF_CORE_READ(inet, sk.__sk_common.skc_dport));
	ends->ns_net = BPF_CORE_READ(inet, sk.__sk_common.skc_net.net, ns.inum);
	ends->cookie = cookie;
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
	record->head = note->use.owner;
	record->head.type = RING_tcp;
	record->head.bytes = sizeof(*record);
	record->head.boot_ns = bpf_ktime_get_boot_ns();
	record->what = what;
	record->role = note->role;
	record->told_sent_bytes = note->told_sent_bytes;
	record->told_received_bytes = note->told_received_bytes;
	if (note->asked_ns && note->open_ns)
		record->latency_ns = note->open_ns - note->asked_ns;
	else if (note->asked_ns && what == RING_TCP_fail)
		record->latency_ns = record->head.boot_ns - note->asked_ns;
	if (note->open_ns && (what == RING_TCP_close || what == RING_TCP_flow))
		record->duration_ns = record->head.boot_ns - note->open_ns;
}

/* Looks for the note anew, and is done with it first: what comes behind, the verifier then follows
 * once, and not for each kind of note. */
static void tell(const struct sock *sk, __u64 cookie, __u8 what, __u8 end, __u32 error)
{
	static const struct tcp_note none;
	const struct tcp_note *note = tcp_note_get(cookie) ?: (struct tcp_note *)&none;
	const struct tcp_sock *tcp;
	struct tcp_counts counts;
	struct ring_tcp record;
	__u32 ns_net = note->ns_net;
	bool kept = note->address; /* its ends were looked at */

	tcp_begin(&record, note, what);
	tcp = bpf_skc_to_tcp_sock((void *)sk);
	if (!tcp)
		return;
	record.end = end;
	record.error = error;
	fill_ends(&record.ends, sk, tcp, socket_cookie(sk));
	record.ends.ns_net = ns_net ?: tcp_ns_net(sk);
	if (!kept &&
	    !scope_keeps_ends(record.ends.local_port, record.ends.peer_port, record.ends.peer))
		return;
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

/* Whether one that is used may have become old enough since the clock was last looked at for it:
 * that costs as much as all else there. */
static bool tcp_looks_at_clock(struct tcp_note *note)
{
	__u8 turn = bpf_jiffies64() >> 5; /* 0.03 to 0.3 s */
	bool same = turn == note->looked;

	note->looked = turn;
	return !same || !tcp_settle_ns;
}

static void tcp_tell_open(const struct sock *sk, __u64 cookie, struct tcp_note *note)
{
	__u8 what = tcp_open_what(note);

	if (!tcp_open_is_due(note))
		return;
	note->told = 1;
	tell(sk, cookie, what, 0, 0);
}

/* --- what happens to a connection --- */

/* `use` is whose it is. That is found out before the note is at hand: it takes the verifier long,
 * and it would do it for each kind of note. NULL: there is none. */
static struct tcp_note *tcp_note_own(__u64 cookie, const struct socket_note *use)
{
	struct tcp_note *note = tcp_note_get(cookie);

	if (note) {
		note->use.owner = use->owner;
		note->use.unwanted = use->unwanted;
	}
	return note;
}

/* connect(2). */
static void on_asked(__u64 cookie, __u32 ns_net, const struct socket_note *use)
{
	struct tcp_note *note = tcp_note_new(cookie);

	if (!note) {
		tcp_note_lost();
		return;
	}
	note->use = *use;
	note->role = RING_ROLE_client;
	note->ns_net = ns_net;
	note->asked_ns = bpf_ktime_get_boot_ns();
}

/* Whether the settings want connections with these ends reported. */
static bool tcp_keeps_ends(const struct sock *sk)
{
	const struct tcp_sock *tcp;
	struct ring_ends ends;

	if (!(scope.lists & SCOPE_of_sockets))
		return true;
	tcp = bpf_skc_to_tcp_sock((void *)sk);
	if (!tcp)
		return true;
	fill_ends(&ends, sk, tcp, 0);
	return scope_keeps_ends(ends.local_port, ends.peer_port, ends.peer);
}

/* Both ends are known. */
static void tcp_note_ends(struct tcp_note *note, const struct sock *sk)
{
	note->address = (__u64)sk;
	note->use.ends = tcp_keeps_ends(sk) ? SCOPE_keep : SCOPE_drop;
}

/* One that was asked for has a note by now, one that comes in has none. */
static void on_open(const struct sock *sk, __u64 cookie, __u32 ns_net, int before)
{
	struct tcp_note *note;

	note = before == TCP_SYN_SENT ? tcp_note_make(cookie) : tcp_note_new(cookie);
	if (!note && before == TCP_SYN_RECV)
		tcp_note_lost(); /* a client's was missed when it asked */
	if (!note || sk->sk_protocol != IPPROTO_TCP)
		return;
	note->ns_net = ns_net;
	note->open_ns = bpf_ktime_get_boot_ns();
	tcp_looks_at_clock(note);
	tcp_note_ends(note, sk);
	if (note->role != RING_ROLE_client)
		note->role = RING_ROLE_server; /* whose it is shows when somebody uses it */
	else if (!tcp_settle_ns && socket_wanted(&note->use))
		tcp_tell_open(sk, cookie, note);
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

static void tell_closed(const struct sock *sk, __u64 cookie, __u8 reset, int before)
{
	__u8 what = RING_TCP_close, end = 0;
	__u32 error = sk->sk_err;

	if (before == TCP_SYN_SENT) {
		what = RING_TCP_fail;
		error = error ?: sk->sk_err_soft;
	} else {
		end = end_of(sk, reset, before);
	}
	tell(sk, cookie, what, end, error);
}

/* Whether it was one at all, and its end is to be told. */
static bool tcp_end_is_wanted(const struct tcp_note *note, int before)
{
	if (!want_tcp || before == TCP_LISTEN || before == TCP_CLOSE || before == TCP_SYN_RECV)
		return false;
	return note ? socket_wanted(&note->use) : !socket_needs_owner();
}

static void on_closed(const struct sock *sk, __u64 cookie, int before)
{
	const struct tcp_note *note = tcp_note_get(cookie);
	bool noted = note, wanted = tcp_end_is_wanted(note, before);
	__u8 reset = note ? note->reset : 0;

	if (wanted)
		tell_closed(sk, cookie, reset, before);
	if (noted)
		tcp_note_drop(cookie);
	if (!socket_has_cookie())
		tcp_note_drop(sk->__sk_common.skc_cookie.counter); /* as packets know it */
}

/* Whether it is the current process that closes a connection that nobody has used so far. */
static bool tcp_is_closed_unused(const struct sock *sk, __u64 cookie, int before, int after)
{
	const struct tcp_note *note = tcp_note_get(cookie);

	if (!note || note->use.owner.pid)
		return false;
	if (after != TCP_CLOSE)
		return true;
	/* close(2) with the peer's data unread: it ends at once, without goodbye. Otherwise
	 * whatever runs has nothing to do with it. */
	return !note->reset && sk->sk_err != TCP_ETIMEDOUT &&
	       (before == TCP_ESTABLISHED || before == TCP_CLOSE_WAIT);
}

/* What happens in on_state() is read anew for each step: the verifier would else follow each change
 * of state to the end by itself, though most steps are the same. */
static __always_inline int state_before(const unsigned long long *ctx)
{
	return (int)*(const volatile unsigned long long *)&ctx[1];
}

static __always_inline int state_after(const unsigned long long *ctx)
{
	return (int)*(const volatile unsigned long long *)&ctx[2];
}

/* Whether the current process asks for it, or closes it. */
static bool tcp_is_own(const struct sock *sk, __u64 cookie, int before, int after)
{
	if (after == TCP_SYN_SENT)
		return true;
	return after != TCP_ESTABLISHED && tcp_is_closed_unused(sk, cookie, before, after);
}

static void on_own(const struct sock *sk, __u64 cookie, const unsigned long long *ctx)
{
	struct tcp_note *note;
	struct socket_note use;

	__builtin_memset(&use, 0, sizeof(use));
	socket_claim(&use, true);
	if (state_after(ctx) == TCP_SYN_SENT) {
		on_asked(cookie, tcp_ns_net(sk), &use);
		return;
	}
	note = tcp_note_own(cookie, &use);
	if (note && socket_wanted(&note->use))
		tcp_tell_open(sk, cookie, note);
}

static bool tcp_is_told(int after)
{
	switch (after) {
	case TCP_CLOSE:
		return true;
	case TCP_SYN_SENT:
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT1:
	case TCP_LAST_ACK:
		return want_tcp;
	default:
		return false;
	}
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, const struct sock *sk)
{
	__u64 cookie;

	if (!tcp_is_told(state_after(ctx)))
		return 0;
	cookie = socket_cookie(sk);
	if (want_tcp && tcp_is_own(sk, cookie, state_before(ctx), state_after(ctx)))
		on_own(sk, cookie, ctx);
	if (state_after(ctx) == TCP_CLOSE)
		on_closed(sk, cookie, state_before(ctx));
	else if (state_after(ctx) == TCP_ESTABLISHED)
		on_open(sk, cookie, tcp_ns_net(sk), state_before(ctx));
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

/* Whether it is still there: its memory may be another's by now. */
static bool tcp_is_there(const struct tcp_note *note, __u64 cookie)
{
	const struct tcp_sock *tcp = (const void *)note->address;

	return tcp &&
	       (!socket_has_cookie() ||
		(__u64)BPF_CORE_READ(tcp, inet_conn.icsk_inet.sk.__sk_common.skc_cookie.counter) ==
			cookie);
}

static void tcp_sweep_flow(struct seq_file *out, struct tcp_note *note, __u64 cookie)
{
	struct tcp_counts counts;
	struct ring_tcp record;
	struct tcp_note told;

	tcp_begin(&record, note, RING_TCP_flow);
	tcp_count_at(&counts, (const void *)note->address);
	fill_counts(&record, &counts);
	if (record.sent_segments == note->told_sent_segments &&
	    record.received_segments == note->told_received_segments)
		return;
	fill_ends_at(&record.ends, (const void *)note->address, cookie);
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

static void tcp_sweep_open(struct seq_file *out, struct tcp_note *note, __u64 cookie)
{
	struct ring_tcp record;

	tcp_begin(&record, note, tcp_open_what(note));
	fill_ends_at(&record.ends, (const void *)note->address, cookie);
	if (bpf_seq_write(out, &record, sizeof(record)) == 0)
		note->told = 1;
}

static void tcp_sweep(struct seq_file *out, struct tcp_note *note, __u64 cookie)
{
	if (!note->use.owner.pid || !socket_wanted(&note->use) || !tcp_is_there(note, cookie))
		return;
	if (tcp_open_is_due(note))
		tcp_sweep_open(out, note, cookie);
	else if (note->told || !note->open_ns)
		tcp_sweep_flow(out, note, cookie);
}

/* The agent reads through all notes once in a while. What it is told goes straight to it: however
 * many they are, it takes them as fast as it can. */
SEC("iter/bpf_map_elem")
int on_sweep(struct bpf_iter__bpf_map_elem *at)
{
	const __u64 *cookie = at->key;

	if (cookie && at->value)
		tcp_sweep(at->meta->seq, at->value, *cookie);
	return 0;
}

SEC("iter/bpf_map_elem")
int on_sweep_slots(struct bpf_iter__bpf_map_elem *at)
{
	struct tcp_slot *slot = at->value;

	if (slot && slot->cookie)
		tcp_sweep(at->meta->seq, &slot->note, slot->cookie);
	return 0;
}

#endif

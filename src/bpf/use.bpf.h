/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* use - a process sends or receives: the socket is its own. */
#ifndef BPF_USE_BPF_H
#define BPF_USE_BPF_H

#include "bpf/packet.bpf.h"
#include "bpf/tcp.bpf.h"

/* A connection from before our start: what it has carried so far is of no concern. */
static void tcp_note_found(struct tcp_note *note, const struct sock *sk)
{
	const struct tcp_sock *tcp = bpf_skc_to_tcp_sock((void *)sk);
	struct tcp_counts counts;

	if (!tcp)
		return;
	tcp_note_ends(note, sk);
	tcp_count(&counts, sk, tcp);
	note->told_sent_bytes = counts.sent_bytes - counts.sent_again_bytes;
	note->told_received_bytes = counts.received_bytes;
	note->told_sent_segments = counts.sent_segments;
	note->told_received_segments = counts.received_segments;
	note->told_retransmits = counts.retransmits;
}

static void on_tcp_use(struct sock *sk, bool often)
{
	__u64 cookie = socket_cookie(sk);
	struct tcp_note *note = tcp_note_get(cookie);
	struct socket_note use;

	if (!note && sk->__sk_common.skc_state != TCP_CLOSE)
		note = tcp_note_make(cookie);
	if (!note)
		return;
	if (!note->address)
		tcp_note_found(note, sk);
	if (note->use.owner.pid != bpf_get_current_pid_tgid() >> 32) {
		__builtin_memset(&use, 0, sizeof(use));
		socket_claim(&use, often);
		note = tcp_note_own(cookie, &use);
	}
	if (note && !note->use.unwanted && want_tcp && !note->told && tcp_looks_at_clock(note) &&
	    socket_wanted(&note->use))
		tcp_tell_open(sk, cookie, note);
}

static void on_udp_use(struct sock *sk)
{
	struct socket_note *note;

	/* Tracing programs may use a socket's storage since 5.11, as they get typed tasks. */
	if (!ring_knows_task())
		return;
	note = bpf_sk_storage_get(&socket_notes, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (note && note->owner.pid != bpf_get_current_pid_tgid() >> 32 && udp_claim(note))
		udp_own(note, socket_cookie(sk));
}

/* Runs with each call that sends or receives: mostly the owner is who it was. Who gets a connection
 * from elsewhere `often` receives first. */
static __always_inline void on_use(struct sock *sk, bool often)
{
	if (sk->__sk_common.skc_family != AF_INET && sk->__sk_common.skc_family != AF_INET6)
		return;
	if (sk->sk_protocol == IPPROTO_TCP)
		on_tcp_use(sk, often);
	else if (sk->sk_protocol == IPPROTO_UDP)
		on_udp_use(sk);
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_send, struct sock *sk)
{
	on_use(sk, false);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_receive, struct sock *sk)
{
	on_use(sk, true);
	return 0;
}

/* For kernels without those tracepoints, those before 6.4. */
static __always_inline int on_use_call(struct socket *socket, bool often)
{
	struct sock *sk = socket->sk;

	if (sk)
		on_use(sk, often);
	return 0;
}

SEC("fentry/inet_sendmsg")
int BPF_PROG(on_send4, struct socket *socket)
{
	return on_use_call(socket, false);
}

SEC("fentry/inet6_sendmsg")
int BPF_PROG(on_send6, struct socket *socket)
{
	return on_use_call(socket, false);
}

SEC("fentry/inet_recvmsg")
int BPF_PROG(on_receive4, struct socket *socket)
{
	return on_use_call(socket, true);
}

SEC("fentry/inet6_recvmsg")
int BPF_PROG(on_receive6, struct socket *socket)
{
	return on_use_call(socket, true);
}

#endif

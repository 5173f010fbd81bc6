/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* use - a process sends or receives: the socket is its own. */
#ifndef BPF_USE_BPF_H
#define BPF_USE_BPF_H

#include "bpf/packet.bpf.h"
#include "bpf/tcp.bpf.h"

static void on_tcp_use(struct sock *sk)
{
	__u64 cookie = bpf_get_socket_cookie(sk);
	struct tcp_note *note = tcp_note_get(cookie);

	/* A connection from before our start gets its note here. */
	if (!note && sk->__sk_common.skc_state != TCP_CLOSE)
		note = tcp_note_make(cookie);
	if (note && socket_claim(&note->use) && want_tcp && !note->told)
		tcp_tell_open(sk, note);
}

static void on_udp_use(struct sock *sk)
{
	struct socket_note *note =
		bpf_sk_storage_get(&socket_notes, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (note && note->owner.pid != bpf_get_current_pid_tgid() >> 32)
		udp_own(note, bpf_get_socket_cookie(sk));
}

/* Runs with each call that sends or receives: mostly the owner is who it was. */
static void on_use(struct sock *sk)
{
	if (sk->__sk_common.skc_family != AF_INET && sk->__sk_common.skc_family != AF_INET6)
		return;
	if (sk->sk_protocol == IPPROTO_TCP)
		on_tcp_use(sk);
	else if (sk->sk_protocol == IPPROTO_UDP)
		on_udp_use(sk);
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_send, struct sock *sk)
{
	on_use(sk);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_receive, struct sock *sk)
{
	on_use(sk);
	return 0;
}

#endif

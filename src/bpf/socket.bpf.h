/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * socket - what is remembered of a socket, above all who uses it.
 *
 * A connection is mostly handled by whatever happens to run when a packet comes in; whose it is
 * shows only where a process connects, sends, receives or closes. One that gets a socket from
 * another owns it from its first use on.
 *
 * The note on a UDP socket lives in the socket's own storage and goes when the socket goes. That
 * costs two allocations: too much for a connection, which may live for a millisecond. Those have
 * theirs in a table, by their cookies.
 */
#ifndef BPF_SOCKET_BPF_H
#define BPF_SOCKET_BPF_H

#include "bpf/ring.bpf.h"

#include <bpf/bpf_endian.h>

#define AF_INET	     2
#define AF_INET6     10
#define IPPROTO_TCP  6
#define IPPROTO_UDP  17
#define TASK_KTHREAD 0x00200000 /* PF_KTHREAD */

/* net/tcp_states.h; they are part of the kernel's user interface. */
enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
};

struct socket_note {
	struct ring_head owner; /* pid 0: nobody so far */
	__u8 unwanted;		/* its owner is not to be reported */
	__u8 ends;		/* TCP: enum scope_verdict of both ends, once they are known */
	__u8 pad[6];
};

/* The first program that is loaded makes it, the others share it (sensor/sensor.h). */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct socket_note);
} socket_notes SEC(".maps");

struct tcp_note {
	struct socket_note use;
	struct ring_ends ends; /* cookie 0: it was never open, as far as was seen */
	__u64 address;	       /* of the kernel's struct */
	__u64 asked_ns, open_ns;
	/* What was told of it while it was open. */
	__u64 told_sent_bytes, told_received_bytes;
	__u32 told_sent_segments, told_received_segments, told_retransmits;
	__u8 role;		 /* enum ring_role */
	__u8 told;		 /* its opening was reported */
	__u8 reset;		 /* SOCKET_RESET_* */
	__u8 sending, receiving; /* packet.bpf.h: enum packet_stream */
	__u8 pad[3];
	__u32 sent_left, received_left; /* packet.bpf.h: bytes of a message still to come */
	__u32 pad2;
};

enum { SOCKET_RESET_received = 1, SOCKET_RESET_sent = 2 };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024); /* as the agent sets it */
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct tcp_note);
} tcp_notes SEC(".maps");

__u64 tcp_notes_lost_count = 0; /* connections that found the table full */

/* Programs that trace may ask for a socket's cookie since 5.12. Before that its address has to do,
 * and packets have notes of their own. */
static bool socket_has_cookie(void)
{
	return bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_check_mtu);
}

static __u64 socket_cookie(const struct sock *sk)
{
	__u64 address = 0;

	if (socket_has_cookie())
		return bpf_get_socket_cookie((void *)sk);
	bpf_probe_read_kernel(&address, sizeof(address), &sk);
	return address;
}

static struct tcp_note *tcp_note_get(__u64 cookie)
{
	return bpf_map_lookup_elem(&tcp_notes, &cookie);
}

static __attribute__((noinline)) long tcp_note_put(__u64 cookie, const struct tcp_note *note)
{
	return bpf_map_update_elem(&tcp_notes, &cookie, note, BPF_ANY);
}

static void tcp_note_lost(void)
{
	__sync_fetch_and_add(&tcp_notes_lost_count, 1);
}

/* What is there, or an empty one; NULL: the table is full. A note goes when its connection has
 * ended: make none after. */
static __attribute__((noinline)) struct tcp_note *tcp_note_make(__u64 cookie)
{
	struct tcp_note *note = tcp_note_get(cookie);
	struct tcp_note fresh;

	if (note)
		return note;
	__builtin_memset(&fresh, 0, sizeof(fresh));
	if (tcp_note_put(cookie, &fresh) < 0)
		return NULL;
	return tcp_note_get(cookie);
}

/* The current process uses the socket. False when it is not to be reported. */
static bool socket_claim(struct socket_note *note, bool may_ask_group)
{
	struct task_struct *task = ring_current(); /* some programs may not ask for the pid alone */

	if (note->owner.pid == (__u32)RING_NUMBER(task, tgid))
		return !note->unwanted;
	ring_fill_task(&note->owner, RING_tcp, sizeof(struct ring_head), task);
	note->owner.cgroup_id = may_ask_group && hierarchy == RING_HIERARCHY_unified
					? bpf_get_current_cgroup_id()
					: BPF_CORE_READ(ring_cgroup_node(task), id);
	note->unwanted = !ring_wants(task);
	return !note->unwanted;
}

/* Whether only what some processes do is asked for. */
static bool socket_needs_owner(void)
{
	return only_under || (scope.lists & SCOPE_of_processes);
}

/* Whether what happens to it is to be reported. Of a socket that nobody was seen to use nothing is
 * known: not whether it is one of those asked for, either. */
static bool socket_wanted(const struct socket_note *note)
{
	return note->ends != SCOPE_drop &&
	       (note->owner.pid ? !note->unwanted : !socket_needs_owner());
}

/* --- filters --- */

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, SCOPE_NETWORKS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct scope_network);
	__type(value, __u32);
} scope_networks SEC(".maps");

static bool scope_keeps_ports(__u32 local, __u32 peer)
{
	__u32 one = scope_find(scope.ports, scope.port_count, local);
	__u32 other = scope_find(scope.ports, scope.port_count, peer);

	if (one == SCOPE_drop || other == SCOPE_drop)
		return false;
	return scope_keeps(SCOPE_ports, one ?: other);
}

static bool scope_keeps_network(const __u8 *peer)
{
	struct scope_network key = { .bits = 128 };
	__u32 *verdict;

	__builtin_memcpy(key.address, peer, 16);
	verdict = bpf_map_lookup_elem(&scope_networks, &key);
	return scope_keeps(SCOPE_networks, verdict ? *verdict : SCOPE_silent);
}

/* Whether sockets with these ends are to be reported. */
static bool scope_keeps_ends(__u16 local_port, __u16 peer_port, const __u8 *peer)
{
	if ((scope.lists & SCOPE_ports) && !scope_keeps_ports(local_port, peer_port))
		return false;
	return !(scope.lists & SCOPE_networks) || scope_keeps_network(peer);
}

static void socket_put_ip4(__u8 *to, __be32 address)
{
	__builtin_memset(to, 0, 10);
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, &address, 4);
}

#endif

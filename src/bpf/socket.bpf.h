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
	__u8 early;		/* UDP: datagrams came before anybody was seen to use it */
	__u8 pad[5];
};

/* The first program that is loaded makes it, the others share it (sensor/sensor.h). */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct socket_note);
} socket_notes SEC(".maps");

/* What is looked at most lies where the table has the key: in one piece of the processor's cache.
 * The ends are the socket's own to tell. */
struct tcp_note {
	__u8 role;		 /* enum ring_role */
	__u8 told;		 /* its opening was reported */
	__u8 reset;		 /* SOCKET_RESET_* */
	__u8 sending, receiving; /* packet_stream.bpf.h */
	__u8 looked;		 /* tcp.bpf.h: turn of the clock */
	__u8 pad[2];
	struct socket_note use;
	__u64 address; /* of the kernel's struct; 0: it was never open, as far as was seen */
	__u64 asked_ns, open_ns;
	/* What was told of it while it was open. */
	__u64 told_sent_bytes, told_received_bytes;
	__u32 told_sent_segments, told_received_segments, told_retransmits;
	__u32 sent_left, received_left; /* packet_stream.bpf.h: bytes of a message still to come */
	__u32 ns_net;			/* 0: not known yet */
};

enum { SOCKET_RESET_received = 1, SOCKET_RESET_sent = 2 };

/*
 * A new connection's note lies in the slot that its cookie says, if that is free: cookies count up,
 * so those of connections that come and go are near each other in memory. Finding a new one's
 * place in a hash table, which is somewhere else each time, costs ten times as much. Where another
 * stays, the note goes to the hash table.
 */
struct tcp_slot {
	__u64 cookie; /* whose the note is; 0: nobody's */
	__u64 takers; /* 1: it is taken; more: others are just finding that out */
	struct tcp_note note;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* as the agent sets it: a power of 2 */
	__type(key, __u32);
	__type(value, struct tcp_slot);
} tcp_slots SEC(".maps");

const volatile __u32 tcp_slot_mask = 0; /* set before loading */

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

static __always_inline __u64 socket_cookie(const struct sock *sk)
{
	__u64 address = 0;

	/* One that has been asked for stays: only the first needs the helper. */
	if (socket_has_cookie())
		return sk->__sk_common.skc_cookie.counter ?: bpf_get_socket_cookie((void *)sk);
	bpf_probe_read_kernel(&address, sizeof(address), &sk);
	return address;
}

/* NULL: there are none, as its cookie may be an address. */
static __always_inline struct tcp_slot *tcp_slot_of(__u64 cookie)
{
	__u32 at = cookie & tcp_slot_mask;

	return socket_has_cookie() ? bpf_map_lookup_elem(&tcp_slots, &at) : NULL;
}

static __always_inline struct tcp_note *tcp_note_get(__u64 cookie)
{
	struct tcp_slot *slot = tcp_slot_of(cookie);

	return slot && slot->cookie == cookie ? &slot->note
					      : bpf_map_lookup_elem(&tcp_notes, &cookie);
}

static void tcp_note_lost(void)
{
	__sync_fetch_and_add(&tcp_notes_lost_count, 1);
}

/* Two may come for the same slot at once: then one of them, or none, gets it. Programs for kernels
 * before 5.12 can add in one step, but not compare. */
static bool tcp_slot_take(struct tcp_slot *slot, __u64 cookie)
{
	volatile __u64 *takers = &slot->takers;

	if (*takers)
		return slot->cookie == cookie;
	__sync_fetch_and_add(&slot->takers, 1);
	if (*takers == 1) {
		slot->cookie = cookie;
		return true;
	}
	__sync_fetch_and_add(&slot->takers, -1);
	return false;
}

static void tcp_slot_leave(struct tcp_slot *slot)
{
	slot->cookie = 0;
	__sync_fetch_and_add(&slot->takers, -1);
}

/* An empty one for a connection that has none; NULL: the table is full. A note goes when its
 * connection has ended: make none after. */
static __attribute__((noinline)) struct tcp_note *tcp_note_new(__u64 cookie)
{
	struct tcp_slot *slot = tcp_slot_of(cookie);
	struct tcp_note fresh;

	if (slot && tcp_slot_take(slot, cookie)) {
		__builtin_memset(&slot->note, 0, sizeof(slot->note));
		return &slot->note;
	}
	__builtin_memset(&fresh, 0, sizeof(fresh));
	if (bpf_map_update_elem(&tcp_notes, &cookie, &fresh, BPF_ANY) < 0)
		return NULL;
	return bpf_map_lookup_elem(&tcp_notes, &cookie);
}

static struct tcp_note *tcp_note_make(__u64 cookie)
{
	return tcp_note_get(cookie) ?: tcp_note_new(cookie);
}

static void tcp_note_drop(__u64 cookie)
{
	struct tcp_slot *slot = tcp_slot_of(cookie);

	if (slot && slot->cookie == cookie)
		tcp_slot_leave(slot);
	else
		bpf_map_delete_elem(&tcp_notes, &cookie);
}

/* The control group of the task that runs, read without a helper for each step. */
static __u64 socket_group_at_once(struct task_struct *task)
{
	__u64 at = hierarchy == RING_HIERARCHY_memory
			   ? bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id)
			   : bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	struct cgroup_subsys_state **states;

	if (hierarchy == RING_HIERARCHY_unified)
		return bpf_get_current_cgroup_id();
	states = (void *)__builtin_preserve_access_index(&task->cgroups->subsys);
	return states[at]->cgroup->kn->id;
}

/* Where it is done `often` no helper reads the fields: each costs more than all the rest. There the
 * verifier takes a millisecond longer, and only programs that trace can. */
static void socket_fill_owner(struct ring_head *owner, struct task_struct *task, bool often)
{
	ring_fill_task(owner, RING_tcp, sizeof(*owner), task);
	if (often && ring_knows_task()) {
		owner->uid = task->cred->euid.val;
		owner->cgroup_id = socket_group_at_once(task);
	} else {
		owner->uid = BPF_CORE_READ(task, cred, euid.val);
		owner->cgroup_id = BPF_CORE_READ(ring_cgroup_node(task), id);
	}
}

/* The current process uses the socket. False when it is not to be reported. */
static bool socket_claim(struct socket_note *note, bool often)
{
	struct task_struct *task = ring_current(); /* some programs may not ask for the pid alone */

	if (note->owner.pid == (__u32)RING_NUMBER(task, tgid))
		return !note->unwanted;
	socket_fill_owner(&note->owner, task, often);
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

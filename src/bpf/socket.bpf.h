/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * socket - what is remembered of a socket, above all who uses it.
 *
 * The note lives in the socket's own storage: it goes when the socket goes, and there are never
 * more notes than sockets. A connection is mostly handled by whatever happens to run when a packet
 * comes in; whose it is shows only where a process connects, sends, receives or closes. One that
 * gets a socket from another owns it from its first use on.
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

struct socket_note {
	struct ring_head owner; /* pid 0: nobody so far */
	__u64 asked_ns, open_ns;
	__u8 role;		 /* enum ring_role */
	__u8 told;		 /* its opening was reported */
	__u8 reset;		 /* SOCKET_RESET_* */
	__u8 unwanted;		 /* its owner is not to be reported */
	__u8 sending, receiving; /* packet.bpf.c: enum packet_stream */
	__u16 pad;
	__u32 sent_left, received_left; /* packet.bpf.c: bytes of a message still to come */
};

enum { SOCKET_RESET_received = 1, SOCKET_RESET_sent = 2 };

/* The first program that is loaded makes it, the others share it (sensor/sensor.h). */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct socket_note);
} socket_notes SEC(".maps");

/* The current process uses the socket. False when it is not to be reported. */
static bool socket_claim(struct socket_note *note)
{
	/* Programs that see packets may not ask for the pid before 6.10. */
	struct task_struct *task = bpf_get_current_task_btf();

	if (note->owner.pid == (__u32)task->tgid)
		return !note->unwanted;
	ring_fill_head(&note->owner, RING_tcp, sizeof(struct ring_head), task);
	note->unwanted = !ring_wants(task);
	return !note->unwanted;
}

/* Whether what happens to it is to be reported. Of a socket that nobody was seen to use nothing is
 * known: not whether it is one of those asked for, either. */
static bool socket_wanted(const struct socket_note *note)
{
	return note->owner.pid ? !note->unwanted : only_under == 0;
}

static void socket_put_ip4(__u8 *to, __be32 address)
{
	__builtin_memset(to, 0, 10);
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, &address, 4);
}

#endif

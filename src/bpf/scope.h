/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * scope - what is to be reported, as the agent tells it to the kernel side.
 *
 * Compiled on both sides. A list names what to keep, what to leave out, or both: where one entry or
 * more name what to keep, all else is left out.
 */
#ifndef BPF_SCOPE_H
#define BPF_SCOPE_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* Lists, as bits. */
enum scope_list {
	SCOPE_uids = 1,
	SCOPE_comms = 2,
	SCOPE_cgroups = 4,
	SCOPE_ports = 8,
	SCOPE_networks = 16,

	SCOPE_of_processes = SCOPE_uids | SCOPE_comms | SCOPE_cgroups,
	SCOPE_of_sockets = SCOPE_ports | SCOPE_networks,
};

/* What a list says of one thing. */
enum scope_verdict { SCOPE_silent, SCOPE_keep, SCOPE_drop };

#define SCOPE_RANGES   32
#define SCOPE_COMMS    64
#define SCOPE_CGROUPS  64
#define SCOPE_NETWORKS 256

struct scope_range {
	__u32 from, to;
	__u32 verdict;
};

struct scope_config {
	__u32 lists; /* those that say something */
	__u32 only;  /* those that name what to keep */
	__u32 uid_count, port_count;
	struct scope_range uids[SCOPE_RANGES], ports[SCOPE_RANGES];
};

/* Key of a longest-prefix-match table; IPv4 as ::ffff:a.b.c.d. */
struct scope_network {
	__u32 bits;
	__u8 address[16];
};

#endif

// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* network - what sockets do: one object, since what they share is a note on each socket. */
#include "bpf/packet.bpf.h"
#include "bpf/tcp.bpf.h"
#include "bpf/use.bpf.h"

char license_text[] SEC("license") = "Dual BSD/GPL";

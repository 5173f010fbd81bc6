// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * programs - all that runs in the kernel, as one object.
 *
 * To place a program into this kernel libbpf reads all of the kernel's types, some megabytes, for
 * each object. So there is one, and the agent says which of its programs are to be loaded.
 */
#include "bpf/exec.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/privilege.bpf.h"
#include "bpf/tcp.bpf.h"
#include "bpf/use.bpf.h"

char license_text[] SEC("license") = "Dual BSD/GPL";

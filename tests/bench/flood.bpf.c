// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* flood - FLOOD_BATCH records for each call of getppid(2) by one process. */
#include "bpf/ring.bpf.h"

#include "flood.h"

/* Set before loading. */
const volatile __u32 flood_pid = 0;
const volatile __u32 flood_bytes = sizeof(struct ring_exit);
const volatile __u32 flood_call = 0;

SEC("tp_btf/sys_enter")
int BPF_PROG(on_call, struct pt_regs *regs, long number)
{
	struct task_struct *task = ring_current();
	struct flood record;

	if (number != flood_call || (__u32)RING_NUMBER(task, tgid) != flood_pid ||
	    !ring_wants(task))
		return 0;
	__builtin_memset(&record, 0, sizeof(record));
	ring_fill_head(&record.exit.head, RING_exit, flood_bytes, task);
	for (int n = 0; n < FLOOD_BATCH; n++) {
		record.exit.exit_code = n;
		ring_put(&record, flood_bytes, RING_exit);
	}
	return 0;
}

char license_text[] SEC("license") = "Dual BSD/GPL";

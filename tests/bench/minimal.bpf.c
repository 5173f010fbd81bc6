// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* minimal - the least that sees programs start and end: two tracepoints, one field, one ring. */
#include "bpf/kern.h"

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

static int tell(const struct task_struct *task)
{
	int *record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);

	if (record) {
		*record = task->tgid;
		bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	}
	return 0;
}

SEC("tp_btf/sched_process_exec")
int on_exec(__u64 *args)
{
	return tell((const struct task_struct *)args[0]);
}

SEC("tp_btf/sched_process_exit")
int on_exit(__u64 *args)
{
	return tell((const struct task_struct *)args[0]);
}

char license_text[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* syscall - chosen system calls, counted for each process: nobody is told of a single one. */
#include "bpf/ring.bpf.h"

#define SYSCALL_COUNTS 8192

/* Set before loading: 1 for each number that is to be counted. */
const volatile __u8 syscall_wants[RING_SYSCALLS] = {};

/* Two generations: while the agent reads one, the program counts in the other. */
struct syscall_counts {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SYSCALL_COUNTS);
	__type(key, struct ring_syscall_key);
	__type(value, struct ring_syscall_count);
} syscall_counts_even SEC(".maps"), syscall_counts_odd SEC(".maps");

__u32 syscall_generation = 0;
__u64 syscall_lost_count = 0; /* calls that found the table full */

static struct ring_syscall_count *syscall_get(const struct ring_syscall_key *key)
{
	if (syscall_generation & 1)
		return bpf_map_lookup_elem(&syscall_counts_odd, key);
	return bpf_map_lookup_elem(&syscall_counts_even, key);
}

static struct ring_syscall_count *syscall_new(const struct ring_syscall_key *key,
					      struct task_struct *task)
{
	struct ring_syscall_count fresh = { 0 };

	ring_fill_head(&fresh.owner, RING_syscall, sizeof(fresh.owner), task);
	if (syscall_generation & 1)
		bpf_map_update_elem(&syscall_counts_odd, key, &fresh, BPF_NOEXIST);
	else
		bpf_map_update_elem(&syscall_counts_even, key, &fresh, BPF_NOEXIST);
	return syscall_get(key); /* another thread may have been faster */
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_call, struct pt_regs *regs, long id)
{
	struct ring_syscall_key key = { .number = id };
	struct ring_syscall_count *count;
	struct task_struct *task;

	barrier_var(key.number);
	if (key.number >= RING_SYSCALLS || !syscall_wants[key.number])
		return 0;
	task = ring_current();
	/* The same number is another call there. */
	if (RING_NUMBER(task, KERN_COMPAT_WORD) & KERN_COMPAT_BIT)
		return 0;
	key.pid = RING_NUMBER(task, tgid);
	count = syscall_get(&key);
	if (!count) {
		if (!ring_wants(task))
			return 0;
		count = syscall_new(&key, task);
	}
	if (count)
		__sync_fetch_and_add(&count->count, 1);
	else
		__sync_fetch_and_add(&syscall_lost_count, 1);
	return 0;
}

char license_text[] SEC("license") = "Dual BSD/GPL";

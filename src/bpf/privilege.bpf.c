// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* privilege - system calls that reach for rights, other processes, namespaces or the kernel. */
#include "bpf/ring.bpf.h"

#define PRIVILEGE_HOLD_NS 1000000000ull

/* Set before loading: enum ring_privilege for each number. */
const volatile __u8 privilege_wants[RING_SYSCALLS] = {};

struct privilege_key {
	__u32 pid, number;
};
struct privilege_held {
	__u64 told_ns;
	__u32 count, pad;
};

/* A process that calls in a loop is told of once a second, with how often it did. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct privilege_key);
	__type(value, struct privilege_held);
} privilege_held SEC(".maps");

/* Whether to tell now; *ret_held: how many were not told before this one. */
static bool privilege_may_tell(__u32 pid, __u32 number, __u32 *ret_held)
{
	struct privilege_key key = { pid, number };
	struct privilege_held *held = bpf_map_lookup_elem(&privilege_held, &key);
	struct privilege_held fresh = { .told_ns = bpf_ktime_get_boot_ns() };

	*ret_held = 0;
	if (!held) {
		bpf_map_update_elem(&privilege_held, &key, &fresh, BPF_ANY);
		return true;
	}
	if (fresh.told_ns - held->told_ns < PRIVILEGE_HOLD_NS) {
		__sync_fetch_and_add(&held->count, 1);
		return false;
	}
	*ret_held = held->count;
	held->count = 0;
	held->told_ns = fresh.told_ns;
	return true;
}

/* linux/sched.h: one for each kind of namespace; the last stands for something else in clone(2). */
#define CLONE_NEW     0x7e020000
#define CLONE_NEWTIME 0x80

/* Of those that make a process or a thread: whether it gets a namespace. Told by who called it, not
 * by the child, to whom it returns 0. */
static bool privilege_makes_namespace(__u32 when, __u64 *flags, long result)
{
	if (result == 0)
		return false;
	if (when == RING_PRIVILEGE_clone)
		return *flags & CLONE_NEW;
	if (bpf_probe_read_user(flags, sizeof(*flags), (const void *)*flags) < 0)
		return false;
	return *flags & (CLONE_NEW | CLONE_NEWTIME);
}

/* Behind the call: what was asked for is still there, and what came of it is known. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_syscall, struct pt_regs *regs, long result)
{
	__u32 number = KERN_SYSCALL_NUMBER(regs), when, held;
	__u64 first = KERN_SYSCALL_ARG0(regs);
	struct ring_syscall record;
	struct task_struct *task;

	barrier_var(number);
	if (number >= RING_SYSCALLS)
		return 0;
	when = privilege_wants[number];
	if (when == RING_PRIVILEGE_never)
		return 0;
	task = ring_current();
	/* The same number is another call there. */
	if (RING_NUMBER(task, KERN_COMPAT_WORD) & KERN_COMPAT_BIT)
		return 0;
	if (when != RING_PRIVILEGE_always && !privilege_makes_namespace(when, &first, result))
		return 0;
	if (!ring_wants(task) || !privilege_may_tell(RING_NUMBER(task, tgid), number, &held))
		return 0;
	ring_fill_head(&record.head, RING_syscall, sizeof(record), task);
	record.number = number;
	record.held = held;
	record.result = result;
	record.args[0] = first;
	record.args[1] = KERN_SYSCALL_ARG1(regs);
	record.args[2] = KERN_SYSCALL_ARG2(regs);
	record.args[3] = KERN_SYSCALL_ARG3(regs);
	ring_put(&record, sizeof(record), RING_syscall);
	return 0;
}

char license_text[] SEC("license") = "Dual BSD/GPL";

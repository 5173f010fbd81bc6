// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* privilege - system calls that reach for rights, other processes, namespaces or the kernel. */
#include "bpf/rate.bpf.h"

/* Set before loading: enum ring_privilege for each number. */
const volatile __u8 privilege_wants[RING_SYSCALLS] = {};

/* Read by the agent: calls held back; how many is told with the next one, if there is one. */
__u64 privilege_held = 0;

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
	/* A process that calls in a loop is told of once a second, with how often it did. */
	if (!ring_wants(task))
		return 0;
	if (!rate_allows(RING_NUMBER(task, tgid), number, 1, &held)) {
		__sync_fetch_and_add(&privilege_held, 1);
		return 0;
	}
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

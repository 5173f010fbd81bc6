/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * ring - how programs hand records to the agent: one ring for all of them.
 *
 * The wake-up is what costs, not the record. While the agent is awake it drains the ring on a timer
 * and nobody wakes it, unless the ring is half full; once it has found nothing for a while it sets
 * `awake` to 0 and sleeps, and the next record wakes it.
 */
#ifndef BPF_RING_BPF_H
#define BPF_RING_BPF_H

#include "bpf/kern.h"

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "bpf/event.h"
#include "bpf/scope.bpf.h"

/* Both are made by the agent and shared by all programs (kernel/ring.c). */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ring_state);
} ring_state SEC(".maps");

/* Set before loading. */
const volatile __u32 ring_half_bytes = 2048; /* wake the agent beyond this */
const volatile __u32 only_under = 0;	     /* only this process and those below it; 0 = all */
const volatile __u32 agent_pid = 0;	     /* the agent's own; never reported */
const volatile __u32 hierarchy = 0;	     /* enum ring_hierarchy */

/*
 * The verifier follows each way through a program. What many ways lead to is a function of its own
 * that it checks once, knowing nothing of the callers: such a function is global, and takes
 * numbers, the context and plain memory only. That brought loading of packet.bpf.h
 * from 38 ms to a few.
 */
#define CHECKED_ONCE __attribute__((noinline))

#define ONLY_UNDER_DEPTH 24

static struct ring_state *ring_get_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ring_state, &zero);
}

/*
 * Follow pointers with BPF_CORE_READ(): for each pointer that a program loads from a trusted one
 * the verifier searches all of the kernel's types by name (since 6.4, 6fcd486b3a0a), half a
 * millisecond each. Numbers may be read straight from the struct.
 */

/* Read what it points to with BPF_CORE_READ(): the verifier doesn't know its type. */
static struct kernfs_node *ring_cgroup_node(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *state = NULL;
	const char *states;
	__u32 at;

	if (hierarchy == RING_HIERARCHY_unified)
		return BPF_CORE_READ(set, dfl_cgrp, kn);
	/* An index that isn't constant can't be relocated: relocate the array, then step. */
	states = (const char *)__builtin_preserve_access_index(&set->subsys);
	at = hierarchy == RING_HIERARCHY_memory
		     ? bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id)
		     : bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
	bpf_probe_read_kernel(&state, sizeof(state), states + at * sizeof(state));
	return BPF_CORE_READ(state, cgroup, kn);
}

static struct kernfs_node *ring_cgroup_parent(struct kernfs_node *node)
{
	struct kernfs_node___rcu *rcu = (void *)node;

	if (bpf_core_field_exists(rcu->__parent))
		return BPF_CORE_READ(rcu, __parent);
	return BPF_CORE_READ(node, parent);
}

/* The task that runs is a typed pointer, whose numbers may be read straight, or, before 5.11, just
 * an address. */
static bool ring_knows_task(void)
{
	return bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf);
}

#define RING_NUMBER(task, field) (ring_knows_task() ? (task)->field : BPF_CORE_READ((task), field))

/* Two words, and no helper. */
#define RING_COPY_16(to, from)                                                                     \
	do {                                                                                       \
		((__u64 *)(to))[0] = ((const __u64 *)(from))[0];                                   \
		((__u64 *)(to))[1] = ((const __u64 *)(from))[1];                                   \
	} while (0)

static __attribute__((unused)) struct task_struct *ring_current(void)
{
	return ring_knows_task() ? bpf_get_current_task_btf() : (void *)bpf_get_current_task();
}

/* Whether it is that process, or below it. */
static bool ring_is_under(struct task_struct *task)
{
	__u32 tgid = RING_NUMBER(task, tgid);

	for (int n = 0; n < ONLY_UNDER_DEPTH && tgid > 1; n++) {
		if (tgid == only_under)
			return true;
		task = BPF_CORE_READ(task, real_parent);
		tgid = BPF_CORE_READ(task, tgid);
	}
	return false;
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SCOPE_COMMS);
	__type(key, char[16]);
	__type(value, __u32);
} scope_comms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SCOPE_CGROUPS);
	__type(key, __u64);
	__type(value, __u32);
} scope_cgroups SEC(".maps");

static bool scope_keeps_uid(struct task_struct *task)
{
	__u32 uid = BPF_CORE_READ(task, cred, euid.val);

	return scope_keeps(SCOPE_uids, scope_find(scope.uids, scope.uid_count, uid));
}

static bool scope_keeps_comm(struct task_struct *task)
{
	char comm[16] = {};
	__u32 *verdict;

	BPF_CORE_READ_STR_INTO(&comm, task, comm); /* nothing behind its end */
	verdict = bpf_map_lookup_elem(&scope_comms, comm);
	return scope_keeps(SCOPE_comms, verdict ? *verdict : SCOPE_silent);
}

/* The nearest group that is named, on the way up. */
static bool scope_keeps_cgroup(struct task_struct *task)
{
	struct kernfs_node *node = ring_cgroup_node(task);

	for (int n = 0; n < RING_CGROUP_DEPTH && node; n++) {
		__u64 id = BPF_CORE_READ(node, id);
		__u32 *verdict = bpf_map_lookup_elem(&scope_cgroups, &id);

		if (verdict)
			return scope_keeps(SCOPE_cgroups, *verdict);
		node = ring_cgroup_parent(node);
	}
	return scope_keeps(SCOPE_cgroups, SCOPE_silent);
}

/* Whether the task is to be reported. */
static bool ring_wants(struct task_struct *task)
{
	if ((__u32)RING_NUMBER(task, tgid) == agent_pid || (only_under && !ring_is_under(task)))
		return false;
	if ((scope.lists & SCOPE_uids) && !scope_keeps_uid(task))
		return false;
	if ((scope.lists & SCOPE_comms) && !scope_keeps_comm(task))
		return false;
	return !(scope.lists & SCOPE_cgroups) || scope_keeps_cgroup(task);
}

/* All but the control group, the user and the time. */
static void ring_fill_task(struct ring_head *head, __u16 type, __u16 bytes,
			   struct task_struct *task)
{
	head->type = type;
	head->bytes = bytes;
	head->pid = RING_NUMBER(task, tgid);
	head->tid = RING_NUMBER(task, pid);
	head->start_ns = head->tid == head->pid ? RING_NUMBER(task, start_boottime)
						: BPF_CORE_READ(task, group_leader, start_boottime);
	/* Behind its end may stand the rest of an older name. */
	if (ring_knows_task())
		RING_COPY_16(head->comm, task->comm);
	else
		bpf_probe_read_kernel(head->comm, sizeof(head->comm), task->comm);
}

static __attribute__((unused)) void ring_fill_head(struct ring_head *head, __u16 type, __u16 bytes,
						   struct task_struct *task)
{
	ring_fill_task(head, type, bytes, task);
	head->uid = BPF_CORE_READ(task, cred, euid.val);
	head->boot_ns = bpf_ktime_get_boot_ns();
	head->cgroup_id = BPF_CORE_READ(ring_cgroup_node(task), id);
}

static __u64 ring_flags(void)
{
	struct ring_state *state = ring_get_state();

	if (!state || !state->awake)
		return BPF_RB_FORCE_WAKEUP;
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > ring_half_bytes)
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

/* False: there was no room. Not by objects that only count. */
static __attribute__((unused)) bool ring_put(void *record, __u32 bytes, __u16 type)
{
	struct ring_state *state;
	__u32 at = type;

	if (bpf_ringbuf_output(&ring, record, bytes, ring_flags()) == 0)
		return true;
	state = ring_get_state();
	barrier_var(at); /* check the number that is used */
	if (state && at < RING_TYPE_COUNT)
		__sync_fetch_and_add(&state->lost[at], 1);
	return false;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * files_change - names and attributes that change, found by the inodes that a system call touches.
 *
 * The kernel sets the change time of each. They are noted with their names, and when the call has
 * ended it shows from the names they have now what was done.
 */
#ifndef BPF_FILES_CHANGE_BPF_H
#define BPF_FILES_CHANGE_BPF_H

#include "bpf/files_tell.bpf.h"

#define PF_IO_WORKER 0x00000010
#define PF_KTHREAD   0x00200000
#define S_IFMT	     0170000
#define S_IFDIR	     0040000

/* Set before loading. */
const volatile __u8 file_calls[RING_SYSCALLS] = {};

#define FILE_SEEN  8
#define FILE_NAMES 4 /* of one file */

/* An inode under one of its names, as it was when it was touched. */
struct file_seen {
	__u64 inode, dentry, parent, hash_len; /* dentry 0: it had no name */
	__u64 ino;
	__u32 device, mode;
	__u32 links, pad;
	char name[RING_FILE_NAME + 1];
};

struct file_pending {
	__u32 count, pad;
	__u64 told; /* the inode last told of */
	struct file_seen seen[FILE_SEEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32); /* thread */
	__type(value, struct file_pending);
} file_pendings SEC(".maps");

/* What a new entry begins as. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct file_pending);
} file_pending_none SEC(".maps");

static bool file_is_directory(__u32 mode)
{
	return (mode & S_IFMT) == S_IFDIR;
}

static struct file_pending *file_get_pending(__u32 tid)
{
	struct file_pending *pending = bpf_map_lookup_elem(&file_pendings, &tid), *none;
	__u32 zero = 0;

	if (pending)
		return pending;
	none = bpf_map_lookup_elem(&file_pending_none, &zero);
	if (!none || bpf_map_update_elem(&file_pendings, &tid, none, BPF_ANY) < 0) {
		__sync_fetch_and_add(&file_lost, 1);
		return NULL;
	}
	return bpf_map_lookup_elem(&file_pendings, &tid);
}

static bool file_has_seen(const struct file_pending *pending, __u64 inode)
{
	for (__u32 n = 0; n < FILE_SEEN; n++)
		if (pending->seen[n].inode == inode)
			return true;
	return false;
}

static void file_see_name(struct file_pending *pending, struct inode *inode, __u64 at)
{
	struct dentry *dentry = (void *)at;
	__u32 count = pending->count;
	struct file_seen *seen;

	barrier_var(count);
	if (count >= FILE_SEEN)
		return;
	seen = &pending->seen[count];
	pending->count = count + 1;
	seen->inode = (__u64)inode;
	seen->mode = BPF_CORE_READ(inode, i_mode);
	seen->links = BPF_CORE_READ(inode, i_nlink);
	seen->ino = BPF_CORE_READ(inode, i_ino);
	seen->device = BPF_CORE_READ(inode, i_sb, s_dev);
	seen->dentry = at;
	if (!at)
		return;
	seen->parent = (__u64)BPF_CORE_READ(dentry, d_parent);
	seen->hash_len = BPF_CORE_READ(dentry, d_name.hash_len);
	bpf_probe_read_kernel_str(seen->name, sizeof(seen->name),
				  BPF_CORE_READ(dentry, d_name.name));
}

/* Which of its names is meant shows when the call is done. */
static void file_see(struct file_pending *pending, struct inode *inode)
{
	__u64 dentry = file_first_alias(inode);

	if (file_has_seen(pending, (__u64)inode))
		return;
	file_see_name(pending, inode, dentry);
	for (int n = 1; n < FILE_NAMES && dentry; n++) {
		dentry = file_next_alias(dentry);
		if (dentry)
			file_see_name(pending, inode, dentry);
	}
}

static __u32 file_call_of(struct task_struct *task, struct pt_regs *regs)
{
	__u32 number = KERN_SYSCALL_NUMBER(regs), call;

	barrier_var(number);
	if (number >= RING_SYSCALLS)
		return 0;
	call = file_calls[number];
	/* A 32-bit program's numbers mean other calls. */
	if (call && task->KERN_COMPAT_WORD & KERN_COMPAT_BIT)
		return 0;
	return call;
}

/* The change time of an inode is set. */
static int file_on_change(struct inode *inode)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct file_pending *pending;
	__u32 call;

	if (task->flags & (PF_KTHREAD | PF_IO_WORKER))
		return 0;
	call = file_call_of(task, (struct pt_regs *)bpf_task_pt_regs(task));
	if (call < RING_FILE_rename || (call >= RING_FILE_COUNT && call != RING_FILE_CALL_uring) ||
	    !ring_wants(task))
		return 0;
	pending = file_get_pending(task->pid);
	if (pending)
		file_see(pending, inode);
	return 0;
}

SEC("tp_btf/inode_set_ctime_to_ts")
int BPF_PROG(on_ctime_set, struct inode *inode)
{
	return file_on_change(inode);
}

SEC("tp_btf/ctime_ns_xchg")
int BPF_PROG(on_ctime_exchange, struct inode *inode)
{
	return file_on_change(inode);
}

SEC("tp_btf/ctime_xchg_skip")
int BPF_PROG(on_ctime_same, struct inode *inode)
{
	return file_on_change(inode);
}

/* A name is looked for where the process sees its file system. */
static void file_judge(struct file_scratch *scratch, struct task_struct *task,
		       struct file_named *named, __u64 inode)
{
	int found = named->name ? file_find_mount(&named->directory) : 0;

	if (found < 0)
		__sync_fetch_and_add(&file_lost, 1);
	named->watched = found > 0 && file_watches(&scratch->walk, task, &named->directory,
						   named->name, (struct inode *)inode);
}

/* All that changes have in common; false: not to be told. */
static bool file_begin_change(struct file_scratch *scratch, struct task_struct *task)
{
	struct file_change *change = &scratch->change;
	struct ring_file *record = &scratch->record;

	file_judge(scratch, task, &change->name, change->inode);
	file_judge(scratch, task, &change->other, change->inode);
	if (!change->name.watched && !change->other.watched)
		return false;
	if (!file_begin(record, task, change->what))
		return false;
	file_get_root(&scratch->walk.root, task);
	file_fill_inode(record, (struct inode *)change->inode);
	if (change->name.name)
		file_fill_path(scratch, &change->name.directory, change->name.name, false);
	if (change->other.name)
		file_fill_path(scratch, &change->other.directory, change->other.name, true);
	return true;
}

static void file_name_now(struct file_named *named, __u64 dentry)
{
	named->name = dentry ? path_name_of(dentry) : NULL;
	named->directory.dentry = dentry ? path_parent_of(dentry) : 0;
}

static bool file_has_moved(const struct file_seen *seen)
{
	struct dentry *dentry = (void *)seen->dentry;

	return (__u64)BPF_CORE_READ(dentry, d_parent) != seen->parent ||
	       BPF_CORE_READ(dentry, d_name.hash_len) != seen->hash_len;
}

/* Of a file with several names, whether this is the one that was removed. */
static bool file_is_gone(const struct file_seen *seen)
{
	struct dentry *dentry = (void *)seen->dentry;

	return seen->links < 2 || !BPF_CORE_READ(dentry, d_inode) ||
	       !BPF_CORE_READ(dentry, d_hash.pprev);
}

/* Whether this inode is what the call was about, and its names before and after. */
static bool file_is_meant(const struct file_pending *pending, const struct file_seen *seen,
			  __u32 what, struct file_named *other)
{
	switch (what) {
	case RING_FILE_delete:
		return seen->dentry &&
		       (file_is_directory(seen->mode)
				? file_has_seen(pending, (__u64)file_inode_of(seen->parent))
				: file_is_gone(seen));
	case RING_FILE_rename:
		if (!seen->dentry || !file_has_moved(seen))
			return false;
		if (file_is_directory(seen->mode))
			file_forget_states();
		file_name_now(other, seen->dentry);
		return true;
	case RING_FILE_link:
		file_name_now(other, file_first_alias((struct inode *)seen->inode));
		return !file_is_directory(seen->mode);
	case RING_FILE_symlink:
	case RING_FILE_mkdir:
		return seen->dentry == 0;
	default:
		return seen->dentry;
	}
}

/* Tells of one of the inodes that this thread's call has touched. */
CHECKED_ONCE int file_tell_seen(__u32 at, __u32 what)
{
	struct file_scratch *scratch = file_get_scratch(FILE_SCRATCH_name);
	struct task_struct *task = bpf_get_current_task_btf();
	struct file_change *change;
	struct file_pending *pending;
	struct file_seen *seen;
	__u32 tid = task->pid;

	pending = bpf_map_lookup_elem(&file_pendings, &tid);
	if (!scratch || !pending || at >= FILE_SEEN)
		return 0;
	seen = &pending->seen[at];
	change = &scratch->change;
	change->what = what;
	change->other.name = NULL;
	if (what == RING_FILE_delete && file_is_directory(seen->mode))
		file_forget_states(); /* its address may become another's */
	if (pending->told == seen->inode || !file_is_meant(pending, seen, what, &change->other))
		return 0;
	change->inode = seen->inode;
	change->name.name = seen->name;
	change->name.directory.dentry = seen->parent;
	if (seen->dentry == 0)
		file_name_now(&change->name, file_first_alias((struct inode *)change->inode));
	if (!file_begin_change(scratch, task))
		return 0;
	pending->told = seen->inode;
	/* What was deleted may be another file by now. */
	scratch->record.inode = seen->ino;
	scratch->record.device = seen->device;
	if (what == RING_FILE_delete)
		scratch->record.mode = seen->mode;
	file_end(&scratch->record, task);
	return 0;
}

/* Behind the call: what it did is done. */
static void file_on_changed(struct task_struct *task, __u32 what, long result)
{
	struct file_pending *pending;
	__u32 tid = task->pid;

	pending = bpf_map_lookup_elem(&file_pendings, &tid);
	if (!pending)
		return;
	for (__u32 n = 0; n < FILE_SEEN; n++)
		if (result >= 0 && n < pending->count)
			file_tell_seen(n, what);
	bpf_map_delete_elem(&file_pendings, &tid);
}

#endif

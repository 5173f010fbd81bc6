/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * files_use - how much was read from and written to a watched file while it was open.
 *
 * Told when it is closed, by whom closed it last. Where system calls are all that is seen, a file
 * is found by its descriptor; calls of processes that have no watched file open, nearly all, cost
 * one look at a counter.
 */
#ifndef BPF_FILES_USE_BPF_H
#define BPF_FILES_USE_BPF_H

#include "bpf/files_tell.bpf.h"

#define FILE_PEOPLE  4096 /* processes that have watched files open */
#define FILE_LAST_FD 64	  /* descriptors looked at when a process ends */

struct file_use {
	struct path_place directory;
	__u64 name, inode; /* its dentry in the directory; struct inode */
	__u64 ino;
	__u32 device, mode;
	__u64 read_bytes, written_bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RING_FILE_USES);
	__type(key, __u64); /* struct file */
	__type(value, struct file_use);
} file_uses SEC(".maps");

/* Where an entry is put together: kernels before 6.4 have little stack left. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct file_use);
} file_use_scratch SEC(".maps");

struct file_fd {
	__u32 pid, fd;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RING_FILE_USES);
	__type(key, struct file_fd);
	__type(value, __u64); /* struct file */
} file_fds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FILE_PEOPLE);
	__type(key, __u32); /* process */
	__type(value, __u8);
} file_users SEC(".maps");

/* Read by the agent. Lost: files whose closing can't be told, for a table was full. */
struct ring_table file_uses_table = {}, file_fds_table = {};

/* How many of the processes whose number ends so are in file_users. */
__u32 file_busy[FILE_PEOPLE] = {};
/* Whether any watched file has been opened. */
__u32 file_used = 0;

static bool file_is_busy(struct task_struct *task)
{
	return file_busy[(__u32)task->tgid % FILE_PEOPLE] != 0;
}

/* False: there are too many. */
static bool file_make_busy(__u32 pid)
{
	__u8 one = 1;
	long r = bpf_map_update_elem(&file_users, &pid, &one, BPF_NOEXIST);

	if (r == 0)
		__sync_fetch_and_add(&file_busy[pid % FILE_PEOPLE], 1);
	return r == 0 || r == -EEXIST;
}

static void file_end_busy(__u32 pid)
{
	if (bpf_map_delete_elem(&file_users, &pid) == 0)
		__sync_fetch_and_add(&file_busy[pid % FILE_PEOPLE], -1);
}

static void file_begin_use(struct file *file, const struct path_place *directory, __u64 name,
			   struct inode *inode)
{
	struct file_use *use;
	__u64 key = (__u64)file;
	__u32 zero = 0;

	use = bpf_map_lookup_elem(&file_use_scratch, &zero);
	if (!use)
		return;
	use->directory = *directory;
	use->name = name;
	use->inode = (__u64)inode;
	use->read_bytes = use->written_bytes = 0;
	use->ino = BPF_CORE_READ(inode, i_ino);
	use->device = BPF_CORE_READ(inode, i_sb, s_dev);
	use->mode = BPF_CORE_READ(inode, i_mode);
	if (table_put(&file_uses, &file_uses_table, &key, use))
		file_used = 1;
	else
		table_lose(&file_uses_table);
}

static void file_end_use(__u64 file)
{
	table_drop(&file_uses, &file_uses_table, &file);
}

static void file_count(__u64 file, __u64 read_bytes, __u64 written_bytes)
{
	struct file_use *use = bpf_map_lookup_elem(&file_uses, &file);

	if (!use)
		return;
	__sync_fetch_and_add(&use->read_bytes, read_bytes);
	__sync_fetch_and_add(&use->written_bytes, written_bytes);
}

/* The file is closed. Its inode may be gone by now, or another's: it isn't asked unless its name
 * still leads there. */
CHECKED_ONCE int file_tell_close(__u64 key)
{
	struct file_scratch *scratch = file_get_scratch(FILE_SCRATCH_close);
	struct task_struct *task = bpf_get_current_task_btf();
	struct file_use *use = bpf_map_lookup_elem(&file_uses, &key);
	struct ring_file *record;

	if (!scratch || !use)
		return 0;
	record = &scratch->record;
	if ((use->read_bytes || use->written_bytes) && file_begin(record, task, RING_FILE_close)) {
		bool named = (__u64)file_inode_of(use->name) == use->inode;

		file_fill_inode(record, named ? (struct inode *)use->inode : NULL);
		record->inode = use->ino;
		record->device = use->device;
		record->mode = use->mode;
		record->read_bytes = use->read_bytes;
		record->written_bytes = use->written_bytes;
		file_get_root(&scratch->walk.root, task);
		if (named)
			file_fill_path(scratch, &use->directory, path_name_of(use->name), false);
		file_end(record, task);
	}
	file_end_use(key);
	return 1;
}

/* --- by descriptors --- */

/* How many hold the file open, but one; negative: nobody does. */
static long file_others(__u64 at)
{
	struct file *file = (void *)at;
	struct file___counted *counted = (void *)at;

	if (bpf_core_field_exists(file->f_ref))
		return BPF_CORE_READ(file, f_ref.refcnt.counter);
	return BPF_CORE_READ(counted, f_count.counter) - 1;
}

/* The process has a descriptor less. `others`: how many may hold its file now if it is to be told
 * as closed: -1, or 0 while the process still has it. */
static void file_release(__u32 pid, __u32 fd, long others)
{
	struct file_fd key = { pid, fd };
	__u64 *at = bpf_map_lookup_elem(&file_fds, &key), file;
	struct file_use *use;

	if (!at)
		return;
	file = *at;
	table_drop(&file_fds, &file_fds_table, &key);
	use = bpf_map_lookup_elem(&file_uses, &file);
	if (!use)
		return;
	/* Another file may lie there by now. */
	if (file_others(file) <= others ||
	    (__u64)BPF_CORE_READ((struct file *)file, f_inode) != use->inode)
		file_tell_close(file);
}

static void file_note_fd(__u32 pid, __u32 fd, __u64 file)
{
	struct file_fd key = { pid, fd };

	file_release(pid, fd, -1);
	if (!bpf_map_lookup_elem(&file_uses, &file))
		return;
	if (table_put(&file_fds, &file_fds_table, &key, &file) && file_make_busy(pid))
		return;
	/* Nobody would see it closed. */
	table_drop(&file_fds, &file_fds_table, &key);
	file_end_use(file);
	table_lose(&file_fds_table);
}

/* Bytes went through a descriptor; one that was inherited or copied is noted. */
static void file_count_fd(struct task_struct *task, __u32 fd, __u64 read_bytes, __u64 written_bytes)
{
	__u64 file = (__u64)file_of(task, fd);
	struct file_fd key = { task->tgid, fd };

	if (!file || !bpf_map_lookup_elem(&file_uses, &file))
		return;
	file_count(file, read_bytes, written_bytes);
	if (!bpf_map_lookup_elem(&file_fds, &key))
		table_put(&file_fds, &file_fds_table, &key, &file);
}

/* Of all descriptors of a process. */
CHECKED_ONCE int file_release_all(__u32 pid, int others)
{
	for (__u32 fd = 0; fd < FILE_LAST_FD; fd++)
		file_release(pid, fd, others);
	return 0;
}

/* --- those whose end nobody saw: mapped, passed on, or beyond FILE_LAST_FD --- */

static bool file_is_open(__u64 file, const struct file_use *use)
{
	return file_others(file) >= 0 &&
	       (__u64)BPF_CORE_READ((struct file *)file, f_inode) == use->inode;
}

SEC("iter/bpf_map_elem")
int on_sweep_uses(struct bpf_iter__bpf_map_elem *at)
{
	const struct file_use *use = at->value;
	__u64 file;

	if (!at->key || !use)
		return 0;
	file = *(const __u64 *)at->key;
	if (file_is_open(file, use))
		return 0;
	if (use->read_bytes || use->written_bytes)
		table_lose(&file_uses_table);
	file_end_use(file);
	return 0;
}

SEC("iter/bpf_map_elem")
int on_sweep_fds(struct bpf_iter__bpf_map_elem *at)
{
	struct file_fd key;
	__u64 file;

	if (!at->key || !at->value)
		return 0;
	key = *(const struct file_fd *)at->key;
	file = *(const __u64 *)at->value;
	if (!bpf_map_lookup_elem(&file_uses, &file))
		table_drop(&file_fds, &file_fds_table, &key);
	return 0;
}

/* A system call that moves bytes or closes descriptors has ended. */
static void file_on_used(struct task_struct *task, struct pt_regs *regs, __u32 call, long result)
{
	if (!file_is_busy(task) || result < 0)
		return;
	switch (call) {
	case RING_FILE_CALL_read:
		return file_count_fd(task, KERN_SYSCALL_ARG0(regs), result, 0);
	case RING_FILE_CALL_write:
		return file_count_fd(task, KERN_SYSCALL_ARG0(regs), 0, result);
	case RING_FILE_CALL_copy:
		file_count_fd(task, KERN_SYSCALL_ARG0(regs), result, 0);
		return file_count_fd(task, KERN_SYSCALL_ARG2(regs), 0, result);
	case RING_FILE_CALL_sendfile:
		file_count_fd(task, KERN_SYSCALL_ARG1(regs), result, 0);
		return file_count_fd(task, KERN_SYSCALL_ARG0(regs), 0, result);
	case RING_FILE_CALL_close:
		return file_release(task->tgid, KERN_SYSCALL_ARG0(regs), -1);
	case RING_FILE_CALL_dup:
		return file_release(task->tgid, KERN_SYSCALL_ARG1(regs), -1);
	case RING_FILE_CALL_close_range:
		file_release_all(task->tgid, -1);
	}
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* files_tell - a record of what is done with a file, from its numbers to its path. */
#ifndef BPF_FILES_TELL_BPF_H
#define BPF_FILES_TELL_BPF_H

#include "bpf/files_path.bpf.h"
#include "bpf/rate.bpf.h"

/* Set before loading. */
const volatile __u32 file_rate = 0; /* events of a process in a second; 0: no limit */

/* Read by the agent. */
__u64 file_held = 0; /* events not told, for a process had told enough */
__u64 file_lost = 0; /* changes not told, for too many were under way */

/* --- telling --- */

/* Whether the process may tell one more; *ret_held: how many it couldn't before this one. */
static bool file_may_tell(__u32 pid, __u32 *ret_held)
{
	*ret_held = 0;
	if (file_rate == 0 || rate_allows(pid, 0, file_rate, ret_held))
		return true;
	__sync_fetch_and_add(&file_held, 1);
	return false;
}

/* All but the head and what is particular; false: not to be told. */
static bool file_begin(struct ring_file *record, struct task_struct *task, __u32 what)
{
	if (!ring_wants(task) || !file_may_tell(task->tgid, &record->held))
		return false;
	record->what = what;
	record->facts = 0;
	record->flags = 0;
	record->read_bytes = record->written_bytes = 0;
	record->result = 0;
	record->path_bytes = record->other_bytes = 0;
	return true;
}

static void file_fill_inode(struct ring_file *record, struct inode *inode)
{
	record->mode = BPF_CORE_READ(inode, i_mode);
	record->links = BPF_CORE_READ(inode, i_nlink);
	record->inode = BPF_CORE_READ(inode, i_ino);
	record->device = BPF_CORE_READ(inode, i_sb, s_dev);
	record->owner = BPF_CORE_READ(inode, i_uid.val);
	record->group = BPF_CORE_READ(inode, i_gid.val);
	record->size_bytes = BPF_CORE_READ(inode, i_size);
}

/* A name in a directory, as one of the record's two paths. */
static void file_fill_path(struct file_scratch *scratch, const struct path_place *directory,
			   const void *name, bool other)
{
	struct ring_file *record = &scratch->record;
	int way;

	scratch->walk.at = *directory;
	scratch->walk.bytes = record->path_bytes;
	if (name)
		file_add_name(scratch, name);
	way = file_add_path(scratch);
	if (other)
		record->other_bytes = scratch->walk.bytes - record->path_bytes;
	else
		record->path_bytes = scratch->walk.bytes;
	if (way != PATH_done)
		record->facts |= other ? RING_FILE_other_cut : RING_FILE_cut;
}

static void file_end(struct ring_file *record, struct task_struct *task)
{
	__u32 bytes = record->path_bytes + record->other_bytes;

	barrier_var(bytes);
	if (bytes > RING_FILE_NAMES)
		return; /* never; the verifier wants to see it */
	bytes += offsetof(struct ring_file, names);
	ring_fill_head(&record->head, RING_file, bytes, task);
	ring_put(record, bytes, RING_file);
}

/* What a descriptor of the process is. */
static struct file *file_of(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = task->files->fdt;
	struct file *file = NULL;

	if (fd < table->max_fds)
		bpf_probe_read_kernel(&file, sizeof(file), table->fd + fd);
	return file;
}

#endif

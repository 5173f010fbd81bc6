// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * files - what is done with watched files.
 *
 * Two ways, of which the agent loads one:
 *
 * - security: behind the kernel's own checks (security_*), where functions may be traced. Nothing
 *   runs but with opens, mappings and changes of names and attributes.
 * - syscall: behind system calls. An open file is found by its descriptor. A change of a name or
 *   attribute is found by the inodes that the call has touched, whose change time is set
 *   (ctime_* and inode_set_ctime_to_ts, kernel 6.13): never by the path in the process's memory.
 */
#include "bpf/files_use.bpf.h"

#define PF_IO_WORKER	0x00000010
#define PF_KTHREAD	0x00200000
#define TS_COMPAT	2
#define FILE_ONCE_FLAGS 01300 /* O_CREAT, O_EXCL, O_TRUNC */
#define FMODE_CREATED	(1u << 20)
#define S_IFMT		0170000
#define S_IFDIR		0040000
#define PROT_WRITE	2
#define PROT_EXEC	4
#define MAP_SHARED	1
#define MAP_TYPE	0xf
enum { ATTR_MODE = 1, ATTR_UID = 2, ATTR_GID = 4, ATTR_SIZE = 8, ATTR_OPEN = 1 << 15 };

/* Set before loading. */
const volatile __u8 file_calls[RING_SYSCALLS] = {};

/* --- an open file --- */

/* From where a file is to the directory that holds its name, off mounts; the name's dentry, 0: it
 * is the root directory. */
static __u64 file_split(struct file_place *place)
{
	__u64 dentry;

	for (int n = 0; n < 4; n++) {
		if (place->dentry != file_top_of(place->mount))
			break;
		if (!file_off_mount(place))
			return 0;
	}
	dentry = place->dentry;
	place->dentry = file_parent_of(dentry);
	return dentry;
}

/* Whether the file is a watched one, mounted under another name. */
static bool file_is_mounted(__u64 name, __u64 dentry)
{
	return name != dentry && file_id_count && file_step_source(0, dentry);
}

/* True: it is a watched one. */
static bool file_tell_open(struct task_struct *task, struct file *file, __u32 what, __u32 flags,
			   long result)
{
	struct file_scratch *scratch;
	struct file_place place;
	struct inode *inode;
	struct path path;
	__u64 name;

	BPF_CORE_READ_INTO(&path, file, f_path);
	if (file_is_elsewhere(task, &path))
		return false;
	scratch = file_get_scratch(FILE_SCRATCH_open);
	if (!scratch)
		return false;
	place.dentry = (__u64)path.dentry;
	place.mount = (__u64)path.mnt;
	name = file_split(&place);
	inode = BPF_CORE_READ(file, f_inode);
	if (name == 0 ? !file_root_watched
		      : !file_watches(&scratch->walk, task, &place, file_name_of(name), inode) &&
				!file_is_mounted(name, (__u64)path.dentry))
		return false;
	if (what == RING_FILE_open && result == 0 && name && ring_wants(task))
		file_begin_use(file, &place, name, inode);
	if (!file_begin(&scratch->record, task, what))
		return true;
	file_get_root(&scratch->walk.root, task);
	scratch->record.flags = flags;
	if (what == RING_FILE_open)
		scratch->record.flags |= BPF_CORE_READ(file, f_flags);
	scratch->record.result = result;
	if (what == RING_FILE_open && BPF_CORE_READ(file, f_mode) & FMODE_CREATED)
		scratch->record.facts |= RING_FILE_created;
	file_fill_inode(&scratch->record, inode);
	if (name)
		file_fill_path(scratch, &place, file_name_of(name), false);
	file_end(&scratch->record, task);
	return true;
}

/* --- behind system calls --- */

/* `asked`: the flags as the process gave them; the kernel forgets those that only matter once. */
static void file_on_opened(struct task_struct *task, __u32 asked, long result)
{
	struct file *file = result < 0 ? NULL : file_of(task, result);

	if (file && file_tell_open(task, file, RING_FILE_open, asked & FILE_ONCE_FLAGS, 0))
		file_note_fd(task->tgid, result, (__u64)file);
}

/* Mappings that run code, or change the file. */
static bool file_is_mapped(__u32 protection, __u32 flags)
{
	return protection & PROT_EXEC ||
	       (protection & PROT_WRITE && (flags & MAP_TYPE & MAP_SHARED));
}

static void file_on_mapped(struct task_struct *task, struct pt_regs *regs, long result)
{
	__u32 protection = KERN_SYSCALL_ARG2(regs), flags = KERN_SYSCALL_ARG3(regs);
	__s32 fd = KERN_SYSCALL_ARG4(regs);
	struct file *file;

	if (fd < 0 || !file_is_mapped(protection, flags) || (__u64)result >= (__u64)-4095)
		return;
	file = file_of(task, fd);
	if (file)
		file_tell_open(task, file, RING_FILE_mmap, protection, 0);
}

/* --- names and attributes, by the inodes that a call has touched --- */

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
#if defined(__TARGET_ARCH_x86)
	/* A 32-bit program's numbers mean other calls. */
	if (call && task->thread_info.status & TS_COMPAT)
		return 0;
#endif
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
	named->name = dentry ? file_name_of(dentry) : NULL;
	named->directory.dentry = dentry ? file_parent_of(dentry) : 0;
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

SEC("tp_btf/sys_exit")
int BPF_PROG(on_file_syscall, struct pt_regs *regs, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 call = file_call_of(task, regs);

	if (call == 0)
		return 0;
	if (call == RING_FILE_open)
		file_on_opened(task, 0, result);
	else if (call == RING_FILE_CALL_open)
		file_on_opened(task, KERN_SYSCALL_ARG1(regs), result);
	else if (call == RING_FILE_CALL_openat)
		file_on_opened(task, KERN_SYSCALL_ARG2(regs), result);
	else if (call == RING_FILE_mmap)
		file_on_mapped(task, regs, result);
	else if (call >= RING_FILE_CALL_read)
		file_on_used(task, regs, call, result);
	else if (call == RING_FILE_CALL_mount)
		file_forget_states();
	else if (call == RING_FILE_CALL_uring)
		file_on_changed(task, RING_FILE_change, result);
	else
		file_on_changed(task, call, result);
	return 0;
}

/* --- behind the kernel's checks --- */

SEC("fexit/security_file_open")
int BPF_PROG(on_open, struct file *file, int result)
{
	file_tell_open(bpf_get_current_task_btf(), file, RING_FILE_open, 0, result);
	return 0;
}

SEC("fexit/security_mmap_file")
int BPF_PROG(on_mmap, struct file *file, unsigned long protection, unsigned long flags, int result)
{
	if (file && file_is_mapped(protection, flags))
		file_tell_open(bpf_get_current_task_btf(), file, RING_FILE_mmap, protection,
			       result);
	return 0;
}

static void file_fill_set(struct ring_file *record, const struct iattr *set)
{
	__u32 valid = BPF_CORE_READ(set, ia_valid);

	if (valid & ATTR_MODE)
		record->mode = BPF_CORE_READ(set, ia_mode);
	if (valid & ATTR_SIZE)
		record->size_bytes = BPF_CORE_READ(set, ia_size);
	if (valid & ATTR_UID)
		record->owner = BPF_CORE_READ(set, ia_uid.val);
	if (valid & ATTR_GID)
		record->group = BPF_CORE_READ(set, ia_gid.val);
}

SEC("fexit/vfs_read")
int BPF_PROG(on_read, struct file *file, char *bytes, unsigned long count, void *position,
	     long result)
{
	if (file_used && result > 0)
		file_count((__u64)file, result, 0);
	return 0;
}

SEC("fexit/vfs_write")
int BPF_PROG(on_write, struct file *file, const char *bytes, unsigned long count, void *position,
	     long result)
{
	if (file_used && result > 0)
		file_count((__u64)file, 0, result);
	return 0;
}

/* The last holder of an open file lets it go. */
SEC("fentry/locks_remove_file")
int BPF_PROG(on_close, struct file *file)
{
	if (file_used)
		file_tell_close((__u64)file);
	return 0;
}

/* A change of a name or attribute that the kernel has permitted, or a security module refused. */
static int file_on_permitted(__u32 what, struct dentry *dentry, struct dentry *new,
			     const struct iattr *set, int result)
{
	struct file_scratch *scratch = file_get_scratch(FILE_SCRATCH_name);
	struct task_struct *task = bpf_get_current_task_btf();
	struct file_change *change;

	if (!scratch)
		return 0;
	change = &scratch->change;
	change->what = what;
	change->other.name = NULL;
	change->inode = (__u64)file_inode_of((__u64)dentry);
	file_name_now(&change->name, (__u64)dentry);
	if (new)
		file_name_now(&change->other, (__u64) new);
	if (!file_begin_change(scratch, task))
		return 0;
	scratch->record.result = result;
	if (set)
		file_fill_set(&scratch->record, set);
	file_end(&scratch->record, task);
	return 0;
}

SEC("fexit/security_inode_unlink")
int BPF_PROG(on_unlink, struct inode *directory, struct dentry *dentry, int result)
{
	return file_on_permitted(RING_FILE_delete, dentry, NULL, NULL, result);
}

SEC("fexit/security_inode_rmdir")
int BPF_PROG(on_rmdir, struct inode *directory, struct dentry *dentry, int result)
{
	file_forget_states(); /* its address may become another's */
	return file_on_permitted(RING_FILE_delete, dentry, NULL, NULL, result);
}

SEC("fexit/security_inode_link")
int BPF_PROG(on_link, struct dentry *dentry, struct inode *directory, struct dentry *new,
	     int result)
{
	return file_on_permitted(RING_FILE_link, dentry, new, NULL, result);
}

SEC("fexit/security_inode_symlink")
int BPF_PROG(on_symlink, struct inode *directory, struct dentry *dentry, const char *target,
	     int result)
{
	return file_on_permitted(RING_FILE_symlink, dentry, NULL, NULL, result);
}

SEC("fexit/security_inode_mkdir")
int BPF_PROG(on_mkdir, struct inode *directory, struct dentry *dentry, __u16 mode, int result)
{
	return file_on_permitted(RING_FILE_mkdir, dentry, NULL, NULL, result);
}

/* States of before hold until the directory has moved: on_renamed() ends them. */
SEC("fexit/security_inode_rename")
int BPF_PROG(on_rename, struct inode *old_directory, struct dentry *dentry,
	     struct inode *new_directory, struct dentry *new, unsigned int flags, int result)
{
	if (result == 0 && file_is_directory(BPF_CORE_READ(dentry, d_inode, i_mode)))
		file_get_pending(bpf_get_current_pid_tgid());
	return file_on_permitted(RING_FILE_rename, dentry, new, NULL, result);
}

SEC("fexit/vfs_rename")
int BPF_PROG(on_renamed)
{
	__u32 tid = bpf_get_current_pid_tgid();

	if (bpf_map_delete_elem(&file_pendings, &tid) == 0)
		file_forget_states();
	return 0;
}

static int file_on_setattr(struct dentry *dentry, struct iattr *set, int result)
{
	__u32 valid = BPF_CORE_READ(set, ia_valid);

	if (valid & ATTR_OPEN)
		return 0; /* open(2) with O_TRUNC, which says so */
	if (valid & (ATTR_UID | ATTR_GID))
		return file_on_permitted(RING_FILE_chown, dentry, NULL, set, result);
	if (valid & ATTR_MODE)
		return file_on_permitted(RING_FILE_chmod, dentry, NULL, set, result);
	if (valid & ATTR_SIZE)
		return file_on_permitted(RING_FILE_truncate, dentry, NULL, set, result);
	return 0;
}

/* Since 6.0 it has an argument more; the agent loads the one that fits. */
SEC("fexit/security_inode_setattr")
int BPF_PROG(on_setattr, void *idmap, struct dentry *dentry, struct iattr *set, int result)
{
	return file_on_setattr(dentry, set, result);
}

SEC("fexit/security_inode_setattr")
int BPF_PROG(on_setattr_old, struct dentry *dentry, struct iattr *set, int result)
{
	return file_on_setattr(dentry, set, result);
}

/* --- mounts --- */

#if defined(__TARGET_ARCH_x86)
#define FILE_SYSCALL(name) SEC("fexit/__x64_sys_" #name)
#elif defined(__TARGET_ARCH_arm64)
#define FILE_SYSCALL(name) SEC("fexit/__arm64_sys_" #name)
#endif

FILE_SYSCALL(mount) int BPF_PROG(on_sys_mount)
{
	file_forget_states();
	return 0;
}

FILE_SYSCALL(umount) int BPF_PROG(on_sys_umount)
{
	file_forget_states();
	return 0;
}

FILE_SYSCALL(move_mount) int BPF_PROG(on_sys_move_mount)
{
	file_forget_states();
	return 0;
}

FILE_SYSCALL(pivot_root) int BPF_PROG(on_sys_pivot_root)
{
	file_forget_states();
	return 0;
}

FILE_SYSCALL(unshare) int BPF_PROG(on_sys_unshare)
{
	file_forget_states();
	return 0;
}

/* A new mount namespace brings mounts, perhaps at addresses that others had. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_file_fork, struct task_struct *parent, struct task_struct *child)
{
	if (BPF_CORE_READ(parent, nsproxy, mnt_ns) != BPF_CORE_READ(child, nsproxy, mnt_ns))
		file_forget_states();
	if (file_is_busy(parent) && parent->tgid != child->tgid)
		file_make_busy(child->tgid);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_file_exit, struct task_struct *task)
{
	if (!file_is_busy(task) || BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0;
	file_release_all(task->tgid, 0);
	file_end_busy(task->tgid);
	return 0;
}

char license_text[] SEC("license") = "Dual BSD/GPL";

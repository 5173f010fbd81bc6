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
#include "bpf/files_change.bpf.h"
#include "bpf/files_use.bpf.h"

#define FILE_ONCE_FLAGS 01300 /* O_CREAT, O_EXCL, O_TRUNC */
#define FMODE_CREATED	(1u << 20)
#define PROT_WRITE	2
#define PROT_EXEC	4
#define MAP_SHARED	1
#define MAP_TYPE	0xf
enum { ATTR_MODE = 1, ATTR_UID = 2, ATTR_GID = 4, ATTR_SIZE = 8, ATTR_OPEN = 1 << 15 };

/* --- an open file --- */

/* From where a file is to the directory that holds its name, off mounts; the name's dentry, 0: it
 * is the root directory. */
static __u64 file_split(struct path_place *place)
{
	__u64 dentry;

	for (int n = 0; n < 4; n++) {
		if (place->dentry != path_top_of(place->mount))
			break;
		if (!path_off_mount(place))
			return 0;
	}
	dentry = place->dentry;
	place->dentry = path_parent_of(dentry);
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
	struct path_place place;
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
		      : !file_watches(&scratch->walk, task, &place, path_name_of(name), inode) &&
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
		file_fill_path(scratch, &place, path_name_of(name), false);
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
	__u64 key;

	if (!file_used)
		return 0;
	/* The verifier lets numbers into a function that it checks once, but no pointers. */
	bpf_probe_read_kernel(&key, sizeof(key), &file);
	file_tell_close(key);
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
	if (file_is_busy(parent) && parent->tgid != child->tgid && !file_make_busy(child->tgid))
		table_lose(&file_fds_table);
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

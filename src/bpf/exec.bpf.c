// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/* exec - processes come, turn into other programs, and go. */
#include "bpf/path.bpf.h"

/* Where records too large for the stack are put together. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ring_exec);
} exec_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ring_cgroup);
} cgroup_scratch SEC(".maps");

/* Those that the agent knows: it takes out the ones that it forgets. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096); /* as the agent sets it: more than it remembers */
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u8);
} cgroups_told SEC(".maps");

/* Tells the path of a control group once: read later from /proc it may be gone. */
static void tell_cgroup(struct task_struct *task, __u64 id)
{
	struct kernfs_node *node;
	struct ring_cgroup *record;
	__u32 zero = 0, depth = 0;
	__u8 told = 1;

	if (bpf_map_lookup_elem(&cgroups_told, &id))
		return;
	record = bpf_map_lookup_elem(&cgroup_scratch, &zero);
	if (!record)
		return;
	node = ring_cgroup_node(task);
	for (int n = 0; n < RING_CGROUP_DEPTH; n++) {
		struct kernfs_node *parent = ring_cgroup_parent(node);

		if (!parent)
			break; /* the root has no name */
		bpf_probe_read_kernel_str(record->names[n], RING_CGROUP_NAME,
					  BPF_CORE_READ(node, name));
		depth++;
		node = parent;
	}
	record->depth = depth;
	record->pad = 0;
	ring_fill_head(&record->head, RING_cgroup, sizeof(*record), task);
	if (ring_put(record, sizeof(*record), RING_cgroup))
		bpf_map_update_elem(&cgroups_told, &id, &told, BPF_ANY);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct ring_fork record;

	if (child->pid != child->tgid || !ring_wants(child))
		return 0;
	ring_fill_head(&record.head, RING_fork, sizeof(record), child);
	record.ppid = parent->tgid;
	record.pad = 0;
	ring_put(&record, sizeof(record), RING_fork);
	return 0;
}

static void fill_namespaces(struct ring_exec *record, struct task_struct *task)
{
	struct nsproxy *spaces = BPF_CORE_READ(task, nsproxy);

	record->ns_mnt = BPF_CORE_READ(spaces, mnt_ns, ns.inum);
	record->ns_net = BPF_CORE_READ(spaces, net_ns, ns.inum);
	record->ns_pid = BPF_CORE_READ(spaces, pid_ns_for_children, ns.inum);
	record->ns_user = BPF_CORE_READ(task, cred, user_ns, ns.inum);
}

/* The arguments lie at the top of the new stack, just written by the kernel: the pages are there.
 */
static __u32 fill_args(struct ring_exec *record, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	unsigned long start = BPF_CORE_READ(mm, arg_start);
	unsigned long bytes = BPF_CORE_READ(mm, arg_end) - start;

	record->args_cut = bytes > RING_ARGS_BYTES;
	/* The compiler would check one copy of the number and use another. */
	barrier_var(bytes);
	if (bytes > RING_ARGS_BYTES)
		bytes = RING_ARGS_BYTES;
	if (bpf_probe_read_user(record->args, bytes, (const void *)start) < 0) {
		record->args_cut = 1;
		return 0;
	}
	return bytes;
}

#define PATH_DEPTH  20
#define OVERLAYFS   0x794c7630
#define MEMFD_BYTES 6
#define MEMFD_NAME  __builtin_bswap64(0x6d656d66643a0000) /* "memfd:" as it lies in memory */

/* On the way up from a file or directory. */
struct path_walk {
	struct path_place at, root;
};

/* One step up, the name of what is left noted. */
CHECKED_ONCE int path_step(struct ring_names *names, struct path_walk *walk)
{
	const void *name;
	__u32 bytes;
	int way;
	long n;

	if (!names || !walk)
		return PATH_done;
	way = path_up(&walk->at, &walk->root, &name);
	if (!name)
		return way;
	bytes = names->bytes;
	barrier_var(bytes);
	if (bytes > RING_NAMES_BYTES - RING_NAME_BYTES)
		return PATH_full;
	n = bpf_probe_read_kernel_str(names->at + bytes, RING_NAME_BYTES, name);
	if (n > 0)
		names->bytes += n;
	return n == RING_NAME_BYTES ? PATH_full : way;
}

static void fill_names(struct ring_names *names, struct path_walk *walk)
{
	int step = PATH_more;

	names->bytes = 0;
	for (int depth = 0; depth < PATH_DEPTH && step == PATH_more; depth++)
		step = path_step(names, walk);
	names->cut = step != PATH_done;
}

static void fill_paths(struct ring_exec *record, struct task_struct *task,
		       struct linux_binprm *binprm)
{
	struct file *file = BPF_CORE_READ(binprm, file);
	struct path_walk walk = {
		.at = { .dentry = (__u64)BPF_CORE_READ(task, fs, pwd.dentry),
			.mount = (__u64)BPF_CORE_READ(task, fs, pwd.mnt) },
		.root = { .dentry = (__u64)BPF_CORE_READ(task, fs, root.dentry),
			  .mount = (__u64)BPF_CORE_READ(task, fs, root.mnt) },
	};

	fill_names(&record->cwd, &walk);
	walk.at.dentry = (__u64)BPF_CORE_READ(file, f_path.dentry);
	walk.at.mount = (__u64)BPF_CORE_READ(file, f_path.mnt);
	fill_names(&record->exe, &walk);
	record->facts |= RING_EXEC_paths;
}

/* A file of an overlay that was written after the image was made has a file in the upper layer. */
static bool is_upper(struct inode *inode)
{
	struct ovl_inode *overlay = NULL;

	if (BPF_CORE_READ(inode, i_sb, s_magic) != OVERLAYFS ||
	    !bpf_core_field_exists(overlay->__upperdentry))
		return false;
	overlay = (void *)((char *)inode - bpf_core_field_offset(struct ovl_inode, vfs_inode));
	return BPF_CORE_READ(overlay, __upperdentry) != NULL;
}

static void fill_facts(struct ring_exec *record, struct task_struct *task,
		       struct linux_binprm *binprm)
{
	struct file *file = BPF_CORE_READ(binprm, file);
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	const struct cred *cred = BPF_CORE_READ(task, cred);
	__u64 name = 0;

	record->facts = 0;
	record->real_uid = BPF_CORE_READ(cred, uid.val);
	bpf_core_read(&record->capabilities, sizeof(record->capabilities), &cred->cap_effective);
	if (BPF_CORE_READ_BITFIELD_PROBED(binprm, secureexec))
		record->facts |= RING_EXEC_gained;
	if (is_upper(inode))
		record->facts |= RING_EXEC_upper;
	if (BPF_CORE_READ(inode, i_nlink) != 0)
		return;
	record->facts |= RING_EXEC_unlinked;
	bpf_probe_read_kernel(&name, MEMFD_BYTES, BPF_CORE_READ(file, f_path.dentry, d_name.name));
	if (name == MEMFD_NAME)
		record->facts |= RING_EXEC_memfd;
}

/* A script's interpreter. */
static void fill_interpreter(struct ring_exec *record, struct linux_binprm *binprm)
{
	const char *interp = BPF_CORE_READ(binprm, interp);
	long n = 0;

	if (interp != BPF_CORE_READ(binprm, filename))
		n = bpf_probe_read_kernel_str(record->interp, RING_INTERP_BYTES, interp);
	record->interp_bytes = n > 0 ? n - 1 : 0;
}

/* Everything but the paths; NULL: nobody asked, or it can't be told. */
static struct ring_exec *exec_begin(struct task_struct *task, struct linux_binprm *binprm)
{
	struct ring_exec *record;
	__u32 zero = 0;
	long n;

	if (!ring_wants(task))
		return NULL;
	record = bpf_map_lookup_elem(&exec_scratch, &zero);
	if (!record)
		return NULL;
	record->ppid = BPF_CORE_READ(task, real_parent, tgid);
	fill_namespaces(record, task);
	fill_facts(record, task, binprm);
	fill_interpreter(record, binprm);
	n = bpf_probe_read_kernel_str(record->path, RING_PATH_BYTES,
				      BPF_CORE_READ(binprm, filename));
	record->path_bytes = n > 0 ? n - 1 : 0;
	return record;
}

static void exec_end(struct ring_exec *record, struct task_struct *task)
{
	__u32 bytes = fill_args(record, task);

	record->args_bytes = bytes;
	if (bytes > RING_ARGS_BYTES)
		return; /* never; the verifier wants to see it */
	bytes += offsetof(struct ring_exec, args);
	ring_fill_head(&record->head, RING_exec, bytes, task);
	tell_cgroup(task, record->head.cgroup_id);
	ring_put(record, bytes, RING_exec);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_tid, struct linux_binprm *binprm)
{
	struct ring_exec *record = exec_begin(task, binprm);

	if (!record)
		return 0;
	fill_paths(record, task, binprm);
	exec_end(record, task);
	return 0;
}

/* Signals whose default is to dump core: QUIT ILL TRAP ABRT BUS FPE SEGV XCPU XFSZ SYS. */
#define CORE_SIGNALS                                                                               \
	(1u << 3 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 11 | 1u << 24 |         \
	 1u << 25 | 1u << 31)

/* The kernel log names a crashed thread, not its process: say which it was. */
static void tell_thread(struct task_struct *task)
{
	struct ring_thread record;

	if (!(CORE_SIGNALS >> (task->exit_code & 0x1f) & 1) || (task->exit_code & 0x60))
		return;
	ring_fill_head(&record.head, RING_thread, sizeof(record), task);
	ring_put(&record, sizeof(record), RING_thread);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct ring_exit record;
	int group_code;

	if (!ring_wants(task))
		return 0;
	if (task->pid != task->tgid)
		tell_thread(task);
	/* The process ends with its last thread, whichever that is. */
	if (BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0;
	ring_fill_head(&record.head, RING_exit, sizeof(record), task);
	group_code = BPF_CORE_READ(task, signal, group_exit_code);
	record.exit_code = group_code ? group_code : task->exit_code;
	record.pad = 0;
	ring_put(&record, sizeof(record), RING_exit);
	return 0;
}

char license_text[] SEC("license") = "Dual BSD/GPL";

/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * kern - the kernel's structs, with only the fields that our programs read.
 *
 * CO-RE finds the real offsets at load time; this file is the list of all we rely on.
 */
#ifndef BPF_KERN_H
#define BPF_KERN_H

typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
enum { false = 0, true = 1 };

enum bpf_map_type_ {
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_F_NO_PREALLOC = 1,
	BPF_SK_STORAGE_GET_F_CREATE = 1,
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
	BPF_RB_AVAIL_DATA = 0,
	BPF_F_MMAPABLE = 1 << 10,
};

/* Of the kernel's helpers those that not every kernel has. */
enum bpf_func_id {
	BPF_FUNC_get_current_task_btf = 158, /* 5.11 */
	BPF_FUNC_check_mtu = 163,	     /* 5.12, as cookies of sockets in tracing programs */
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct kuid {
	__u32 val;
};
struct kgid {
	__u32 val;
};

struct ns_common {
	__u32 inum;
};
struct user_namespace {
	struct ns_common ns;
};
struct mount;
struct mnt_namespace {
	struct ns_common ns;
};
struct net {
	struct ns_common ns;
};
struct pid_namespace {
	struct ns_common ns;
};
struct nsproxy {
	struct mnt_namespace *mnt_ns;
	struct pid_namespace *pid_ns_for_children;
	struct net *net_ns;
};

struct kernel_cap {
	__u32 cap[2];
};
struct cred {
	struct kuid uid, euid;
	struct kernel_cap cap_effective;
	struct user_namespace *user_ns;
};

struct kernfs_node {
	const char *name;
	struct kernfs_node *parent;
	__u64 id;
};
/* Since 6.15 (633488947ef6, "kernfs: Use RCU to access kernfs_node::parent"). */
struct kernfs_node___rcu {
	struct kernfs_node *__parent;
};

struct cgroup {
	struct kernfs_node *kn;
};
struct cgroup_subsys_state {
	struct cgroup *cgroup;
};
enum cgroup_subsys_id {
	memory_cgrp_id = 1,
	pids_cgrp_id = 2,
};
struct css_set {
	struct cgroup_subsys_state *subsys[1];
	struct cgroup *dfl_cgrp;
};

struct mm_struct {
	unsigned long arg_start, arg_end;
};

struct signal_struct {
	atomic_t live;
	int group_exit_code;
};

struct qstr {
	__u64 hash_len; /* of the name, salted with the directory's address */
	const unsigned char *name;
};
struct list_head {
	struct list_head *next, *prev;
};
struct hlist_node {
	struct hlist_node *next;
};
struct hlist_head {
	struct hlist_node *first;
};
struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
	struct dentry *s_root;
	struct mount *s_mounts;
};
/* A list in older kernels. */
struct super_block___list {
	struct list_head s_mounts;
};
struct inode {
	__u16 i_mode;
	struct kuid i_uid;
	struct kgid i_gid;
	unsigned int i_nlink;
	unsigned long i_ino;
	__s64 i_size;
	struct super_block *i_sb;
	struct hlist_head i_dentry;
	char *i_link;
};
struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};
struct dentry {
	struct hlist_bl_node d_hash; /* pprev NULL: found no more under its name */
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
	union {
		struct hlist_node d_alias;
	} d_u;
};
struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
	struct mount *mnt_next_for_sb;
};
struct mount___list {
	struct list_head mnt_instance;
};
struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct fs_struct {
	struct path root, pwd;
};
typedef struct {
	long counter;
} atomic_long_t;
struct file_ref {
	atomic_long_t refcnt; /* holders but one; negative: none */
};
struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_flags, f_mode;
	struct file_ref f_ref;
};
/* Before 6.13. */
struct file___counted {
	atomic_long_t f_count;
};
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};
struct iattr {
	unsigned int ia_valid;
	__u16 ia_mode;
	struct kuid ia_uid;
	struct kgid ia_gid;
	__s64 ia_size;
};
/* fs/overlayfs/ovl_entry.h; absent when overlayfs is a module that isn't loaded. */
struct ovl_inode {
	struct inode vfs_inode;
	struct dentry *__upperdentry;
};

struct thread_info {
#if defined(__TARGET_ARCH_x86)
	__u32 status;
#elif defined(__TARGET_ARCH_arm64)
	unsigned long flags;
#endif
};

/* A 32-bit program's call: TS_COMPAT (asm/thread_info.h), TIF_32BIT. */
#if defined(__TARGET_ARCH_x86)
#define KERN_COMPAT_WORD thread_info.status
#define KERN_COMPAT_BIT	 2
#elif defined(__TARGET_ARCH_arm64)
#define KERN_COMPAT_WORD thread_info.flags
#define KERN_COMPAT_BIT	 (1ul << 22)
#endif

struct task_struct {
	struct thread_info thread_info;
	int pid, tgid;
	int exit_code;
	struct task_struct *real_parent, *group_leader;
	const struct cred *cred;
	char comm[16];
	struct nsproxy *nsproxy;
	struct css_set *cgroups;
	struct signal_struct *signal;
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	unsigned int flags;
	__u64 start_boottime;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long di, si, dx, r10, r8, orig_ax;
};
#define KERN_SYSCALL_NUMBER(regs) (regs)->orig_ax
#define KERN_SYSCALL_ARG0(regs)	  (regs)->di
#define KERN_SYSCALL_ARG1(regs)	  (regs)->si
#define KERN_SYSCALL_ARG2(regs)	  (regs)->dx
#define KERN_SYSCALL_ARG3(regs)	  (regs)->r10
#define KERN_SYSCALL_ARG4(regs)	  (regs)->r8
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
	unsigned long regs[31], orig_x0;
	int syscallno;
};
#define KERN_SYSCALL_NUMBER(regs) (regs)->syscallno
#define KERN_SYSCALL_ARG0(regs)	  (regs)->orig_x0
#define KERN_SYSCALL_ARG1(regs)	  (regs)->regs[1]
#define KERN_SYSCALL_ARG2(regs)	  (regs)->regs[2]
#define KERN_SYSCALL_ARG3(regs)	  (regs)->regs[3]
#define KERN_SYSCALL_ARG4(regs)	  (regs)->regs[4]
#endif

struct linux_binprm {
	const char *filename, *interp;
	struct file *file;
	unsigned int secureexec : 1;
};

/* --- sockets --- */

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};
typedef struct {
	struct net *net;
} possible_net_t;
typedef struct {
	__s64 counter;
} atomic64_t;
struct sock_common {
	__be32 skc_daddr, skc_rcv_saddr;
	__be16 skc_dport;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned long skc_flags;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
};
enum sock_flags {
	SOCK_DONE = 1,
};
struct sock {
	struct sock_common __sk_common;
	int sk_err, sk_err_soft;
	__u16 sk_protocol;
};
struct inet_sock {
	struct sock sk;
	__be16 inet_sport;
};
struct inet_connection_sock {
	struct inet_sock icsk_inet;
};
struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u64 bytes_sent, bytes_retrans, bytes_received;
	__u32 segs_in, segs_out, total_retrans, srtt_us;
};
struct socket {
	struct sock *sk;
};
struct sk_buff {
	unsigned char *head;
	__u16 transport_header, network_header;
};

#pragma clang attribute pop

/* --- what the verifier translates: fixed layouts --- */

struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq __attribute__((aligned(8)));
	__u64 session, number;
};
struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta __attribute__((aligned(8)));
	void *map __attribute__((aligned(8)));
	void *key __attribute__((aligned(8)));
	void *value __attribute__((aligned(8)));
};
struct bpf_sock {
	__u32 bound_dev_if, family, type, protocol, mark, priority;
	__u32 src_ip4, src_ip6[4], src_port; /* host order */
	__be16 dst_port;
	__u16 pad;
	__u32 dst_ip4, dst_ip6[4], state;
};
struct bpf_tcp_sock {
	__u32 snd_cwnd, srtt_us, rtt_min, snd_ssthresh, rcv_nxt, snd_nxt, snd_una, mss_cache;
	__u32 ecn_flags, rate_delivered, rate_interval_us, packets_out, retrans_out, total_retrans;
	__u32 segs_in, data_segs_in, segs_out, data_segs_out, lost_out, sacked_out;
	__u64 bytes_received, bytes_acked;
};
struct __sk_buff {
	__u32 len, pkt_type, mark, queue_mapping, protocol;
	__u32 vlan[3];
	__u32 priority, ingress_ifindex, ifindex, tc_index, cb[5], hash, tc_classid;
	__u32 data, data_end, napi_id;
	__u32 family, remote_ip4, local_ip4, remote_ip6[4], local_ip6[4], remote_port, local_port;
	__u32 data_meta;
	__u64 flow_keys __attribute__((aligned(8)));
	__u64 tstamp;
	__u32 wire_len, gso_segs;
	struct bpf_sock *sk __attribute__((aligned(8)));
	__u32 gso_size;
};

#endif

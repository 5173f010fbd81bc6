/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * event - what the kernel side writes into the ring and the user side reads.
 *
 * Compiled on both sides. Fixed-width fields, head first, padding named, every byte written before
 * it is submitted (ring.bpf.h fills the head). `bytes` is the record's own length, its tail cut to
 * what is used.
 */
#ifndef BPF_EVENT_H
#define BPF_EVENT_H

#ifndef __bpf__
#include <linux/types.h>
#include <stddef.h>
#endif

enum ring_type {
	RING_fork,
	RING_exec,
	RING_exit,
	RING_thread,  /* a thread that died with its process by a core-dumping signal */
	RING_cgroup,  /* a control group seen for the first time */
	RING_tcp,     /* a connection made, refused or ended */
	RING_dns,     /* a message to or from port 53, or a piece of one */
	RING_tls,     /* a piece of a TLS handshake */
	RING_syscall, /* one of those that the agent asked for */
	RING_http,    /* what begins like an HTTP request or response */
	RING_file,    /* something was done with a watched file */
	RING_TYPE_COUNT
};

/* Whose path names a task's control group: the unified hierarchy's, or a v1 controller's. */
enum ring_hierarchy { RING_HIERARCHY_unified, RING_HIERARCHY_memory, RING_HIERARCHY_pids };

struct ring_head {
	__u16 type, bytes;
	__u32 pid; /* thread group id, initial pid namespace */
	__u32 tid;
	__u32 uid;	/* effective, initial user namespace */
	__u64 boot_ns;	/* CLOCK_BOOTTIME; CLOCK_MONOTONIC on kernels below 5.8 */
	__u64 start_ns; /* when the process was made, CLOCK_BOOTTIME */
	__u64 cgroup_id;
	char comm[16];
};

struct ring_fork {
	struct ring_head head; /* of the child */
	__u32 ppid, pad;
};

#define RING_PATH_BYTES	  256
#define RING_ARGS_BYTES	  1024
#define RING_CGROUP_NAME  128 /* bytes of one directory name */
#define RING_CGROUP_DEPTH 12

#define RING_NAMES_BYTES  320
#define RING_NAME_BYTES	  96 /* of one of them, with its end */
#define RING_INTERP_BYTES 64

/* A path as the kernel has it: names from the file up to the root, each ends in NUL. */
struct ring_names {
	__u32 bytes;
	__u32 cut; /* 1: there are more, or a name is longer */
	char at[RING_NAMES_BYTES];
};

/* What is special about a program, as bits. */
enum ring_exec_fact {
	RING_EXEC_gained = 1,	/* it has rights that who started it has not */
	RING_EXEC_unlinked = 2, /* its file has no name any more */
	RING_EXEC_memfd = 4,	/* its file was never on a disk */
	RING_EXEC_upper = 8,	/* its file is not from the image, but from the layer above */
	RING_EXEC_paths = 16,	/* cwd and exe are known */
};

struct ring_exec {
	struct ring_head head;
	__u32 ppid;
	__u32 ns_mnt, ns_net, ns_pid, ns_user;
	__u32 path_bytes; /* of path, without its end */
	__u32 args_bytes; /* of args: each argument ends in NUL, the last perhaps cut */
	__u32 args_cut;	  /* 1: there were more */
	__u32 facts;	  /* enum ring_exec_fact; 0 from /proc */
	__u32 real_uid;
	__u64 capabilities; /* effective */
	__u32 interp_bytes; /* of interp; 0: the file is the program */
	__u32 pad;
	struct ring_names cwd, exe; /* exe: what runs; of a script its interpreter */
	char interp[RING_INTERP_BYTES];
	char path[RING_PATH_BYTES]; /* as it was asked for */
	char args[RING_ARGS_BYTES];
};

#define RING_EXIT_UNKNOWN 0xffffff00u /* the exit code of one that was found gone */

struct ring_exit {
	struct ring_head head;
	__u32 exit_code; /* as wait(2) gives it */
	__u32 pad;
};

struct ring_thread {
	struct ring_head head;
};

/* The directory names from the control group up to the root. */
struct ring_cgroup {
	struct ring_head head; /* cgroup_id says which */
	__u32 depth, pad;
	char names[RING_CGROUP_DEPTH][RING_CGROUP_NAME];
};

/* How a table in the kernel stands (bpf/table.bpf.h). */
struct ring_table {
	__u64 present, lost;
};

#define RING_RATES     4096 /* processes with what they do at a limited rate */
#define RING_FILE_USES 8192 /* watched files that are open */

#define RING_SYSCALLS 512 /* numbers below this can be asked for */

/* When a call is told of. */
enum ring_privilege {
	RING_PRIVILEGE_never,
	RING_PRIVILEGE_always,
	RING_PRIVILEGE_clone, /* it makes a namespace; the first argument are the flags */
	RING_PRIVILEGE_clone3 /* the same; the first argument is where the flags are */
};

struct ring_syscall {
	struct ring_head head;
	__u32 number;
	__u32 held; /* calls before this one that were not told */
	__s64 result;
	__u64 args[4];
};

/* What is counted, and how often a process made that call since the last look. */
struct ring_syscall_key {
	__u32 pid, number;
};
struct ring_syscall_count {
	struct ring_head owner;
	__u64 count;
};

/* What was done with a file. */
enum ring_file_what {
	RING_FILE_none,
	RING_FILE_open,
	RING_FILE_close,
	RING_FILE_mmap,
	RING_FILE_rename,
	RING_FILE_delete,
	RING_FILE_link,
	RING_FILE_symlink,
	RING_FILE_mkdir,
	RING_FILE_chmod,
	RING_FILE_chown,
	RING_FILE_truncate,
	RING_FILE_change, /* its inode was changed, in a way that isn't known */
	RING_FILE_COUNT
};

/* What system calls are to bpf/files.bpf.c: enum ring_file_what, or one of these. */
enum {
	RING_FILE_CALL_mount = RING_FILE_COUNT,
	RING_FILE_CALL_uring,
	RING_FILE_CALL_open,   /* flags are the second argument */
	RING_FILE_CALL_openat, /* the third */
	RING_FILE_CALL_read,   /* those from here on matter to processes with watched files open */
	RING_FILE_CALL_write,
	RING_FILE_CALL_copy, /* from the first argument to the third */
	RING_FILE_CALL_sendfile,
	RING_FILE_CALL_close,
	RING_FILE_CALL_dup, /* onto the second argument */
	RING_FILE_CALL_close_range,
};
#define RING_FILE_SYS_fchmodat2 452 /* the same everywhere; kernel 6.6 */

/* What else is to be known of it, as bits. */
enum ring_file_fact {
	RING_FILE_created = 1,
	RING_FILE_cut = 2,	 /* the path has more names above those told */
	RING_FILE_other_cut = 4, /* so has the other one */
	RING_FILE_marked = 8,	 /* from a mark of fanotify's: no flags and no sums are known */
	RING_FILE_gone = 16,	 /* nor is anything of its inode */
};

#define RING_FILE_NAME	255  /* bytes of one name, NAME_MAX */
#define RING_FILE_NAMES 2560 /* of all names of both paths */

struct ring_file {
	struct ring_head head;
	__u8 what, facts;
	__u16 mode;	    /* type and permissions, as in st_mode */
	__u32 flags;	    /* open: O_* and, in the kernel's way, FMODE_PATH; mmap: PROT_* */
	__u32 device;	    /* the file system's, as the kernel numbers: major << 20 | minor */
	__u32 links;	    /* names that the file has */
	__u64 inode;	    /* the kernel's number, which stat(2) does not tell for all */
	__u32 owner, group; /* initial user namespace */
	__u64 size_bytes;
	__u64 read_bytes, written_bytes; /* close: since the open, or since last told */
	__s32 result;			 /* 0, or -errno */
	__u32 held; /* events of the process before this one that were not told */
	__u32 path_bytes, other_bytes;
	char names[RING_FILE_NAMES]; /* of the path, from the file up to the root, each ends in NUL;
					behind path_bytes those of the other path */
};

/* What is watched, as a tree of names: from this node a name leads to another. */
#define RING_FILE_STEP_NAME 60
struct ring_file_step {
	__u32 node;			/* RING_FILE_ROOT: the root directory */
	char name[RING_FILE_STEP_NAME]; /* padded with NUL */
};
#define RING_FILE_ROOT 1

/* Whether what lies at and below is watched. */
enum ring_file_rule { RING_FILE_RULE_inherit, RING_FILE_RULE_watch, RING_FILE_RULE_exclude };

struct ring_file_node {
	__u32 node;
	__u32 rule; /* enum ring_file_rule */
};

/* A file or directory in the kernel's own numbering. */
struct ring_file_id {
	__u64 inode;
	__u32 device, pad;
};

/* What happened to a connection. */
enum ring_tcp_what {
	RING_TCP_connect,
	RING_TCP_accept,
	RING_TCP_close,
	RING_TCP_fail,
	RING_TCP_flow, /* it is still open: all counts are of what has not been told yet */
};
/* Who asked for it. */
enum ring_role { RING_ROLE_unknown, RING_ROLE_client, RING_ROLE_server };
/* How it ended. */
enum ring_tcp_end {
	RING_TCP_END_fin,	  /* both sides said goodbye, or one did and the other is gone */
	RING_TCP_END_reset_local, /* this side gave up */
	RING_TCP_END_reset_peer,
	RING_TCP_END_timeout,
	RING_TCP_END_COUNT
};

/* Both ends of a socket; IPv4 as ::ffff:a.b.c.d. */
struct ring_ends {
	__u8 local[16], peer[16];
	__u16 local_port, peer_port; /* host order */
	__u32 ns_net;		     /* 0: as its process */
	__u64 cookie;		     /* the socket's number, never used again */
};

struct ring_tcp {
	struct ring_head head; /* pid 0: nobody has been seen to use it */
	struct ring_ends ends;
	__u8 what, role, end, pad;
	__u32 error;			  /* errno; 0 = none */
	__u64 latency_ns;		  /* from asking to being open; 0 = not known */
	__u64 duration_ns;		  /* from being open to the end; 0 = not known */
	__u64 sent_bytes, received_bytes; /* of payload, each byte once */
	__u32 sent_segments, received_segments;
	__u32 retransmits, rtt_us;
	__u64 told_sent_bytes, told_received_bytes; /* close: of these, told as flow */
};

/* What a socket's process and its peer say to each other. */
#define RING_PACKET_BYTES 4096

struct ring_packet {
	struct ring_head head; /* pid 0: nobody has been seen to use the socket yet */
	struct ring_ends ends;
	__u8 protocol; /* IPPROTO_UDP or IPPROTO_TCP */
	__u8 sending;  /* 1: from this side */
	__u16 pad;
	__u32 sequence;	  /* TCP: number of the first byte */
	__u32 bytes;	  /* of payload in the packet */
	__u32 data_bytes; /* of data, the payload's start */
	__u8 data[RING_PACKET_BYTES];
};

/* What udp.bpf.h counts for each process, socket and peer. */
struct ring_udp_key {
	__u64 cookie;
	__u8 peer[16];
	__u16 peer_port; /* host order */
	__u16 pad;
	__u32 pid; /* 0: nobody has been seen to use the socket yet */
};

struct ring_udp_flow {
	struct ring_head owner;
	__u8 local[16];
	__u16 local_port, pad, pad2[2];
	__u64 sent_bytes, received_bytes; /* of payload */
	__u64 sent_count, received_count; /* datagrams */
	__u64 dropped_count;		  /* of those received: no room in the socket's queue */
	__u64 first_ns, last_ns;	  /* CLOCK_BOOTTIME */
};

/* One per agent, shared by all programs through a mapped map. */
struct ring_state {
	__u64 awake; /* 1: the reader drains on a timer, nobody has to wake it */
	__u64 lost[RING_TYPE_COUNT];
};

#define RING_WIRE(type, last, length)                                                              \
	_Static_assert(sizeof(type) == (length) &&                                                 \
			       __builtin_offsetof(type, last) + sizeof(((type *)0)->last) ==       \
				       (length),                                                   \
		       #type " changed its size or grew padding")

RING_WIRE(struct ring_head, comm, 56);
RING_WIRE(struct ring_fork, pad, 64);
RING_WIRE(struct ring_names, at, 8 + RING_NAMES_BYTES);
RING_WIRE(struct ring_exec, args,
	  112 + 2 * (8 + RING_NAMES_BYTES) + RING_INTERP_BYTES + RING_PATH_BYTES + RING_ARGS_BYTES);
RING_WIRE(struct ring_exit, pad, 64);
RING_WIRE(struct ring_thread, head, 56);
RING_WIRE(struct ring_cgroup, names, 64 + RING_CGROUP_DEPTH * RING_CGROUP_NAME);
RING_WIRE(struct ring_syscall, args, 56 + 48);
RING_WIRE(struct ring_syscall_key, number, 8);
RING_WIRE(struct ring_syscall_count, count, 56 + 8);
RING_WIRE(struct ring_file, names, 56 + 72 + RING_FILE_NAMES);
RING_WIRE(struct ring_file_step, name, 64);
RING_WIRE(struct ring_file_node, rule, 8);
RING_WIRE(struct ring_file_id, pad, 16);
RING_WIRE(struct ring_ends, cookie, 48);
RING_WIRE(struct ring_tcp, told_received_bytes, 104 + 72);
RING_WIRE(struct ring_packet, data, 104 + 16 + RING_PACKET_BYTES);
RING_WIRE(struct ring_udp_key, pid, 32);
RING_WIRE(struct ring_udp_flow, last_ns, 56 + 24 + 56);
RING_WIRE(struct ring_state, lost, 8 + 8 * RING_TYPE_COUNT);

#endif

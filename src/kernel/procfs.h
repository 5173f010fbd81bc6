/* SPDX-License-Identifier: Apache-2.0 */
/*
 * procfs - what /proc says of a process.
 *
 * A process may end between two reads, and its pid may get a new owner: compare start_ticks before
 * and after when several answers must belong together.
 */
#ifndef KERNEL_PROCFS_H
#define KERNEL_PROCFS_H

#include "base/error.h"
#include "base/text.h"
#include "bpf/event.h"

struct procfs_stat {
	char comm[64]; /* up to 15 bytes for a process, more for kernel workers */
	char state;    /* 'R', 'S', 'Z', ... */
	uint32_t ppid;
	bool dying;	      /* its program, namespaces and control groups may be gone already */
	uint64_t start_ticks; /* since boot, in 1/100 s (USER_HZ); unsuspended time counts too */
};

/* The root of procfs, normally "/proc"; for an agent in a container perhaps "/host/proc". Returns
 * a directory fd for the others here. */
must_check int procfs_open(const char *root, struct error *err);

/* Parses the text of /proc/PID/stat; the name may hold blanks and brackets. */
bool procfs_parse_stat(struct slice text, struct procfs_stat *ret_stat);

/* -ESRCH or -ENOENT: the process is gone. */
must_check int procfs_stat(int proc_fd, uint32_t pid, struct procfs_stat *ret_stat);

/* The thread group of a thread, and its effective user id, from /proc/PID/status. */
must_check int procfs_owner(int proc_fd, uint32_t tid, uint32_t *ret_pid, uint32_t *ret_uid);

/* The executable's path as /proc/PID/exe gives it. -ENOENT for kernel threads. */
must_check int procfs_exe(int proc_fd, uint32_t pid, char *path, size_t room);

/* Appends a file of the process, such as "cgroup" or "cmdline". */
must_check int procfs_read(int proc_fd, uint32_t pid, const char *file, size_t limit_bytes,
			   struct text *text);

/* Inode number of a namespace: "mnt", "net", "pid", "user", ...; 0 when it can't be read. */
uint32_t procfs_namespace(int proc_fd, uint32_t pid, const char *name);

/* The type of the file system that an open file of ours is on ("ext4"), from the mounts of a
 * process that sees it: asks no server. -ENOENT: that sees no such mount. */
must_check int procfs_mount_type(int proc_fd, uint32_t pid, int fd, char *room, size_t room_bytes);

/* Calls with every process id there is. */
must_check int procfs_each(int proc_fd, void (*found)(void *owner, uint32_t pid), void *owner,
			   struct error *err);

/* What the kernel side would have told of the process when it started its program: fills the whole
 * record. cgroup_id is 0 when it can't be found out. */
must_check int procfs_describe(int proc_fd, uint32_t pid, enum ring_hierarchy hierarchy,
			       struct ring_exec *ret_record);

/* Ticks of /proc/PID/stat in a time since boot. */
static inline uint64_t procfs_ticks(uint64_t boot_ns)
{
	return boot_ns / 10000000;
}

#endif

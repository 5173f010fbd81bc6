/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process - the table of processes: who a pid was at a given moment.
 *
 * Fed with the kernel's fork, exec and exit records; where these are missing, /proc is asked. A
 * process is its pid together with its start time, so a pid that is used again is another process.
 * One that ended is kept for PROCESS_KEEP_S, since a crash line may arrive after it. The table is
 * bounded, in processes and in bytes: when full, those that ended first go first, and each that
 * goes early is counted.
 */
#ifndef IDENTITY_PROCESS_H
#define IDENTITY_PROCESS_H

#include "base/list.h"
#include "base/map.h"
#include "base/metric.h"
#include "bpf/event.h"

#define PROCESS_KEEP_S 60
/* Of memory for each that the table may hold, its texts included: some need more, most less. */
#define PROCESS_BYTES 384

/* A text that several processes may have: a child has its parent's until it starts another program.
 */
struct process_text {
	uint32_t refs, bytes;
	char at[]; /* terminated */
};

struct process {
	uint32_t pid;
	uint32_t ppid, uid;
	uint64_t start_ns;	/* CLOCK_BOOTTIME */
	uint64_t start_wall_ns; /* the same as it was taken for first: with the pid, its identity */
	uint64_t exited_ns;	/* 0 while it runs */
	uint64_t asked_ns;	/* when /proc last told of it; 0 = never */
	uint64_t cgroup_id;
	uint32_t ns_mnt, ns_net, ns_pid, ns_user;
	bool told; /* by a record, rather than found in /proc */
	char comm[16];
	struct process_text *exe;	   /* NULL: a kernel thread, or not known */
	struct process_text *command_line; /* arguments joined by blanks; NULL: none */
	/* Its parents, nearest first: "sh[12] < sshd[3]"; NULL: not known. */
	struct process_text *lineage;
	struct process_text *children_lineage; /* what its children get; made for the first */
	struct process *older;		       /* who had the pid before */
	struct list node;		       /* on the running or the ended list */
};

struct process_thread;

/* Whose word counts: of processes that the kernel reports as they change, the kernel's records;
 * of the others /proc, asked each time. */
enum processes_feed {
	PROCESSES_sampled, /* of none */
	PROCESSES_some,	   /* of those it has told of, see process->told */
	PROCESSES_all,
};

struct processes {
	struct map by_pid; /* the newest owner of each pid */
	struct list running, ended;
	struct map threads; /* struct process_thread: threads that died with their process */
	struct list threads_by_age;
	size_t limit;
	size_t bytes;	   /* of memory for processes, their texts and their places */
	size_t most_bytes; /* since memory last went back to the kernel */
	enum processes_feed feed;
	int proc_fd;
	enum ring_hierarchy hierarchy;
	struct metric count, evictions, thread_evictions;
};

/* `limit` processes at most, ended ones included, and PROCESS_BYTES for each on average. */
void processes_init(struct processes *processes, int proc_fd, enum ring_hierarchy hierarchy,
		    size_t limit);
/* Also of a zeroed table that was never initialised. */
void processes_done(struct processes *processes);

/* Takes in all that run now. */
must_check int processes_scan(struct processes *processes, struct error *err);

/* A record of the kernel's (or one that looks like it). */
void processes_record(struct processes *processes, const struct ring_head *head);

/* Who had this pid at `boot_ns` (0: now). Asks /proc for one that isn't in the table. NULL when
 * nobody is known. Borrowed; valid until the next record. */
const struct process *processes_find(struct processes *processes, uint32_t pid, uint64_t boot_ns);

/* The same for a thread id, which is what the kernel log prints. */
const struct process *processes_find_thread(struct processes *processes, uint32_t tid,
					    uint64_t boot_ns);

/* Whether who had the pid at `boot_ns` is `above`, or a descendant of it, as far as is known. */
bool processes_is_under(struct processes *processes, uint32_t pid, uint32_t above,
			uint64_t boot_ns);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view - the container's own numbers in the files that programs look at: from what the kernel says
 * of its control group, and from the host's file for what the two have in common. Pure: texts and
 * numbers in, text out.
 *
 * Processors keep the numbers that sched_getcpu(3) and taskset(1) give them. With a quota below
 * that of the allowed processors, the first ceil(quota) of those are shown, and what the container
 * used is spread evenly over them.
 */
#ifndef SYSVISOR_FS_VIEW_H
#define SYSVISOR_FS_VIEW_H

#include "base/text.h"
#include "kernel/cpus.h"

#define VIEW_UNLIMITED UINT64_MAX
#define VIEW_HZ	       100 /* ticks per second in /proc/stat; the same on every kernel (USER_HZ) */

/* --- memory --- */

/* Bytes. The names are those of cgroup v2's memory.stat. */
#define VIEW_MEMORY(X)                                                                             \
	X(anon)                                                                                    \
	X(file)                                                                                    \
	X(shmem)                                                                                   \
	X(file_mapped)                                                                             \
	X(file_dirty)                                                                              \
	X(file_writeback)                                                                          \
	X(anon_thp)                                                                                \
	X(inactive_anon)                                                                           \
	X(active_anon)                                                                             \
	X(inactive_file)                                                                           \
	X(active_file)                                                                             \
	X(unevictable)                                                                             \
	X(slab_reclaimable)                                                                        \
	X(slab_unreclaimable)                                                                      \
	X(kernel_stack)                                                                            \
	X(pagetables)                                                                              \
	X(swapcached)

struct view_memory {
	uint64_t limit, usage;
	uint64_t swap_limit, swap_usage; /* of swap alone */
#define X(name) uint64_t name;
	VIEW_MEMORY(X)
#undef X
};

/* Fills the fields that a memory.stat has; of v1, the totals with the groups below, and `limit` and
 * swap_limit, too, from its "hierarchical" lines. */
void view_parse_memory_stat(struct slice text, bool v1, struct view_memory *memory);
/* One number, or "max". */
bool view_parse_limit(struct slice text, uint64_t *ret_value);

/* The host's /proc/meminfo, looked through once for many views: which line becomes what. */
#define VIEW_HOST_LINES 128 /* about 55 there are */
struct view_host {
	struct text text;
	struct view_line {
		struct slice line, key; /* of `text` */
		int row;		/* of the table of what lines become; -1: it stays */
	} lines[VIEW_HOST_LINES];
	size_t line_count;
	uint64_t total, available, swap_total, swap_free; /* bytes */
};
/* Looks through host->text, which must stay as it is. */
void view_read_host(struct view_host *host);

void view_meminfo(const struct view_host *host, const struct view_memory *memory, struct text *out);
/* Without swap on the host there is none. */
void view_swaps(const struct view_host *host, const struct view_memory *memory, struct text *out);

/* --- processors --- */

struct view_cpu {
	struct cpus allowed; /* by cpuset */
	struct cpus shown;   /* of these, as many as the quota pays for */
	uint64_t up_ns;	     /* since the container started */
	uint64_t user_ns, system_ns;
	/* Of each processor; NULL when only the sums are known. */
	const uint64_t *user_each_ns, *system_each_ns;
};

/* cpuacct.usage_all of v1; the arrays have CPUS_MAX entries and are zeroed first. */
bool view_parse_usage_all(struct slice text, uint64_t *user_ns, uint64_t *system_ns);
/* cpu.stat of v2. */
bool view_parse_cpu_stat(struct slice text, uint64_t *ret_user_ns, uint64_t *ret_system_ns);
/* "quota period" of v2's cpu.max in thousandths of a processor; VIEW_UNLIMITED for "max". */
bool view_parse_cpu_max(struct slice text, uint64_t *ret_milli);

/* How many processors a quota shows. */
void view_show(struct view_cpu *cpu, uint64_t quota_milli);

/* Interrupts, context switches and forks are counted for the whole host alone: zeros here, since
 * what neighbours do is not the container's to see. */
void view_stat(const struct view_cpu *cpu, uint64_t start_wall_s, uint64_t running,
	       uint64_t blocked, struct text *out);
void view_cpuinfo(struct slice host, const struct cpus *shown, struct text *out);
void view_uptime(const struct view_cpu *cpu, struct text *out);

/* --- load --- */

#define VIEW_LOAD_SHIFT 11 /* bits of fraction, as the kernel's */

struct view_load {
	uint64_t average[3]; /* over 1, 5 and 15 minutes */
	uint64_t running, blocked, total, last_pid;
};

/* One step of VIEW_LOAD_S seconds with so many threads that run or wait for a disk. */
#define VIEW_LOAD_S 5ull
void view_load_step(struct view_load *load, uint64_t active);
void view_loadavg(const struct view_load *load, struct text *out);

/* --- disks --- */

/* io.stat of v2, or of v1 the two files (bytes and operations; `operations` empty for v2). Lines
 * stand in the host's order with the host's names; a disk that the group never used has zeros. */
void view_diskstats(struct slice host, struct slice io, struct slice operations, struct text *out);

#endif

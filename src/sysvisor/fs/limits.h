/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits - what the kernel says of a container's control group, v1 or v2, controller by controller.
 *
 * Files are kept open while they are read often, and closed by limits_rest() when they are not.
 * Any thread may read; nothing here waits for anything but the kernel's own files.
 */
#ifndef SYSVISOR_FS_LIMITS_H
#define SYSVISOR_FS_LIMITS_H

#include <pthread.h>

#include "base/error.h"
#include "base/text.h"
#include "sysvisor/fs/view.h"

enum limits_controller {
	LIMITS_memory,
	LIMITS_cpu,
	LIMITS_cpuacct,
	LIMITS_cpuset,
	LIMITS_io, /* "blkio" in v1 */
	LIMITS_CONTROLLER_COUNT
};

enum limits_file {
	LIMITS_memory_stat,
	LIMITS_memory_usage,
	LIMITS_swap_usage,
	LIMITS_cpu_usage,
	LIMITS_cpu_each,
	LIMITS_io_bytes,
	LIMITS_io_operations,
	LIMITS_pressure_cpu,
	LIMITS_pressure_io,
	LIMITS_pressure_irq,
	LIMITS_pressure_memory,
	LIMITS_FILE_COUNT
};

/* Where this machine has its hierarchies mounted; "" where it has not. */
struct limits_mounts {
	char v1[LIMITS_CONTROLLER_COUNT][128];
	char v2[128];
};

/* From the text of /proc/self/mountinfo (proc(5)). */
void limits_parse_mounts(struct slice mountinfo, struct limits_mounts *ret_mounts);

struct limits {
	char *directory[LIMITS_CONTROLLER_COUNT]; /* NULL: there is none */
	char *path[LIMITS_CONTROLLER_COUNT];	  /* its line of /proc/PID/cgroup, or NULL */
	bool v1[LIMITS_CONTROLLER_COUNT];
	pthread_rwlock_t files_lock; /* read: files are in use; write: they are being closed */
	int fds[LIMITS_FILE_COUNT];
	uint64_t used_ns;

	/* What changes rarely is asked for once a second. */
	pthread_mutex_t slow_lock;
	struct limits_slow {
		uint64_t read_ns;
		struct cpus allowed;
		uint64_t quota_milli;
		uint64_t memory_limit, swap_limit; /* of v2, the least of all groups above, too */
	} slow;
};

/* Sets the directory of each controller: from the text of /proc/PID/cgroup. */
must_check int limits_init(struct limits *limits, const struct limits_mounts *mounts,
			   struct slice proc_cgroup, struct error *err);
void limits_done(struct limits *limits);
/* Closes files that nobody has read for a while. */
void limits_rest(struct limits *limits);

/* The directory where the container's processes are found. */
const char *limits_directory(const struct limits *limits);

/* Appends a file's text. -ENOENT: this kernel, or this container, has none. */
must_check int limits_read(struct limits *limits, enum limits_file file, struct text *text);

/* `scratch` is overwritten. -ENOENT: no such controller, the host's numbers are all there is. */
must_check int limits_memory(struct limits *limits, struct view_memory *ret_memory,
			     struct text *scratch);
/* Sets `allowed` and `shown`. */
void limits_shown(struct limits *limits, struct view_cpu *cpu);
/* `user_each` and `system_each` (CPUS_MAX numbers), or NULL when the sums are enough. */
must_check int limits_cpu(struct limits *limits, struct view_cpu *cpu, uint64_t *user_each,
			  uint64_t *system_each, struct text *scratch);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* show - makes the text of the table's files: reads what there is to read, and hands it to view. */
#ifndef SYSVISOR_FS_SHOW_H
#define SYSVISOR_FS_SHOW_H

#include "sysvisor/fs/container.h"
#include "sysvisor/fs/tree.h"

struct server;

/* What a thread needs to work with, kept from one request to the next. */
struct show_room {
	struct text host, group, more;
	uint64_t user_each[CPUS_MAX], system_each[CPUS_MAX];
};

struct show {
	struct server *server;
	struct container *container;
	const struct tree_path *path;
	struct show_room *room;
	struct text *out;
};

/* The host's files that are read again and again. */
enum show_file { SHOW_meminfo, SHOW_cpuinfo, SHOW_diskstats, SHOW_FILE_COUNT };

struct show_host {
	int fds[SHOW_FILE_COUNT];
	pthread_rwlock_t lock; /* of what follows */
	struct view_host memory;
	uint64_t memory_read_ns; /* mono; 0: never */
};

must_check int show_host_open(struct show_host *host, struct error *err);
void show_host_close(struct show_host *host);

int show_cpuinfo(struct show *show);
int show_cpus(struct show *show);
int show_diskstats(struct show *show);
int show_loadavg(struct show *show);
int show_meminfo(struct show *show);
int show_pressure_cpu(struct show *show);
int show_pressure_irq(struct show *show);
int show_pressure_io(struct show *show);
int show_pressure_memory(struct show *show);
int show_product_uuid(struct show *show);
int show_stat(struct show *show);
int show_swaps(struct show *show);
int show_uptime(struct show *show);

/* The identity of a virtual machine, for a container: the host's, its last part from the id; `host`
 * may be empty. Pure. */
void show_put_uuid(struct slice host, struct slice id, struct text *out);

#endif

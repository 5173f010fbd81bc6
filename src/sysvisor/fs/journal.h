/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal - what the next server has to know: the containers, and what they wrote. A line for each
 * change, with the kernel before anybody is answered; lives in /run, as containers do not outlive
 * the machine either.
 *
 *	next SLOT
 *	add SLOT PID TICKS UID GID GIDS START_NS ID
 *	cgroup SLOT ID:CONTROLLERS:PATH        a line of /proc/PID/cgroup
 *	set SLOT PATH VALUE
 *	gone SLOT
 */
#ifndef SYSVISOR_FS_JOURNAL_H
#define SYSVISOR_FS_JOURNAL_H

#include "sysvisor/fs/container.h"

struct journal {
	pthread_mutex_t lock;
	char *path;
	int fd;
	uint64_t bytes, whole_bytes; /* now, and when it was written anew last */
};

/* Reads it into `containers` and writes it anew. */
must_check int journal_open(struct journal *journal, const char *path,
			    const struct limits_mounts *mounts, struct containers *containers,
			    struct error *err);
void journal_close(struct journal *journal);

/* From any thread. */
must_check int journal_add(struct journal *journal, const struct container *container);
must_check int journal_set(struct journal *journal, uint32_t slot, struct slice path,
			   struct slice value);
must_check int journal_gone(struct journal *journal, uint32_t slot);

/* Writes it anew when history has outgrown the present. */
must_check int journal_compact(struct journal *journal, struct containers *containers, bool force,
			       struct error *err);

#endif

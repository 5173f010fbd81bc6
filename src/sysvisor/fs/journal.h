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

/* What the text says; pure. */
struct journal_entry {
	struct container_origin origin;
	uint64_t start_ns;
	struct text cgroup; /* lines of /proc/PID/cgroup */
	struct text values; /* "PATH VALUE" lines; the last of a path counts */
	struct list node;
};

struct journal_entries {
	struct list all;
	uint32_t next_slot;
};

/* Lines that are none are passed over, half a one at the end, too. Only -ENOMEM. */
must_check int journal_parse(struct slice text, struct journal_entries *ret_entries);
void journal_entries_done(struct journal_entries *entries);

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

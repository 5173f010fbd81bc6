/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state - the journal of container records: a line for each change, the last one of a container
 * counts. A line is with the kernel before the caller goes on, so that a killed daemon loses
 * nothing. Those that give ids away are on the disk soon after (fdatasync beside the loop), for the
 * machine's sake; which containers still run, or are there, it will see when it is up again.
 */
#ifndef SYSVISOR_MGR_STATE_H
#define SYSVISOR_MGR_STATE_H

#include "base/map.h"
#include "base/worker.h"
#include "sysvisor/mgr/record.h"

struct state {
	char *path;
	int fd;
	uint64_t bytes;
	size_t line_count;
	struct worker *worker;
	struct worker_job sync;
	bool again;
};

/* Reads the journal into `records` (struct record by id), and writes it anew without what is
 * history. *ret_skipped = lines that were unreadable. */
must_check int state_open(struct state *state, const char *path, struct worker *worker,
			  struct map *records, size_t *ret_skipped, struct error *err);
void state_close(struct state *state);

/* When it fails, nothing was written. */
must_check int state_write(struct state *state, const struct record *record, struct error *err);
must_check int state_write_gone(struct state *state, const char *id, struct error *err);

/* Writes it anew when history has outgrown the present. */
must_check int state_compact(struct state *state, const struct map *records, bool force,
			     struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_sync - fsync(2) of what was written, at most every so often, beside the loop.
 */
#ifndef SINK_SPOOL_SYNC_H
#define SINK_SPOOL_SYNC_H

#include "base/worker.h"

#define SPOOL_SYNC_FILES 8

struct spool_sync {
	struct loop *loop;
	struct worker *worker;
	uint64_t delay_ns;
	struct loop_timer timer;     /* set while something written is not being synced yet */
	int files[SPOOL_SYNC_FILES]; /* ours: written to and not open any more */
	size_t file_count;
	int writing_fd; /* the writer's, with bytes to sync; -1: none */

	struct worker_job job;
	int job_files[SPOOL_SYNC_FILES + 2]; /* the job's while it is busy */
	size_t job_count;
	int job_error; /* errno of the last one that failed */
	void (*failed)(struct spool_sync *sync, int error);
};

/* `failed` is set by the owner. */
must_check int spool_sync_init(struct spool_sync *sync, struct loop *loop, uint64_t delay_ns,
			       struct error *err);
/* Syncs what is left, and waits for it. Harmless before the init. */
void spool_sync_done(struct spool_sync *sync);

/* Bytes were written to `fd`, which stays the writer's until spool_sync_take_fd(). */
void spool_sync_need(struct spool_sync *sync, int fd);
/* Nothing written so far is worth syncing any more. */
void spool_sync_forget(struct spool_sync *sync);
/* The writer is done with `fd`: it is synced if need be, and closed. */
void spool_sync_take_fd(struct spool_sync *sync, int fd);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker - a thread for the few calls that may block for long, such as fsync(2).
 *
 * A job is a member of the object it works for; the worker borrows it from worker_start() until
 * `done`. `work` runs on the thread and touches only what nobody else touches meanwhile; `done`
 * runs on the loop, where the job may be started again.
 */
#ifndef BASE_WORKER_H
#define BASE_WORKER_H

#include "base/loop.h"

struct worker;

struct worker_job {
	void (*work)(struct worker_job *job);
	void (*done)(struct worker_job *job);
	struct list node;
	bool busy; /* started, and `done` not called yet; read it on the loop only */
};

must_check int worker_new(struct worker **ret_worker, struct loop *loop, struct error *err);
/* Works off what was started first, and calls no `done`. NULL is fine. */
void worker_free(struct worker *worker);

/* The job must not be busy. Jobs run one after another, in order. */
void worker_start(struct worker *worker, struct worker_job *job);

#endif

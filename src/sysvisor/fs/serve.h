/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve - answers the kernel's FUSE requests.
 *
 * A file's number is the container's slot and the path's number (tree.h), both the same for the
 * next server, which therefore can answer for files that an earlier one looked up. Open files have
 * a number that means nothing but "the same one": what was read last through it is remembered, so
 * that a file read in pieces is one file; the next server goes on with what it makes itself.
 *
 * Only whoever claims a request answers it: a worker when it is through, or the watchdog when the
 * worker took too long.
 */
#ifndef SYSVISOR_FS_SERVE_H
#define SYSVISOR_FS_SERVE_H

#include "sysvisor/fs/server.h"

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>

/* Of the thread that calls into libfuse. */
struct serve_worker {
	struct server *server;
	pthread_t thread;
	size_t number;
	/* Counts requests in twos; odd: one is under way that nobody has answered. */
	_Atomic(uint64_t) claim;
	_Atomic(fuse_req_t) request; /* of the claim */
	_Atomic(uint64_t) started_ns;
	struct show_room room;
	struct text out, value;
};

/* Who the calling thread is. */
void serve_set_worker(struct serve_worker *worker);
void serve_worker_free(struct serve_worker *worker);

/* For the watchdog: fails the worker's request if it began before `before_ns` (mono) and nobody has
 * answered it. */
bool serve_expire(struct serve_worker *worker, uint64_t before_ns);

/* Whether its request began before that. */
bool serve_is_slow(const struct serve_worker *worker, uint64_t before_ns);

extern const struct fuse_lowlevel_ops serve_ops;

/* What was read through open files, to be called once. */
void serve_init(void);

#endif

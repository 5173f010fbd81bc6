/* SPDX-License-Identifier: Apache-2.0 */
/* statsd_tcp - StatsD clients that connect: their lines, one by one. */
#ifndef SENSOR_STATSD_TCP_H
#define SENSOR_STATSD_TCP_H

#include "base/loop.h"
#include "base/slice.h"

#define STATSD_TCP_CLIENTS    64
#define STATSD_TCP_LINE_BYTES 8192

struct statsd_tcp {
	/* The owner's: */
	void (*line)(struct statsd_tcp *tcp, struct slice line);
	/* A line was longer than may be, or its end never came. */
	void (*cut)(struct statsd_tcp *tcp);

	struct loop *loop;
	struct loop_fd listener;
	struct list clients; /* the one longest silent is first */
	size_t count;
	uint64_t evicted; /* clients that had to make room */
};

must_check int statsd_tcp_start(struct statsd_tcp *tcp, struct loop *loop, const char *address,
				struct error *err);
/* Harmless when it hasn't started. */
void statsd_tcp_stop(struct statsd_tcp *tcp);

#endif

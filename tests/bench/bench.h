/* SPDX-License-Identifier: Apache-2.0 */
/* bench - processor time, and the median of a few rounds. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdlib.h>
#include <time.h>

#define BENCH_ROUNDS 7

/* Processor time of this thread, in seconds. */
static inline double bench_cpu_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline double bench_median(double rounds[BENCH_ROUNDS])
{
	qsort(rounds, BENCH_ROUNDS, sizeof(*rounds), bench_compare);
	return rounds[BENCH_ROUNDS / 2];
}

#endif

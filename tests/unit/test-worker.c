/* SPDX-License-Identifier: Apache-2.0 */
/* Work beside the loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/worker.h"

#include <pthread.h>
#include <signal.h>

struct sum {
	struct worker_job job;
	pthread_t thread;
	int before, after, done_count;
	int *order;
	bool signals_blocked;
};

static void sum_work(struct worker_job *job)
{
	struct sum *sum = container_of(job, struct sum, job);
	sigset_t mask;

	sum->thread = pthread_self();
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	sum->signals_blocked = sigismember(&mask, SIGTERM);
	sum->after = sum->before + 1;
	if (sum->order)
		sum->before = ++*sum->order;
}

static void sum_done(struct worker_job *job)
{
	container_of(job, struct sum, job)->done_count++;
}

static void jobs_run_beside_and_end_on_the_loop(void **state)
{
	uint64_t limit_ns = clock_mono_ns() + 5 * NS_PER_S;
	struct sum sum = { .job = { .work = sum_work, .done = sum_done }, .before = 41 };
	struct worker *worker;
	struct loop *loop;

	(void)state;
	assert_int_equal(loop_new(&loop, NULL), 0);
	assert_int_equal(worker_new(&worker, loop, NULL), 0);
	worker_start(worker, &sum.job);
	assert_true(sum.job.busy);
	while (sum.job.busy && clock_mono_ns() < limit_ns)
		assert_int_equal(loop_turn(loop, 50, NULL), 0);
	assert_int_equal(sum.done_count, 1);
	assert_int_equal(sum.after, 42);
	assert_false(pthread_equal(sum.thread, pthread_self()));
	assert_true(sum.signals_blocked);
	worker_free(worker);
	loop_free(loop);
}

static void freeing_works_off_what_waits(void **state)
{
	int order = 0;
	struct sum sums[3];
	struct worker *worker;
	struct loop *loop;

	(void)state;
	assert_int_equal(loop_new(&loop, NULL), 0);
	assert_int_equal(worker_new(&worker, loop, NULL), 0);
	for (size_t n = 0; n < array_count(sums); n++) {
		sums[n] = (struct sum){ .job = { .work = sum_work, .done = sum_done },
					.order = &order };
		worker_start(worker, &sums[n].job);
	}
	worker_free(worker);
	for (int n = 0; n < (int)array_count(sums); n++) {
		assert_int_equal(sums[n].before, n + 1);
		assert_int_equal(sums[n].done_count, 0);
	}
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_run_beside_and_end_on_the_loop),
		cmocka_unit_test(freeing_works_off_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

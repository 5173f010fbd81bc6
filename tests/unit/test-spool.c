/* SPDX-License-Identifier: Apache-2.0 */
/* The queue on disk: order, bounds, places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bench-spool.h"

#include <errno.h>
#include <sys/stat.h>

static void events_come_in_order_until_acknowledged(void **state)
{
	struct spool_batch batch = { 0 };
	struct bench bench;

	(void)state;
	bench_init(&bench);
	put(&bench, 0, 10);
	assert_int_equal(bench.spool->count, 10);
	assert_int_equal(spool_peek(bench.spool, 4, 4096, &batch, NULL), 4);
	assert_true(slice_eq(batch.items[0].payload, event_of(0)));
	assert_int_equal(spool_peek(bench.spool, 4, 4096, &batch, NULL), 4);
	assert_true(slice_eq(batch.items[0].payload, event_of(0)));
	assert_int_equal(spool_ack(bench.spool, &batch, 1), 1);
	assert_int_equal(spool_ack(bench.spool, &batch, 2), 2);
	assert_int_equal(spool_peek(bench.spool, 4, 4096, &batch, NULL), 4);
	assert_true(slice_eq(batch.items[0].payload, event_of(3)));
	assert_int_equal(bench.spool->count, 7);
	spool_batch_done(&batch);
	bench_done(&bench);
}

static void what_is_not_acknowledged_outlives_the_program(void **state)
{
	struct spool_batch batch = { 0 };
	bool seen[20] = { false };
	struct bench bench;

	(void)state;
	bench_init(&bench);
	put(&bench, 0, 10);
	assert_int_equal(spool_peek(bench.spool, 4, 4096, &batch, NULL), 4);
	assert_int_equal(spool_ack(bench.spool, &batch, 4), 4);
	spool_batch_done(&batch);
	bench_close(&bench);
	bench_open(&bench);
	assert_int_equal(bench.spool->recovered, 6);
	put(&bench, 10, 12);
	assert_int_equal(take_all(&bench, seen, 20), 8);
	for (int n = 0; n < 12; n++)
		assert_int_equal(seen[n], n >= 4);
	bench_done(&bench);
}

static void idle_spools_leave_no_events_on_disk(void **state)
{
	bool seen[20] = { false };
	struct bench bench;

	(void)state;
	bench_init(&bench);
	put(&bench, 0, 10);
	assert_int_equal(access(bench_path(&bench, "0000000000000001.events"), F_OK), 0);
	assert_int_equal(take_all(&bench, seen, 20), 10);
	bench_close(&bench);
	assert_int_equal(access(bench_path(&bench, "0000000000000001.events"), F_OK), -1);
	bench_open(&bench);
	assert_int_equal(bench.spool->recovered, 0);
	bench_done(&bench);
}

static void batches_keep_their_bounds(void **state)
{
	static char large[5000];
	struct spool_batch batch = { 0 };
	struct bench bench;

	(void)state;
	bench_init(&bench);
	memset(large, 'x', sizeof(large));
	put(&bench, 0, 3);
	assert_int_equal(spool_append(bench.spool, (struct slice){ large, sizeof(large) }, NULL),
			 0);
	put(&bench, 3, 4);
	assert_int_equal(spool_peek(bench.spool, 2, 4096, &batch, NULL), 2);
	assert_int_equal(spool_peek(bench.spool, 100, 4096, &batch, NULL), 3);
	assert_int_equal(spool_ack(bench.spool, &batch, 3), 3);
	/* Larger than the bound, but one comes always. */
	assert_true(spool_peek(bench.spool, 100, 100, &batch, NULL) >= 1);
	assert_int_equal(batch.items[0].payload.bytes, sizeof(large));
	spool_batch_done(&batch);
	bench_done(&bench);
}

/* --- bounds --- */

static void full_queues_drop_the_oldest_and_count_them(void **state)
{
	static char payload[1000];
	unsigned int put_count = 3000, taken = 0, number, last = 0;
	struct spool_batch batch = { 0 };
	struct bench bench;
	int n;

	(void)state;
	bench_init(&bench);
	memset(payload, ' ', sizeof(payload));
	for (unsigned int at = 0; at < put_count; at++) {
		snprintf(payload, sizeof(payload), "%u", at);
		assert_int_equal(
			spool_append(bench.spool, (struct slice){ payload, sizeof(payload) }, NULL),
			0);
		assert_true(bench.spool->bytes <= SPOOL_LIMIT_MIN);
	}
	assert_true(bench.spool->dropped > 1900);
	assert_int_equal(bench.spool->dropped + bench.spool->count, put_count);
	while ((n = spool_peek(bench.spool, 50, 1 << 16, &batch, NULL)) > 0) {
		for (int at = 0; at < n; at++) {
			assert_int_equal(sscanf(batch.items[at].payload.at, "%u", &number), 1);
			assert_int_equal(number, taken ? last + 1 : bench.spool->dropped);
			last = number;
			taken++;
		}
		assert_int_equal(spool_ack(bench.spool, &batch, (size_t)n), n);
	}
	assert_int_equal(last, put_count - 1);
	assert_int_equal(bench.spool->dropped + taken, put_count);
	spool_batch_done(&batch);
	bench_done(&bench);
}

static void events_dropped_while_under_way_are_acknowledged_once(void **state)
{
	static char payload[60000];
	struct spool_batch batch = { 0 };
	struct bench bench;
	uint64_t dropped;

	(void)state;
	bench_init(&bench);
	for (int n = 0; n < 30; n++)
		assert_int_equal(
			spool_append(bench.spool, (struct slice){ payload, sizeof(payload) }, NULL),
			0);
	assert_int_equal(spool_peek(bench.spool, 1, 1, &batch, NULL), 1);
	dropped = bench.spool->dropped;
	for (int n = 0; n < 20; n++)
		assert_int_equal(
			spool_append(bench.spool, (struct slice){ payload, sizeof(payload) }, NULL),
			0);
	assert_int_equal(bench.spool->dropped, dropped + 20);
	assert_int_equal(spool_ack(bench.spool, &batch, 1), 0);
	assert_int_equal(bench.spool->dropped + bench.spool->count, 50);
	spool_batch_done(&batch);
	bench_done(&bench);
}

static void events_that_are_too_long_are_refused(void **state)
{
	static char large[200000];
	struct error err;
	struct bench bench;

	(void)state;
	bench_init(&bench);
	assert_int_equal(spool_append(bench.spool, (struct slice){ large, sizeof(large) }, &err),
			 -EMSGSIZE);
	put(&bench, 0, 1);
	assert_int_equal(bench.spool->count, 1);
	assert_int_equal(bench.spool->dropped, 0);
	bench_done(&bench);
}

static void endless_restarts_make_no_endless_files(void **state)
{
	struct bench bench;

	(void)state;
	bench_init(&bench);
	for (unsigned int n = 0; n < SPOOL_FILES + 10; n++) {
		put(&bench, n, n + 1);
		bench_close(&bench);
		bench_open(&bench);
	}
	assert_true(bench.spool->file_count <= SPOOL_FILES);
	assert_true(bench.spool->count >= SPOOL_FILES - 1);
	bench_done(&bench);
}

static void second_writers_are_refused(void **state)
{
	struct spool *second;
	struct error err;
	struct bench bench;

	(void)state;
	bench_init(&bench);
	assert_int_equal(spool_open(&second, bench.loop, &bench.settings, &err), -EBUSY);
	assert_non_null(strstr(err.text, bench.directory));
	assert_non_null(strstr(err.text, "spool.directory"));
	bench_done(&bench);
}

static void places_open_to_others_are_refused(void **state)
{
	struct error err;
	struct bench bench;

	(void)state;
	bench_init(&bench);
	bench_close(&bench);
	assert_int_equal(chmod(bench_path(&bench, ""), 0770), 0);
	assert_int_equal(spool_open(&bench.spool, bench.loop, &bench.settings, &err), -EPERM);
	assert_non_null(strstr(err.text, "0700"));
	bench_done(&bench);
}

static void files_are_private(void **state)
{
	struct stat status;
	struct bench bench;

	(void)state;
	umask(0);
	bench_init(&bench);
	put(&bench, 0, 1);
	assert_int_equal(stat(bench_path(&bench, ""), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(stat(bench_path(&bench, "0000000000000001.events"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	umask(022);
	bench_done(&bench);
}

/* --- fsync --- */

static int failed_error;

static void note_failure(struct spool *spool, const struct error *err)
{
	(void)spool;
	failed_error = err->code;
}

/* fdatasync(2) refuses a pipe: the refusal shows that it was asked, and that it came back. */
static void what_is_written_is_synced_beside_the_loop(void **state)
{
	uint64_t limit_ns = clock_mono_ns() + 5 * NS_PER_S;
	struct bench bench;
	int pipes[2];

	(void)state;
	bench_init(&bench);
	bench.spool->sync.delay_ns = NS_PER_MS;
	bench.spool->failed = note_failure;
	failed_error = 0;
	put(&bench, 0, 1);
	while ((bench.spool->sync.timer.due_ns || bench.spool->sync.job.busy) &&
	       clock_mono_ns() < limit_ns)
		assert_int_equal(loop_turn(bench.loop, 50, NULL), 0);
	assert_int_equal(failed_error, 0);
	assert_int_equal(pipe(pipes), 0);
	spool_sync_need(&bench.spool->sync, pipes[1]);
	while (!failed_error && clock_mono_ns() < limit_ns)
		assert_int_equal(loop_turn(bench.loop, 50, NULL), 0);
	assert_int_equal(failed_error, EINVAL);
	close(pipes[0]);
	close(pipes[1]);
	bench_done(&bench);
}

static void what_was_delivered_is_not_synced(void **state)
{
	bool seen[4] = { false };
	struct bench bench;

	(void)state;
	bench_init(&bench);
	put(&bench, 0, 4);
	assert_true(bench.spool->sync.timer.due_ns > 0);
	take_all(&bench, seen, 4);
	assert_true(bench.spool->sync.timer.due_ns == 0);
	bench_done(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_come_in_order_until_acknowledged),
		cmocka_unit_test(what_is_not_acknowledged_outlives_the_program),
		cmocka_unit_test(idle_spools_leave_no_events_on_disk),
		cmocka_unit_test(batches_keep_their_bounds),
		cmocka_unit_test(full_queues_drop_the_oldest_and_count_them),
		cmocka_unit_test(events_dropped_while_under_way_are_acknowledged_once),
		cmocka_unit_test(events_that_are_too_long_are_refused),
		cmocka_unit_test(endless_restarts_make_no_endless_files),
		cmocka_unit_test(second_writers_are_refused),
		cmocka_unit_test(places_open_to_others_are_refused),
		cmocka_unit_test(files_are_private),
		cmocka_unit_test(what_is_written_is_synced_beside_the_loop),
		cmocka_unit_test(what_was_delivered_is_not_synced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

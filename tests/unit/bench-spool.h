/* SPDX-License-Identifier: Apache-2.0 */
/* bench-spool - what tests of the spool stand on: a spool in a directory of its own. */
#ifndef TESTS_UNIT_BENCH_SPOOL_H
#define TESTS_UNIT_BENCH_SPOOL_H

#include "base/clock.h"
#include "sink/spool.h"

/* A directory of its own for every test. */
struct bench {
	struct loop *loop;
	struct spool *spool;
	struct spool_settings settings;
	char directory[64];
};

static void bench_open(struct bench *bench)
{
	struct error err;

	if (spool_open(&bench->spool, bench->loop, &bench->settings, &err) < 0)
		fail_msg("%s", err.text);
}

static void bench_close(struct bench *bench)
{
	spool_close(take_ptr(bench->spool));
}

static void bench_init(struct bench *bench)
{
	*bench = (struct bench){
		.settings = { .name = "test", .limit_bytes = SPOOL_LIMIT_MIN, .sync_ns = NS_PER_S }
	};
	snprintf(bench->directory, sizeof(bench->directory), "/tmp/bulwark-test-spool-XXXXXX");
	assert_non_null(mkdtemp(bench->directory));
	bench->settings.directory = bench->directory;
	assert_int_equal(loop_new(&bench->loop, NULL), 0);
	bench_open(bench);
}

static void bench_done(struct bench *bench)
{
	auto_text struct text command = { 0 };

	bench_close(bench);
	loop_free(bench->loop);
	text_printf(&command, "rm -rf '%s'", bench->directory);
	assert_int_equal(system(text_str(&command)), 0);
}

static const char *bench_path(const struct bench *bench, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/test/%s", bench->directory, name);
	return path;
}

/* Events whose text says which they are, of different lengths. */
static struct slice event_of(unsigned int n)
{
	static char text[64];
	int bytes = snprintf(text, sizeof(text), "event %u%.*s", n, (int)(n % 23),
			     "                        ");

	return (struct slice){ text, (size_t)bytes };
}

static void put(struct bench *bench, unsigned int from, unsigned int to)
{
	struct error err;

	for (unsigned int n = from; n < to; n++)
		if (spool_append(bench->spool, event_of(n), &err) < 0)
			fail_msg("%s", err.text);
}

/* Takes all that waits, acknowledges it, and marks in `seen` which it was; fails on anything that
 * was never put. */
static unsigned int take_all(struct bench *bench, bool *seen, unsigned int room)
{
	struct spool_batch batch = { 0 };
	unsigned int total = 0, number;
	int n;

	while ((n = spool_peek(bench->spool, 7, 200, &batch, NULL)) > 0) {
		for (int at = 0; at < n; at++) {
			assert_int_equal(sscanf(batch.items[at].payload.at, "event %u", &number),
					 1);
			assert_true(number < room);
			assert_true(slice_eq(batch.items[at].payload, event_of(number)));
			seen[number] = true;
		}
		total += (unsigned int)n;
		assert_int_equal(spool_ack(bench->spool, &batch, (size_t)n), n);
	}
	assert_int_equal(n, 0);
	assert_int_equal(bench->spool->count, 0);
	spool_batch_done(&batch);
	return total;
}

#endif

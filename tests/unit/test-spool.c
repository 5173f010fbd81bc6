/* SPDX-License-Identifier: Apache-2.0 */
/* The queue on disk, and every way in which it may be left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "sink/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

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

/* --- every place at which a writer may have died --- */

#define TORN_EVENTS 6

/* Leaves a spool with TORN_EVENTS events, closed, and reads the file and where each event ends. */
static void torn_init(struct bench *bench, struct text *file, size_t ends[TORN_EVENTS])
{
	size_t end = 0;

	bench_init(bench);
	put(bench, 0, TORN_EVENTS);
	bench_close(bench);
	assert_int_equal(
		file_read(bench_path(bench, "0000000000000001.events"), 1 << 20, file, NULL), 0);
	for (unsigned int n = 0; n < TORN_EVENTS; n++) {
		end += SPOOL_RECORD_HEAD + event_of(n).bytes;
		ends[n] = end;
	}
	assert_int_equal(file->bytes, end);
}

/* Puts a file back as the only one. */
static void torn_restore(struct bench *bench, struct slice bytes)
{
	auto_text struct text command = { 0 };

	text_printf(&command, "rm -f %s/test/*", bench->directory);
	assert_int_equal(system(text_str(&command)), 0);
	assert_int_equal(
		file_replace(bench_path(bench, "0000000000000001.events"), bytes, 0600, NULL), 0);
}

static void files_cut_at_any_byte_keep_what_is_whole(void **state)
{
	size_t ends[TORN_EVENTS];
	auto_text struct text file = { 0 };
	struct bench bench;

	(void)state;
	torn_init(&bench, &file, ends);
	for (size_t cut = 0; cut <= file.bytes; cut++) {
		bool seen[TORN_EVENTS + 2] = { false }, torn = cut > 0;
		unsigned int whole = 0;

		while (whole < TORN_EVENTS && ends[whole] <= cut)
			whole++;
		for (unsigned int n = 0; n < TORN_EVENTS; n++)
			torn = torn && ends[n] != cut;
		torn_restore(&bench, slice_first(text_slice(&file), cut));
		bench_open(&bench);
		assert_int_equal(bench.spool->recovered, whole);
		assert_int_equal(bench.spool->damaged, torn);
		put(&bench, TORN_EVENTS, TORN_EVENTS + 2);
		assert_int_equal(take_all(&bench, seen, TORN_EVENTS + 2), whole + 2);
		for (unsigned int n = 0; n < TORN_EVENTS; n++)
			assert_int_equal(seen[n], n < whole);
		assert_int_equal(bench.spool->damaged, torn);
		bench_close(&bench);
	}
	bench_open(&bench);
	bench_done(&bench);
}

static void any_flipped_byte_costs_one_event(void **state)
{
	size_t ends[TORN_EVENTS];
	auto_text struct text file = { 0 };
	struct bench bench;

	(void)state;
	torn_init(&bench, &file, ends);
	for (size_t at = 0; at < file.bytes; at++) {
		bool seen[TORN_EVENTS] = { false };
		unsigned int hit = 0;

		while (ends[hit] <= at)
			hit++;
		file.at[at] ^= 0x41;
		torn_restore(&bench, text_slice(&file));
		file.at[at] ^= 0x41;
		bench_open(&bench);
		assert_int_equal(bench.spool->count, TORN_EVENTS - 1);
		assert_int_equal(take_all(&bench, seen, TORN_EVENTS), TORN_EVENTS - 1);
		for (unsigned int n = 0; n < TORN_EVENTS; n++)
			assert_int_equal(seen[n], n != hit);
		assert_int_equal(bench.spool->damaged, 1);
		bench_close(&bench);
	}
	bench_open(&bench);
	bench_done(&bench);
}

/* A cursor that is lost or wrong costs a second delivery, never an event. */
static void broken_cursors_lose_nothing(void **state)
{
	char cursor[sizeof(struct spool_cursor)];
	struct bench bench;

	(void)state;
	for (size_t at = 0; at < sizeof(cursor) + 1; at++) {
		struct spool_batch batch = { 0 };
		bool seen[10] = { false };
		int fd;

		bench_init(&bench);
		put(&bench, 0, 10);
		assert_int_equal(spool_peek(bench.spool, 4, 4096, &batch, NULL), 4);
		assert_int_equal(spool_ack(bench.spool, &batch, 4), 4);
		spool_batch_done(&batch);
		bench_close(&bench);
		fd = open(bench_path(&bench, "cursor"), O_RDWR | O_CLOEXEC);
		if (at == sizeof(cursor)) {
			assert_int_equal(ftruncate(fd, 10), 0);
		} else {
			assert_int_equal(pread(fd, cursor, sizeof(cursor), 0), sizeof(cursor));
			cursor[at] ^= 0x41;
			assert_int_equal(pwrite(fd, cursor, sizeof(cursor), 0), sizeof(cursor));
		}
		close(fd);
		bench_open(&bench);
		assert_int_equal(take_all(&bench, seen, 10), 10);
		bench_done(&bench);
	}
}

/* The machine died before the events' file was synced, the cursor's was. */
static void cursors_beyond_the_file_are_cut(void **state)
{
	struct spool_batch batch = { 0 };
	bool seen[20] = { false };
	struct bench bench;

	(void)state;
	bench_init(&bench);
	put(&bench, 0, 10);
	assert_int_equal(spool_peek(bench.spool, 9, 4096, &batch, NULL), 9);
	assert_int_equal(spool_ack(bench.spool, &batch, 9), 9);
	spool_batch_done(&batch);
	bench_close(&bench);
	assert_int_equal(truncate(bench_path(&bench, "0000000000000001.events"), 30), 0);
	bench_open(&bench);
	put(&bench, 10, 13);
	assert_int_equal(take_all(&bench, seen, 20), 3);
	bench_done(&bench);
}

static void events_survive_a_killed_writer(void **state)
{
	static bool seen[1 << 20];
	unsigned int accepted = 0, number, total;
	struct bench bench;
	int pipes[2], status;
	pid_t pid;

	(void)state;
	bench_init(&bench);
	bench.settings.limit_bytes = 256u << 20;
	bench_close(&bench);
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		bench_open(&bench);
		for (number = 0; number < array_count(seen); number++) {
			if (spool_append(bench.spool, event_of(number), NULL) < 0 ||
			    write(pipes[1], &number, sizeof(number)) != sizeof(number))
				break;
		}
		_exit(1);
	}
	close(pipes[1]);
	while (read(pipes[0], &number, sizeof(number)) == sizeof(number)) {
		accepted = number + 1;
		if (accepted == 2000)
			kill(pid, SIGKILL);
	}
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	bench_open(&bench);
	total = take_all(&bench, seen, array_count(seen));
	assert_true(accepted >= 2000 && total >= accepted && total <= accepted + 1);
	for (unsigned int n = 0; n < accepted; n++)
		assert_true(seen[n]);
	bench_done(&bench);
}

/* --- a full disk --- */

static void full_disk_of(struct bench *bench)
{
	unsigned int accepted = 0, refused = 0;
	bool seen[8192] = { false };
	struct error err;

	while (refused < 10) {
		if (spool_append(bench->spool, event_of(accepted), &err) == 0)
			accepted++;
		else if (++refused == 1)
			assert_int_equal(err.code, ENOSPC);
		assert_true(accepted < 8000);
	}
	assert_non_null(strstr(err.text, bench->directory));
	assert_int_equal(bench->spool->count, accepted);
	assert_int_equal(unlink(bench_path(bench, "../ballast")), 0);
	assert_int_equal(spool_append(bench->spool, event_of(accepted), NULL), 0);
	assert_int_equal(take_all(bench, seen, array_count(seen)), accepted + 1);
	assert_int_equal(bench->spool->damaged, 0);
}

static void full_disks_refuse_and_recover(void **state)
{
	static char ballast[200 << 10];
	struct bench bench;
	int status;
	pid_t pid;

	(void)state;
	bench_init(&bench);
	bench_close(&bench);
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("none", bench.directory, "tmpfs", 0, "size=256k") < 0)
			_exit(77);
		bench_open(&bench);
		if (file_replace(bench_path(&bench, "../ballast"),
				 (struct slice){ ballast, sizeof(ballast) }, 0600, NULL) < 0)
			_exit(1);
		full_disk_of(&bench);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	bench_open(&bench);
	bench_done(&bench);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("skipped: may not mount a file system of its own\n");
		skip();
	}
	assert_int_equal(status, 0);
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
		cmocka_unit_test(files_cut_at_any_byte_keep_what_is_whole),
		cmocka_unit_test(any_flipped_byte_costs_one_event),
		cmocka_unit_test(broken_cursors_lose_nothing),
		cmocka_unit_test(cursors_beyond_the_file_are_cut),
		cmocka_unit_test(events_survive_a_killed_writer),
		cmocka_unit_test(full_disks_refuse_and_recover),
		cmocka_unit_test(what_is_written_is_synced_beside_the_loop),
		cmocka_unit_test(what_was_delivered_is_not_synced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

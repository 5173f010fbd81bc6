/* SPDX-License-Identifier: Apache-2.0 */
/* The queue on disk, and every way in which it may be left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bench-spool.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

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

/* The disk stays full of others' things. What the queue itself has on it goes when it has been
 * delivered, so that there is room for more. */
static void full_disk_of_own(struct bench *bench)
{
	bool seen[8192] = { false };
	unsigned int accepted = 0, more = 0, tries = 0;

	for (int round = 0; round < 3; round++) {
		unsigned int first = accepted;

		while (spool_append(bench->spool, event_of(accepted), NULL) == 0)
			accepted++;
		assert_true(accepted - first > 100);
		assert_int_equal(take_all(bench, seen, array_count(seen)), accepted - first);
		/* Its file is closed beside the loop. */
		while (spool_append(bench->spool, event_of(accepted), NULL) < 0) {
			assert_true(tries++ < 1000);
			assert_int_equal(loop_turn(bench->loop, 10, NULL), 0);
		}
		more++;
		accepted++;
		assert_int_equal(take_all(bench, seen, array_count(seen)), 1);
	}
	assert_int_equal(more, 3);
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
		full_disk_of_own(&bench);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_cut_at_any_byte_keep_what_is_whole),
		cmocka_unit_test(any_flipped_byte_costs_one_event),
		cmocka_unit_test(broken_cursors_lose_nothing),
		cmocka_unit_test(cursors_beyond_the_file_are_cut),
		cmocka_unit_test(events_survive_a_killed_writer),
		cmocka_unit_test(full_disks_refuse_and_recover),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

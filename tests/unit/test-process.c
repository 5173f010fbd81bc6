/* SPDX-License-Identifier: Apache-2.0 */
/* The table of processes, fed with records such as the kernel writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "identity/process.h"
#include "kernel/procfs.h"

#define SECOND NS_PER_S

/* A /proc of our own: nothing of this machine gets into the table. */
static char proc_root[] = "/tmp/test-process-XXXXXX";
static int proc_fd = -1;

static int make_proc(void **state)
{
	(void)state;
	if (!mkdtemp(proc_root))
		return -1;
	proc_fd = open(proc_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return proc_fd < 0 ? -1 : 0;
}

static int remove_proc(void **state)
{
	char command[64];

	(void)state;
	close(proc_fd);
	snprintf(command, sizeof(command), "rm -rf %s", proc_root);
	return system(command); /* NOLINT: a path of our own making */
}

static void put_proc(uint32_t pid, const char *file, const char *text)
{
	char path[96];

	snprintf(path, sizeof(path), "%u", pid);
	mkdirat(proc_fd, path, 0755);
	snprintf(path, sizeof(path), "%s/%u/%s", proc_root, pid, file);
	assert_int_equal(file_replace(path, slice_of(text), 0644, NULL), 0);
}

static struct ring_head head_of(enum ring_type type, uint32_t pid, uint64_t start_ns,
				uint64_t boot_ns)
{
	struct ring_head head = {
		.type = (__u16)type,
		.bytes = sizeof(head),
		.pid = pid,
		.tid = pid,
		.uid = 1000,
		.boot_ns = boot_ns,
		.start_ns = start_ns,
		.cgroup_id = 7,
		.comm = "made",
	};

	return head;
}

static void tell_fork(struct processes *processes, uint32_t ppid, uint32_t pid, uint64_t start_ns)
{
	struct ring_fork record = { head_of(RING_fork, pid, start_ns, start_ns), ppid, 0 };

	processes_record(processes, &record.head);
}

static void tell_exec(struct processes *processes, uint32_t ppid, uint32_t pid, uint64_t start_ns,
		      const char *path)
{
	struct ring_exec record = { .head = head_of(RING_exec, pid, start_ns, start_ns),
				    .ppid = ppid };
	const char *name = strrchr(path, '/') + 1;

	slice_copy(slice_of(name), record.head.comm, sizeof(record.head.comm));
	record.path_bytes = (__u32)slice_copy(slice_of(path), record.path, sizeof(record.path));
	memcpy(record.args, "a\0b c\0", 6);
	record.args_bytes = 6;
	processes_record(processes, &record.head);
}

static void tell_exit(struct processes *processes, uint32_t pid, uint64_t start_ns,
		      uint64_t boot_ns)
{
	struct ring_exit record = { head_of(RING_exit, pid, start_ns, boot_ns), 0, 0 };

	processes_record(processes, &record.head);
}

static void init_fed(struct processes *processes, size_t limit)
{
	processes_init(processes, proc_fd, RING_HIERARCHY_unified, limit);
	processes->feed = PROCESSES_all;
}

static void a_process_is_what_the_kernel_told(void **state)
{
	struct processes processes;
	const struct process *process;

	(void)state;
	init_fed(&processes, 16);
	tell_exec(&processes, 1, 10, 5 * SECOND, "/bin/sh");
	tell_fork(&processes, 10, 11, 6 * SECOND);
	process = processes_find(&processes, 11, 0);
	assert_non_null(process);
	assert_string_equal(process->exe->at, "/bin/sh"); /* until it starts another program */
	tell_exec(&processes, 10, 11, 6 * SECOND, "/usr/bin/curl");
	process = processes_find(&processes, 11, 0);
	assert_string_equal(process->exe->at, "/usr/bin/curl");
	assert_string_equal(process->comm, "curl");
	assert_string_equal(process->command_line->at, "a b c");
	assert_int_equal(process->ppid, 10);
	assert_int_equal(process->uid, 1000);
	assert_int_equal(process->cgroup_id, 7);
	processes_done(&processes);
}

static void a_pid_used_again_is_another_process(void **state)
{
	struct processes processes;

	(void)state;
	init_fed(&processes, 16);
	tell_exec(&processes, 1, 10, 5 * SECOND, "/bin/first");
	tell_exit(&processes, 10, 5 * SECOND, 20 * SECOND);
	tell_exec(&processes, 1, 10, 30 * SECOND, "/bin/second");
	assert_string_equal(processes_find(&processes, 10, 10 * SECOND)->exe->at, "/bin/first");
	assert_string_equal(processes_find(&processes, 10, 31 * SECOND)->exe->at, "/bin/second");
	assert_string_equal(processes_find(&processes, 10, 0)->exe->at, "/bin/second");
	/* Nobody had it in between. */
	assert_null(processes_find(&processes, 10, 25 * SECOND));
	processes_done(&processes);
}

static void an_exit_record_of_an_earlier_owner_does_not_end_the_later(void **state)
{
	struct processes processes;

	(void)state;
	init_fed(&processes, 16);
	tell_exec(&processes, 1, 10, 5 * SECOND, "/bin/first");
	tell_exec(&processes, 1, 10, 30 * SECOND, "/bin/second");
	tell_exit(&processes, 10, 5 * SECOND, 29 * SECOND);
	assert_int_equal(processes_find(&processes, 10, 0)->exited_ns, 0);
	processes_done(&processes);
}

static void one_that_ended_can_still_be_named(void **state)
{
	struct processes processes;
	uint64_t gone = (20 + PROCESS_KEEP_S + 1) * SECOND;

	(void)state;
	init_fed(&processes, 16);
	tell_exec(&processes, 1, 10, 5 * SECOND, "/bin/crashed");
	tell_exit(&processes, 10, 5 * SECOND, 20 * SECOND);
	assert_string_equal(processes_find(&processes, 10, 20 * SECOND)->exe->at, "/bin/crashed");
	tell_fork(&processes, 1, 12, gone); /* time goes on with the records */
	assert_null(processes_find(&processes, 10, 20 * SECOND));
	assert_int_equal(processes.evictions.value, 0);
	processes_done(&processes);
}

static void the_table_is_bounded_and_counts_whom_it_drops(void **state)
{
	struct processes processes;

	(void)state;
	init_fed(&processes, 100);
	tell_exec(&processes, 1, 5, SECOND, "/bin/ended");
	tell_exit(&processes, 5, SECOND, 2 * SECOND);
	for (uint32_t pid = 1000; pid < 2000; pid++)
		tell_fork(&processes, 1, pid, 3 * SECOND);
	assert_int_equal(processes.count.value, 100);
	assert_int_equal(processes.evictions.value, 901);
	assert_null(processes_find(&processes, 5, SECOND));
	assert_non_null(processes_find(&processes, 1999, 0));
	processes_done(&processes);
}

/* Programs with long arguments: so many bytes of them. */
static void tell_exec_long(struct processes *processes, uint32_t pid, uint64_t start_ns,
			   uint32_t args_bytes)
{
	struct ring_exec record = { .head = head_of(RING_exec, pid, start_ns, start_ns),
				    .ppid = 1,
				    .path = "/bin/long",
				    .path_bytes = 9,
				    .args_bytes = args_bytes };

	memset(record.args, 'x', sizeof(record.args));
	processes_record(processes, &record.head);
}

static void long_arguments_have_no_more_room_than_others(void **state)
{
	const size_t limit = 1000, most = limit * PROCESS_BYTES;
	struct processes processes;

	(void)state;
	init_fed(&processes, limit);
	tell_exec(&processes, 1, 5, SECOND, "/bin/stays");
	for (uint32_t pid = 10000; pid < 12000; pid++) {
		tell_exec_long(&processes, pid, 3 * SECOND, RING_ARGS_BYTES);
		tell_exit(&processes, pid, 3 * SECOND, 3 * SECOND);
		assert_true(processes.bytes < most + 2048);
	}
	/* Those of last are known, and who runs; each of the others is counted. */
	assert_true(processes.bytes > most - 2048);
	assert_true(processes.count.value > limit / 5 && processes.count.value < limit / 2);
	assert_int_equal(processes.count.value + processes.evictions.value, 2001);
	assert_int_equal(processes_find(&processes, 11999, 3 * SECOND)->command_line->bytes,
			 RING_ARGS_BYTES);
	assert_non_null(processes_find(&processes, 11800, 3 * SECOND));
	assert_null(processes_find(&processes, 10000, 3 * SECOND));
	assert_string_equal(processes_find(&processes, 5, 0)->exe->at, "/bin/stays");
	processes_done(&processes);
	assert_int_equal(processes.bytes, 0);
}

static void those_that_run_are_bounded_too(void **state)
{
	struct processes processes;

	(void)state;
	init_fed(&processes, 1000);
	for (uint32_t pid = 10000; pid < 10900; pid++)
		tell_fork(&processes, 1, pid, 3 * SECOND);
	assert_int_equal(processes.evictions.value, 0);
	for (uint32_t pid = 10000; pid < 10900; pid++)
		tell_exec_long(&processes, pid, 3 * SECOND, RING_ARGS_BYTES);
	assert_true(processes.bytes < 1000 * PROCESS_BYTES + 2048);
	assert_true(processes.evictions.value > 0);
	processes_done(&processes);
}

static void a_child_shares_its_parents_texts(void **state)
{
	struct processes processes;
	const struct process_text *texts;
	size_t alone;

	(void)state;
	init_fed(&processes, 1000);
	tell_exec_long(&processes, 10, 3 * SECOND, RING_ARGS_BYTES);
	alone = processes.bytes;
	for (uint32_t pid = 11; pid < 31; pid++)
		tell_fork(&processes, 10, pid, 3 * SECOND);
	assert_true(processes.bytes - alone < (size_t)20 * PROCESS_BYTES);
	texts = processes_find(&processes, 30, 0)->command_line;
	assert_ptr_equal(texts, processes_find(&processes, 11, 0)->command_line);
	/* The parent becomes another program, and ends: theirs stays. */
	tell_exec(&processes, 1, 10, 3 * SECOND, "/bin/other");
	tell_exit(&processes, 10, 3 * SECOND, 4 * SECOND);
	tell_fork(&processes, 1, 99, (4 + PROCESS_KEEP_S + 1) * SECOND);
	assert_null(processes_find(&processes, 10, 3 * SECOND));
	assert_int_equal(processes_find(&processes, 30, 0)->command_line->bytes, RING_ARGS_BYTES);
	assert_string_equal(processes_find(&processes, 30, 0)->exe->at, "/bin/long");
	processes_done(&processes);
	assert_int_equal(processes.bytes, 0);
}

static void parents_are_those_of_the_moment(void **state)
{
	struct processes processes;
	const struct process_text *lineage;

	(void)state;
	init_fed(&processes, 16);
	tell_exec(&processes, 1, 10, 5 * SECOND, "/usr/sbin/sshd");
	tell_fork(&processes, 10, 11, 6 * SECOND);
	tell_exec(&processes, 10, 11, 6 * SECOND, "/bin/bash");
	tell_fork(&processes, 11, 12, 7 * SECOND);
	tell_exec(&processes, 11, 12, 7 * SECOND, "/usr/bin/curl");
	/* The parents end; the child still knows them. */
	tell_exit(&processes, 11, 6 * SECOND, 8 * SECOND);
	tell_exit(&processes, 10, 5 * SECOND, 8 * SECOND);
	tell_fork(&processes, 1, 99, (8 + PROCESS_KEEP_S + 1) * SECOND);
	lineage = processes_find(&processes, 12, 0)->lineage;
	assert_non_null(lineage);
	assert_int_equal(lineage->bytes, strlen("bash[11] < sshd[10]"));
	assert_memory_equal(lineage->at, "bash[11] < sshd[10]", lineage->bytes);
	processes_done(&processes);
}

static void a_thread_leads_to_its_process(void **state)
{
	struct processes processes;
	struct ring_thread record = { head_of(RING_thread, 10, 5 * SECOND, 9 * SECOND) };

	(void)state;
	init_fed(&processes, 16);
	tell_exec(&processes, 1, 10, 5 * SECOND, "/usr/bin/java");
	record.head.tid = 17;
	processes_record(&processes, &record.head);
	tell_exit(&processes, 10, 5 * SECOND, 9 * SECOND);
	assert_int_equal(processes_find_thread(&processes, 17, 9 * SECOND)->pid, 10);
	assert_int_equal(processes_find_thread(&processes, 10, 9 * SECOND)->pid, 10);
	assert_null(processes_find_thread(&processes, 18, 9 * SECOND));
	processes_done(&processes);
}

static void dead_threads_are_bounded(void **state)
{
	struct processes processes;

	(void)state;
	init_fed(&processes, 16);
	tell_exec(&processes, 1, 10, 5 * SECOND, "/usr/bin/java");
	for (uint32_t tid = 100; tid < 10100; tid++) {
		struct ring_thread record = { head_of(RING_thread, 10, 5 * SECOND, 9 * SECOND) };

		record.head.tid = tid;
		processes_record(&processes, &record.head);
	}
	assert_int_equal(processes.threads.count, 4096);
	assert_int_equal(processes.thread_evictions.value, 10000 - 4096);
	assert_non_null(processes_find_thread(&processes, 10099, 9 * SECOND));
	processes_done(&processes);
}

static void proc_is_asked_for_one_that_is_not_there(void **state)
{
	struct processes processes;
	const struct process *process;

	(void)state;
	init_fed(&processes, 16);
	/* A name with everything that a parser may trip over. */
	put_proc(40, "stat",
		 "40 (a) b (c) S 1 40 40 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 700 0 0 "
		 "18446744073709551615 0 0\n");
	put_proc(40, "status", "Name:\ta) b (c\nTgid:\t40\nUid:\t1000\t1001\t1000\t1000\n");
	put_proc(40, "cmdline", "");
	put_proc(40, "cgroup", "0::/x\n");
	process = processes_find(&processes, 40, 0);
	assert_non_null(process);
	assert_string_equal(process->comm, "a) b (c");
	assert_int_equal(process->uid, 1001);
	assert_true(process->start_ns == 7 * SECOND);
	assert_null(process->exe);
	assert_null(processes_find(&processes, 41, 0));
	processes_done(&processes);
}

static void without_records_proc_has_the_last_word(void **state)
{
	struct processes processes;

	(void)state;
	init_fed(&processes, 16);
	processes.feed = PROCESSES_sampled;
	put_proc(50, "status", "Tgid:\t50\nUid:\t0\t0\t0\t0\n");
	put_proc(50, "stat", "50 (old) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 700 0\n");
	assert_string_equal(processes_find(&processes, 50, 0)->comm, "old");
	put_proc(50, "stat", "50 (new) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 900 0\n");
	assert_string_equal(processes_find(&processes, 50, 0)->comm, "new");
	processes_done(&processes);
}

static void of_those_it_told_of_the_kernel_has_the_last_word(void **state)
{
	struct ring_fork told = { .head = { .type = RING_fork,
					    .bytes = sizeof(told),
					    .pid = 60,
					    .boot_ns = 8 * SECOND,
					    .start_ns = 7 * SECOND,
					    .comm = "told" } };
	struct processes processes;

	(void)state;
	init_fed(&processes, 16);
	processes.feed = PROCESSES_some;
	put_proc(60, "status", "Tgid:\t60\nUid:\t0\t0\t0\t0\n");
	put_proc(60, "stat", "60 (later) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 700 0\n");
	assert_string_equal(processes_find(&processes, 60, 0)->comm, "later");
	processes_record(&processes, &told.head);
	assert_string_equal(processes_find(&processes, 60, 0)->comm, "told");
	processes_done(&processes);
}

static void a_table_that_never_was_can_be_closed(void **state)
{
	struct processes processes = { 0 };

	(void)state;
	processes_done(&processes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_is_what_the_kernel_told),
		cmocka_unit_test(a_pid_used_again_is_another_process),
		cmocka_unit_test(an_exit_record_of_an_earlier_owner_does_not_end_the_later),
		cmocka_unit_test(one_that_ended_can_still_be_named),
		cmocka_unit_test(the_table_is_bounded_and_counts_whom_it_drops),
		cmocka_unit_test(long_arguments_have_no_more_room_than_others),
		cmocka_unit_test(those_that_run_are_bounded_too),
		cmocka_unit_test(a_child_shares_its_parents_texts),
		cmocka_unit_test(parents_are_those_of_the_moment),
		cmocka_unit_test(a_thread_leads_to_its_process),
		cmocka_unit_test(dead_threads_are_bounded),
		cmocka_unit_test(proc_is_asked_for_one_that_is_not_there),
		cmocka_unit_test(without_records_proc_has_the_last_word),
		cmocka_unit_test(of_those_it_told_of_the_kernel_has_the_last_word),
		cmocka_unit_test(a_table_that_never_was_can_be_closed),
	};

	return cmocka_run_group_tests_name("process", tests, make_proc, remove_proc);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Saved kernel logs, in the forms that people save them in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "event/metrics.h"
#include "sensor/sensor.h"
#include "sensor/source.h"

#define CRASH "[7]: segfault at 0 ip 01 sp 02 error 4"

/* "wall.time comm level text" for each event, one a line. */
struct seen {
	struct event_port port;
	struct text lines;
	size_t count;
};

static void seen_emit(struct event_port *port, struct event *event)
{
	struct seen *seen = container_of(port, struct seen, port);
	struct slice level = event_text_of(event, FIELD_kmsg_level);
	struct slice comm = event_text_of(event, FIELD_comm);

	seen->count++;
	text_printf(&seen->lines, "%llu.%06llu %s %.*s %.*s\n",
		    (unsigned long long)(event->wall_ns / NS_PER_S),
		    (unsigned long long)(event->wall_ns % NS_PER_S / NS_PER_US),
		    event_kinds[event->kind].name, SLICE_ARG(comm), SLICE_ARG(level));
}

/* 2026-11-22 16:00:00 UTC */
#define NOW_S 1795363200ull

/* Reads a log in pieces of so many bytes. */
static struct source_counts read_log(struct slice log, size_t piece, struct seen *seen)
{
	struct source_counts counts;
	struct source *source;
	struct klog *klog;
	struct error err;

	seen->port.emit = seen_emit;
	assert_int_equal(klog_new(&klog, &seen->port, &err), 0);
	assert_int_equal(source_new(&source, klog, NOW_S * NS_PER_S, &err), 0);
	for (; log.bytes; log = slice_skip(log, piece))
		source_take(source, slice_first(log, piece));
	source_end(source);
	assert_false(klog_is_open(klog));
	counts = *source_counts(source);
	source_free(source);
	klog_free(klog);
	return counts;
}

static const struct log {
	const char *log, *events;
	unsigned int records, others, invalid;
} logs[] = {
	/* /dev/kmsg, with a dictionary */
	{ "6,434,1370208517,-;a" CRASH "\n SUBSYSTEM=usb\n DEVICE=x\n"
	  "4,435,1370208547,-;b\\x0a" CRASH "\n",
	  "1370.208517 process.trap a info\n1370.208547 process.trap b\n warning\n", 2, 0, 0 },
	{ "12,434,1370208517,-;a" CRASH "\n", "1370.208517 kmsg.forged a warning\n", 1, 0, 0 },
	/* dmesg */
	{ "[ 1370.208517] a" CRASH "\n[12345.000001] b" CRASH,
	  "1370.208517 process.trap a \n12345.000001 process.trap b \n", 2, 0, 0 },
	{ "<4>[ 1370.208517] a" CRASH "\n<12>[ 1371.208517] b" CRASH "\n",
	  "1371.208517 kmsg.forged b warning\n1370.208517 process.trap a warning\n", 2, 0, 0 },
	{ "kern  :warn  : [ 1370.208517] a" CRASH "\nuser  :info  : [ 1370.3] b" CRASH "\n"
	  "kern  :emerg : c" CRASH "\n",
	  "1370.300000 kmsg.forged b info\n1370.208517 process.trap a warning\n"
	  "0.000000 process.trap c emerg\n",
	  3, 0, 0 },
	{ "[ 1370.208517 <    0.000012>] a" CRASH "\n", "1370.208517 process.trap a \n", 1, 0, 0 },
	{ "[Sun Nov 22 14:50:47 2026] a" CRASH "\n", "1795359047.000000 process.trap a \n", 1, 0,
	  0 },
	{ "[Nov22 14:50] x\n[  +1.500000] a" CRASH "\n", "1795359001.500000 process.trap a \n", 2,
	  0, 0 },
	{ "2026-11-22T14:50:47,123456+00:00 a" CRASH "\n", "1795359047.123456 process.trap a \n", 1,
	  0, 0 },
	{ "a" CRASH "\r\n\r\n   text\n", "0.000000 process.trap a \n", 2, 0, 0 },
	{ "[    1.000000][    T7] a" CRASH "\n[    1.000001] [   C1] Code: 11\n"
	  "[    1.000002][    T7] Code: 22\n[    1.000003] [ 1234] x\n",
	  "1.000000 process.trap a \n", 4, 0, 0 },
	{ "[    1.000000] we\\x0aird" CRASH "\n", "1.000000 process.trap we\nird \n", 1, 0, 0 },
	{ "[UFW BLOCK] IN=eth0\n[ not a time ] x\n[1.5\n[\n", "", 4, 0, 0 },
	/* syslog */
	{ "Nov 22 14:50:47 host kernel: [ 1370.208517] a" CRASH "\n"
	  "Nov 22 14:50:48 host kernel: b" CRASH "\n"
	  "Nov 22 14:50:49 host sshd[12]: c" CRASH "\n",
	  "1795359047.000000 process.trap a \n1795359048.000000 process.trap b \n", 2, 1, 0 },
	{ "Dec  1 00:00:00 host kernel: a" CRASH "\n", "1764547200.000000 process.trap a \n", 1, 0,
	  0 },
	{ "2026-11-22T15:50:47.123456+01:00 host kernel: [ 1.5] a" CRASH "\n"
	  "2026-11-22T15:50:48+0100 host kernel: b" CRASH "\n"
	  "2026-11-22T15:50:48Z host app: kernel: c" CRASH "\n",
	  "1795359047.123456 process.trap a \n1795359048.000000 process.trap b \n", 2, 1, 0 },
	/* pstore */
	{ "Oops#1 Part2\n<1>[   12.345678] BUG: unable to handle page fault for address: 10\n"
	  "<4>[   12.345679] CPU: 0 PID: 5 Comm: sh Not tainted 6.1 #1\n",
	  "12.345678 kernel.fault sh alert\n", 2, 0, 0 },
	/* journalctl -o json */
	{ "{\"MESSAGE\":\"a" CRASH "\",\"PRIORITY\":\"6\",\"SYSLOG_FACILITY\":\"0\","
	  "\"_TRANSPORT\":\"kernel\",\"__REALTIME_TIMESTAMP\":\"1795359047000000\","
	  "\"__MONOTONIC_TIMESTAMP\":\"5000000\",\"_SOURCE_MONOTONIC_TIMESTAMP\":\"3000000\"}\n"
	  "{\"MESSAGE\":[98,10,91,55,93,58,32,115,101,103,102,97,117,108,116,32,97,116,32,48,32,"
	  "105,"
	  "112,32,49,32,115,112,32,50,32,101,114,114,111,114,32,52],\"SYSLOG_FACILITY\":\"0\"}\n"
	  "{\"MESSAGE\":\"c" CRASH "\",\"SYSLOG_FACILITY\":\"3\",\"_TRANSPORT\":\"syslog\"}\n"
	  "{\"MESSAGE\":\"d" CRASH "\",\"SYSLOG_FACILITY\":\"1\",\"_TRANSPORT\":\"kernel\"}\n"
	  "{\"MESSAGE\":null,\"SYSLOG_FACILITY\":\"0\"}\n{\"MESSAGE\":\n[1]\n",
	  "0.000000 kmsg.forged d \n1795359045.000000 process.trap a info\n"
	  "0.000000 process.trap b\n \n",
	  4, 2, 1 },
	/* journalctl -o export */
	{ "__CURSOR=s=1\n_TRANSPORT=kernel\nPRIORITY=4\nMESSAGE=a" CRASH "\n\n"
	  "__CURSOR=s=2\nMESSAGE=b" CRASH "\n_TRANSPORT=stdout\n\n"
	  "__CURSOR=s=3\nSYSLOG_FACILITY=0\nMESSAGE=c" CRASH "\n",
	  "0.000000 process.trap a warning\n0.000000 process.trap c \n", 2, 1, 0 },
	{ "", "", 0, 0, 0 },
};

static void logs_in_every_form_become_records(void **state)
{
	static const size_t pieces[] = { 1, 7, 1 << 20 };

	(void)state;
	for (size_t n = 0; n < array_count(logs) * array_count(pieces); n++) {
		const struct log *log = &logs[n / array_count(pieces)];
		struct seen seen = { .count = 0 };
		struct source_counts counts =
			read_log(slice_of(log->log), pieces[n % array_count(pieces)], &seen);

		if (strcmp(text_str(&seen.lines), log->events) != 0)
			print_error("in: %s", log->log);
		assert_string_equal(text_str(&seen.lines), log->events);
		assert_int_equal(counts.records, log->records);
		assert_int_equal(counts.others, log->others);
		assert_int_equal(counts.invalid, log->invalid);
		text_done(&seen.lines);
	}
}

/* Line ends in the value: it has its length before it. */
static void exported_values_may_hold_line_ends(void **state)
{
	static const char log[] = "__CURSOR=s=1\n_TRANSPORT=kernel\nMESSAGE\n"
				  "\x28\0\0\0\0\0\0\0b\n" CRASH "\n\n__CURSOR=s=2\nMESSAGE=x\n\n";

	(void)state;
	assert_int_equal(sizeof("b\n" CRASH) - 1, 0x28);
	for (size_t piece = 1; piece < 20; piece++) {
		struct seen seen = { .count = 0 };
		struct source_counts counts =
			read_log((struct slice){ log, sizeof(log) - 1 }, piece, &seen);

		assert_string_equal(text_str(&seen.lines), "0.000000 process.trap b\n \n");
		assert_int_equal(counts.others, 1);
		text_done(&seen.lines);
	}
}

static void a_line_that_does_not_end_is_cut(void **state)
{
	struct seen seen = { .count = 0 };
	auto_text struct text log = { 0 };
	struct source_counts counts;

	(void)state;
	text_put(&log, SLICE("[    1.000000] a" CRASH));
	for (int n = 0; n < SOURCE_LINE_BYTES; n++)
		text_putc(&log, ' ');
	text_put(&log, SLICE("\n[    2.000000] b" CRASH "\n"));
	counts = read_log(text_slice(&log), 4096, &seen);
	assert_int_equal(counts.invalid, 1);
	assert_int_equal(counts.records, 2);
	assert_string_equal(text_str(&seen.lines),
			    "1.000000 process.trap a \n2.000000 process.trap b \n");
	text_done(&seen.lines);
}

/* --- through the loop --- */

struct run {
	struct seen seen;
	struct loop *loop;
	int ended;
	struct error why;
};

static void run_ended(void *owner, const struct error *why)
{
	struct run *run = owner;

	run->ended++;
	run->why = why ? *why : (struct error){ 0 };
	loop_stop(run->loop);
}

/* Starts the sensor on a source and waits for its end; the number of records. */
static uint64_t run_source(const char *path, struct run *run, struct text *refused)
{
	struct sensor_settings settings = { .source = path };
	struct metrics metrics;
	struct sensor_env env = { .metrics = &metrics,
				  .out = &run->seen.port,
				  .settings = &settings,
				  .ended = run_ended,
				  .owner = run };
	struct sensor sensor;
	struct error err;
	uint64_t records;

	run->seen.port.emit = seen_emit;
	metrics_init(&metrics, metric_kinds, METRIC_COUNT);
	assert_int_equal(loop_new(&run->loop, &err), 0);
	env.loop = run->loop;
	assert_int_equal(sensor_start(&sensor, &sensor_source, &env, &err), 0);
	if (sensor.taken)
		assert_int_equal(loop_run(run->loop, &err), 0);
	else
		text_put(refused, text_slice(&sensor.refused));
	records = metrics_total(&metrics, METRIC_kmsg_records);
	sensor_stop(&sensor);
	loop_free(run->loop);
	metrics_done(&metrics);
	return records;
}

static void files_and_pipes_are_read_to_their_end(void **state)
{
	char path[] = "/tmp/bulwark-source.XXXXXX";
	struct run file = { .ended = 0 }, pipe_run = { .ended = 0 };
	auto_text struct text log = { 0 };
	int fds[2], fd = mkstemp(path), saved = dup(STDIN_FILENO);

	(void)state;
	assert_true(fd >= 0);
	for (int n = 0; n < 20000; n++)
		text_printf(&log, "6,%d,%d,-;usb 1-1: number %d\n", n, n, n);
	text_put(&log, SLICE("6,20000,1,-;a" CRASH "\n"));
	assert_int_equal(file_write_all(fd, text_slice(&log)), 0);
	assert_int_equal(run_source(path, &file, NULL), 20001);
	assert_int_equal(file.ended, 1);
	assert_int_equal(file.why.code, 0);
	assert_string_equal(text_str(&file.seen.lines), "0.000001 process.trap a info\n");

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(file_write_all(fds[1], SLICE("[    1.5] b" CRASH)), 0);
	close(fds[1]);
	dup2(fds[0], STDIN_FILENO);
	assert_int_equal(run_source("-", &pipe_run, NULL), 1);
	dup2(saved, STDIN_FILENO);
	assert_int_equal(pipe_run.ended, 1);
	assert_string_equal(text_str(&pipe_run.seen.lines), "1.500000 process.trap b \n");
	text_done(&file.seen.lines);
	text_done(&pipe_run.seen.lines);
	close(fds[0]);
	close(saved);
	close(fd);
	unlink(path);
}

static void what_can_not_be_read_is_named(void **state)
{
	auto_text struct text refused = { 0 };
	struct run run = { .ended = 0 };

	(void)state;
	run_source("/nonexistent/log", &run, &refused);
	assert_string_equal(text_str(&refused),
			    "saved log: open '/nonexistent/log': No such file or directory\n");
	text_clear(&refused);
	run_source("/", &run, &refused);
	assert_string_equal(text_str(&refused), "saved log: open '/': Is a directory\n");
	assert_int_equal(run.ended, 0);
	/* Opens, but can't be read at address 0. */
	run_source("/proc/self/mem", &run, &refused);
	assert_int_equal(run.ended, 1);
	assert_int_equal(run.why.code, EIO);
	assert_string_equal(run.why.text, "read '/proc/self/mem': Input/output error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logs_in_every_form_become_records),
		cmocka_unit_test(exported_values_may_hold_line_ends),
		cmocka_unit_test(a_line_that_does_not_end_is_cut),
		cmocka_unit_test(files_and_pipes_are_read_to_their_end),
		cmocka_unit_test(what_can_not_be_read_is_named),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}

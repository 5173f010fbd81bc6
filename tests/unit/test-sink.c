/* SPDX-License-Identifier: Apache-2.0 */
/* Sinks without a network: the file, and syslog's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bench-sink.h"

#include "base/file.h"
#include "sink/syslog_message.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define LINE_BYTES 58 /* of the events e0 to e9 */

static void check_file(const char *suffix, unsigned int first, unsigned int count)
{
	auto_text struct text text = { 0 };
	auto_text struct text path = { 0 };
	auto_text struct text expected = { 0 };

	text_printf(&path, "%s%s", bench.log, suffix);
	assert_int_equal(file_read(text_str(&path), 1 << 20, &text, NULL), 0);
	for (unsigned int n = first; n < first + count; n++)
		text_printf(&expected, "2026-11-22T14:50:47.123Z info     process.exec: e%u exec\n",
			    n);
	assert_string_equal(text_str(&text), text_str(&expected));
}

static void files_are_appended_to(void **state)
{
	struct stat status;

	(void)state;
	bench_init();
	bench_open(&sink_file);
	put(0);
	put(1);
	turn();
	check_file("", 0, 2);
	sink_close(&bench.sink);
	assert_int_equal(bench.sink.delivered.value, 2);
	bench_open(&sink_file);
	put(2);
	sink_close(&bench.sink); /* writes what waits */
	check_file("", 0, 3);
	assert_int_equal(stat(bench.log, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	bench_done();
}

static void files_rotate_at_their_size(void **state)
{
	(void)state;
	bench_init();
	bench.settings.file.rotation_count = 1;
	bench.settings.file.rotation_bytes = 2 * LINE_BYTES - 5;
	bench_open(&sink_file);
	for (unsigned int n = 0; n < 7; n++)
		put(n);
	turn();
	/* path, path.0 and path.1 are kept; e0 and e1 were in path.2, which isn't. */
	check_file("", 6, 1);
	check_file(".0", 4, 2);
	check_file(".1", 2, 2);
	assert_int_equal(bench.sink.delivered.value, 7);
	put(7);
	turn();
	check_file(".0", 6, 2);
	check_file(".1", 4, 2);
	bench_done();
}

static void moved_and_deleted_files_are_made_anew(void **state)
{
	auto_text struct text moved = { 0 };

	(void)state;
	bench_init();
	bench_open(&sink_file);
	put(0);
	turn();
	text_printf(&moved, "%s.moved", bench.log);
	assert_int_equal(rename(bench.log, text_str(&moved)), 0);
	put(1);
	turn();
	check_file("", 1, 1);
	check_file(".moved", 0, 1);
	assert_int_equal(unlink(bench.log), 0);
	assert_int_equal(file_replace(bench.log, SLICE(""), 0600, NULL), 0);
	put(2);
	turn();
	check_file("", 2, 1);
	assert_int_equal(rename(bench.log, text_str(&moved)), 0);
	sink_reopen(&bench.sink);
	put(3);
	turn();
	check_file("", 3, 1);
	bench_done();
}

static void other_things_than_files_are_refused(void **state)
{
	struct error err;

	(void)state;
	bench_init();
	assert_int_equal(mkfifo(bench.log, 0600), 0);
	assert_true(sink_open(&bench.sink, &sink_file, &bench.env, &err) < 0);
	assert_non_null(strstr(err.text, bench.log));
	bench_done();
}

static void refused_rotation_goes_on_in_the_same_file(void **state)
{
	auto_text struct text command = { 0 };

	(void)state;
	bench_init();
	bench.settings.file.rotation_count = 1;
	bench.settings.file.rotation_bytes = LINE_BYTES;
	text_printf(&command, "mkdir -p '%s.0/x' '%s.1/x'", bench.log, bench.log);
	assert_int_equal(system(text_str(&command)), 0); /* they can't be replaced */
	bench_open(&sink_file);
	for (unsigned int n = 0; n < 3; n++)
		put(n);
	turn();
	check_file("", 0, 3);
	assert_int_equal(bench.sink.delivered.value, 3);
	assert_non_null(strstr(text_str(&bench.news), "rotate"));
	bench_done();
}

/* --- the file on a full disk --- */

static void fill_disk(void)
{
	static char ballast[4096];
	auto_text struct text path = { 0 };
	FILE *file;

	text_printf(&path, "%s/ballast", bench.directory);
	file = fopen(text_str(&path), "we");
	setvbuf(file, NULL, _IONBF, 0);
	while (fwrite(ballast, sizeof(ballast), 1, file) == 1)
		;
	fclose(file);
}

static void full_disk(void)
{
	auto_text struct text path = { 0 };
	auto_text struct text text = { 0 };
	struct slice rest, line;
	unsigned int put_count = 100, count = 0;

	fill_disk();
	for (unsigned int n = 0; n < put_count; n++)
		put(n);
	turn();
	assert_non_null(strstr(text_str(&bench.news), "No space left"));
	assert_int_equal(bench.sink.lost.value, 0);
	assert_true(bench.sink.delivered.value < put_count);
	text_printf(&path, "%s/ballast", bench.directory);
	assert_int_equal(unlink(text_str(&path)), 0);
	sink_flush(&bench.sink);
	assert_int_equal(bench.sink.delivered.value, put_count);
	assert_non_null(strstr(text_str(&bench.news), "well: "));
	assert_int_equal(file_read(bench.log, 1 << 20, &text, NULL), 0);
	rest = text_slice(&text);
	while (slice_next(&rest, '\n', &line))
		count += slice_starts(line, SLICE("2026-")) && slice_ends(line, SLICE(" exec"));
	assert_int_equal(count, put_count); /* no half line between */
}

static void full_disks_delay_lines(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	bench_init();
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("none", bench.directory, "tmpfs", 0, "size=64k") < 0)
			_exit(77);
		bench_open(&sink_file);
		full_disk();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	bench_done();
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("skipped: may not mount a file system of its own\n");
		skip();
	}
	assert_int_equal(status, 0);
}

/* --- syslog's words --- */

static const char *syslog_of(struct syslog_format format, struct slice comm)
{
	static struct event event;
	static struct text out;

	setenv("TZ", "UTC", 1);
	tzset();
	format.facility = 3;
	format.pid = 77;
	event_init(&event, EVENT_process_exec, 1795359047123456789ull, 0);
	event.serial = 1;
	event_text(&event, FIELD_comm, comm);
	text_clear(&out);
	syslog_put_message(&format, &event, &bench.origin, &out);
	return text_str(&out);
}

static void syslog_messages_have_their_form(void **state)
{
	struct syslog_format new_form = { .rfc = SYSLOG_rfc5424, .format = FORMAT_text };
	struct syslog_format old_form = { .rfc = SYSLOG_rfc3164, .format = FORMAT_cef };

	(void)state;
	bench_init();
	assert_string_equal(
		syslog_of(new_form, SLICE("a\"]\nb")),
			  "<30>1 2026-11-22T14:50:47.123456Z web1 polytect 77 process.exec "
			  "[bulwark@32473 event.name=\"process.exec\" severity=\"info\" "
			  "event.id=\"00112233445566aa-1\" process.comm=\"a\\\"\\] b\"] "
			  "a\"]\\x0ab exec");
	assert_string_equal(
		syslog_of(old_form, SLICE("a\nb")),
			  "<30>Nov 22 14:50:47 web1 polytect[77]: "
			  "CEF:0|Bulwark|polytect|1.2|process.exec|Process replaced its "
			  "image|3|rt=1795359047123 dhost=web1 "
			  "externalId=00112233445566aa-1 dproc=a\\nb");
	old_form.local = true;
	old_form.format = FORMAT_text;
	assert_string_equal(syslog_of(old_form, SLICE("sh")),
				      "<30>Nov 22 14:50:47 polytect[77]: "
				      "2026-11-22T14:50:47.123Z info     process.exec: sh exec");
	slice_copy(SLICE("bad host\n"), bench.origin.host, sizeof(bench.origin.host));
	assert_memory_equal(syslog_of(new_form, SLICE("sh")),
				      "<30>1 2026-11-22T14:50:47.123456Z bad_host_ polytect 77 ",
				      55);
	bench.origin.host[0] = '\0';
	assert_memory_equal(syslog_of(new_form, SLICE("sh")),
				      "<30>1 2026-11-22T14:50:47.123456Z - polytect 77 ", 47);
	bench_done();
}

static void syslog_frames_tell_messages_apart(void **state)
{
	auto_text struct text out = { 0 };

	(void)state;
	syslog_put_frame(SYSLOG_octet_counting, SLICE("<30>1 x"), &out);
	syslog_put_frame(SYSLOG_newline, SLICE("<30>1 y"), &out);
	assert_string_equal(text_str(&out), "7 <30>1 x<30>1 y\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_appended_to),
		cmocka_unit_test(files_rotate_at_their_size),
		cmocka_unit_test(moved_and_deleted_files_are_made_anew),
		cmocka_unit_test(other_things_than_files_are_refused),
		cmocka_unit_test(refused_rotation_goes_on_in_the_same_file),
		cmocka_unit_test(full_disks_delay_lines),
		cmocka_unit_test(syslog_messages_have_their_form),
		cmocka_unit_test(syslog_frames_tell_messages_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

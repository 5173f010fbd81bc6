/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel's messages mean: the cases of tests/fixtures/klog, and what they can't say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/file.h"
#include "event/encode.h"
#include "sensor/klog/klog.h"

/* --- events, kept as text --- */

#define EVENTS 64

/* "name\0" and then "field=value\0" for each value. */
struct seen {
	struct event_port port;
	struct text events[EVENTS];
	size_t count, checked;
};

static void seen_emit(struct event_port *port, struct event *event)
{
	struct seen *seen = container_of(port, struct seen, port);
	struct text *text = &seen->events[seen->count++];

	assert_true(seen->count < EVENTS);
	text_printf(text, "%s", event_kinds[event->kind].name);
	text_putc(text, '\0');
	for (size_t n = 0; n < event->count; n++) {
		text_printf(text, "%s=", event_fields[event->values[n].field].name);
		event_put_value(&event->values[n], text);
		text_putc(text, '\0');
	}
}

static void seen_clear(struct seen *seen)
{
	for (size_t n = 0; n < seen->count; n++)
		text_done(&seen->events[n]);
	seen->count = seen->checked = 0;
}

/* --- fixtures --- */

struct fixture {
	const char *file;
	struct slice name; /* of the case */
	unsigned int line;
	struct seen seen;
	struct klog *klog;
	uint64_t sequence;
};

static void fixture_fail(const struct fixture *fixture, const struct text *event,
			 struct slice wanted)
{
	struct slice rest = event ? text_slice(event) : (struct slice){ "", 0 }, value;

	print_error("%s:%u: %.*s\n  wanted: %.*s\n", fixture->file, fixture->line,
		    SLICE_ARG(fixture->name), SLICE_ARG(wanted));
	while (slice_next(&rest, '\0', &value))
		print_error("  has: %.*s\n", SLICE_ARG(value));
	fail();
}

static bool event_has_text(const struct text *event, struct slice wanted, bool whole)
{
	struct slice rest = text_slice(event), value;

	while (slice_next(&rest, '\0', &value))
		if (whole ? slice_eq(value, wanted) : slice_starts(value, wanted))
			return true;
	return false;
}

/* The next word; a quoted part may hold blanks, \n, \" and \xHH. */
static bool fixture_word(struct slice *rest, struct text *word)
{
	bool quoted = false, any = false;

	text_clear(word);
	while (rest->bytes && rest->at[0] == ' ')
		*rest = slice_skip(*rest, 1);
	for (; rest->bytes && (quoted || rest->at[0] != ' '); *rest = slice_skip(*rest, 1)) {
		char c = rest->at[0];

		any = true;
		if (c == '"') {
			quoted = !quoted;
			continue;
		}
		if (c == '\\' && rest->bytes > 1 && rest->at[1] != 'x') {
			*rest = slice_skip(*rest, 1);
			c = rest->at[0] == 'n' ? '\n' : rest->at[0];
		}
		text_putc(word, c);
	}
	return any;
}

static void fixture_expect_word(const struct fixture *fixture, const struct text *event,
				struct slice word)
{
	char room[65536];
	struct slice wanted = kmsg_decode(word, room);
	bool absent = slice_eat(&wanted, SLICE("!"));

	/* "!field" must not be there with any value. */
	if (absent)
		room[1 + wanted.bytes++] = '=';
	if (event_has_text(event, wanted, !absent) == absent)
		fixture_fail(fixture, event, word);
}

static void fixture_expect(struct fixture *fixture, struct slice rest)
{
	const struct text *event = &fixture->seen.events[fixture->seen.checked++];
	auto_text struct text word = { 0 };

	klog_flush(fixture->klog);
	if (fixture->seen.checked > fixture->seen.count)
		fixture_fail(fixture, NULL, rest);
	if (!slice_starts(text_slice(event), slice_first(rest, slice_of(event->at).bytes)))
		fixture_fail(fixture, event, rest);
	while (fixture_word(&rest, &word))
		fixture_expect_word(fixture, event, text_slice(&word));
}

static void fixture_take(struct fixture *fixture, struct slice text, bool raw)
{
	auto_text struct text bytes = { 0 };
	struct kmsg_record record;
	char room[KMSG_RECORD_BYTES];

	fixture->sequence++;
	if (!raw)
		text_printf(&bytes, "6,%llu,%llu,-;", (unsigned long long)fixture->sequence,
			    (unsigned long long)fixture->sequence * 1000);
	text_put(&bytes, text);
	if (!kmsg_parse(text_slice(&bytes), room, &record))
		fixture_fail(fixture, NULL, text);
	klog_take(fixture->klog, &record, 1, 1);
}

/* No event may be left over when a case ends. */
static void fixture_end_case(struct fixture *fixture)
{
	struct seen *seen = &fixture->seen;

	klog_flush(fixture->klog);
	if (seen->checked < seen->count)
		fixture_fail(fixture, &seen->events[seen->checked], SLICE("no more events"));
	seen_clear(seen);
}

static void fixture_line(struct fixture *fixture, struct slice line)
{
	if (slice_eat(&line, SLICE("# "))) {
		fixture_end_case(fixture);
		fixture->name = line;
	} else if (slice_is(line, "|")) {
		fixture_take(fixture, SLICE(""), false);
	} else if (slice_eat(&line, SLICE("| "))) {
		fixture_take(fixture, line, false);
	} else if (slice_is(line, "~")) {
		klog_flush(fixture->klog);
		assert_false(klog_is_open(fixture->klog));
	} else if (slice_eat(&line, SLICE("= "))) {
		fixture_expect(fixture, line);
	} else if (line.bytes) {
		fixture_take(fixture, line, true);
	}
}

static void run_file(const char *name)
{
	struct fixture fixture = { .file = name, .seen.port.emit = seen_emit };
	auto_text struct text text = { 0 };
	struct slice rest, line;
	struct error err;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", FIXTURES, name);
	assert_int_equal(file_read(path, 1 << 20, &text, &err), 0);
	assert_int_equal(klog_new(&fixture.klog, &fixture.seen.port, &err), 0);
	rest = text_slice(&text);
	while (slice_next(&rest, '\n', &line)) {
		fixture.line++;
		fixture_line(&fixture, line);
	}
	fixture_end_case(&fixture);
	klog_free(fixture.klog);
}

static void fixtures_say_what_the_lines_mean(void **state)
{
	static const char *const files[] = { "trap-x86.txt", "trap-others.txt", "fatal.txt",
					     "audit.txt",    "notice.txt",	"oom.txt",
					     "report.txt",   "regressions.txt" };

	(void)state;
	for (size_t n = 0; n < array_count(files); n++)
		run_file(files[n]);
}

/* --- what fixtures can't say --- */

struct taker {
	struct seen seen;
	struct klog *klog;
	uint64_t sequence;
};

static int taker_setup(void **state)
{
	struct taker *taker = calloc(1, sizeof(*taker));
	struct error err;

	assert_non_null(taker);
	taker->seen.port.emit = seen_emit;
	*state = taker;
	return klog_new(&taker->klog, &taker->seen.port, &err);
}

static int taker_teardown(void **state)
{
	struct taker *taker = *state;

	klog_free(taker->klog);
	seen_clear(&taker->seen);
	free(taker);
	return 0;
}

static void take(struct taker *taker, const char *text)
{
	const struct kmsg_record record = { .level = 3,
					    .sequence = ++taker->sequence,
					    .has_sequence = true,
					    .has_level = true,
					    .flag = '-',
					    .text = slice_of(text) };

	klog_take(taker->klog, &record, 0, 0);
}

static void a_report_is_cut_when_it_is_too_long(void **state)
{
	struct taker *taker = *state;
	const struct text *event = &taker->seen.events[0];
	char line[1000];

	memset(line, 'x', sizeof(line));
	line[0] = ' ';
	line[sizeof(line) - 1] = '\0';
	take(taker, "Oops: 0000 [#1] SMP");
	for (int n = 0; n < 100; n++)
		take(taker, line);
	take(taker, "RIP: 0010:behind_the_cut+0x1/0x2");
	take(taker, "---[ end trace 0000000000000000 ]---");
	assert_int_equal(taker->seen.count, 1);
	assert_true(event->bytes > 60000 && event->bytes < 70000);
	assert_true(event_has_text(event, SLICE("kernel.report.kind=oops"), true));
	assert_true(slice_find(text_slice(event), SLICE("\n[cut]")) > 0);
	assert_true(slice_find(text_slice(event), SLICE("behind_the_cut")) < 0);
}

static void a_fifth_report_ends_the_first(void **state)
{
	struct taker *taker = *state;

	for (int n = 1; n <= 5; n++) {
		char line[128];

		snprintf(line, sizeof(line), "t%d[%d]: segfault at 0 ip 01 sp 02 error 4", n, n);
		take(taker, line);
	}
	assert_int_equal(taker->seen.count, 1);
	assert_true(event_has_text(&taker->seen.events[0], SLICE("process.pid=1"), true));
	assert_true(klog_is_open(taker->klog));
	klog_flush(taker->klog);
	assert_int_equal(taker->seen.count, 5);
	assert_true(event_has_text(&taker->seen.events[4], SLICE("process.pid=5"), true));
}

static void lines_hold_any_byte(void **state)
{
	struct taker *taker = *state;
	struct kmsg_record record = { .flag = '-', .text = { NULL, 0 } };

	klog_take(taker->klog, &record, 0, 0);
	take(taker, "Oops: 0000 [#1] SMP");
	klog_take(taker->klog, &record, 0, 0);
	record.text = SLICE(" a\0b\0");
	klog_take(taker->klog, &record, 0, 0);
	klog_flush(taker->klog);
	assert_int_equal(taker->seen.count, 1);
	assert_true(event_has_text(&taker->seen.events[0],
				   SLICE("kmsg.text=Oops: 0000 [#1] SMP\n\n a b "), true));
}

struct times {
	struct event_port port;
	uint64_t wall_ns, boot_ns;
	struct text json;
};

static void times_emit(struct event_port *port, struct event *event)
{
	static const struct event_origin origin = { .run_id = "0123456789abcdef" };
	struct times *times = container_of(port, struct times, port);

	times->wall_ns = event->wall_ns;
	times->boot_ns = event->boot_ns;
	text_clear(&times->json);
	event_put_json(event, &origin, &times->json);
}

static void times_take(struct klog *klog, const char *text, uint64_t wall_ns, uint64_t boot_ns)
{
	const struct kmsg_record record = { .flag = '-', .text = slice_of(text) };

	klog_take(klog, &record, wall_ns, boot_ns);
}

static void an_event_is_dated_by_its_first_line(void **state)
{
	struct times times = { .port.emit = times_emit };
	struct klog *klog;
	struct error err;

	(void)state;
	assert_int_equal(klog_new(&klog, &times.port, &err), 0);
	times_take(klog, "a[1]: segfault at 0 ip 01 sp 02 error 4", 1000, 10);
	times_take(klog, "Code: 11 <22>", 2000, 20);
	assert_true(times.wall_ns == 1000 && times.boot_ns == 10);
	/* Audit says when, where the log doesn't. */
	times_take(klog, "audit: type=1701 audit(1795320600.001:77): pid=1 comm=\"a\" sig=11", 0,
		   0);
	assert_true(times.wall_ns == 1795320600001000000ull);
	times_take(klog, "audit: type=1701 audit(1795320600.001:77): pid=1 comm=\"a\" sig=11", 5,
		   0);
	assert_true(times.wall_ns == 5);
	text_done(&times.json);
	klog_free(klog);
}

/* JSON's numbers lose what is above 2^53. */
static void addresses_are_text_in_json(void **state)
{
	struct times times = { .port.emit = times_emit };
	struct klog *klog;
	struct error err;

	(void)state;
	assert_int_equal(klog_new(&klog, &times.port, &err), 0);
	times_take(klog, "traps: a[1] trap int3 ip:fffffffffffffffd sp:1 error:0 in a[0+1]", 0, 0);
	assert_non_null(strstr(text_str(&times.json), "\"fault.ip\":\"0xfffffffffffffffd\""));
	text_done(&times.json);
	klog_free(klog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixtures_say_what_the_lines_mean),
		cmocka_unit_test_setup_teardown(a_report_is_cut_when_it_is_too_long, taker_setup,
						taker_teardown),
		cmocka_unit_test_setup_teardown(a_fifth_report_ends_the_first, taker_setup,
						taker_teardown),
		cmocka_unit_test_setup_teardown(lines_hold_any_byte, taker_setup, taker_teardown),
		cmocka_unit_test(an_event_is_dated_by_its_first_line),
		cmocka_unit_test(addresses_are_text_in_json),
	};

	return cmocka_run_group_tests_name("klog", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Watched files: what paths in settings become, and what records of the kernel side become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/fanotify.h>

#include "sensor/file_event.h"
#include "sensor/file_rate.h"
#include "sensor/file_watch.h"

/* --- paths --- */

static const struct file_watch_step *step_of(const struct file_watch *watch, uint32_t node,
					     const char *name)
{
	for (size_t n = 0; n < watch->step_count; n++)
		if (watch->steps[n].step.node == node &&
		    strcmp(watch->steps[n].step.name, name) == 0)
			return &watch->steps[n];
	fail_msg("no step '%s' from node %u", name, node);
	return NULL;
}

static void paths_share_a_tree_of_names(void **state)
{
	const struct file_watch_step *etc, *ssh, *srv;
	struct file_watch watch;
	struct error err;

	(void)state;
	assert_int_equal(file_watch_read(&watch, "/etc\n//srv/data/", "/etc/ssh", -1, &err), 0);
	assert_int_equal(watch.step_count, 4);
	assert_int_equal(watch.id_count, 0);
	assert_false(watch.root_watched);
	etc = step_of(&watch, RING_FILE_ROOT, "etc");
	ssh = step_of(&watch, etc->node.node, "ssh");
	srv = step_of(&watch, RING_FILE_ROOT, "srv");
	assert_int_equal(etc->node.rule, RING_FILE_RULE_watch);
	assert_int_equal(ssh->node.rule, RING_FILE_RULE_exclude);
	assert_int_equal(srv->node.rule, RING_FILE_RULE_inherit);
	assert_int_equal(step_of(&watch, srv->node.node, "data")->node.rule, RING_FILE_RULE_watch);
	file_watch_done(&watch);
}

static void the_root_is_all(void **state)
{
	struct file_watch watch;
	struct error err;

	(void)state;
	assert_int_equal(file_watch_read(&watch, "/", "/proc", -1, &err), 0);
	assert_true(watch.root_watched);
	assert_int_equal(watch.step_count, 1);
	file_watch_done(&watch);
}

static void what_is_there_has_numbers_too(void **state)
{
	struct file_watch watch;
	struct error err;
	int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_true(proc_fd >= 0);
	assert_int_equal(
		file_watch_read(&watch, "/etc\n/etc/passwd\n/no/such/file", NULL, proc_fd, &err),
		0);
	assert_int_equal(watch.id_count, 2);
	assert_int_equal(watch.id_count_files, 1);
	assert_true(watch.ids[0].id.inode != watch.ids[1].id.inode);
	file_watch_done(&watch);
	close(proc_fd);
}

static void assert_refused(const char *paths, const char *words)
{
	struct file_watch watch;
	struct error err;

	assert_int_equal(file_watch_read(&watch, paths, NULL, -1, &err), -EINVAL);
	if (!strstr(err.text, words))
		fail_msg("'%s' does not say '%s'", err.text, words);
	file_watch_done(&watch);
}

static void paths_that_cannot_be_are_named(void **state)
{
	char longest[128] = "/", many[FILE_WATCH_PATHS * 8 + 16];
	size_t bytes = 0;

	(void)state;
	assert_refused("etc", "'etc'");
	assert_refused("/etc/../srv", "'/etc/../srv': may not contain '..'");
	memset(longest + 1, 'n', RING_FILE_STEP_NAME);
	assert_refused(longest, "a name may have 59 bytes");
	for (int n = 0; n <= FILE_WATCH_PATHS; n++)
		bytes += (size_t)snprintf(many + bytes, sizeof(many) - bytes, "/p%d\n", n);
	assert_refused(many, "256");
}

/* --- records --- */

static struct ring_file record_of(enum ring_file_what what, const char *names, size_t bytes)
{
	struct ring_file record = { .head = { .pid = 7, .tid = 7 },
				    .what = (uint8_t)what,
				    .path_bytes = (uint32_t)bytes };

	memcpy(record.names, names, bytes);
	return record;
}
#define RECORD_OF(what, names) record_of(RING_FILE_##what, names, sizeof(names) - 1)

static void assert_text(const struct event *event, enum event_field field, const char *wanted)
{
	const struct event_value *value = event_find(event, field);

	assert_non_null(value);
	if (!slice_is(value->text, wanted))
		fail_msg("'%.*s' is not '%s'", SLICE_ARG(value->text), wanted);
}

static void assert_number(const struct event *event, enum event_field field, uint64_t wanted)
{
	const struct event_value *value = event_find(event, field);

	assert_non_null(value);
	assert_int_equal(value->number, wanted);
}

static void an_opening_says_how(void **state)
{
	struct ring_file record = RECORD_OF(open, "shadow\0etc\0");
	struct event event;

	(void)state;
	record.facts = RING_FILE_created;
	record.device = 8 << 20 | 1;
	record.inode = 42;
	record.mode = 0100640;
	record.size_bytes = 1234;
	record.held = 3;
	assert_true(file_event_fill(&event, &record));
	assert_int_equal(event.kind, EVENT_file_open);
	assert_text(&event, FIELD_file_path, "/etc/shadow");
	assert_text(&event, FIELD_file_device, "8:1");
	assert_text(&event, FIELD_file_inode, "42");
	assert_text(&event, FIELD_file_mode, "0640");
	assert_number(&event, FIELD_file_size, 1234);
	assert_number(&event, FIELD_file_created, 1);
	assert_number(&event, FIELD_file_held, 3);
	assert_false(event_has(&event, FIELD_tid));
	assert_false(event_has(&event, FIELD_error_type));
}

static void a_rename_has_both_names(void **state)
{
	static const char names[] = "old\0etc\0new\0etc";
	struct ring_file record = record_of(RING_FILE_rename, names, sizeof(names));
	struct event event;

	(void)state;
	record.path_bytes = 8;
	record.other_bytes = 8;
	record.facts = RING_FILE_other_cut;
	assert_true(file_event_fill(&event, &record));
	assert_text(&event, FIELD_file_path, "/etc/old");
	assert_text(&event, FIELD_file_target, ".../etc/new");
}

static void what_failed_says_why(void **state)
{
	struct ring_file record = RECORD_OF(chmod, "passwd\0etc\0");
	struct event event;

	(void)state;
	record.result = -EPERM;
	record.head.tid = 8;
	assert_true(file_event_fill(&event, &record));
	assert_text(&event, FIELD_error_type, "EPERM");
	assert_number(&event, FIELD_tid, 8);
}

static void a_record_that_is_none_is_no_event(void **state)
{
	struct ring_file record = RECORD_OF(open, "a\0");
	struct event event;

	(void)state;
	record.what = RING_FILE_none;
	assert_false(file_event_fill(&event, &record));
	record.what = RING_FILE_COUNT;
	assert_false(file_event_fill(&event, &record));
	record.what = RING_FILE_open;
	record.path_bytes = RING_FILE_NAMES + 1;
	assert_false(file_event_fill(&event, &record));
	record.path_bytes = UINT32_MAX;
	record.other_bytes = 2;
	assert_false(file_event_fill(&event, &record));
}

/* The longest path there can be: it is told as it is. */
static void all_the_names_there_is_room_for_are_told(void **state)
{
	struct ring_file record = { .what = RING_FILE_delete, .path_bytes = RING_FILE_NAMES };
	const struct event_value *value;
	struct event event;

	(void)state;
	memset(record.names, 'x', sizeof(record.names));
	for (size_t n = 9; n < sizeof(record.names); n += 10)
		record.names[n] = '\0';
	assert_true(file_event_fill(&event, &record));
	value = event_find(&event, FIELD_file_path);
	assert_non_null(value);
	assert_int_equal(value->text.bytes, RING_FILE_NAMES);
	assert_true(slice_starts(value->text, SLICE("/xxxxxxxxx/xxxxxxxxx/")));
}

static void names_lead_down_the_tree(void **state)
{
	struct ring_file_node at = { .node = RING_FILE_ROOT }, etc, in;
	struct file_watch watch;
	struct error err;

	(void)state;
	assert_int_equal(file_watch_read(&watch, "/etc\n/etc/ssh/in", "/etc/ssh", -1, &err), 0);
	assert_int_equal(file_watch_step(&watch, at, SLICE("usr")).node, 0);
	assert_int_equal(file_watch_step(&watch, at, SLICE("usr")).rule, RING_FILE_RULE_inherit);
	etc = file_watch_step(&watch, at, SLICE("etc"));
	assert_int_equal(etc.rule, RING_FILE_RULE_watch);
	/* Out of the tree of names what holds goes on to hold. */
	in = file_watch_step(&watch, etc, SLICE("deep"));
	assert_int_equal(in.node, 0);
	assert_int_equal(file_watch_step(&watch, in, SLICE("ssh")).rule, RING_FILE_RULE_watch);
	in = file_watch_step(&watch, etc, SLICE("ssh"));
	assert_int_equal(in.rule, RING_FILE_RULE_exclude);
	assert_int_equal(file_watch_step(&watch, in, SLICE("out")).rule, RING_FILE_RULE_exclude);
	assert_int_equal(file_watch_step(&watch, in, SLICE("in")).rule, RING_FILE_RULE_watch);
	file_watch_done(&watch);
}

/* What fanotify doesn't know is absent, not nought. */
static void of_a_mark_less_is_known(void **state)
{
	struct ring_file record = { .what = RING_FILE_close,
				    .facts = RING_FILE_marked,
				    .size_bytes = 3,
				    .head = { .pid = 1, .tid = 1 } };
	struct event event;

	(void)state;
	assert_true(file_event_fill(&event, &record));
	assert_false(event_has(&event, FIELD_file_read));
	assert_false(event_has(&event, FIELD_file_written));
	assert_true(event_has(&event, FIELD_file_size));
	record.what = RING_FILE_open;
	assert_true(file_event_fill(&event, &record));
	assert_false(event_has(&event, FIELD_file_flags));
	assert_true(event_has(&event, FIELD_file_owner));
	record.facts |= RING_FILE_gone;
	assert_true(file_event_fill(&event, &record));
	assert_false(event_has(&event, FIELD_file_owner));
	assert_false(event_has(&event, FIELD_file_size));
	file_event_put_mask(&event, FAN_OPEN | FAN_ONDIR);
	assert_true(slice_is(event_text_of(&event, FIELD_file_mask), "FAN_OPEN|FAN_ONDIR"));
}

static void who_does_much_is_held_back(void **state)
{
	static struct file_rate rate = { .limit = 2 };
	uint32_t held;

	(void)state;
	assert_true(file_rate_allows(&rate, 7, 1, &held));
	assert_true(file_rate_allows(&rate, 7, 2, &held));
	assert_false(file_rate_allows(&rate, 7, 3, &held));
	assert_true(file_rate_allows(&rate, 8, 4, &held));
	assert_false(file_rate_allows(&rate, 7, 1000000000, &held));
	assert_true(file_rate_allows(&rate, 7, 1000000001, &held));
	assert_int_equal(held, 2);
	assert_int_equal(rate.held, 2);
	assert_int_equal(rate.lost, 0);
	/* Who has the same place turns it out. */
	assert_true(file_rate_allows(&rate, 7 + FILE_RATE_SLOTS, 1000000002, &held));
	assert_int_equal(held, 0);
	assert_int_equal(rate.lost, 1);
	/* That is no loss when it would begin anew. */
	assert_true(file_rate_allows(&rate, 7, 3000000000, &held));
	assert_int_equal(rate.lost, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_share_a_tree_of_names),
		cmocka_unit_test(the_root_is_all),
		cmocka_unit_test(what_is_there_has_numbers_too),
		cmocka_unit_test(paths_that_cannot_be_are_named),
		cmocka_unit_test(an_opening_says_how),
		cmocka_unit_test(a_rename_has_both_names),
		cmocka_unit_test(what_failed_says_why),
		cmocka_unit_test(a_record_that_is_none_is_no_event),
		cmocka_unit_test(all_the_names_there_is_room_for_are_told),
		cmocka_unit_test(names_lead_down_the_tree),
		cmocka_unit_test(of_a_mark_less_is_known),
		cmocka_unit_test(who_does_much_is_held_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

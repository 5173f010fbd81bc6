/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of the ring's records, in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel/record.h"

#define NAMES(list) names_of(list, sizeof(list) - 1)

/* From the file up to the root, as the kernel side writes them. */
static struct ring_names names_of(const char *list, size_t bytes)
{
	struct ring_names names = { .bytes = (uint32_t)bytes };

	memcpy(names.at, list, bytes);
	return names;
}

static void assert_slice(struct slice is, const char *wanted)
{
	if (!slice_is(is, wanted))
		fail_msg("'%.*s' is not '%s'", SLICE_ARG(is), wanted);
}

static void names_become_a_path(void **state)
{
	struct ring_names names = NAMES("c\0b b\0a\0");
	char room[RECORD_PATH_ROOM];

	(void)state;
	assert_slice(record_path(&names, room), "/a/b b/c");
	names.cut = 1;
	assert_slice(record_path(&names, room), ".../a/b b/c");
	names = (struct ring_names){ 0 };
	assert_slice(record_path(&names, room), "/");
}

static void names_fill_all_there_is(void **state)
{
	struct ring_names names = { .bytes = RING_NAMES_BYTES, .cut = 1 };
	char room[RECORD_PATH_ROOM];
	struct slice path;

	(void)state;
	memset(names.at, 'x', sizeof(names.at));
	path = record_path(&names, room);
	assert_int_equal(path.bytes, RECORD_PATH_ROOM);
	assert_slice(slice_first(path, 5), ".../x");
	for (size_t n = 1; n < sizeof(names.at); n += 2)
		names.at[n] = '\0';
	path = record_path(&names, room);
	assert_slice(slice_first(path, 7), ".../x/x");
	names.bytes = 4000; /* never */
	assert_slice(slice_first(record_path(&names, room), 7), ".../x/x");
}

static struct ring_exec exec_of(const char *path)
{
	struct ring_exec record = { .facts = RING_EXEC_paths,
				    .cwd = NAMES("me\0home\0"),
				    .exe = NAMES("dash\0bin\0usr\0") };

	record.path_bytes = (uint32_t)slice_copy(slice_of(path), record.path, sizeof(record.path));
	return record;
}

static void a_program_is_what_the_kernel_opened(void **state)
{
	struct ring_exec record = exec_of("../bin/sh");
	char room[RECORD_EXE_ROOM];

	(void)state;
	assert_slice(record_exe(&record, room), "/usr/bin/dash");
	record.facts = 0;
	assert_slice(record_exe(&record, room), "../bin/sh");
}

static void a_path_that_was_cut_is_worth_less_than_the_one_asked_for(void **state)
{
	struct ring_exec record = exec_of("/bin/sh");
	char room[RECORD_EXE_ROOM];

	(void)state;
	record.exe.cut = 1;
	assert_slice(record_exe(&record, room), "/bin/sh");
	record = exec_of("./sh");
	record.exe.cut = 1;
	assert_slice(record_exe(&record, room), ".../usr/bin/dash");
}

static void a_script_is_the_script(void **state)
{
	struct ring_exec record = exec_of("/srv/run");
	char room[RECORD_EXE_ROOM];

	(void)state;
	record.interp_bytes = 7;
	assert_slice(record_exe(&record, room), "/srv/run");
	record = exec_of("././run");
	record.interp_bytes = 7;
	assert_slice(record_exe(&record, room), "/home/me/run");
	record.cwd = (struct ring_names){ 0 };
	assert_slice(record_exe(&record, room), "/run");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_become_a_path),
		cmocka_unit_test(names_fill_all_there_is),
		cmocka_unit_test(a_program_is_what_the_kernel_opened),
		cmocka_unit_test(a_path_that_was_cut_is_worth_less_than_the_one_asked_for),
		cmocka_unit_test(a_script_is_the_script),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

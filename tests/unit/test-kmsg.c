/* SPDX-License-Identifier: Apache-2.0 */
/* A record of /dev/kmsg. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel/kmsg.h"

static char room[KMSG_RECORD_BYTES];

static void records_are_parsed(void **state)
{
	struct kmsg_record record;

	(void)state;
	assert_true(kmsg_parse(SLICE("4,339,5140900,-;NET: Registered protocol family 10\n"), room,
				     &record));
	assert_int_equal(record.level, 4);
	assert_int_equal(record.facility, KMSG_FACILITY_kern);
	assert_true(record.has_level && record.has_us && record.has_sequence);
	assert_int_equal(record.sequence, 339);
	assert_int_equal(record.us, 5140900);
	assert_int_equal(record.flag, '-');
	assert_true(slice_is(record.text, "NET: Registered protocol family 10"));
	assert_int_equal(record.dictionary.bytes, 0);
	assert_int_equal(record.caller.bytes, 0);
}

static void dictionaries_are_kept_apart(void **state)
{
	struct kmsg_record record;

	(void)state;
	assert_true(kmsg_parse(SLICE("6,1,2,-;usb 1-1: new\n SUBSYSTEM=usb\n DEVICE=c189:1\n"),
				     room, &record));
	assert_true(slice_is(record.text, "usb 1-1: new"));
	assert_true(slice_is(record.dictionary, " SUBSYSTEM=usb\n DEVICE=c189:1\n"));
}

static void escapes_are_decoded_in_the_text_alone(void **state)
{
	struct kmsg_record record;

	(void)state;
	assert_true(kmsg_parse(SLICE("6,1,2,-;a\\x0ab\\x5cx41\\xc3\\xA4\\x4\\xzz\\x0\n K=\\x41\n"),
				     room, &record));
	assert_true(slice_is(record.text, "a\nb\\x41\xc3\xa4\\x4\\xzz\\x0"));
	assert_true(slice_is(record.dictionary, " K=\\x41\n"));
}

static void headers_may_grow(void **state)
{
	struct kmsg_record record;

	(void)state;
	assert_true(kmsg_parse(SLICE("6,1,2,-,caller=T1234;a,b;c"), room, &record));
	assert_true(slice_is(record.caller, "T1234"));
	assert_true(slice_is(record.text, "a,b;c"));
	assert_true(kmsg_parse(SLICE("6,1,2,c,new=1,caller=C1,more;x"), room, &record));
	assert_true(slice_is(record.caller, "C1"));
	assert_int_equal(record.flag, 'c');
	/* One that can't be a caller is none. */
	assert_true(kmsg_parse(SLICE("6,1,2,-,caller=T123456789012345678;x"), room, &record));
	assert_int_equal(record.caller.bytes, 0);
}

static void facilities_are_told(void **state)
{
	struct kmsg_record record;

	(void)state;
	assert_true(kmsg_parse(SLICE("30,1,2,-;x"), room, &record));
	assert_int_equal(record.level, 6);
	assert_string_equal(kmsg_facility(record.facility), "daemon");
	assert_true(kmsg_parse(SLICE("2047,1,2,-;x"), room, &record));
	assert_int_equal(record.facility, 255);
	assert_string_equal(kmsg_facility(record.facility), "?");
}

static void numbers_may_be_large(void **state)
{
	struct kmsg_record record;

	(void)state;
	assert_true(kmsg_parse(SLICE("6,1,9223372036854775807,-;x"), room, &record));
	assert_true(record.us == INT64_MAX);
	assert_false(kmsg_parse(SLICE("6,1,99999999999999999999,-;x"), room, &record));
}

static void texts_may_be_empty_or_long(void **state)
{
	static char bytes[KMSG_RECORD_BYTES];
	struct slice whole = { bytes, sizeof(bytes) };
	struct kmsg_record record;

	(void)state;
	assert_true(kmsg_parse(SLICE("6,1,2,-;"), room, &record));
	assert_int_equal(record.text.bytes, 0);
	memset(bytes, '\\', sizeof(bytes));
	memcpy(bytes, "6,1,2,-;", 8);
	assert_true(kmsg_parse(whole, room, &record));
	assert_int_equal(record.text.bytes, sizeof(bytes) - 8);
}

static void what_is_no_record_is_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"6",
		"6,1,2,-",
		"6,1,2;x",
		"6,1,2,;x",
		"x,1,2,-;x",
		"6,,2,-;x",
		"6,1,-2,-;x",
		"-;x",
		" SUBSYSTEM=usb",
		"2048,1,2,-;x",
		"6,1,2,-,caller=T1",
	};
	struct kmsg_record record;

	(void)state;
	for (size_t n = 0; n < sizeof(lines) / sizeof(*lines); n++)
		assert_false(kmsg_parse(slice_of(lines[n]), room, &record));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_parsed),
		cmocka_unit_test(dictionaries_are_kept_apart),
		cmocka_unit_test(escapes_are_decoded_in_the_text_alone),
		cmocka_unit_test(headers_may_grow),
		cmocka_unit_test(facilities_are_told),
		cmocka_unit_test(numbers_may_be_large),
		cmocka_unit_test(texts_may_be_empty_or_long),
		cmocka_unit_test(what_is_no_record_is_refused),
	};

	return cmocka_run_group_tests_name("kmsg", tests, NULL, NULL);
}

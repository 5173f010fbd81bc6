/* SPDX-License-Identifier: Apache-2.0 */
/* When a record of the kernel log was, whatever the clocks do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "sensor/kmsg_clock.h"

#define WALL (1795320578ull * NS_PER_S)

/* A machine that has run for `up`, slept for `slept`, and whose wall clock is ahead by `ahead`. */
static struct kmsg_clock_now at(uint64_t up_s, uint64_t slept_s, uint64_t ahead_s)
{
	return (struct kmsg_clock_now){ .mono_ns = up_s * NS_PER_S,
					.boot_ns = (up_s + slept_s) * NS_PER_S,
					.wall_ns = WALL + (up_s + slept_s + ahead_s) * NS_PER_S };
}

static void a_fresh_record_is_now(void **state)
{
	struct kmsg_clock clock = { 0 };
	struct kmsg_clock_now now = at(1000, 0, 0);

	(void)state;
	kmsg_clock_learn(&clock, &now, 1000 * NS_PER_S);
	assert_int_equal(kmsg_clock_wall_ns(&clock, &now, 1000 * NS_PER_S), now.wall_ns);
	assert_int_equal(kmsg_clock_boot_ns(&clock, &now, 999 * NS_PER_S), 999 * NS_PER_S);
}

/* The record's clock stands still while the machine sleeps; /proc/uptime does not. */
static void sleep_does_not_date_records_back(void **state)
{
	struct kmsg_clock clock = { 0 };
	struct kmsg_clock_now now = at(1000, 0, 0);

	(void)state;
	kmsg_clock_learn(&clock, &now, 1000 * NS_PER_S);
	now = at(1010, 28800, 0);
	kmsg_clock_learn(&clock, &now, 1010 * NS_PER_S);
	assert_int_equal(kmsg_clock_wall_ns(&clock, &now, 1010 * NS_PER_S), now.wall_ns);
	assert_int_equal(kmsg_clock_boot_ns(&clock, &now, 1009 * NS_PER_S), now.boot_ns - NS_PER_S);
}

static void a_wall_clock_that_was_set_counts_from_then_on(void **state)
{
	struct kmsg_clock clock = { 0 };
	struct kmsg_clock_now now = at(1000, 0, 0);

	(void)state;
	kmsg_clock_learn(&clock, &now, 1000 * NS_PER_S);
	now = at(1001, 0, 3600);
	assert_int_equal(kmsg_clock_wall_ns(&clock, &now, 1001 * NS_PER_S), now.wall_ns);
}

/* Nobody disciplines the record's clock. */
static void clocks_that_drift_apart_are_followed(void **state)
{
	struct kmsg_clock clock = { 0 };

	(void)state;
	for (uint64_t hour = 1; hour <= 48; hour++) {
		struct kmsg_clock_now now = at(hour * 3600, 0, 0);
		uint64_t stamp_ns = hour * 3600 * NS_PER_S - hour * 20 * NS_PER_MS;
		uint64_t late_ns = 7 * NS_PER_MS; /* read behind a busy machine's back */

		kmsg_clock_learn(&clock, &now, stamp_ns - late_ns);
		now.mono_ns += NS_PER_S;
		now.wall_ns += NS_PER_S;
		kmsg_clock_learn(&clock, &now, stamp_ns + NS_PER_S);
		/* Of the window before, too: 20 ms off at most, not 960. */
		assert_true(now.wall_ns - kmsg_clock_wall_ns(&clock, &now, stamp_ns + NS_PER_S) <=
			    20 * NS_PER_MS);
	}
}

static void no_record_is_of_the_future(void **state)
{
	struct kmsg_clock clock = { 0 };
	struct kmsg_clock_now now = at(1000, 0, 0);

	(void)state;
	assert_int_equal(kmsg_clock_wall_ns(&clock, &now, 1005 * NS_PER_S), now.wall_ns);
	assert_int_equal(kmsg_clock_boot_ns(&clock, &now, UINT64_MAX / 2), now.boot_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fresh_record_is_now),
		cmocka_unit_test(sleep_does_not_date_records_back),
		cmocka_unit_test(a_wall_clock_that_was_set_counts_from_then_on),
		cmocka_unit_test(clocks_that_drift_apart_are_followed),
		cmocka_unit_test(no_record_is_of_the_future),
	};

	return cmocka_run_group_tests_name("kmsg_clock", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of ids in subuid(5), and the slots of ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

#include "sysvisor/common/ids.h"

static void lines_are_read(void **state)
{
	struct slice file = SLICE("# a comment:1:2\nroot:100000:65536\n\nbad\nx:y:z\n:1:2\n"
				  "over:4294967295:2\nzero:5:0\n  web : no\nlast:7:1");
	struct ids_range range;
	struct slice owner;

	(void)state;
	assert_true(ids_next(&file, &owner, &range));
	assert_true(slice_is(owner, "root"));
	assert_int_equal(range.first, 100000);
	assert_int_equal(range.count, 65536);
	assert_true(ids_next(&file, &owner, &range));
	assert_true(slice_is(owner, "last"));
	assert_false(ids_next(&file, &owner, &range));
}

static void a_place_keeps_clear_of_all(void **state)
{
	struct slice none = { "", 0 };
	struct ids_range range;

	(void)state;
	assert_true(ids_place(none, none, none, none, 65536, &range));
	assert_int_equal(range.first, 131072);
	assert_true(ids_place(SLICE("a:131072:1\n"), SLICE("b:196608:1\n"),
							   SLICE("u:x:262144:0::/:/bin/sh\n"),
								 SLICE("g:x:327680:\n"), 65536,
								       &range));
	assert_int_equal(range.first, 393216);
	assert_false(ids_place(SLICE("a:100000:4294867000\n"), none, none, none, 65536, &range));
	assert_false(ids_place(none, none, none, none, UINT32_MAX - 131071, &range));
}

static void slots_are_exclusive(void **state)
{
	struct ids_range whole = { 131072, 3 * IDS_SLOT_IDS }, a, b, c, d;
	struct ids_slots slots;
	struct error err;

	(void)state;
	assert_int_equal(ids_slots_init(&slots, whole, IDS_SLOT_IDS, NULL), 0);
	assert_int_equal(ids_take(&slots, &a, NULL), 0);
	assert_int_equal(ids_take(&slots, &b, NULL), 0);
	assert_false(ids_overlap(a, b));
	ids_release(&slots, a);
	ids_release(&slots, a);
	/* What was freed last is given away last. */
	assert_int_equal(ids_take(&slots, &c, NULL), 0);
	assert_int_not_equal(c.first, a.first);
	assert_int_equal(ids_take(&slots, &d, NULL), 0);
	assert_int_equal(d.first, a.first);
	assert_int_equal(ids_take(&slots, &d, &err), -ENOSPC);
	assert_string_equal(err.text, "exclusive id range exhausted (3 in use)");
	ids_slots_done(&slots);
	assert_int_equal(ids_slots_init(&slots, (struct ids_range){ 1, 100 }, IDS_SLOT_IDS, NULL),
			 -EINVAL);
}

static void others_block_slots(void **state)
{
	struct ids_range whole = { 131072, 3 * IDS_SLOT_IDS }, a;
	struct ids_slots slots;

	(void)state;
	assert_int_equal(ids_slots_init(&slots, whole, IDS_SLOT_IDS, NULL), 0);
	ids_mark(&slots, (struct ids_range){ 131072, IDS_SLOT_IDS });
	ids_mark(&slots, (struct ids_range){ 131073, IDS_SLOT_IDS }); /* none of ours */
	ids_mark(&slots, (struct ids_range){ 5, IDS_SLOT_IDS });
	assert_int_equal(slots.used, 1);
	assert_int_equal(ids_block(&slots, SLICE("me:131072:196608\nx:190000:7000\n"), SLICE("me")),
				   1);
	assert_int_equal(ids_take(&slots, &a, NULL), 0);
	assert_int_equal(a.first, 131072 + 2 * IDS_SLOT_IDS);
	assert_int_equal(ids_take(&slots, &a, NULL), -ENOSPC);
	ids_slots_done(&slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(a_place_keeps_clear_of_all),
		cmocka_unit_test(slots_are_exclusive),
		cmocka_unit_test(others_block_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The table of emulated files, what may be written to them, and how they are read in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

#include "sysvisor/fs/host.h"
#include "sysvisor/fs/inside.h"
#include "sysvisor/fs/key.h"
#include "sysvisor/fs/limits.h"
#include "sysvisor/fs/node.h"
#include "sysvisor/fs/show.h"
#include "sysvisor/fs/snapshot.h"

static void rows_are_whole(void **state)
{
	(void)state;
	for (size_t n = 0; n < node_count; n++) {
		const struct node_row *row = &node_rows[n];

		assert_ptr_equal(node_find(slice_of(row->path)), row);
		assert_true((row->kind == NODE_view) == (row->show != NULL));
		assert_true(row->mode != 0);
		/* What can be written is checked; what is not the host's to see is not pushed. */
		if (row->kind == NODE_store)
			assert_true(row->check != CHECK_none);
		else
			assert_false(row->push);
		if (row->check == CHECK_number)
			assert_true(row->min < row->max);
	}
}

static void values_are_checked(void **state)
{
	static const struct {
		const char *path, *written, *kept; /* NULL: refused */
	} cases[] = {
		{ "proc/sys/kernel/panic", "10\n", "10" },
		{ "proc/sys/kernel/panic", "-1", "-1" },
		{ "proc/sys/kernel/panic", "x", NULL },
		{ "proc/sys/kernel/panic", "", NULL },
		{ "proc/sys/kernel/panic", "1 2", NULL },
		{ "proc/sys/kernel/panic", "1\n2\n", NULL },
		{ "proc/sys/kernel/panic", "99999999999999999999", NULL },
		{ "proc/sys/kernel/pid_max", "4194304", "4194304" },
		{ "proc/sys/kernel/pid_max", "4194305", NULL },
		{ "proc/sys/kernel/pid_max", "0", NULL },
		{ "proc/sys/kernel/kptr_restrict", "2", "2" },
		{ "proc/sys/kernel/kptr_restrict", "3", NULL },
		{ "proc/sys/kernel/sysrq", "511", "511" },
		{ "proc/sys/kernel/sysrq", "512", NULL },
		{ "proc/sys/kernel/printk", "4\t4\t1\t7\n", "4\t4\t1\t7" },
		{ "proc/sys/kernel/printk", "4", "4" },
		{ "proc/sys/kernel/printk", "4 4 1 7 7", NULL },
		{ "proc/sys/kernel/printk", "4 x", NULL },
		{ "proc/sys/net/core/default_qdisc", "fq", "fq" },
		{ "proc/sys/net/core/default_qdisc", "cake", NULL },
		{ "proc/sys/vm/overcommit_memory", "2", "2" },
		{ "proc/sys/vm/overcommit_memory", "3", NULL },
		{ "proc/sys/fs/protected_symlinks", "1", "1" },
		{ "proc/sys/fs/protected_symlinks", "2", NULL },
	};

	(void)state;
	for (size_t n = 0; n < array_count(cases); n++) {
		const struct node_row *row = node_find(slice_of(cases[n].path));
		struct slice value;
		int r;

		assert_non_null(row);
		r = node_check_value(row, slice_of(cases[n].written), &value);
		assert_int_equal(r, cases[n].kept ? 0 : -EINVAL);
		if (cases[n].kept)
			assert_true(slice_is(value, cases[n].kept));
	}
}

static void count_name(struct slice name, void *owner)
{
	(void)name;
	++*(size_t *)owner;
}

static void directories_follow_from_rows(void **state)
{
	size_t count = 0;

	(void)state;
	assert_true(node_is_directory(SLICE("")));
	assert_true(node_is_directory(SLICE("proc")));
	assert_true(node_is_directory(SLICE("sys/kernel")));
	assert_false(node_is_directory(SLICE("pro")));
	assert_false(node_is_directory(SLICE("proc/uptime")));
	node_each_below(SLICE(""), count_name, &count);
	assert_int_equal(count, 2);
	count = 0;
	node_each_below(SLICE("sys/kernel"), count_name, &count);
	assert_int_equal(count, 4);
}

static void trees_are_the_hosts(void **state)
{
	(void)state;
	assert_non_null(host_row(SLICE("sys/devices/system/cpu")));
	assert_non_null(host_row(SLICE("sys/devices/system/cpu/cpu0/topology")));
	assert_null(host_row(SLICE("sys/devices/system/cpux")));
	assert_null(host_row(SLICE("sys/devices/system")));
}

static void binds_have_names_without_slashes(void **state)
{
	struct text path = { 0 };

	(void)state;
	key_put_child(SLICE(KEY_BINDS), SLICE("proc!sys"), &path);
	assert_string_equal(text_str(&path), "proc/sys");
	text_clear(&path);
	key_put_child(SLICE("proc"), SLICE("a!b"), &path);
	assert_string_equal(text_str(&path), "proc/a!b");
	text_clear(&path);
	key_put_child(SLICE(""), SLICE("proc"), &path);
	assert_string_equal(text_str(&path), "proc");
	text_done(&path);
}

static void groups_are_translated(void **state)
{
	static const struct {
		const char *outer, *inner;
	} cases[] = {
		{ "1\t0\n", "1\t0\n" },		  { "200000\t265535\n", "0\t65535\n" },
		{ "200005\t200005\n", "5\t5\n" }, { "0\t4294967294\n", "0\t65535\n" },
		{ "0\t10\n", "1\t0\n" },
	};
	struct text out = { 0 };

	(void)state;
	for (size_t n = 0; n < array_count(cases); n++) {
		text_clear(&out);
		assert_true(inside_groups_inner(slice_of(cases[n].outer), 200000, 65536, &out));
		assert_string_equal(text_str(&out), cases[n].inner);
	}
	text_clear(&out);
	assert_true(inside_groups_outer(SLICE("0 70000"), 200000, 65536, &out));
	assert_string_equal(text_str(&out), "200000\t265535\n");
	assert_false(inside_groups_outer(SLICE("70000 70001"), 200000, 65536, &out));
	assert_false(inside_groups_outer(SLICE("0"), 200000, 65536, &out));
	assert_false(inside_groups_outer(SLICE("a b"), 200000, 65536, &out));
	text_done(&out);
}

static void uuids_end_in_the_id(void **state)
{
	struct text out = { 0 };

	(void)state;
	show_put_uuid(SLICE("11111111-2222-3333-4444-555555555555\n"), SLICE("abcdef0123456789"),
									     &out);
	assert_string_equal(text_str(&out), "11111111-2222-3333-4444-abcdef012345\n");
	text_clear(&out);
	show_put_uuid(SLICE(""), SLICE("web-1"), &out);
	assert_string_equal(text_str(&out), "00000000-0000-0000-0000-eb1000000000\n");
	text_done(&out);
}

static void mounts_are_found(void **state)
{
	struct limits_mounts mounts;

	(void)state;
	limits_parse_mounts(
		SLICE("30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup "
		      "rw,cpu,cpuacct\n"
		      "31 25 0:27 /docker/x /elsewhere/memory rw - cgroup cgroup rw,memory\n"
		      "32 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		      "33 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\nbad\n - \n"),
		      &mounts);
	assert_string_equal(mounts.v1[LIMITS_cpu], "/sys/fs/cgroup/cpu,cpuacct");
	assert_string_equal(mounts.v1[LIMITS_cpuacct], "/sys/fs/cgroup/cpu,cpuacct");
	assert_string_equal(mounts.v1[LIMITS_memory], "/sys/fs/cgroup/memory");
	assert_string_equal(mounts.v1[LIMITS_io], "");
	assert_string_equal(mounts.v2, "/sys/fs/cgroup/unified");
}

static void directories_of_both_versions(void **state)
{
	struct limits_mounts mounts = { .v1[LIMITS_memory] = "/cg/memory", .v2 = "/cg/unified" };
	struct limits limits;

	(void)state;
	assert_int_equal(limits_init(
		&limits, &mounts, SLICE("5:memory:/docker/a:b\n4:cpu:/docker/c\n0::/box\n"), NULL),
		0);
	assert_string_equal(limits.directory[LIMITS_memory], "/cg/memory/docker/a:b");
	assert_true(limits.v1[LIMITS_memory]);
	assert_string_equal(limits.directory[LIMITS_cpu], "/cg/unified/box");
	assert_string_equal(limits.path[LIMITS_memory], "1:memory:/docker/a:b");
	assert_string_equal(limits.path[LIMITS_cpu], "0::/box");
	limits_done(&limits);
}

static void reading_in_pieces_is_one_text(void **state)
{
	struct text first = { 0 }, out = { 0 };
	struct slice piece;
	uint64_t number;

	(void)state;
	snapshot_init();
	number = snapshot_number();
	assert_int_not_equal(number, snapshot_number());
	text_put(&first, SLICE("0123456789"));
	assert_false(snapshot_get(number, 0, 4, &out, &piece));
	assert_true(slice_is(snapshot_put(number, 0, 4, &first), "0123"));
	assert_true(snapshot_get(number, 4, 4, &out, &piece));
	assert_true(slice_is(piece, "4567"));
	text_clear(&out);
	assert_true(snapshot_get(number, 8, 4, &out, &piece));
	assert_true(slice_is(piece, "89"));
	text_clear(&out);
	assert_true(snapshot_get(number, 10, 4, &out, &piece));
	assert_int_equal(piece.bytes, 0);
	snapshot_drop(number);
	assert_false(snapshot_get(number, 4, 4, &out, &piece));
	/* Read in one piece, the end is known though no text is kept. */
	assert_true(slice_is(snapshot_put(number, 0, 64, &first), "0123456789"));
	assert_true(snapshot_get(number, 10, 64, &out, &piece));
	assert_int_equal(piece.bytes, 0);
	snapshot_drop(number);
	text_done(&first);
	text_done(&out);
}

static void a_new_server_goes_on_sensibly(void **state)
{
	char text[300];
	struct slice all = { text, sizeof(text) };

	(void)state;
	memset(text, 'x', sizeof(text));
	/* All of a shorter text was read: the end. A buffer's end: the rest. */
	assert_int_equal(snapshot_continue(all, 299, 4096).bytes, 0);
	assert_int_equal(snapshot_continue(all, 128, 128).bytes, 128);
	assert_int_equal(snapshot_continue(all, 256, 128).bytes, 44);
	assert_int_equal(snapshot_continue(all, 4096, 128).bytes, 0);
	/* a shell's read, byte by byte */
	assert_int_equal(snapshot_continue(all, 17, 1).bytes, 1);
	assert_int_equal(snapshot_continue(all, 300, 1).bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(values_are_checked),
		cmocka_unit_test(directories_follow_from_rows),
		cmocka_unit_test(trees_are_the_hosts),
		cmocka_unit_test(binds_have_names_without_slashes),
		cmocka_unit_test(groups_are_translated),
		cmocka_unit_test(uuids_end_in_the_id),
		cmocka_unit_test(mounts_are_found),
		cmocka_unit_test(directories_of_both_versions),
		cmocka_unit_test(reading_in_pieces_is_one_text),
		cmocka_unit_test(a_new_server_goes_on_sensibly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

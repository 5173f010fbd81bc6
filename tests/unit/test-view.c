/* SPDX-License-Identifier: Apache-2.0 */
/* What a container sees of memory, processors, load and disks, from what the kernel says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "sysvisor/fs/view.h"

#define MIB (1024ull * 1024)

static const struct slice host_meminfo = SLICE("MemTotal:       24684092 kB\n"
					       "MemFree:        20041168 kB\n"
					       "MemAvailable:   22420180 kB\n"
					       "Buffers:           24312 kB\n"
					       "Cached:          2474512 kB\n"
					       "Active(anon):       1704 kB\n"
					       "SwapTotal:       1048576 kB\n"
					       "SwapFree:         524288 kB\n"
					       "Hugepagesize:       2048 kB\n"
					       "HugePages_Total:       0\n"
					       "SomethingNew:          7 kB\n");

static void memory_of_v1(void **state)
{
	struct view_memory memory = { .limit = VIEW_UNLIMITED, .swap_limit = VIEW_UNLIMITED };

	(void)state;
	view_parse_memory_stat(SLICE("cache 1\nrss 2\nhierarchical_memory_limit 268435456\n"
				     "hierarchical_memsw_limit 402653184\ntotal_cache 4096\n"
				     "total_rss 8192\ntotal_inactive_file 1024\n"
				     "total_active_file 3072\nnonsense\n 7\ntotal_shmem x\n"),
				     true, &memory);
	assert_int_equal(memory.limit, 256 * MIB);
	assert_int_equal(memory.swap_limit, 128 * MIB);
	assert_int_equal(memory.anon, 8192);
	assert_int_equal(memory.file, 4096);
	assert_int_equal(memory.active_file, 3072);
	assert_int_equal(memory.shmem, 0);
	assert_int_equal(memory.slab_reclaimable, 0); /* v1 has no name for it, nor has " 7" */
}

static const struct view_host *host_of(struct slice meminfo)
{
	static char bytes[4096];
	static struct view_host host;

	host.text =
		(struct text){ .at = bytes, .bytes = slice_copy(meminfo, bytes, sizeof(bytes)) };
	view_read_host(&host);
	return &host;
}

static void meminfo_is_the_containers(void **state)
{
	struct view_memory memory = { .limit = 256 * MIB,
				      .usage = 100 * MIB,
				      .swap_limit = 512 * MIB,
				      .swap_usage = 12 * MIB,
				      .file = 40 * MIB,
				      .active_file = 10 * MIB,
				      .inactive_file = 20 * MIB,
				      .active_anon = 3 * MIB };
	struct text out = { 0 };

	(void)state;
	view_meminfo(host_of(host_meminfo), &memory, &out);
	assert_string_equal(text_str(&out), "MemTotal:         262144 kB\n"
					    "MemFree:          159744 kB\n"
					    "MemAvailable:     190464 kB\n"
					    "Buffers:               0 kB\n"
					    "Cached:            40960 kB\n"
					    "Active(anon):       3072 kB\n"
					    "SwapTotal:        524288 kB\n"
					    "SwapFree:         512000 kB\n"
					    "Hugepagesize:       2048 kB\n"
					    "HugePages_Total:       0\n"
					    "SomethingNew:          7 kB\n");
	/* Without a limit: the host's size, and no more than that. */
	text_clear(&out);
	memory.limit = memory.swap_limit = VIEW_UNLIMITED;
	memory.usage = 1ull << 60;
	view_meminfo(host_of(host_meminfo), &memory, &out);
	assert_non_null(strstr(text_str(&out), "MemTotal:       24684092 kB\n"
					       "MemFree:               0 kB\n"));
	assert_non_null(strstr(text_str(&out), "SwapTotal:       1048576 kB\n"));
	text_done(&out);
}

static void swap_is_there_only_where_the_host_has_some(void **state)
{
	struct view_memory memory = { .limit = MIB, .swap_limit = 64 * MIB, .swap_usage = MIB };
	struct text out = { 0 };

	(void)state;
	view_swaps(host_of(host_meminfo), &memory, &out);
	assert_string_equal(
		text_str(&out),
		"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
		"none                                    virtual\t\t65536\t\t1024\t\t-2\n");
	text_clear(&out);
	view_swaps(host_of(SLICE("SwapTotal: 0 kB\n")), &memory, &out);
	assert_string_equal(text_str(&out), "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	text_done(&out);
}

static void limits_are_numbers_or_max(void **state)
{
	uint64_t value;

	(void)state;
	assert_true(view_parse_limit(SLICE("max\n"), &value));
	assert_true(value == VIEW_UNLIMITED);
	assert_true(view_parse_limit(SLICE("4096\n"), &value));
	assert_int_equal(value, 4096);
	assert_false(view_parse_limit(SLICE("-1\n"), &value));
	assert_false(view_parse_limit(SLICE(""), &value));
	assert_true(view_parse_cpu_max(SLICE("150000 100000\n"), &value));
	assert_int_equal(value, 1500);
	assert_true(view_parse_cpu_max(SLICE("max 100000\n"), &value));
	assert_true(value == VIEW_UNLIMITED);
	assert_false(view_parse_cpu_max(SLICE("1 0\n"), &value));
	assert_false(view_parse_cpu_max(SLICE("1\n"), &value));
}

static void sets_of_processors(void **state)
{
	static const struct {
		const char *list, *back;
		unsigned int count;
	} cases[] = {
		{ "0-3,8\n", "0-3,8", 5 },
		{ "1", "1", 1 },
		{ "0,1,2", "0-2", 3 },
		{ "", "", 0 },
		{ "1000-5000", "1000-1023", 24 },
	};
	struct cpus cpus, other;

	(void)state;
	for (size_t n = 0; n < array_count(cases); n++) {
		struct text out = { 0 };

		assert_true(cpus_parse(slice_of(cases[n].list), &cpus));
		assert_int_equal(cpus_count(&cpus), cases[n].count);
		cpus_put(&cpus, &out);
		assert_string_equal(text_str(&out), cases[n].back);
		text_done(&out);
	}
	assert_false(cpus_parse(SLICE("3-1"), &cpus));
	assert_false(cpus_parse(SLICE("a"), &cpus));
	assert_false(cpus_parse(SLICE("1-"), &cpus));
	assert_true(cpus_parse(SLICE("2-9"), &cpus));
	assert_true(cpus_parse(SLICE("4-20"), &other));
	cpus_intersect(&cpus, &other);
	cpus_trim(&cpus, 2);
	assert_int_equal(cpus_count(&cpus), 2);
	assert_true(cpus_has(&cpus, 4) && cpus_has(&cpus, 5));
}

static void stat_of_each_processor(void **state)
{
	static uint64_t user[CPUS_MAX], system[CPUS_MAX];
	struct view_cpu cpu = { .up_ns = 10 * NS_PER_S };
	struct text out = { 0 };

	(void)state;
	assert_true(view_parse_usage_all(SLICE("cpu user system\n0 1000000000 500000000\n"
					       "1 2000000000 0\n2 7 7\n"),
					       user, system));
	assert_true(cpus_parse(SLICE("1-2"), &cpu.allowed));
	view_show(&cpu, VIEW_UNLIMITED);
	cpu.user_each_ns = user;
	cpu.system_each_ns = system;
	view_stat(&cpu, 1700000000, 3, 1, &out);
	assert_string_equal(text_str(&out), "cpu  200 0 0 1799 0 0 0 0 0 0\n"
					    "cpu1 200 0 0 800 0 0 0 0 0 0\n"
					    "cpu2 0 0 0 999 0 0 0 0 0 0\n"
					    "intr 0\nctxt 0\nbtime 1700000000\nprocesses 0\n"
					    "procs_running 3\nprocs_blocked 1\n"
					    "softirq 0 0 0 0 0 0 0 0 0 0 0\n");
	text_done(&out);
}

static void a_quota_shows_fewer_processors(void **state)
{
	struct view_cpu cpu = { .up_ns = 10 * NS_PER_S,
				.user_ns = 4 * NS_PER_S,
				.system_ns = 2 * NS_PER_S };
	struct text out = { 0 };

	(void)state;
	assert_true(cpus_parse(SLICE("2-7"), &cpu.allowed));
	view_show(&cpu, 1500);
	assert_int_equal(cpus_count(&cpu.shown), 2);
	view_stat(&cpu, 0, 1, 0, &out);
	assert_true(slice_starts(text_slice(&out), SLICE("cpu  400 0 200 1400 0 0 0 0 0 0\n"
							 "cpu2 200 0 100 700 0 0 0 0 0 0\n"
							 "cpu3 200 0 100 700 0 0 0 0 0 0\n"
							 "intr")));
	text_clear(&out);
	view_uptime(&cpu, &out);
	assert_string_equal(text_str(&out), "10.00 14.00\n");
	view_show(&cpu, 0);
	assert_int_equal(cpus_count(&cpu.shown), 1);
	text_done(&out);
}

static void cpuinfo_is_filtered(void **state)
{
	struct text out = { 0 };
	struct cpus shown;

	(void)state;
	assert_true(cpus_parse(SLICE("1"), &shown));
	view_cpuinfo(SLICE("processor\t: 0\nflags : a\n\nprocessor\t: 1\nflags : b\n\n"
			   "Hardware : board\n"),
			   &shown, &out);
	assert_string_equal(text_str(&out), "processor\t: 1\nflags : b\n\nHardware : board\n");
	text_done(&out);
}

static void load_goes_where_the_kernels_does(void **state)
{
	struct view_load load = { .running = 2, .total = 30, .last_pid = 99 };
	struct text out = { 0 };

	(void)state;
	for (int n = 0; n < 12; n++) /* a minute */
		view_load_step(&load, 2);
	view_loadavg(&load, &out);
	/* 2 * (1 - 1/e), and what the kernel's own rounding makes of it */
	assert_true(slice_starts(text_slice(&out), SLICE("1.2")));
	assert_non_null(strstr(text_str(&out), " 2/30 99\n"));
	for (int n = 0; n < 2000; n++)
		view_load_step(&load, 2);
	text_clear(&out);
	view_loadavg(&load, &out);
	assert_string_equal(text_str(&out), "2.00 2.00 2.00 2/30 99\n");
	for (int n = 0; n < 5000; n++)
		view_load_step(&load, 0);
	text_clear(&out);
	view_loadavg(&load, &out);
	assert_string_equal(text_str(&out), "0.00 0.00 0.00 2/30 99\n");
	text_done(&out);
}

static void disks_have_the_groups_numbers(void **state)
{
	struct slice host = SLICE("   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n"
				  " 254       1 vda1 1 2 3\n");
	struct text out = { 0 };

	(void)state;
	view_diskstats(host, SLICE("8:0 rbytes=1024 wbytes=2048 rios=3 wios=4 dbytes=512 dios=1\n"),
				   (struct slice){ "", 0 }, &out);
	assert_string_equal(text_str(&out),
			    "   8       0 sda 3 0 2 0 4 0 4 0 0 0 0 1 0 1 0 0 0\n"
			    " 254       1 vda1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
	text_clear(&out);
	view_diskstats(host, SLICE("254:1 Read 1024\n254:1 Write 512\n254:1 Total 9\nTotal 9\n"),
				   SLICE("254:1 Read 2\n254:1 Write 1\n"), &out);
	assert_non_null(strstr(text_str(&out), " vda1 2 0 2 0 1 0 1 0 0 0 0 0 0 0 0 0 0\n"));
	text_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_of_v1),
		cmocka_unit_test(meminfo_is_the_containers),
		cmocka_unit_test(swap_is_there_only_where_the_host_has_some),
		cmocka_unit_test(limits_are_numbers_or_max),
		cmocka_unit_test(sets_of_processors),
		cmocka_unit_test(stat_of_each_processor),
		cmocka_unit_test(a_quota_shows_fewer_processors),
		cmocka_unit_test(cpuinfo_is_filtered),
		cmocka_unit_test(load_goes_where_the_kernels_does),
		cmocka_unit_test(disks_have_the_groups_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

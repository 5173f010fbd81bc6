/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-view - any bytes as each of the files that sysvisor-fs reads, and as what is written to it.
 * The first byte cuts the rest in two: some views are made of two texts. */
#include <assert.h>

#include "sysvisor/fs/inside.h"
#include "sysvisor/fs/limits.h"
#include "sysvisor/fs/node.h"
#include "sysvisor/fs/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void fuzz_cpus(struct slice text)
{
	auto_text struct text out = { 0 };
	struct cpus cpus, again;

	if (!cpus_parse(text, &cpus))
		return;
	cpus_put(&cpus, &out);
	assert(cpus_parse(text_slice(&out), &again));
	assert(memcmp(&cpus, &again, sizeof(cpus)) == 0);
	cpus_trim(&again, 3);
	assert(cpus_count(&again) <= 3);
}

static void fuzz_values(struct slice text)
{
	struct slice value;

	for (size_t n = 0; n < node_count; n++)
		if (node_check_value(&node_rows[n], text, &value) == 0)
			assert(slice_find(value, SLICE("\n")) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static uint64_t user[CPUS_MAX], system[CPUS_MAX];
	static struct view_host host;
	auto_text struct text out = { 0 };
	struct slice all = { (const char *)data + 1, bytes - 1 }, first, second;
	struct view_memory memory = { .limit = VIEW_UNLIMITED, .swap_limit = VIEW_UNLIMITED };
	struct view_cpu cpu = { .up_ns = 1000000 };
	struct limits_mounts mounts;
	uint64_t number;

	if (bytes == 0)
		return 0;
	first = slice_first(all, (size_t)data[0] * all.bytes / 255);
	second = slice_skip(all, first.bytes);
	view_parse_memory_stat(first, data[0] & 1, &memory);
	text_clear(&host.text);
	text_put(&host.text, second);
	view_read_host(&host);
	view_meminfo(&host, &memory, &out);
	view_swaps(&host, &memory, &out);
	fuzz_cpus(first);
	if (cpus_parse(first, &cpu.allowed)) {
		view_show(&cpu, data[0] * 100);
		view_cpuinfo(second, &cpu.shown, &out);
	}
	if (view_parse_usage_all(second, user, system)) {
		cpu.user_each_ns = user;
		cpu.system_each_ns = system;
	}
	if (view_parse_cpu_stat(second, &cpu.user_ns, &cpu.system_ns))
		view_uptime(&cpu, &out);
	view_stat(&cpu, 1, 1, 1, &out);
	view_diskstats(first, second, (struct slice){ "", 0 }, &out);
	view_diskstats(first, second, second, &out);
	if (view_parse_cpu_max(first, &number) || view_parse_limit(first, &number))
		assert(number <= VIEW_UNLIMITED);
	limits_parse_mounts(all, &mounts);
	inside_groups_inner(all, 100000, 65536, &out);
	inside_groups_outer(all, 100000, 65536, &out);
	fuzz_values(all);
	return 0;
}

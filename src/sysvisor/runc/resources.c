/* SPDX-License-Identifier: Apache-2.0 */
/* What OCI's "resources" are called in control groups: one row for each limit. */
#include <errno.h>

#include "sysvisor/runc/cgroup.h"

/* Spells a value for v2; false: there is nothing to write. */
typedef bool (*resources_spell)(const struct spec_resources *resources, int64_t value,
				struct text *out);

struct resources_row {
	size_t at;					/* of a spec_number */
	const char *v1_controller, *v1_file, *v1_other; /* the other name: newer kernels' */
	const char *v2_file;
	resources_spell v2_spell;	       /* NULL: the number, -1 is "max" */
	bool zero_counts;		       /* 0 is a value, not "leave it alone" */
	const char *v1_property, *v2_property; /* systemd's; NULL: it has none */
};

static bool spell_weight_of_shares(const struct spec_resources *resources, int64_t shares,
				   struct text *out)
{
	(void)resources;
	/* 2..262144 onto 1..10000, as every runtime does (runc's and crun's documents). */
	shares = shares < 2 ? 2 : shares > 262144 ? 262144 : shares;
	shares = 1 + (shares - 2) * 9999 / 262142;
	text_printf(out, "%lld", (long long)shares);
	return true;
}

static bool spell_cpu_max(const struct spec_resources *resources, int64_t quota, struct text *out)
{
	int64_t period = resources->cpu.period.value ? resources->cpu.period.value : 100000;

	if (quota > 0)
		text_printf(out, "%lld %lld", (long long)quota, (long long)period);
	else
		text_printf(out, "max %lld", (long long)period);
	return true;
}

static bool spell_cpu_period(const struct spec_resources *resources, int64_t period,
			     struct text *out)
{
	if (resources->cpu.quota.value)
		return false; /* written with the quota */
	text_printf(out, "max %lld", (long long)period);
	return true;
}

/* OCI's swap is memory and swap together. */
static bool spell_swap_max(const struct spec_resources *resources, int64_t both, struct text *out)
{
	int64_t limit = resources->memory.limit.value;

	if (both < 0)
		text_put(out, SLICE("max"));
	else if (limit <= 0 || both < limit)
		return false;
	else
		text_u64(out, (uint64_t)both - (uint64_t)limit, 0);
	return true;
}

/* 10..1000 onto 1..10000 */
static int64_t resources_io_weight(int64_t weight)
{
	return 1 + (weight - 10) * 9999 / 990;
}

static bool spell_io_weight(const struct spec_resources *resources, int64_t weight,
			    struct text *out)
{
	(void)resources;
	text_printf(out, "default %lld", (long long)resources_io_weight(weight));
	return true;
}

#define AT(member) offsetof(struct spec_resources, member)
/* Where one limit has to be written before another, it stands first. */
static const struct resources_row resources_rows[] = {
	{ AT(memory.limit), "memory", "memory.limit_in_bytes", NULL, "memory.max", NULL, false,
	  "MemoryLimit", "MemoryMax" },
	{ AT(memory.swap), "memory", "memory.memsw.limit_in_bytes", NULL, "memory.swap.max",
	  spell_swap_max, false, NULL, "MemorySwapMax" },
	{ AT(memory.reservation), "memory", "memory.soft_limit_in_bytes", NULL, "memory.low", NULL,
	  false, NULL, "MemoryLow" },
	{ AT(memory.kernel_tcp), "memory", "memory.kmem.tcp.limit_in_bytes", NULL, NULL, NULL,
	  false, NULL, NULL },
	{ AT(memory.swappiness), "memory", "memory.swappiness", NULL, NULL, NULL, true, NULL,
	  NULL },
	{ AT(memory.disable_oom_killer), "memory", "memory.oom_control", NULL, NULL, NULL, false,
	  NULL, NULL },
	{ AT(cpu.shares), "cpu", "cpu.shares", NULL, "cpu.weight", spell_weight_of_shares, false,
	  "CPUShares", "CPUWeight" },
	{ AT(cpu.period), "cpu", "cpu.cfs_period_us", NULL, "cpu.max", spell_cpu_period, false,
	  NULL, NULL },
	{ AT(cpu.quota), "cpu", "cpu.cfs_quota_us", NULL, "cpu.max", spell_cpu_max, false, NULL,
	  NULL },
	{ AT(cpu.burst), "cpu", "cpu.cfs_burst_us", NULL, "cpu.max.burst", NULL, false, NULL,
	  NULL },
	{ AT(cpu.rt_period), "cpu", "cpu.rt_period_us", NULL, NULL, NULL, false, NULL, NULL },
	{ AT(cpu.rt_runtime), "cpu", "cpu.rt_runtime_us", NULL, NULL, NULL, false, NULL, NULL },
	{ AT(cpu.idle), "cpu", "cpu.idle", NULL, "cpu.idle", NULL, false, NULL, NULL },
	{ AT(pids), "pids", "pids.max", NULL, "pids.max", NULL, false, "TasksMax", "TasksMax" },
	{ AT(block_io.weight), "blkio", "blkio.weight", "blkio.bfq.weight", "io.weight",
	  spell_io_weight, false, "BlockIOWeight", "IOWeight" },
	{ AT(block_io.leaf_weight), "blkio", "blkio.leaf_weight", NULL, NULL, NULL, false, NULL,
	  NULL },
	{ AT(net_class), "net_cls", "net_cls.classid", NULL, NULL, NULL, false, NULL, NULL },
};
#undef AT

static int resources_missing(const char *file, bool v2, struct error *err)
{
	return error_say(err, ENOENT,
			 "not supported: '%s', because this host's %s hierarchy has no such "
			 "controller; leave the limit away, or enable the controller",
			 file, v2 ? "cgroup v2" : "cgroup v1");
}

/* `v1_max`: how this file spells "no limit". */
static int resources_write_v1(const struct cgroup_hierarchy *hierarchy,
			      const struct resources_row *row, int64_t value, struct error *err)
{
	auto_text struct text words = { 0 };
	int r;

	if (value < 0 && strcmp(row->v1_file, "pids.max") == 0)
		text_put(&words, SLICE("max"));
	else
		text_printf(&words, "%lld", (long long)value);
	r = cgroup_write(hierarchy, row->v1_file, text_slice(&words), err);
	if (r == -ENOENT && row->v1_other)
		r = cgroup_write(hierarchy, row->v1_other, text_slice(&words), err);
	return r;
}

/* False: there is nothing to write. */
static bool resources_spell_value(const struct resources_row *row,
				  const struct spec_resources *resources, int64_t value, bool v2,
				  struct text *out)
{
	if (v2 && row->v2_spell)
		return row->v2_spell(resources, value, out);
	if (value < 0)
		text_put(out, SLICE("max"));
	else
		text_printf(out, "%lld", (long long)value);
	return true;
}

static int resources_write_v2(const struct cgroup_hierarchy *hierarchy,
			      const struct resources_row *row,
			      const struct spec_resources *resources, int64_t value,
			      struct error *err)
{
	auto_text struct text words = { 0 };

	if (!resources_spell_value(row, resources, value, true, &words))
		return 0;
	return cgroup_write(hierarchy, row->v2_file, text_slice(&words), err);
}

static int resources_apply_row(const struct cgroup_tree *tree, const struct resources_row *row,
			       const struct spec_resources *resources, struct error *err)
{
	const struct spec_number *number =
		(const struct spec_number *)((const char *)resources + row->at);
	const struct cgroup_hierarchy *hierarchy;
	int r;

	if (!number->set || (number->value == 0 && !row->zero_counts))
		return 0;
	if (tree->v2_only) {
		if (!row->v2_file)
			return 0; /* v2 has no such thing, and engines send it all the same */
		hierarchy = cgroup_tree_v2(tree);
		r = hierarchy ? resources_write_v2(hierarchy, row, resources, number->value, err)
			      : -ENOENT;
		return r == -ENOENT ? resources_missing(row->v2_file, true, err) : r;
	}
	hierarchy = cgroup_tree_v1(tree, row->v1_controller);
	r = hierarchy ? resources_write_v1(hierarchy, row, number->value, err) : -ENOENT;
	return r == -ENOENT ? resources_missing(row->v1_file, false, err) : r;
}

/* v1 refuses a limit above memory+swap, and memory+swap below the limit: whichever way a limit
 * moves, one of both orders is right. */
static int resources_apply_memory(const struct cgroup_tree *tree,
				  const struct spec_resources *resources, struct error *err)
{
	int r = resources_apply_row(tree, &resources_rows[0], resources, err);

	if (r == 0)
		return resources_apply_row(tree, &resources_rows[1], resources, err);
	if (r != -EINVAL || !resources->memory.swap.value)
		return r;
	r = resources_apply_row(tree, &resources_rows[1], resources, err);
	return r < 0 ? r : resources_apply_row(tree, &resources_rows[0], resources, err);
}

static int resources_apply_cpuset(const struct cgroup_tree *tree, const struct spec_cpu *cpu,
				  struct error *err)
{
	const struct {
		const char *value, *file;
	} rows[] = { { cpu->cpus, "cpuset.cpus" }, { cpu->mems, "cpuset.mems" } };
	const struct cgroup_hierarchy *hierarchy =
		tree->v2_only ? cgroup_tree_v2(tree) : cgroup_tree_v1(tree, "cpuset");

	for (size_t n = 0; n < array_count(rows); n++) {
		int r;

		if (!rows[n].value || !*rows[n].value)
			continue;
		r = hierarchy ? cgroup_write(hierarchy, rows[n].file, slice_of(rows[n].value), err)
			      : -ENOENT;
		if (r == -ENOENT)
			return resources_missing(rows[n].file, tree->v2_only, err);
		if (r < 0)
			return r;
	}
	return 0;
}

struct resources_rate {
	size_t at; /* in spec_block_io */
	const char *v1_file, *v2_key;
};

static const struct resources_rate resources_rates[] = {
	{ offsetof(struct spec_block_io, read_bps), "blkio.throttle.read_bps_device", "rbps" },
	{ offsetof(struct spec_block_io, write_bps), "blkio.throttle.write_bps_device", "wbps" },
	{ offsetof(struct spec_block_io, read_iops), "blkio.throttle.read_iops_device", "riops" },
	{ offsetof(struct spec_block_io, write_iops), "blkio.throttle.write_iops_device", "wiops" },
};

static int resources_apply_rate(const struct cgroup_tree *tree, const struct resources_rate *row,
				const struct spec_block_rate *rate, struct error *err)
{
	const struct cgroup_hierarchy *hierarchy =
		tree->v2_only ? cgroup_tree_v2(tree) : cgroup_tree_v1(tree, "blkio");
	const char *file = tree->v2_only ? "io.max" : row->v1_file;
	auto_text struct text line = { 0 };
	int r;

	text_printf(&line, "%lld:%lld ", (long long)rate->major.value,
		    (long long)rate->minor.value);
	if (tree->v2_only && rate->rate.value <= 0)
		text_printf(&line, "%s=max", row->v2_key);
	else if (tree->v2_only)
		text_printf(&line, "%s=%lld", row->v2_key, (long long)rate->rate.value);
	else
		text_printf(&line, "%lld", (long long)rate->rate.value);
	r = hierarchy ? cgroup_write(hierarchy, file, text_slice(&line), err) : -ENOENT;
	return r == -ENOENT ? resources_missing(file, tree->v2_only, err) : r;
}

static int resources_apply_rates(const struct cgroup_tree *tree, const struct spec_block_io *io,
				 struct error *err)
{
	for (size_t n = 0; n < array_count(resources_rates); n++) {
		const struct spec_list *list =
			(const struct spec_list *)((const char *)io + resources_rates[n].at);
		const struct spec_block_rate *rate;

		spec_each(list, rate) {
			int r = resources_apply_rate(tree, &resources_rates[n], rate, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

struct resources_weight {
	size_t at; /* of a spec_number in spec_block_rate */
	const char *v1_file, *v1_other, *v2_file;
};

static const struct resources_weight resources_weights[] = {
	{ offsetof(struct spec_block_rate, weight), "blkio.weight_device",
	  "blkio.bfq.weight_device", "io.weight" },
	{ offsetof(struct spec_block_rate, leaf_weight), "blkio.leaf_weight_device", NULL, NULL },
};

static int resources_apply_weight(const struct cgroup_tree *tree,
				  const struct resources_weight *row,
				  const struct spec_block_rate *device, struct error *err)
{
	int64_t weight = ((const struct spec_number *)((const char *)device + row->at))->value;
	const struct cgroup_hierarchy *hierarchy =
		tree->v2_only ? cgroup_tree_v2(tree) : cgroup_tree_v1(tree, "blkio");
	const char *file = tree->v2_only ? row->v2_file : row->v1_file;
	auto_text struct text line = { 0 };
	int r;

	if (!weight || !file)
		return 0;
	text_printf(&line, "%lld:%lld %lld", (long long)device->major.value,
		    (long long)device->minor.value,
		    (long long)(tree->v2_only ? resources_io_weight(weight) : weight));
	r = hierarchy ? cgroup_write(hierarchy, file, text_slice(&line), err) : -ENOENT;
	if (r == -ENOENT && hierarchy && !tree->v2_only && row->v1_other)
		r = cgroup_write(hierarchy, row->v1_other, text_slice(&line), err);
	return r == -ENOENT ? resources_missing(file, tree->v2_only, err) : r;
}

static int resources_apply_weights(const struct cgroup_tree *tree, const struct spec_block_io *io,
				   struct error *err)
{
	const struct spec_block_rate *device;

	spec_each(&io->weight_device, device) {
		for (size_t n = 0; n < array_count(resources_weights); n++) {
			int r = resources_apply_weight(tree, &resources_weights[n], device, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* v2 has no such thing. The interfaces are those of the host. */
static int resources_apply_priorities(const struct cgroup_tree *tree,
				      const struct spec_list *priorities, struct error *err)
{
	const struct cgroup_hierarchy *hierarchy = cgroup_tree_v1(tree, "net_prio");
	const struct spec_net_priority *priority;

	if (tree->v2_only)
		return 0;
	spec_each(priorities, priority) {
		auto_text struct text line = { 0 };
		int r;

		text_printf(&line, "%s %lld", priority->name, (long long)priority->priority.value);
		r = hierarchy
			    ? cgroup_write(hierarchy, "net_prio.ifpriomap", text_slice(&line), err)
			    : -ENOENT;
		if (r == -ENOENT)
			return resources_missing("net_prio.ifpriomap", false, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int resources_apply_huge_pages(const struct cgroup_tree *tree, const struct spec_list *pages,
				      struct error *err)
{
	const struct cgroup_hierarchy *v1 = cgroup_tree_v1(tree, "hugetlb");
	const struct cgroup_hierarchy *hierarchy = v1 ? v1 : cgroup_tree_v2(tree);
	const struct spec_huge_page *page;

	spec_each(pages, page) {
		auto_text struct text file = { 0 }, value = { 0 };
		int r;

		if (strchr(page->page_size, '/'))
			return error_say(err, EINVAL,
					 "linux.resources.hugepageLimits: '%.40s' is no size",
					 page->page_size);
		text_printf(&file, "hugetlb.%s.%s", page->page_size, v1 ? "limit_in_bytes" : "max");
		text_printf(&value, "%llu", (unsigned long long)page->limit.value);
		r = hierarchy ? cgroup_write(hierarchy, text_str(&file), text_slice(&value), err)
			      : -ENOENT;
		if (r == -ENOENT)
			return resources_missing(text_str(&file), !v1, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The same words for v1 and v2. */
static int resources_apply_rdma(const struct cgroup_tree *tree, const struct spec_list *devices,
				struct error *err)
{
	const struct cgroup_hierarchy *v1 = cgroup_tree_v1(tree, "rdma");
	const struct cgroup_hierarchy *hierarchy = v1 ? v1 : cgroup_tree_v2(tree);
	const struct spec_rdma *device;

	spec_each(devices, device) {
		auto_text struct text line = { 0 };
		int r;

		text_printf(&line, "%s", device->device);
		if (device->handles.set)
			text_printf(&line, " hca_handle=%lld", (long long)device->handles.value);
		if (device->objects.set)
			text_printf(&line, " hca_object=%lld", (long long)device->objects.value);
		r = hierarchy ? cgroup_write(hierarchy, "rdma.max", text_slice(&line), err)
			      : -ENOENT;
		if (r == -ENOENT)
			return resources_missing("rdma.max", tree->v2_only, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int resources_apply_unified(const struct cgroup_tree *tree, const struct spec_list *pairs,
				   struct error *err)
{
	const struct cgroup_hierarchy *hierarchy = cgroup_tree_v2(tree);
	const struct spec_pair *pair;

	spec_each(pairs, pair) {
		int r;

		if (strchr(pair->key, '/') || strncmp(pair->key, "cgroup.", 7) == 0)
			return error_say(err, EINVAL,
					 "linux.resources.unified: '%.60s' may not be set",
					 pair->key);
		r = hierarchy ? cgroup_write(hierarchy, pair->key, slice_of(pair->value), err)
			      : -ENOENT;
		if (r == -ENOENT)
			return resources_missing(pair->key, true, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int resources_apply(const struct cgroup_tree *tree, const struct spec_resources *resources,
		    struct error *err)
{
	int r = resources_apply_memory(tree, resources, err);

	for (size_t n = 2; n < array_count(resources_rows) && r == 0; n++)
		r = resources_apply_row(tree, &resources_rows[n], resources, err);
	if (r == 0)
		r = resources_apply_cpuset(tree, &resources->cpu, err);
	if (r == 0)
		r = resources_apply_rates(tree, &resources->block_io, err);
	if (r == 0)
		r = resources_apply_weights(tree, &resources->block_io, err);
	if (r == 0)
		r = resources_apply_priorities(tree, &resources->net_priorities, err);
	if (r == 0)
		r = resources_apply_huge_pages(tree, &resources->huge_pages, err);
	if (r == 0)
		r = resources_apply_rdma(tree, &resources->rdma, err);
	if (r == 0)
		r = resources_apply_unified(tree, &resources->unified, err);
	return r < 0 ? error_wrap(err, r, "set limits") : 0;
}

/* --- systemd --- */

static void resources_property(struct properties *list, const char *property, struct slice value)
{
	uint64_t number;

	/* io.weight is written "default 100". */
	value = slice_skip(value, (size_t)(slice_find_last(value, SLICE(" ")) + 1));
	if (slice_is(value, "max"))
		number = UINT64_MAX;
	else if (!slice_u64(value, &number))
		return; /* the kernel will say what is wrong with it */
	properties_add(list, "%s=t:%llu", property, (unsigned long long)number);
}

void resources_properties(struct properties *list, const struct spec_resources *resources, bool v2)
{
	for (size_t n = 0; n < array_count(resources_rows); n++) {
		const struct resources_row *row = &resources_rows[n];
		const struct spec_number *number =
			(const struct spec_number *)((const char *)resources + row->at);
		const char *property = v2 ? row->v2_property : row->v1_property;
		auto_text struct text words = { 0 };

		if (!property || !number->set || (number->value == 0 && !row->zero_counts))
			continue;
		if (resources_spell_value(row, resources, number->value, v2, &words))
			resources_property(list, property, text_slice(&words));
	}
}

void resources_unified_property(struct properties *list, const struct spec_pair *pair)
{
	static const struct {
		const char *file, *property;
	} more[] = { { "memory.high", "MemoryHigh" }, { "memory.min", "MemoryMin" } };
	const char *property = NULL;

	for (size_t n = 0; n < array_count(resources_rows); n++)
		if (resources_rows[n].v2_file && strcmp(resources_rows[n].v2_file, pair->key) == 0)
			property = resources_rows[n].v2_property;
	for (size_t n = 0; n < array_count(more); n++)
		if (strcmp(more[n].file, pair->key) == 0)
			property = more[n].property;
	if (property)
		resources_property(list, property, slice_trim(slice_of(pair->value)));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What OCI's "resources" are called as properties of a unit of systemd's. */
#include <errno.h>
#include <stdarg.h>

#include "base/text.h"
#include "sysvisor/runc/cgroup.h"
#include "sysvisor/runc/scope.h"

#define PROPERTIES_CPUS 8192 /* CONFIG_NR_CPUS at its most */

void properties_add(struct properties *list, const char *fmt, ...)
{
	char words[4096];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(words) || list->count == PROPERTIES_MOST) {
		list->failed = true;
		return;
	}
	list->at[list->count] = arena_text(list->arena, (struct slice){ words, (size_t)n });
	if (list->at[list->count])
		list->count++;
	else
		list->failed = true;
}

/* systemd keeps whole percents, and rounds down: up, so that nobody gets less than he asked for.
 * The exact figure is written to the group after. */
static void properties_add_quota(struct properties *list, int64_t quota, int64_t period)
{
	uint64_t percent_us = 10000, usec = UINT64_MAX;

	period = period > 0 ? period : 100000;
	if (quota > 0) {
		usec = (uint64_t)quota * 1000000 / (uint64_t)period;
		usec = (usec + percent_us - 1) / percent_us * percent_us;
	}
	properties_add(list, "CPUQuotaPerSecUSec=t:%llu", (unsigned long long)usec);
	properties_add(list, "CPUQuotaPeriodUSec=t:%lld", (long long)period);
}

/* "0-3,8" as bytes, the lowest processor in the lowest bit of the first. */
static int properties_add_set(struct properties *list, const char *name, struct slice set,
			      struct error *err)
{
	unsigned char bits[PROPERTIES_CPUS / 8] = { 0 };
	auto_text struct text hex = { 0 };
	struct slice rest = slice_trim(set), range;
	size_t last = 0;

	while (slice_next(&rest, ',', &range)) {
		uint64_t from, to;

		range = slice_trim(range);
		if (!slice_eat_u64(&range, &from))
			from = PROPERTIES_CPUS;
		to = from;
		if ((slice_eat(&range, SLICE("-")) && !slice_eat_u64(&range, &to)) || range.bytes ||
		     from > to || to >= PROPERTIES_CPUS)
			return error_say(err, EINVAL,
					 "linux.resources.cpu: '%.*s' is no list such as 0-3,8",
					 SLICE_ARG(slice_first(set, 60)));
		for (uint64_t n = from; n <= to; n++)
			bits[n / 8] |= (unsigned char)(1u << n % 8);
		last = to / 8 > last ? (size_t)to / 8 : last;
	}
	for (size_t n = 0; n <= last; n++)
		text_printf(&hex, "%02x", bits[n]);
	properties_add(list, "%s=ay:%s", name, text_str(&hex));
	return 0;
}

static int properties_of_cpu(struct properties *list, const struct spec_cpu *cpu, bool v2,
			     struct error *err)
{
	const struct {
		const char *name, *set;
	} sets[] = { { "AllowedCPUs", cpu->cpus }, { "AllowedMemoryNodes", cpu->mems } };
	int r = 0;

	if (cpu->quota.set && cpu->quota.value)
		properties_add_quota(list, cpu->quota.value, cpu->period.value);
	for (size_t n = 0; n < array_count(sets) && v2 && r == 0; n++)
		if (sets[n].set && *sets[n].set)
			r = properties_add_set(list, sets[n].name, slice_of(sets[n].set), err);
	return r;
}

/* "max 100000" and "50000 100000" */
static void properties_add_cpu_max(struct properties *list, struct slice value)
{
	uint64_t quota = 0, period = 0;

	value = slice_trim(value);
	if (!slice_eat_u64(&value, &quota) && !slice_eat(&value, SLICE("max")))
		return; /* the kernel will say what is wrong with it */
	value = slice_trim(value);
	(void)slice_eat_u64(&value, &period);
	if (quota <= INT64_MAX && period <= INT64_MAX)
		properties_add_quota(list, (int64_t)quota, (int64_t)period);
}

static int properties_of_unified(struct properties *list, const struct spec_list *pairs,
				 struct error *err)
{
	const struct spec_pair *pair;
	int r = 0;

	spec_each(pairs, pair) {
		struct slice value = slice_of(pair->value);

		if (strcmp(pair->key, "cpu.max") == 0)
			properties_add_cpu_max(list, value);
		else if (strcmp(pair->key, "cpuset.cpus") == 0)
			r = properties_add_set(list, "AllowedCPUs", value, err);
		else if (strcmp(pair->key, "cpuset.mems") == 0)
			r = properties_add_set(list, "AllowedMemoryNodes", value, err);
		else
			resources_unified_property(list, pair);
		if (r < 0)
			return r;
	}
	return 0;
}

int properties_of_resources(struct properties *list, const struct spec_resources *resources,
			    bool v2, struct error *err)
{
	int r = properties_of_cpu(list, &resources->cpu, v2, err);

	resources_properties(list, resources, v2);
	if (r == 0 && v2)
		r = properties_of_unified(list, &resources->unified, err);
	return r < 0 ? r : devices_properties(list, &resources->devices, err);
}

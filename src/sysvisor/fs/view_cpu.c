/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/view.h"

#include "base/clock.h"

#define VIEW_TICK_NS (NS_PER_S / VIEW_HZ)

/* --- what the control group says --- */

bool view_parse_usage_all(struct slice text, uint64_t *user_ns, uint64_t *system_ns)
{
	struct slice line, head;
	bool any = false;

	memset(user_ns, 0, CPUS_MAX * sizeof(*user_ns));
	memset(system_ns, 0, CPUS_MAX * sizeof(*system_ns));
	if (!slice_cut(&text, '\n', &head) || !slice_starts(head, SLICE("cpu user system")))
		return false;
	while (slice_next(&text, '\n', &line)) {
		uint64_t cpu, user, system;

		if (!slice_eat_u64(&line, &cpu) ||
		    !slice_eat(&line, SLICE(" ")) || !slice_eat_u64(&line, &user) ||
			       !slice_eat(&line, SLICE(" ")) || !slice_eat_u64(&line, &system) ||
					  cpu >= CPUS_MAX)
			continue;
		user_ns[cpu] = user;
		system_ns[cpu] = system;
		any = true;
	}
	return any;
}

bool view_parse_cpu_stat(struct slice text, uint64_t *ret_user_ns, uint64_t *ret_system_ns)
{
	struct slice line;
	bool user = false, system = false;

	while (slice_next(&text, '\n', &line)) {
		uint64_t value;

		if (slice_eat(&line, SLICE("user_usec ")) && slice_u64(line, &value)) {
			*ret_user_ns = value * NS_PER_US;
			user = true;
		} else if (slice_eat(&line, SLICE("system_usec ")) && slice_u64(line, &value)) {
			*ret_system_ns = value * NS_PER_US;
			system = true;
		}
	}
	return user && system;
}

bool view_parse_cpu_max(struct slice text, uint64_t *ret_milli)
{
	uint64_t quota, period;

	text = slice_trim(text);
	*ret_milli = VIEW_UNLIMITED;
	if (slice_starts(text, SLICE("max")))
		return true;
	if (!slice_eat_u64(&text, &quota) || !slice_eat(&text, SLICE(" ")) ||
							!slice_u64(text, &period) || period == 0 ||
							quota > UINT64_MAX / 1000)
		return false;
	*ret_milli = quota * 1000 / period;
	return true;
}

void view_show(struct view_cpu *cpu, uint64_t quota_milli)
{
	uint64_t count = quota_milli == VIEW_UNLIMITED ? CPUS_MAX : (quota_milli + 999) / 1000;

	cpu->shown = cpu->allowed;
	cpus_trim(&cpu->shown, count < 1 ? 1 : count > CPUS_MAX ? CPUS_MAX : (unsigned int)count);
}

/* --- files --- */

struct view_ticks {
	uint64_t user, system, idle;
};

static struct view_ticks view_ticks_of(uint64_t up_ns, uint64_t user_ns, uint64_t system_ns)
{
	uint64_t used_ns = user_ns + system_ns;

	return (struct view_ticks){
		.user = user_ns / VIEW_TICK_NS,
		.system = system_ns / VIEW_TICK_NS,
		.idle = up_ns > used_ns ? (up_ns - used_ns) / VIEW_TICK_NS : 0,
	};
}

/* Whether processors can be told apart: otherwise the sum is spread over those that are shown. */
static bool view_tells_each(const struct view_cpu *cpu)
{
	return cpu->user_each_ns && memcmp(&cpu->shown, &cpu->allowed, sizeof(cpu->shown)) == 0;
}

static struct view_ticks view_ticks_each(const struct view_cpu *cpu, unsigned int n,
					 unsigned int count)
{
	if (view_tells_each(cpu))
		return view_ticks_of(cpu->up_ns, cpu->user_each_ns[n], cpu->system_each_ns[n]);
	return view_ticks_of(cpu->up_ns, cpu->user_ns / count, cpu->system_ns / count);
}

static void view_put_ticks(const struct view_ticks *ticks, struct text *out)
{
	text_u64(out, ticks->user, 0);
	text_put(out, SLICE(" 0 "));
	text_u64(out, ticks->system, 0);
	text_putc(out, ' ');
	text_u64(out, ticks->idle, 0);
	text_put(out, SLICE(" 0 0 0 0 0 0\n"));
}

static void view_put_cpus(const struct view_cpu *cpu, struct text *out)
{
	unsigned int count = cpus_count(&cpu->shown);
	struct view_ticks sum = { 0 };

	for (unsigned int n = 0; n < CPUS_MAX && count; n++) {
		struct view_ticks ticks;

		if (!cpus_has(&cpu->shown, n))
			continue;
		ticks = view_ticks_each(cpu, n, count);
		sum.user += ticks.user;
		sum.system += ticks.system;
		sum.idle += ticks.idle;
	}
	text_put(out, SLICE("cpu  "));
	view_put_ticks(&sum, out);
	for (unsigned int n = 0; n < CPUS_MAX && count; n++) {
		struct view_ticks ticks;

		if (!cpus_has(&cpu->shown, n))
			continue;
		ticks = view_ticks_each(cpu, n, count);
		text_put(out, SLICE("cpu"));
		text_u64(out, n, 0);
		text_putc(out, ' ');
		view_put_ticks(&ticks, out);
	}
}

static void view_put_number(struct slice key, uint64_t value, struct text *out)
{
	text_put(out, key);
	text_u64(out, value, 0);
	text_putc(out, '\n');
}

void view_stat(const struct view_cpu *cpu, uint64_t start_wall_s, uint64_t running,
	       uint64_t blocked, struct text *out)
{
	view_put_cpus(cpu, out);
	text_put(out, SLICE("intr 0\nctxt 0\n"));
	view_put_number(SLICE("btime "), start_wall_s, out);
	text_put(out, SLICE("processes 0\n"));
	view_put_number(SLICE("procs_running "), running, out);
	view_put_number(SLICE("procs_blocked "), blocked, out);
	text_put(out, SLICE("softirq 0 0 0 0 0 0 0 0 0 0 0\n"));
}

/* Blocks that begin with "processor : N" are for one processor; what has none is for all. */
void view_cpuinfo(struct slice host, const struct cpus *shown, struct text *out)
{
	struct slice line, rest, key;
	bool keep = true;

	while (slice_next(&host, '\n', &line)) {
		rest = line;
		if (slice_cut(&rest, ':', &key) && slice_is(slice_trim(key), "processor")) {
			uint64_t number;

			keep = !slice_u64(slice_trim(rest), &number) || cpus_has(shown, number);
		}
		if (keep) {
			text_put(out, line);
			text_putc(out, '\n');
		}
		if (line.bytes == 0)
			keep = true; /* a block ends */
	}
}

static void view_put_seconds(uint64_t ns, struct text *out)
{
	text_u64(out, ns / NS_PER_S, 0);
	text_putc(out, '.');
	text_u64(out, ns % NS_PER_S / (NS_PER_S / 100), 2);
}

void view_uptime(const struct view_cpu *cpu, struct text *out)
{
	uint64_t all_ns = cpu->up_ns * cpus_count(&cpu->shown);
	uint64_t used_ns = cpu->user_ns + cpu->system_ns;

	view_put_seconds(cpu->up_ns, out);
	text_putc(out, ' ');
	view_put_seconds(all_ns > used_ns ? all_ns - used_ns : 0, out);
	text_putc(out, '\n');
}

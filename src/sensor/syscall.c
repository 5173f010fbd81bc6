/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscall - how often processes make chosen system calls.
 *
 * They are counted in the kernel and told once in a while: there is no event for a call. The
 * tracepoint behind system calls makes every call of every process a little slower: so this sensor
 * is off unless asked for.
 */
#include "sensor/syscall.h"

#include <errno.h>
#include <seccomp.h>

#include "base/clock.h"
#include "event/metrics.h"
#include "sensor/programs.h"
#include "sensor/turns.h"
#include "syscall.skel.h"

struct syscall_sensor {
	const struct sensor_env *env;
	struct programs *programs;
	struct turns turns;
	struct metric lost;
};

/* --- which --- */

/* A name's number; libseccomp has a negative one for calls of other machines. */
static int syscall_number(struct slice word)
{
	char name[64];
	uint64_t number;

	if (slice_u64(word, &number))
		return number < RING_SYSCALLS ? (int)number : -1;
	slice_eat(&word, SLICE("sys_")); /* as older settings files have it */
	slice_copy(word, name, sizeof(name));
	return seccomp_syscall_resolve_name(name);
}

int syscall_choose(const char *list, uint8_t *wants, struct error *err)
{
	struct slice rest = slice_of(list), word;

	memset(wants, 0, RING_SYSCALLS);
	while (slice_next(&rest, '\n', &word)) {
		int number = syscall_number(slice_trim(word));

		if (number < 0 || number >= RING_SYSCALLS)
			return error_say(err, EINVAL,
					 "this machine has no system call '%.*s'; see syscalls(2)",
					 SLICE_ARG(word));
		wants[number] = 1;
	}
	return 0;
}

/* --- how often --- */

static void syscall_on_count(void *owner, const void *key, const void *value)
{
	const struct syscall_sensor *syscall = owner;
	const struct ring_syscall_key *which = key;
	const struct ring_syscall_count *count = value;
	auto_free char *name =
		seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)which->number);
	struct event event;

	event_init(&event, EVENT_syscall_enter, clock_wall_ns(), count->owner.boot_ns);
	event_number(&event, FIELD_pid, which->pid);
	event_text(&event, FIELD_comm,
		   slice_first((struct slice){ count->owner.comm, sizeof(count->owner.comm) },
			       strnlen(count->owner.comm, sizeof(count->owner.comm))));
	event_number(&event, FIELD_syscall_number, which->number);
	if (name)
		event_text(&event, FIELD_syscall_name, slice_of(name));
	event_number(&event, FIELD_syscall_count, count->count);
	syscall->env->out->emit(syscall->env->out, &event);
}

static const struct syscall_bpf *syscall_skeleton(const struct turns *turns)
{
	return programs_skeleton(container_of(turns, struct syscall_sensor, turns)->programs);
}

static void syscall_turn(struct turns *turns)
{
	__atomic_add_fetch(&syscall_skeleton(turns)->bss->syscall_generation, 1, __ATOMIC_SEQ_CST);
}

static void syscall_drain(struct turns *turns)
{
	const struct syscall_bpf *bpf = syscall_skeleton(turns);
	const struct bpf_map *map = bpf->bss->syscall_generation & 1 ? bpf->maps.syscall_counts_even
								     : bpf->maps.syscall_counts_odd;

	turns_take(bpf_map__fd(map), sizeof(struct ring_syscall_key),
		   sizeof(struct ring_syscall_count), syscall_on_count,
		   container_of(turns, struct syscall_sensor, turns));
}

static uint64_t syscall_read_lost(const struct metric *metric)
{
	const struct syscall_sensor *syscall = metric->owner;

	return __atomic_load_n(&syscall_skeleton(&syscall->turns)->bss->syscall_lost_count,
			       __ATOMIC_RELAXED);
}

static int syscall_start(struct sensor *sensor, struct error *err)
{
	const struct watch_settings *watch = &sensor->env->settings->watch;
	struct syscall_sensor *syscall = sensor->state;
	int r;

	if (!watch->syscall)
		return error_say(err, ENODATA, "not asked for (see sensors.syscall)");
	if (!watch->syscalls)
		return error_say(err, ENODATA,
				 "no system calls are chosen (see syscall.monitor_syscalls)");
	r = programs_take(&syscall->programs, sensor->env, PROGRAMS_count, err);
	if (r < 0)
		return r;
	syscall->env = sensor->env;
	syscall->turns.interval_ns = &watch->syscall_interval_ns;
	syscall->turns.turn = syscall_turn;
	syscall->turns.drain = syscall_drain;
	turns_start(&syscall->turns, sensor->env->loop);
	metric_add_read(sensor->env->metrics, METRIC_syscall_lost, &syscall->lost, NULL,
			syscall_read_lost, syscall);
	return 0;
}

static void syscall_stop(struct sensor *sensor)
{
	struct syscall_sensor *syscall = sensor->state;

	if (!syscall->env)
		return;
	turns_stop(&syscall->turns);
	metric_remove(&syscall->lost);
	programs_give_back(syscall->programs, PROGRAMS_count);
}

static bool syscall_same(const struct sensor_settings *old, const struct sensor_settings *fresh)
{
	return old->watch.syscall == fresh->watch.syscall &&
	       sensor_same_text(old->watch.syscalls, fresh->watch.syscalls);
}

static const struct sensor_mechanism syscall_mechanisms[] = {
	{ .name = "tp_btf",
	  .costs = "calls of 32-bit programs; what io_uring does",
	  .start = syscall_start },
};

const struct sensor_kind sensor_syscall = {
	.name = "syscall",
	.help = "chosen system calls, counted for each process",
	.state_bytes = sizeof(struct syscall_sensor),
	.mechanisms = syscall_mechanisms,
	.mechanism_count = array_count(syscall_mechanisms),
	.behind = true,
	.same = syscall_same,
	.stop = syscall_stop,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* process.scheduler, process.ioPriority and process.execCPUAffinity: set from outside, by who has
 * the right to. */
#include <errno.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>

#include "kernel/cpus.h"
#include "sysvisor/runc/process.h"

struct schedule_word {
	const char *name;
	unsigned int value;
};

static const struct schedule_word schedule_policies[] = {
	{ "SCHED_OTHER", SCHED_NORMAL }, { "SCHED_FIFO", SCHED_FIFO },
	{ "SCHED_RR", SCHED_RR },	 { "SCHED_BATCH", SCHED_BATCH },
	{ "SCHED_IDLE", SCHED_IDLE },	 { "SCHED_DEADLINE", SCHED_DEADLINE },
};

static const struct schedule_word schedule_flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK },
	{ "SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM },
	{ "SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN },
	{ "SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY },
	{ "SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS },
	{ "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
};

static const struct schedule_word schedule_io_classes[] = {
	{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
	{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
	{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
};

static int schedule_find(const struct schedule_word *words, size_t count, const char *place,
			 const char *name, unsigned int *ret_value, struct error *err)
{
	for (size_t n = 0; n < count; n++)
		if (strcmp(words[n].name, name) == 0) {
			*ret_value = words[n].value;
			return 0;
		}
	return error_say(err, EINVAL,
			 "config.json: process.%s: '%.40s' is not known; there are %s ... %s",
			 place, name, words[0].name, words[count - 1].name);
}

static int schedule_processor(pid_t pid, const struct spec_scheduler *wanted, struct error *err)
{
	struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_nice = (int32_t)wanted->nice.value,
		.sched_priority = (uint32_t)wanted->priority.value,
		.sched_runtime = (uint64_t)wanted->runtime.value,
		.sched_deadline = (uint64_t)wanted->deadline.value,
		.sched_period = (uint64_t)wanted->period.value,
	};
	unsigned int value = 0;
	int r = schedule_find(schedule_policies, array_count(schedule_policies), "scheduler.policy",
			      wanted->policy, &attr.sched_policy, err);

	for (size_t n = 0; n < wanted->flags.count && r == 0; n++) {
		r = schedule_find(schedule_flags, array_count(schedule_flags), "scheduler.flags",
				  wanted->flags.at[n], &value, err);
		if (r == 0)
			attr.sched_flags |= value;
	}
	if (r == 0 && syscall(SYS_sched_setattr, pid, &attr, 0) < 0)
		r = error_errno(err, errno, "set process.scheduler '%s'", wanted->policy);
	return r;
}

static int schedule_io(pid_t pid, const struct spec_io_priority *wanted, struct error *err)
{
	unsigned int class_ = 0;
	int r = schedule_find(schedule_io_classes, array_count(schedule_io_classes),
			      "ioPriority.class", wanted->class_, &class_, err);

	if (r == 0 && (wanted->priority.value < 0 || wanted->priority.value >= IOPRIO_NR_LEVELS))
		r = error_say(err, EINVAL,
			      "config.json: process.ioPriority.priority: is outside 0 to %d",
			      IOPRIO_NR_LEVELS - 1);
	if (r == 0 && syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid,
			      IOPRIO_PRIO_VALUE(class_, (unsigned int)wanted->priority.value)) < 0)
		r = error_errno(err, errno, "set process.ioPriority '%s'", wanted->class_);
	return r;
}

int process_schedule(pid_t pid, const struct spec_process *process, struct error *err)
{
	int r = process->scheduler.policy ? schedule_processor(pid, &process->scheduler, err) : 0;

	return r < 0 || !process->io_priority.class_ ? r
						     : schedule_io(pid, &process->io_priority, err);
}

int process_pin(pid_t pid, const char *list, struct error *err)
{
	struct cpus cpus;

	if (!list || !*list)
		return 0;
	if (!cpus_parse(slice_of(list), &cpus) ||
	    syscall(SYS_sched_setaffinity, pid, sizeof(cpus.bits), cpus.bits) < 0)
		return error_errno(err, errno, "process.execCPUAffinity: run on processors '%s'",
				   list);
	return 0;
}

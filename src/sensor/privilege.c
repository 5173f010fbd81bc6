/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privilege - who reaches for rights, other processes, namespaces or the kernel.
 *
 * The tracepoint behind system calls makes every call of every process a little slower: so this
 * sensor is off unless asked for.
 */
#include "sensor/sensor.h"

#include <errno.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "event/metrics.h"
#include "kernel/bpf.h"
#include "privilege.skel.h"
#include "sensor/sweep.h"

#define PRIVILEGE_ARGS 4

/* `target`: which argument is another process's pid, counted from 1; 0: none. */
static const struct privilege_row {
	unsigned int number, target;
	const char *name;
	const char *args[PRIVILEGE_ARGS];
} privilege_rows[] = {
	{ SYS_ptrace, 2, "ptrace", { "request", "pid", "address", "data" } },
	{ SYS_process_vm_readv, 1, "process_vm_readv", { "pid" } },
	{ SYS_process_vm_writev, 1, "process_vm_writev", { "pid" } },
	{ SYS_init_module, 0, "init_module", { NULL, "bytes" } },
	{ SYS_finit_module, 0, "finit_module", { "fd", NULL, "flags" } },
	{ SYS_delete_module, 0, "delete_module", { NULL, "flags" } },
	{ SYS_bpf, 0, "bpf", { "command" } },
	{ SYS_perf_event_open, 2, "perf_event_open", { NULL, "pid", "cpu", "group" } },
	{ SYS_mount, 0, "mount", { NULL, NULL, NULL, "flags" } },
	{ SYS_umount2, 0, "umount2", { NULL, "flags" } },
	{ SYS_move_mount, 0, "move_mount", { "from", NULL, "to" } },
	{ SYS_pivot_root, 0, "pivot_root", { NULL } },
	{ SYS_chroot, 0, "chroot", { NULL } },
	{ SYS_setns, 0, "setns", { "fd", "type" } },
	{ SYS_unshare, 0, "unshare", { "flags" } },
	{ SYS_clone, 0, "clone", { "flags" } },
	{ SYS_clone3, 0, "clone3", { "flags" } },
	{ SYS_setuid, 0, "setuid", { "uid" } },
	{ SYS_setgid, 0, "setgid", { "gid" } },
	{ SYS_setreuid, 0, "setreuid", { "ruid", "euid" } },
	{ SYS_setregid, 0, "setregid", { "rgid", "egid" } },
	{ SYS_setresuid, 0, "setresuid", { "ruid", "euid", "suid" } },
	{ SYS_setresgid, 0, "setresgid", { "rgid", "egid", "sgid" } },
	{ SYS_setfsuid, 0, "setfsuid", { "uid" } },
	{ SYS_setgroups, 0, "setgroups", { "count" } },
	{ SYS_capset, 0, "capset", { NULL } },
	{ SYS_add_key, 0, "add_key", { NULL } },
	{ SYS_request_key, 0, "request_key", { NULL } },
	{ SYS_keyctl, 0, "keyctl", { "operation" } },
	{ SYS_kexec_load, 0, "kexec_load", { NULL } },
	{ SYS_reboot, 0, "reboot", { NULL, NULL, "command" } },
	{ SYS_userfaultfd, 0, "userfaultfd", { "flags" } },
	{ SYS_open_by_handle_at, 0, "open_by_handle_at", { "mount", NULL, "flags" } },
};

struct privilege_sensor {
	struct programs *programs;
	struct sweep sweep;
	struct metric rates_lost, held;
};

const uint8_t *privilege_wanted(void)
{
	static uint8_t wanted[RING_SYSCALLS];

	for (size_t n = 0; n < array_count(privilege_rows); n++)
		wanted[privilege_rows[n].number] = RING_PRIVILEGE_always;
	wanted[SYS_clone] = RING_PRIVILEGE_clone;
	wanted[SYS_clone3] = RING_PRIVILEGE_clone3;
	return wanted;
}

static const struct privilege_row *privilege_find(unsigned int number)
{
	for (size_t n = 0; n < array_count(privilege_rows); n++)
		if (privilege_rows[n].number == number)
			return &privilege_rows[n];
	return NULL;
}

/* Arguments that say something by themselves; pointers don't. */
static void privilege_put_args(struct event *event, const struct privilege_row *row,
			       const struct ring_syscall *record)
{
	char words[160] = "";
	size_t bytes = 0;

	for (size_t n = 0; n < PRIVILEGE_ARGS; n++)
		if (row->args[n])
			bytes += (size_t)snprintf(words + bytes, sizeof(words) - bytes,
						  "%s%s=0x%llx", bytes ? " " : "", row->args[n],
						  (unsigned long long)record->args[n]);
	if (bytes)
		event_copy(event, FIELD_syscall_args, slice_of(words));
}

static void privilege_on_record(void *owner, const struct ring_head *head)
{
	const struct ring_syscall *record = (const struct ring_syscall *)head;
	const struct privilege_row *row = privilege_find(record->number);
	const struct sensor_env *env = owner;
	struct event event;

	if (!row)
		return;
	event_init(&event, EVENT_syscall_privileged, clock_wall_of_boot(head->boot_ns),
		   head->boot_ns);
	event_number(&event, FIELD_pid, head->pid);
	if (head->tid != head->pid)
		event_number(&event, FIELD_tid, head->tid);
	event_number(&event, FIELD_syscall_number, record->number);
	event_text(&event, FIELD_syscall_name, slice_of(row->name));
	privilege_put_args(&event, row, record);
	if (row->target && (int32_t)record->args[row->target - 1] > 0)
		event_number(&event, FIELD_other_pid, record->args[row->target - 1]);
	if (record->result < 0)
		event_copy(&event, FIELD_error_type,
			   slice_of(bpf_errno_name((int)-record->result)));
	if (record->held)
		event_number(&event, FIELD_syscall_held, record->held);
	env->out->emit(env->out, &event);
}

static struct privilege_bpf__bss *privilege_counts(const struct privilege_sensor *privilege)
{
	const struct privilege_bpf *bpf = programs_skeleton(privilege->programs);

	return bpf->bss;
}

static uint64_t privilege_read_rates_lost(const struct metric *metric)
{
	return __atomic_load_n(&privilege_counts(metric->owner)->rates_table.lost,
			       __ATOMIC_RELAXED);
}

static uint64_t privilege_read_held(const struct metric *metric)
{
	return __atomic_load_n(&privilege_counts(metric->owner)->privilege_held, __ATOMIC_RELAXED);
}

static int privilege_start(struct sensor *sensor, struct error *err)
{
	struct privilege_sensor *privilege = sensor->state;
	int r;

	if (!sensor->env->settings->watch.privilege)
		return error_say(err, ENODATA, "not asked for (see sensors.privilege)");
	if (sensor->env->ring)
		ring_handle(sensor->env->ring, RING_syscall, privilege_on_record,
			    (void *)sensor->env);
	r = programs_take(&privilege->programs, sensor->env, PROGRAMS_syscall, err);
	if (r < 0)
		return r;
	metric_add_read(sensor->env->metrics, METRIC_rates_lost, &privilege->rates_lost,
			"privilege", privilege_read_rates_lost, privilege);
	metric_add_read(sensor->env->metrics, METRIC_privilege_held, &privilege->held, NULL,
			privilege_read_held, privilege);
	privilege->sweep.tables[0] =
		(struct sweep_table){ "on_sweep_rates", &privilege_counts(privilege)->rates_table,
				      RING_RATES };
	sweep_start(&privilege->sweep, sensor->env->loop, privilege->programs);
	return 0;
}

static void privilege_stop(struct sensor *sensor)
{
	struct privilege_sensor *privilege = sensor->state;

	sweep_stop(&privilege->sweep);
	metric_remove(&privilege->rates_lost);
	metric_remove(&privilege->held);
	programs_give_back(privilege->programs, PROGRAMS_syscall);
	if (sensor->env->ring)
		ring_handle(sensor->env->ring, RING_syscall, NULL, NULL);
}

static bool privilege_same(const struct sensor_settings *old, const struct sensor_settings *fresh)
{
	return old->watch.privilege == fresh->watch.privilege;
}

static const struct sensor_mechanism privilege_mechanisms[] = {
	{ .name = "tp_btf",
	  .costs = "calls of 32-bit programs; what io_uring does",
	  .start = privilege_start },
};

const struct sensor_kind sensor_privilege = {
	.name = "privilege",
	.help = "system calls that reach for rights, other processes, namespaces or the kernel",
	.state_bytes = sizeof(struct privilege_sensor),
	.mechanisms = privilege_mechanisms,
	.mechanism_count = array_count(privilege_mechanisms),
	.behind = true,
	.same = privilege_same,
	.stop = privilege_stop,
};

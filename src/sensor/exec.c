/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec - processes come, turn into other programs, and go.
 *
 * Every record goes to the process table first; exec and exit then become events, which identity
 * fills from that table.
 */
#include "sensor/sensor.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "exec.skel.h"
#include "kernel/record.h"
#include "sensor/exec_poll.h"
#include "sensor/programs.h"

struct exec_sensor {
	struct programs *programs;
	struct exec_poll poll;
};

static void exec_put_cwd(struct event *event, const struct ring_exec *record)
{
	char *room = event_room(event, RECORD_PATH_ROOM);

	if (room)
		event_text(event, FIELD_working_directory, record_path(&record->cwd, room));
}

static void exec_put_facts(struct event *event, const struct ring_exec *record)
{
	static const struct {
		unsigned int fact;
		enum event_field field;
	} facts[] = {
		{ RING_EXEC_gained, FIELD_privileges_gained },
		{ RING_EXEC_memfd, FIELD_exe_memory },
		{ RING_EXEC_unlinked, FIELD_exe_unlinked },
		{ RING_EXEC_upper, FIELD_exe_upper },
	};

	if (record->interp_bytes && record->interp_bytes < RING_INTERP_BYTES)
		event_text(event, FIELD_interpreter,
			   (struct slice){ record->interp, record->interp_bytes });
	if (record->real_uid != record->head.uid)
		event_number(event, FIELD_real_uid, record->real_uid);
	if (record->capabilities)
		event_number(event, FIELD_capabilities, record->capabilities);
	for (size_t n = 0; n < array_count(facts); n++)
		if (record->facts & facts[n].fact)
			event_number(event, facts[n].field, 1);
}

/* `told`: the kernel did; /proc knows less. */
static void exec_emit_exec(const struct sensor_env *env, const struct ring_exec *record,
			   uint64_t wall_ns, bool told)
{
	struct event event;

	event_init(&event, EVENT_process_exec, wall_ns, record->head.boot_ns);
	event_number(&event, FIELD_pid, record->head.pid);
	if (told) {
		if (record->facts & RING_EXEC_paths)
			exec_put_cwd(&event, record);
		exec_put_facts(&event, record);
	}
	env->out->emit(env->out, &event);
}

static void exec_emit_exit(const struct sensor_env *env, const struct ring_exit *record,
			   uint64_t wall_ns)
{
	int signo = record->exit_code & 0x7f;
	struct event event;

	event_init(&event, EVENT_process_exit, wall_ns, record->head.boot_ns);
	event_number(&event, FIELD_pid, record->head.pid);
	if (signo)
		event_signal(&event, signo);
	else if (record->exit_code != RING_EXIT_UNKNOWN)
		event_number(&event, FIELD_exit_code, record->exit_code >> 8 & 0xff);
	env->out->emit(env->out, &event);
}

static void exec_take(const struct sensor_env *env, const struct ring_head *head, bool told)
{
	uint64_t wall_ns = clock_wall_of_boot(head->boot_ns);

	env->processes->record(env->processes, head);
	if (head->type == RING_exec && env->shared->exec_told)
		env->shared->exec_told(env->shared->exec_owner, (const struct ring_exec *)head);
	if (head->type == RING_exec)
		exec_emit_exec(env, (const struct ring_exec *)head, wall_ns, told);
	else if (head->type == RING_exit)
		exec_emit_exit(env, (const struct ring_exit *)head, wall_ns);
}

static void exec_on_record(void *owner, const struct ring_head *head)
{
	exec_take(owner, head, true);
}

static void exec_on_found(void *owner, const struct ring_head *head)
{
	exec_take(owner, head, false);
}

static int exec_start_bpf(struct sensor *sensor, struct error *err)
{
	static const enum ring_type types[] = { RING_fork, RING_exec, RING_exit, RING_thread,
						RING_cgroup };
	struct exec_sensor *exec = sensor->state;
	const struct exec_bpf *bpf;
	int r;

	if (!sensor->env->ring)
		return error_say(err, ENOTSUP, "%s", sensor->env->ring_refused);
	for (size_t n = 0; n < array_count(types); n++)
		ring_handle(sensor->env->ring, types[n], exec_on_record, (void *)sensor->env);
	r = programs_take(&exec->programs, sensor->env, PROGRAMS_exec, err);
	if (r < 0)
		return r;
	bpf = programs_skeleton(exec->programs);
	sensor->env->shared->cgroups_told_fd = bpf_map__fd(bpf->maps.cgroups_told);
	return 0;
}

void sensor_forget_cgroup(const struct sensor_shared *shared, uint64_t id)
{
	if (shared->cgroups_told_fd >= 0)
		bpf_map_delete_elem(shared->cgroups_told_fd, &id);
}

static int exec_start_poll(struct sensor *sensor, struct error *err)
{
	struct exec_sensor *exec = sensor->state;

	return exec_poll_start(&exec->poll, sensor->env, exec_on_found, err);
}

static void exec_stop(struct sensor *sensor)
{
	struct exec_sensor *exec = sensor->state;

	sensor->env->shared->cgroups_told_fd = -1;
	programs_give_back(exec->programs, PROGRAMS_exec);
	exec_poll_stop(&exec->poll);
}

static const struct sensor_mechanism exec_mechanisms[] = {
	{ .name = "tp_btf", .start = exec_start_bpf },
	{ .name = "/proc polling",
	  .costs = "processes that live shorter than the interval, exit codes, and what is special "
		   "about programs",
	  .samples = true,
	  .start = exec_start_poll },
};

const struct sensor_kind sensor_exec = {
	.name = "exec",
	.help = "processes: fork, exec, exit",
	.state_bytes = sizeof(struct exec_sensor),
	.mechanisms = exec_mechanisms,
	.mechanism_count = array_count(exec_mechanisms),
	.stop = exec_stop,
};

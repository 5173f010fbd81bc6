/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files - what is done with watched files.
 *
 * Nothing is watched unless asked for. What is asked for are paths as processes see them, which
 * hold in every container, too; what lies there on the host is watched by its number as well, so
 * that it is known under whatever name a container or a hard link gives it.
 */
#include "sensor/files.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "event/metrics.h"
#include "files.skel.h"
#include "kernel/bpf.h"
#include "sensor/file_event.h"
#include "sensor/file_marks.h"
#include "sensor/file_watch.h"
#include "sensor/sweep.h"

struct files_sensor {
	const struct sensor_env *env;
	struct programs *programs;
	unsigned int parts;
	struct metric held, lost, closes_lost, rates_lost;
	struct sweep sweep;
	struct file_marks marks;
};

static void files_on_record(void *owner, const struct ring_head *head)
{
	const struct ring_file *record = (const struct ring_file *)head;
	struct files_sensor *files = owner;
	struct event event;

	if (file_event_fill(&event, record))
		files->env->out->emit(files->env->out, &event);
}

/* --- what is watched --- */

/* proc_fd: see file_watch_read(). */
static int files_read_watch(struct file_watch *watch, const struct sensor_env *env, int proc_fd,
			    struct error *err)
{
	const struct watch_settings *settings = &env->settings->watch;

	return file_watch_read(watch, settings->file_paths, settings->file_exclude, proc_fd, err);
}

static int files_fill_maps(struct files_bpf *bpf, const struct file_watch *watch, struct error *err)
{
	int steps_fd = bpf_map__fd(bpf->maps.file_steps), ids_fd = bpf_map__fd(bpf->maps.file_ids);
	int r = 0;

	for (size_t n = 0; n < watch->step_count && r == 0; n++)
		r = bpf_map_update_elem(steps_fd, &watch->steps[n].step, &watch->steps[n].node,
					BPF_ANY);
	for (size_t n = 0; n < watch->id_count && r == 0; n++)
		r = bpf_map_update_elem(ids_fd, &watch->ids[n].id, &watch->ids[n].rule, BPF_ANY);
	return r < 0 ? bpf_error(err, -r, "say what is watched") : 0;
}

int files_arm(struct files_bpf *bpf, const struct sensor_env *env, struct error *err)
{
	struct file_watch watch;
	int r = files_read_watch(&watch, env, env->proc_fd, err);

	if (r == 0)
		r = files_fill_maps(bpf, &watch, err);
	bpf->bss->file_root_watched = watch.root_watched;
	bpf->bss->file_id_count = (uint32_t)watch.id_count;
	bpf->bss->file_id_count_files = (uint32_t)watch.id_count_files;
	file_watch_done(&watch);
	return r;
}

/* --- start --- */

static const struct files_bpf *files_skeleton(const struct metric *metric)
{
	return programs_skeleton(((const struct files_sensor *)metric->owner)->programs);
}

static uint64_t files_count_held(const struct metric *metric)
{
	return files_skeleton(metric)->bss->file_held;
}

static uint64_t files_count_lost(const struct metric *metric)
{
	return files_skeleton(metric)->bss->file_lost;
}

static uint64_t files_count_closes_lost(const struct metric *metric)
{
	const struct files_bpf *bpf = files_skeleton(metric);

	return bpf->bss->file_uses_table.lost + bpf->bss->file_fds_table.lost;
}

static uint64_t files_count_rates_lost(const struct metric *metric)
{
	return files_skeleton(metric)->bss->rates_table.lost;
}

static void files_add_metrics(struct files_sensor *files)
{
	struct metrics *metrics = files->env->metrics;

	metric_add_read(metrics, METRIC_files_held, &files->held, NULL, files_count_held, files);
	metric_add_read(metrics, METRIC_files_lost, &files->lost, NULL, files_count_lost, files);
	metric_add_read(metrics, METRIC_files_closes_lost, &files->closes_lost, NULL,
			files_count_closes_lost, files);
	metric_add_read(metrics, METRIC_rates_lost, &files->rates_lost, "files",
			files_count_rates_lost, files);
}

/* Behind system calls alone the end of an open file may pass unseen. */
static void files_start_sweep(struct files_sensor *files)
{
	const struct files_bpf *bpf = programs_skeleton(files->programs);
	struct sweep_table *tables = files->sweep.tables;

	tables[0] = (struct sweep_table){ "on_sweep_rates", &bpf->bss->rates_table, RING_RATES };
	if (files->parts & PROGRAMS_file_syscall) {
		tables[1] = (struct sweep_table){ "on_sweep_uses", &bpf->bss->file_uses_table,
						  RING_FILE_USES };
		tables[2] = (struct sweep_table){ "on_sweep_fds", &bpf->bss->file_fds_table,
						  RING_FILE_USES };
	}
	sweep_start(&files->sweep, files->env->loop, files->programs);
}

static int files_may(const struct sensor_env *env, enum file_mechanism mechanism, struct error *err)
{
	const struct watch_settings *watch = &env->settings->watch;

	if (!watch->file_paths)
		return error_say(err, ENODATA, "not asked for (see files.paths)");
	if (watch->file_mechanism != FILE_MECHANISM_auto && watch->file_mechanism != (int)mechanism)
		return error_say(err, ENOTSUP, "files.mechanism chooses another");
	return 0;
}

static int files_start(struct sensor *sensor, enum file_mechanism mechanism, unsigned int parts,
		       struct error *err)
{
	struct files_sensor *files = sensor->state;
	const struct sensor_env *env = sensor->env;
	struct file_watch watch;
	int r = files_may(env, mechanism, err);

	if (r < 0)
		return r;
	r = files_read_watch(&watch, env, -1, err);
	file_watch_done(&watch);
	if (r < 0)
		return r;
	files->env = env;
	files->parts = parts;
	if (env->ring)
		ring_handle(env->ring, RING_file, files_on_record, files);
	r = programs_take(&files->programs, env, parts, err);
	if (r < 0)
		return r;
	files_add_metrics(files);
	files_start_sweep(files);
	return 0;
}

static int files_start_security(struct sensor *sensor, struct error *err)
{
	return files_start(sensor, FILE_MECHANISM_fentry,
			   PROGRAMS_file_security | PROGRAMS_file_setattr, err);
}

static int files_start_security_old(struct sensor *sensor, struct error *err)
{
	return files_start(sensor, FILE_MECHANISM_fentry,
			   PROGRAMS_file_security | PROGRAMS_file_setattr_old, err);
}

static int files_start_syscall(struct sensor *sensor, struct error *err)
{
	return files_start(sensor, FILE_MECHANISM_tp_btf,
			   PROGRAMS_file_syscall | PROGRAMS_file_change, err);
}

static int files_start_open(struct sensor *sensor, struct error *err)
{
	return files_start(sensor, FILE_MECHANISM_tp_btf, PROGRAMS_file_syscall, err);
}

static int files_start_marks(struct sensor *sensor, enum fanotify_grade grade, struct error *err)
{
	struct files_sensor *files = sensor->state;
	int r = files_may(sensor->env, FILE_MECHANISM_fanotify, err);

	return r < 0 ? r : file_marks_start(&files->marks, sensor->env, grade, err);
}

static int files_start_fanotify(struct sensor *sensor, struct error *err)
{
	return files_start_marks(sensor, FANOTIFY_whole, err);
}

static int files_start_fanotify_halves(struct sensor *sensor, struct error *err)
{
	return files_start_marks(sensor, FANOTIFY_halves, err);
}

static void files_stop(struct sensor *sensor)
{
	struct files_sensor *files = sensor->state;

	file_marks_stop(&files->marks);
	if (!files->env)
		return;
	if (files->env->ring)
		ring_handle(files->env->ring, RING_file, NULL, NULL);
	sweep_stop(&files->sweep);
	metric_remove(&files->held);
	metric_remove(&files->lost);
	metric_remove(&files->closes_lost);
	metric_remove(&files->rates_lost);
	programs_give_back(files->programs, files->parts);
}

static bool files_same(const struct sensor_settings *old, const struct sensor_settings *fresh)
{
	const struct watch_settings *a = &old->watch, *b = &fresh->watch;

	return sensor_same_text(a->file_paths, b->file_paths) &&
	       sensor_same_text(a->file_exclude, b->file_exclude) && a->file_rate == b->file_rate &&
	       a->file_mechanism == b->file_mechanism &&
	       a->file_max_directories == b->file_max_directories;
}

#define FILES_FANOTIFY_COSTS                                                                       \
	"flags, threads, bytes, reads and mappings; opens that fail; which attribute was "         \
	"changed; "                                                                                \
	"a process's repeats within 10 ms; what is done in a directory or container at once when " \
	"it "                                                                                      \
	"is made"

static const struct sensor_mechanism files_mechanisms[] = {
	{ .name = "fentry",
	  .costs = "opens with O_PATH, and those that permissions forbid",
	  .start = files_start_security },
	{ .name = "fentry, old",
	  .costs = "opens with O_PATH, and those that permissions forbid",
	  .start = files_start_security_old },
	{ .name = "fanotify", .costs = FILES_FANOTIFY_COSTS, .start = files_start_fanotify },
	{ .name = "fanotify, halves",
	  .costs = FILES_FANOTIFY_COSTS
	  "; which name became which in a rename; that an open made the file",
	  .start = files_start_fanotify_halves },
	{ .name = "tp_btf",
	  .costs = "opens that fail, by io_uring and of 32-bit programs; every system call takes a "
		   "little longer",
	  .start = files_start_syscall },
	{ .name = "tp_btf, opens",
	  .costs = "all but opens and mappings (kernel 6.13 tells more); opens that fail, by "
		   "io_uring "
		   "and of 32-bit programs; every system call takes a little longer",
	  .start = files_start_open },
};

const struct sensor_kind sensor_files = {
	.name = "files",
	.help = "watched files: opened, mapped, renamed, deleted, changed",
	.state_bytes = sizeof(struct files_sensor),
	.mechanisms = files_mechanisms,
	.mechanism_count = array_count(files_mechanisms),
	.behind = true,
	.same = files_same,
	.stop = files_stop,
};

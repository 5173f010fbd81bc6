/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files - what is done with watched files.
 *
 * Nothing is watched unless asked for. What is asked for are paths as processes see them, which
 * hold in every container, too; what lies there on the host is watched by its number as well, so
 * that it is known under whatever name a container or a hard link gives it.
 */
#include "sensor/sensor.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "base/clock.h"
#include "event/metrics.h"
#include "files.skel.h"
#include "kernel/bpf.h"
#include "sensor/file_event.h"
#include "sensor/file_watch.h"

struct files_sensor {
	const struct sensor_env *env;
	struct files_bpf *bpf;
	struct file_watch watch;
	struct metric held, lost;
};

static void files_on_record(void *owner, const struct ring_head *head)
{
	const struct ring_file *record = (const struct ring_file *)head;
	struct files_sensor *files = owner;
	struct event event;

	if (file_event_fill(&event, record))
		files->env->out->emit(files->env->out, &event);
}

/* --- which programs --- */

enum { FILES_security = 1, FILES_syscall = 2, FILES_change = 4 };

struct files_row {
	unsigned int parts;
	size_t program; /* offset in struct files_bpf */
};

#define ROW(parts, name)                                                                           \
	{                                                                                          \
		parts, offsetof(struct files_bpf, progs.name)                                      \
	}
static const struct files_row files_rows[] = {
	ROW(FILES_security, on_open),
	ROW(FILES_security, on_mmap),
	ROW(FILES_security, on_unlink),
	ROW(FILES_security, on_rmdir),
	ROW(FILES_security, on_link),
	ROW(FILES_security, on_symlink),
	ROW(FILES_security, on_mkdir),
	ROW(FILES_security, on_rename),
	ROW(FILES_security, on_renamed),
	ROW(FILES_security, on_sys_mount),
	ROW(FILES_security, on_sys_umount),
	ROW(FILES_security, on_sys_move_mount),
	ROW(FILES_security, on_sys_pivot_root),
	ROW(FILES_security, on_sys_unshare),
	ROW(FILES_syscall, on_file_syscall),
	ROW(FILES_change, on_ctime_set),
	ROW(FILES_change, on_ctime_exchange),
	ROW(FILES_change, on_ctime_same),
	ROW(FILES_security | FILES_syscall, on_file_fork),
};
#undef ROW

/* How many arguments a function of the kernel's has; 0: there is none. */
static unsigned int files_count_arguments(const char *function)
{
	struct btf *btf = btf__load_vmlinux_btf();
	const struct btf_type *type = NULL;
	unsigned int count = 0;
	int id = btf ? btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) : -1;

	if (id > 0)
		type = btf__type_by_id(btf, btf__type_by_id(btf, (uint32_t)id)->type);
	if (type)
		count = btf_vlen(type);
	btf__free(btf);
	return count;
}

static void files_choose(struct files_bpf *bpf, unsigned int parts)
{
	unsigned int arguments =
		parts & FILES_security ? files_count_arguments("security_inode_setattr") : 0;

	for (size_t n = 0; n < array_count(files_rows); n++)
		bpf_program__set_autoload(
			*(struct bpf_program **)((char *)bpf + files_rows[n].program),
			files_rows[n].parts & parts);
	bpf_program__set_autoload(bpf->progs.on_setattr, arguments == 3);
	bpf_program__set_autoload(bpf->progs.on_setattr_old, arguments == 2);
}

/* --- start --- */

static int files_fill_maps(struct files_sensor *files, struct error *err)
{
	const struct file_watch *watch = &files->watch;
	int steps_fd = bpf_map__fd(files->bpf->maps.file_steps);
	int ids_fd = bpf_map__fd(files->bpf->maps.file_ids);
	int r = 0;

	for (size_t n = 0; n < watch->step_count && r == 0; n++)
		r = bpf_map_update_elem(steps_fd, &watch->steps[n].step, &watch->steps[n].node,
					BPF_ANY);
	for (size_t n = 0; n < watch->id_count && r == 0; n++)
		r = bpf_map_update_elem(ids_fd, &watch->ids[n].id, &watch->ids[n].rule, BPF_ANY);
	return r < 0 ? bpf_error(err, -r, "say what is watched") : 0;
}

static int files_load(struct files_sensor *files, unsigned int parts, struct error *err)
{
	const struct sensor_env *env = files->env;
	struct files_bpf *bpf = files->bpf = files_bpf__open();
	int r;

	if (!bpf)
		return bpf_error(err, errno, "open");
	bpf->rodata->ring_half_bytes = ring_half_bytes(env->ring);
	bpf->rodata->only_under = env->settings->only_under;
	bpf->rodata->agent_pid = (uint32_t)getpid();
	bpf->rodata->hierarchy = env->hierarchy;
	bpf->rodata->file_rate = (uint32_t)env->settings->watch.file_rate;
	bpf->rodata->file_root_state = RING_FILE_ROOT << 1 | files->watch.root_watched;
	bpf->rodata->file_id_count = (uint32_t)files->watch.id_count;
	bpf->rodata->file_id_count_files = (uint32_t)files->watch.id_count_files;
	file_event_calls((uint8_t *)bpf->rodata->file_calls);
	files_choose(bpf, parts);
	r = ring_share(env->ring, bpf->maps.ring, bpf->maps.ring_state, err);
	if (r < 0)
		return r;
	r = files_bpf__load(bpf);
	if (r < 0)
		return bpf_error(err, -r, "load");
	r = files_fill_maps(files, err);
	if (r < 0)
		return r;
	r = files_bpf__attach(bpf);
	return r < 0 ? bpf_error(err, -r, "attach") : 0;
}

static uint64_t files_count_held(const struct metric *metric)
{
	return ((const struct files_sensor *)metric->owner)->bpf->bss->file_held;
}

static uint64_t files_count_lost(const struct metric *metric)
{
	return ((const struct files_sensor *)metric->owner)->bpf->bss->file_lost;
}

static int files_start(struct sensor *sensor, unsigned int parts, struct error *err)
{
	struct files_sensor *files = sensor->state;
	const struct sensor_env *env = sensor->env;
	int r;

	if (!env->settings->watch.file_paths)
		return error_say(err, ENODATA, "not asked for (see files.paths)");
	if (!env->ring)
		return error_say(err, ENOTSUP, "%s", env->ring_refused);
	files->env = env;
	r = file_watch_read(&files->watch, env->settings->watch.file_paths,
			    env->settings->watch.file_exclude, env->proc_fd, err);
	if (r < 0)
		return r;
	ring_handle(env->ring, RING_file, files_on_record, files);
	r = files_load(files, parts, err);
	if (r < 0)
		return r;
	files->held = (struct metric){ .read = files_count_held, .owner = files };
	files->lost = (struct metric){ .read = files_count_lost, .owner = files };
	metric_add(env->metrics, METRIC_files_held, &files->held, NULL);
	metric_add(env->metrics, METRIC_files_lost, &files->lost, NULL);
	return 0;
}

static int files_start_security(struct sensor *sensor, struct error *err)
{
	return files_start(sensor, FILES_security, err);
}

static int files_start_syscall(struct sensor *sensor, struct error *err)
{
	return files_start(sensor, FILES_syscall | FILES_change, err);
}

static int files_start_open(struct sensor *sensor, struct error *err)
{
	return files_start(sensor, FILES_syscall, err);
}

static void files_stop(struct sensor *sensor)
{
	struct files_sensor *files = sensor->state;

	if (!files->env)
		return;
	ring_handle(files->env->ring, RING_file, NULL, NULL);
	metric_remove(&files->held);
	metric_remove(&files->lost);
	files_bpf__destroy(files->bpf);
	file_watch_done(&files->watch);
}

static const struct sensor_mechanism files_mechanisms[] = {
	{ .name = "fentry",
	  .costs = "opens with O_PATH, and those that permissions forbid",
	  .start = files_start_security },
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
	.stop = files_stop,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/resource.h>

#include "base/worker.h"
#include "kernel/bpf.h"
#include "kernel/cgroup.h"
#include "kernel/types.h"
#include "sensor/program_table.h"

#define PROGRAMS_BEHIND_NICE 10

/* An object that is loaded. */
struct programs {
	const struct program_object *object;
	const struct sensor_env *env;
	struct program_skeleton *skeleton;
	unsigned int parts; /* loaded */
	size_t users;
	size_t taken[PROGRAM_ROWS]; /* how many have taken each program */
	struct bpf_link *links[PROGRAM_ROWS];
	int cgroup_fd;
};

/* Parts of an object that this kernel did not take. */
struct programs_refusal {
	unsigned int parts; /* 0: it was not asked */
	struct error why;
};

/* An object that the first events do not wait for; it has a thread of its own. */
struct programs_behind {
	struct worker_job job;
	struct worker *worker; /* NULL: none of its parts is wanted */
	struct programs_shared *shared;
	size_t object;
};

struct programs_shared {
	const struct sensor_env *env;
	struct types *types; /* NULL: not read, or this kernel tells none */
	struct programs *loaded[PROGRAM_OBJECTS];
	bool tried[PROGRAM_OBJECTS];
	struct programs_refusal refusals[PROGRAM_OBJECTS][PROGRAM_LEVELS];
	struct programs_behind behind[PROGRAM_OBJECTS];
	size_t loading; /* behind the start */
	void (*loaded_behind)(void *owner);
	void *owner;
};

/* --- loading --- */

static struct bpf_program *programs_find(const struct programs *programs,
					 const struct program_row *row)
{
	return bpf_object__find_program_by_name(programs->skeleton->object, row->name);
}

static void programs_choose(struct programs *programs)
{
	for (size_t n = 0; n < PROGRAM_ROWS; n++)
		if (program_rows[n].parts & programs->object->parts)
			bpf_program__set_autoload(programs_find(programs, &program_rows[n]),
						  program_rows[n].parts & programs->parts);
}

static int programs_open(struct programs *programs, const struct bpf_loading *loading,
			 struct error *err)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts,
		    .btf_custom_path = loading->picked_path[0] ? loading->picked_path : NULL);

	programs->skeleton = programs->object->open(&opts);
	return programs->skeleton ? 0 : bpf_error(err, errno, "open");
}

static int programs_load(struct programs *programs, struct error *err)
{
	const struct sensor_env *env = programs->env;
	struct bpf_loading loading;
	int r = bpf_loading_begin(&loading, env->shared->programs->types, err);

	if (r == 0)
		r = programs_open(programs, &loading, err);
	if (r == 0)
		r = programs->object->set(programs->skeleton, env, err);
	if (r == 0) {
		programs_choose(programs);
		r = bpf_loading_load(&loading, programs->skeleton->skeleton, err);
	}
	bpf_loading_end(&loading);
	if (r == 0)
		r = scope_fill(&env->settings->scope, programs->skeleton->object, err);
	if (r == 0 && programs->object->loaded)
		r = programs->object->loaded(programs->skeleton, env, err);
	return r;
}

static void programs_free(struct programs *programs)
{
	if (!programs)
		return;
	programs->object->destroy(programs->skeleton);
	if (programs->cgroup_fd >= 0)
		close(programs->cgroup_fd);
	free(programs);
}

static int programs_new(struct programs **ret_programs, const struct sensor_env *env,
			const struct program_object *object, unsigned int parts, struct error *err)
{
	struct programs *programs = calloc(1, sizeof(*programs));
	int r;

	if (!programs)
		return error_errno(err, ENOMEM, "load");
	programs->object = object;
	programs->env = env;
	programs->parts = parts;
	programs->cgroup_fd = -1;
	r = programs_load(programs, err);
	if (r < 0) {
		programs_free(programs);
		return r;
	}
	*ret_programs = programs;
	return 0;
}

/* --- attaching --- */

static struct bpf_link *programs_attach_iterator(const struct programs *programs,
						 const struct program_row *row,
						 const struct bpf_program *program)
{
	union bpf_iter_link_info info = {
		.map.map_fd = (__u32)bpf_object__find_map_fd_by_name(programs->skeleton->object,
								     row->goes_through),
	};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));

	return bpf_program__attach_iter(program, &opts);
}

static int programs_attach_one(struct programs *programs, size_t n, struct error *err)
{
	const struct program_row *row = &program_rows[n];
	struct bpf_program *program = programs_find(programs, row);

	if (row->goes_through) {
		programs->links[n] = programs_attach_iterator(programs, row, program);
		return programs->links[n] ? 0 : bpf_error(err, errno, "attach");
	}
	if (row->parts != PROGRAMS_packet) {
		programs->links[n] = bpf_program__attach(program);
		return programs->links[n] ? 0 : bpf_error(err, errno, "attach");
	}
	if (programs->cgroup_fd < 0)
		programs->cgroup_fd = cgroup_open(programs->env->settings->watch.cgroup, err);
	if (programs->cgroup_fd < 0)
		return programs->cgroup_fd;
	programs->links[n] = bpf_program__attach_cgroup(program, programs->cgroup_fd);
	return programs->links[n] ? 0 : bpf_error(err, errno, "attach to the control group");
}

static void programs_detach(struct programs *programs, unsigned int parts, size_t below)
{
	for (size_t n = 0; n < below; n++) {
		if (!(parts & program_rows[n].parts) || --programs->taken[n])
			continue;
		bpf_link__destroy(take_ptr(programs->links[n]));
	}
}

static int programs_attach(struct programs *programs, unsigned int parts, struct error *err)
{
	for (size_t n = 0; n < PROGRAM_ROWS; n++) {
		int r = 0;

		if (!(parts & program_rows[n].parts))
			continue;
		if (programs->taken[n] == 0)
			r = programs_attach_one(programs, n, err);
		if (r < 0) {
			programs_detach(programs, parts, n);
			return r;
		}
		programs->taken[n]++;
	}
	/* Attached it stays without; and nobody is kept from unmounting. */
	auto_close_fd(&programs->cgroup_fd);
	programs->cgroup_fd = -1;
	return 0;
}

/* --- sharing --- */

/* Loads for all as much of an object as this kernel takes. */
static void programs_share(struct programs_shared *shared, size_t object)
{
	const struct program_object *row = &program_objects[object];
	unsigned int wanted = program_parts_wanted(&shared->env->settings->watch) & row->parts;
	unsigned int before = 0;

	memset(shared->refusals[object], 0, sizeof(shared->refusals[object]));
	for (size_t n = 0; n < PROGRAM_LEVELS && !shared->loaded[object]; n++) {
		struct programs_refusal *refusal = &shared->refusals[object][n];
		unsigned int parts = (wanted & ~program_levels[n].without) |
				     (program_levels[n].instead & row->parts);

		if (n > 0 && !(wanted & program_levels[n].without))
			continue;
		if (parts && parts != before &&
		    programs_new(&shared->loaded[object], shared->env, row, parts, &refusal->why) <
			    0)
			refusal->parts = parts;
		before = parts;
	}
	shared->tried[object] = true;
}

static struct programs_shared *programs_shared(const struct sensor_env *env)
{
	struct programs_shared *shared = env->shared->programs;

	if (!shared) {
		shared = calloc(1, sizeof(*shared));
		if (!shared)
			abort();
		shared->env = env;
		env->shared->programs = shared;
	}
	/* Without it libbpf finds the types by itself, and says what is wrong if it can't. */
	if (!shared->types && types_open(&shared->types, TYPES_PATH, NULL) < 0)
		shared->types = NULL;
	return shared;
}

static const struct programs_refusal *programs_refusal(const struct programs_shared *shared,
						       size_t object, unsigned int parts)
{
	for (size_t n = 0; n < PROGRAM_LEVELS; n++)
		if (shared->refusals[object][n].parts == parts)
			return &shared->refusals[object][n];
	return NULL;
}

/* Those that all share; of parts that these lack, ones of its own, or the reason why
 * not, without asking twice. */
static int programs_get(struct programs **ret_programs, const struct sensor_env *env,
			unsigned int parts, struct error *err)
{
	struct programs_shared *shared = programs_shared(env);
	const struct programs_refusal *refusal;
	size_t object = 0;

	while (!(program_objects[object].parts & parts))
		object++;
	if (!shared->tried[object])
		programs_share(shared, object);
	if (shared->loaded[object] && (shared->loaded[object]->parts & parts) == parts) {
		*ret_programs = shared->loaded[object];
		return 0;
	}
	refusal = programs_refusal(shared, object, parts);
	if (refusal) {
		if (err)
			*err = refusal->why;
		return -refusal->why.code;
	}
	return programs_new(ret_programs, env, &program_objects[object], parts, err);
}

int programs_take(struct programs **ret_programs, const struct sensor_env *env, unsigned int parts,
		  struct error *err)
{
	struct programs *programs = NULL;
	int r;

	if (!env->ring)
		return error_say(err, ENOTSUP, "%s", env->ring_refused);
	r = programs_get(&programs, env, parts, err);
	if (r < 0)
		return r;
	programs->users++;
	r = programs_attach(programs, parts, err);
	if (r < 0) {
		programs_give_back(programs, 0);
		return r;
	}
	*ret_programs = programs;
	return 0;
}

void programs_give_back(struct programs *programs, unsigned int parts)
{
	struct programs_shared *shared;

	if (!programs)
		return;
	programs_detach(programs, parts, PROGRAM_ROWS);
	if (--programs->users)
		return;
	shared = programs->env->shared->programs;
	for (size_t n = 0; n < PROGRAM_OBJECTS; n++) {
		if (shared->loaded[n] != programs)
			continue;
		shared->loaded[n] = NULL;
		shared->tried[n] = false;
	}
	programs_free(programs);
}

int programs_read_begin(const struct programs *programs, const char *name, struct error *err)
{
	for (size_t n = 0; n < PROGRAM_ROWS; n++) {
		int fd;

		if (strcmp(program_rows[n].name, name) != 0 || !programs->links[n])
			continue;
		fd = bpf_iter_create(bpf_link__fd(programs->links[n]));
		return fd < 0 ? bpf_error(err, errno, name) : fd;
	}
	return error_say(err, ENOENT, "%s: not attached", name);
}

void *programs_skeleton(const struct programs *programs)
{
	return programs->skeleton;
}

/* --- behind the start --- */

static void programs_behind_work(struct worker_job *job)
{
	struct programs_behind *behind = container_of(job, struct programs_behind, job);

	/* What the first events wait for goes before it. */
	setpriority(PRIO_PROCESS, 0, PROGRAMS_BEHIND_NICE);
	programs_share(behind->shared, behind->object);
}

static void programs_behind_done(struct worker_job *job)
{
	struct programs_shared *shared = container_of(job, struct programs_behind, job)->shared;

	if (--shared->loading == 0)
		shared->loaded_behind(shared->owner);
}

static int programs_start_behind(struct programs_shared *shared, size_t object, struct error *err)
{
	struct programs_behind *behind = &shared->behind[object];
	int r = worker_new(&behind->worker, shared->env->loop, err);

	if (r < 0)
		return r;
	behind->job.work = programs_behind_work;
	behind->job.done = programs_behind_done;
	behind->shared = shared;
	behind->object = object;
	worker_start(behind->worker, &behind->job);
	shared->loading++;
	return 0;
}

int programs_load_behind(const struct sensor_env *env, void (*loaded)(void *owner), void *owner,
			 struct error *err)
{
	unsigned int wanted = program_parts_wanted(&env->settings->watch);
	struct programs_shared *shared;
	int r = 0;

	if (!env->ring)
		return 0;
	shared = programs_shared(env);
	shared->loaded_behind = loaded;
	shared->owner = owner;
	for (size_t n = 0; n < PROGRAM_OBJECTS && r == 0; n++)
		if (program_objects[n].behind && (program_objects[n].parts & wanted))
			r = programs_start_behind(shared, n, err);
	return r < 0 ? r : shared->loading > 0;
}

void programs_settle(struct sensor_shared *sensors)
{
	struct programs_shared *shared = sensors->programs;

	if (!shared)
		return;
	for (size_t n = 0; n < PROGRAM_OBJECTS; n++)
		worker_free(take_ptr(shared->behind[n].worker));
	types_free(take_ptr(shared->types));
}

void programs_done(struct sensor_shared *sensors)
{
	struct programs_shared *shared = sensors->programs;

	if (!shared)
		return;
	programs_settle(sensors);
	for (size_t n = 0; n < PROGRAM_OBJECTS; n++)
		programs_free(shared->loaded[n]);
	free(take_ptr(sensors->programs));
}

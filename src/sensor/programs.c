/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/programs.h"

#include <bpf/libbpf.h>
#include <errno.h>

#include "base/worker.h"
#include "exec.skel.h"
#include "kernel/bpf.h"
#include "kernel/cgroup.h"
#include "kernel/types.h"
#include "network.skel.h"
#include "privilege.skel.h"
#include "sensor/socket.h"

/* --- the objects --- */

/* As every generated skeleton begins. */
struct programs_skeleton {
	struct bpf_object_skeleton *skeleton;
	struct bpf_object *object;
};

struct programs_object {
	unsigned int parts;
	bool behind; /* the start does not wait for it */
	void *(*open)(const struct bpf_object_open_opts *opts);
	void (*destroy)(void *skeleton);
	/* Settings, before it is loaded; and what is left to do behind that, may be NULL. */
	int (*set)(void *skeleton, const struct sensor_env *env, struct error *err);
	int (*loaded)(void *skeleton, const struct sensor_env *env, struct error *err);
};

#define OBJECT(name)                                                                               \
	static void *name##_open(const struct bpf_object_open_opts *opts)                          \
	{                                                                                          \
		return name##_bpf__open_opts(opts);                                                \
	}                                                                                          \
	static void name##_destroy(void *skeleton)                                                 \
	{                                                                                          \
		name##_bpf__destroy(skeleton);                                                     \
	}
OBJECT(exec)
OBJECT(network)
OBJECT(privilege)
#undef OBJECT

/* What bpf/ring.bpf.h has in every object. */
#define SET_RING(bpf, env)                                                                         \
	({                                                                                         \
		(bpf)->rodata->ring_half_bytes = ring_half_bytes((env)->ring);                     \
		(bpf)->rodata->only_under = (env)->settings->only_under;                           \
		(bpf)->rodata->agent_pid = (uint32_t)getpid();                                     \
		(bpf)->rodata->hierarchy = (env)->hierarchy;                                       \
		ring_share((env)->ring, (bpf)->maps.ring, (bpf)->maps.ring_state, err);            \
	})

static int exec_set(void *skeleton, const struct sensor_env *env, struct error *err)
{
	struct exec_bpf *bpf = skeleton;

	return SET_RING(bpf, env);
}

static int network_set(void *skeleton, const struct sensor_env *env, struct error *err)
{
	const struct watch_settings *watch = &env->settings->watch;
	struct network_bpf *bpf = skeleton;
	int r = SET_RING(bpf, env);

	bpf->rodata->want_tcp = watch->tcp;
	bpf->rodata->tcp_settle_ns = watch->tcp_settle_ns;
	bpf->rodata->want_udp = watch->udp;
	bpf->rodata->want_dns = watch->dns;
	bpf->rodata->want_tls = watch->tls;
	bpf->rodata->want_http = watch->http;
	return r < 0 ? r : socket_notes_share(env, bpf->maps.socket_notes, err);
}

static int network_loaded(void *skeleton, const struct sensor_env *env, struct error *err)
{
	const struct network_bpf *bpf = skeleton;

	return socket_notes_keep(env, bpf->maps.socket_notes, err);
}

static int privilege_set(void *skeleton, const struct sensor_env *env, struct error *err)
{
	struct privilege_bpf *bpf = skeleton;

	memcpy((void *)bpf->rodata->privilege_wants, privilege_wanted(), RING_SYSCALLS);
	return SET_RING(bpf, env);
}

static const struct programs_object programs_objects[] = {
	{ .parts = PROGRAMS_exec | PROGRAMS_exec_plain,
	  .open = exec_open,
	  .destroy = exec_destroy,
	  .set = exec_set },
	{ .parts = PROGRAMS_tcp | PROGRAMS_packet | PROGRAMS_use | PROGRAMS_drop,
	  .behind = true,
	  .open = network_open,
	  .destroy = network_destroy,
	  .set = network_set,
	  .loaded = network_loaded },
	{ .parts = PROGRAMS_syscall,
	  .behind = true,
	  .open = privilege_open,
	  .destroy = privilege_destroy,
	  .set = privilege_set },
};

static const struct programs_row {
	unsigned int parts; /* it belongs to each of them */
	const char *name;
} programs_rows[] = {
	{ PROGRAMS_exec | PROGRAMS_exec_plain, "on_fork" },
	{ PROGRAMS_exec, "on_exec" },
	{ PROGRAMS_exec_plain, "on_exec_plain" },
	{ PROGRAMS_exec | PROGRAMS_exec_plain, "on_exit" },
	{ PROGRAMS_tcp, "on_state" },
	{ PROGRAMS_tcp, "on_reset_received" },
	{ PROGRAMS_tcp, "on_reset_sent" },
	{ PROGRAMS_packet, "on_sent" },
	{ PROGRAMS_packet, "on_received" },
	{ PROGRAMS_packet, "on_bind4" },
	{ PROGRAMS_packet, "on_bind6" },
	{ PROGRAMS_use, "on_send" },
	{ PROGRAMS_use, "on_receive" },
	{ PROGRAMS_drop, "on_drop" },
	{ PROGRAMS_syscall, "on_syscall" },
};

/* An object that is loaded. */
struct programs {
	const struct programs_object *object;
	const struct sensor_env *env;
	struct programs_skeleton *skeleton;
	unsigned int parts; /* loaded */
	size_t users;
	size_t taken[array_count(programs_rows)]; /* how many have taken each program */
	struct bpf_link *links[array_count(programs_rows)];
	int cgroup_fd;
};

struct programs_shared {
	const struct sensor_env *env;
	struct types *types; /* NULL: not read, or this kernel tells none */
	struct programs *loaded[array_count(programs_objects)];
	bool tried[array_count(programs_objects)];
	struct worker *worker;
	struct worker_job behind;
	void (*loaded_behind)(void *owner);
	void *owner;
};

/* --- loading --- */

static unsigned int programs_wanted(const struct watch_settings *watch)
{
	unsigned int parts = PROGRAMS_exec;

	if (watch->tcp)
		parts |= PROGRAMS_tcp | PROGRAMS_use;
	if (watch->udp || watch->dns || watch->tls || watch->http)
		parts |= PROGRAMS_packet | PROGRAMS_use;
	if (watch->udp)
		parts |= PROGRAMS_drop;
	if (watch->privilege)
		parts |= PROGRAMS_syscall;
	return parts;
}

static struct bpf_program *programs_find(const struct programs *programs,
					 const struct programs_row *row)
{
	return bpf_object__find_program_by_name(programs->skeleton->object, row->name);
}

static void programs_choose(struct programs *programs)
{
	for (size_t n = 0; n < array_count(programs_rows); n++)
		if (programs_rows[n].parts & programs->object->parts)
			bpf_program__set_autoload(programs_find(programs, &programs_rows[n]),
						  programs_rows[n].parts & programs->parts);
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
			const struct programs_object *object, unsigned int parts, struct error *err)
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

static int programs_attach_one(struct programs *programs, size_t n, struct error *err)
{
	const struct programs_row *row = &programs_rows[n];
	struct bpf_program *program = programs_find(programs, row);

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
		if (!(parts & programs_rows[n].parts) || --programs->taken[n])
			continue;
		bpf_link__destroy(take_ptr(programs->links[n]));
	}
}

static int programs_attach(struct programs *programs, unsigned int parts, struct error *err)
{
	for (size_t n = 0; n < array_count(programs_rows); n++) {
		int r = 0;

		if (!(parts & programs_rows[n].parts))
			continue;
		if (programs->taken[n] == 0)
			r = programs_attach_one(programs, n, err);
		if (r < 0) {
			programs_detach(programs, parts, n);
			return r;
		}
		programs->taken[n]++;
	}
	return 0;
}

/* --- sharing --- */

/* What older kernels don't take, in the order in which it is given up. */
static const struct {
	unsigned int without, instead;
} programs_levels[] = {
	{ 0, 0 },
	{ PROGRAMS_exec, PROGRAMS_exec_plain },
	{ PROGRAMS_drop, 0 },
	{ PROGRAMS_drop | PROGRAMS_use, 0 },
};

/* Loads for all as much of an object as this kernel takes. */
static void programs_share(struct programs_shared *shared, size_t object)
{
	const struct programs_object *row = &programs_objects[object];
	unsigned int wanted = programs_wanted(&shared->env->settings->watch) & row->parts;
	unsigned int before = 0;

	for (size_t n = 0; n < array_count(programs_levels) && !shared->loaded[object]; n++) {
		unsigned int parts = (wanted & ~programs_levels[n].without) |
				     (programs_levels[n].instead & row->parts);

		if (parts && parts != before &&
		    programs_new(&shared->loaded[object], shared->env, row, parts, NULL) < 0)
			shared->loaded[object] = NULL;
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

/* Those that all share; of parts that these lack, ones of its own, or the reason why not. */
static int programs_get(struct programs **ret_programs, const struct sensor_env *env,
			unsigned int parts, struct error *err)
{
	struct programs_shared *shared = programs_shared(env);
	size_t object = 0;

	while (!(programs_objects[object].parts & parts))
		object++;
	if (!shared->tried[object])
		programs_share(shared, object);
	if (shared->loaded[object] && (shared->loaded[object]->parts & parts) == parts) {
		*ret_programs = shared->loaded[object];
		return 0;
	}
	return programs_new(ret_programs, env, &programs_objects[object], parts, err);
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
	programs_detach(programs, parts, array_count(programs_rows));
	if (--programs->users)
		return;
	shared = programs->env->shared->programs;
	for (size_t n = 0; n < array_count(programs_objects); n++) {
		if (shared->loaded[n] != programs)
			continue;
		shared->loaded[n] = NULL;
		shared->tried[n] = false;
	}
	programs_free(programs);
}

void *programs_skeleton(const struct programs *programs)
{
	return programs->skeleton;
}

/* --- behind the start --- */

static void programs_behind_work(struct worker_job *job)
{
	struct programs_shared *shared = container_of(job, struct programs_shared, behind);

	for (size_t n = 0; n < array_count(programs_objects); n++)
		if (programs_objects[n].behind)
			programs_share(shared, n);
}

static void programs_behind_done(struct worker_job *job)
{
	struct programs_shared *shared = container_of(job, struct programs_shared, behind);

	shared->loaded_behind(shared->owner);
}

static bool programs_any_behind(const struct sensor_env *env)
{
	for (size_t n = 0; env->ring && n < array_count(programs_objects); n++)
		if (programs_objects[n].behind &&
		    (programs_objects[n].parts & programs_wanted(&env->settings->watch)))
			return true;
	return false;
}

int programs_load_behind(const struct sensor_env *env, void (*loaded)(void *owner), void *owner,
			 struct error *err)
{
	struct programs_shared *shared;
	int r;

	if (!programs_any_behind(env))
		return 0;
	shared = programs_shared(env);
	r = worker_new(&shared->worker, env->loop, err);
	if (r < 0)
		return r;
	shared->behind =
		(struct worker_job){ .work = programs_behind_work, .done = programs_behind_done };
	shared->loaded_behind = loaded;
	shared->owner = owner;
	worker_start(shared->worker, &shared->behind);
	return 1;
}

void programs_settle(const struct sensor_env *env)
{
	struct programs_shared *shared = env->shared->programs;

	if (!shared)
		return;
	worker_free(take_ptr(shared->worker));
	types_free(take_ptr(shared->types));
}

void programs_done(const struct sensor_env *env)
{
	struct programs_shared *shared = env->shared->programs;

	if (!shared)
		return;
	programs_settle(env);
	for (size_t n = 0; n < array_count(programs_objects); n++)
		programs_free(shared->loaded[n]);
	free(take_ptr(env->shared->programs));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/programs.h"

#include <bpf/libbpf.h>
#include <errno.h>

#include "kernel/bpf.h"
#include "kernel/cgroup.h"
#include "programs.skel.h"
#include "sensor/socket.h"

struct programs_row {
	unsigned int part;
	size_t program, link; /* offsets in struct programs_bpf */
};

#define ROW(part, name)                                                                            \
	{                                                                                          \
		part, offsetof(struct programs_bpf, progs.name),                                   \
			offsetof(struct programs_bpf, links.name)                                  \
	}
static const struct programs_row programs_rows[] = {
	ROW(PROGRAMS_exec | PROGRAMS_exec_plain, on_fork),
	ROW(PROGRAMS_exec, on_exec),
	ROW(PROGRAMS_exec_plain, on_exec_plain),
	ROW(PROGRAMS_exec | PROGRAMS_exec_plain, on_exit),
	ROW(PROGRAMS_tcp, on_state),
	ROW(PROGRAMS_tcp, on_reset_received),
	ROW(PROGRAMS_tcp, on_reset_sent),
	ROW(PROGRAMS_packet, on_sent),
	ROW(PROGRAMS_packet, on_received),
	ROW(PROGRAMS_packet, on_bind4),
	ROW(PROGRAMS_packet, on_bind6),
	ROW(PROGRAMS_use, on_send),
	ROW(PROGRAMS_use, on_receive),
	ROW(PROGRAMS_drop, on_drop),
	ROW(PROGRAMS_syscall, on_syscall),
};
#undef ROW

struct programs {
	const struct sensor_env *env;
	struct programs_bpf *bpf;
	unsigned int parts; /* loaded */
	size_t users;
	size_t taken[array_count(programs_rows)]; /* how many have taken each program */
	int cgroup_fd;
};

static struct bpf_program *programs_program(const struct programs *programs,
					    const struct programs_row *row)
{
	return *(struct bpf_program **)((char *)programs->bpf + row->program);
}

static struct bpf_link **programs_link(const struct programs *programs,
				       const struct programs_row *row)
{
	return (struct bpf_link **)((char *)programs->bpf + row->link);
}

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

static void programs_set(struct programs *programs, const struct sensor_env *env)
{
	const struct watch_settings *watch = &env->settings->watch;
	struct programs_bpf *bpf = programs->bpf;

	bpf->rodata->ring_half_bytes = ring_half_bytes(env->ring);
	bpf->rodata->only_under = env->settings->only_under;
	bpf->rodata->agent_pid = (uint32_t)getpid();
	bpf->rodata->hierarchy = env->hierarchy;
	bpf->rodata->want_tcp = watch->tcp;
	bpf->rodata->tcp_settle_ns = watch->tcp_settle_ns;
	bpf->rodata->want_udp = watch->udp;
	bpf->rodata->want_dns = watch->dns;
	bpf->rodata->want_tls = watch->tls;
	bpf->rodata->want_http = watch->http;
	memcpy((void *)bpf->rodata->privilege_wants, privilege_wanted(), RING_SYSCALLS);
	for (size_t n = 0; n < array_count(programs_rows); n++)
		bpf_program__set_autoload(programs_program(programs, &programs_rows[n]),
					  programs->parts & programs_rows[n].part);
}

static int programs_load(struct programs *programs, const struct sensor_env *env, struct error *err)
{
	struct programs_bpf *bpf = programs_bpf__open();
	int r;

	programs->bpf = bpf;
	if (!bpf)
		return bpf_error(err, errno, "open");
	programs_set(programs, env);
	r = ring_share(env->ring, bpf->maps.ring, bpf->maps.ring_state, err);
	if (r == 0)
		r = socket_notes_share(env, bpf->maps.socket_notes, err);
	if (r < 0)
		return r;
	r = programs_bpf__load(bpf);
	if (r < 0)
		return bpf_error(err, -r, "load");
	return socket_notes_keep(env, bpf->maps.socket_notes, err);
}

static void programs_free(struct programs *programs)
{
	if (!programs)
		return;
	programs_bpf__destroy(programs->bpf);
	if (programs->cgroup_fd >= 0)
		close(programs->cgroup_fd);
	free(programs);
}

static int programs_new(struct programs **ret_programs, const struct sensor_env *env,
			unsigned int parts, struct error *err)
{
	struct programs *programs = calloc(1, sizeof(*programs));
	int r;

	if (!programs)
		return error_errno(err, ENOMEM, "load");
	programs->env = env;
	programs->parts = parts;
	programs->cgroup_fd = -1;
	r = programs_load(programs, env, err);
	if (r < 0) {
		programs_free(programs);
		return r;
	}
	*ret_programs = programs;
	return 0;
}

/* --- attaching --- */

static int programs_attach_one(struct programs *programs, const struct programs_row *row,
			       struct error *err)
{
	struct bpf_program *program = programs_program(programs, row);
	struct bpf_link **link = programs_link(programs, row);

	if (row->part != PROGRAMS_packet) {
		*link = bpf_program__attach(program);
		return *link ? 0 : bpf_error(err, errno, "attach");
	}
	if (programs->cgroup_fd < 0)
		programs->cgroup_fd = cgroup_open(programs->env->settings->watch.cgroup, err);
	if (programs->cgroup_fd < 0)
		return programs->cgroup_fd;
	*link = bpf_program__attach_cgroup(program, programs->cgroup_fd);
	return *link ? 0 : bpf_error(err, errno, "attach to the control group");
}

static void programs_detach(struct programs *programs, unsigned int parts, size_t below)
{
	for (size_t n = 0; n < below; n++) {
		const struct programs_row *row = &programs_rows[n];

		if (!(parts & row->part) || --programs->taken[n])
			continue;
		bpf_link__destroy(*programs_link(programs, row));
		*programs_link(programs, row) = NULL;
	}
}

static int programs_attach(struct programs *programs, unsigned int parts, struct error *err)
{
	for (size_t n = 0; n < array_count(programs_rows); n++) {
		const struct programs_row *row = &programs_rows[n];
		int r = 0;

		if (!(parts & row->part))
			continue;
		if (programs->taken[n] == 0)
			r = programs_attach_one(programs, row, err);
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
	{ PROGRAMS_drop, 0 },
	{ PROGRAMS_drop | PROGRAMS_use, 0 },
	{ PROGRAMS_drop | PROGRAMS_use | PROGRAMS_exec, PROGRAMS_exec_plain },
};

/* Loads for all as much as this kernel takes. */
static void programs_share(const struct sensor_env *env)
{
	unsigned int wanted = programs_wanted(&env->settings->watch);
	struct sensor_shared *shared = env->shared;
	unsigned int before = 0;

	for (size_t n = 0; n < array_count(programs_levels) && !shared->programs; n++) {
		unsigned int parts =
			(wanted & ~programs_levels[n].without) | programs_levels[n].instead;

		if (parts != before && programs_new(&shared->programs, env, parts, NULL) < 0)
			shared->programs = NULL;
		before = parts;
	}
	shared->programs_tried = true;
}

/* Those that all share; of parts that these lack, ones of its own, or the reason why not. */
static int programs_find(struct programs **ret_programs, const struct sensor_env *env,
			 unsigned int parts, struct error *err)
{
	struct sensor_shared *shared = env->shared;

	if (!shared->programs_tried)
		programs_share(env);
	if (shared->programs && (shared->programs->parts & parts) == parts) {
		*ret_programs = shared->programs;
		return 0;
	}
	return programs_new(ret_programs, env, parts, err);
}

int programs_take(struct programs **ret_programs, const struct sensor_env *env, unsigned int parts,
		  struct error *err)
{
	struct programs *programs = NULL;
	int r;

	if (!env->ring)
		return error_say(err, ENOTSUP, "%s", env->ring_refused);
	r = programs_find(&programs, env, parts, err);
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
	if (!programs)
		return;
	programs_detach(programs, parts, array_count(programs_rows));
	if (--programs->users)
		return;
	if (programs->env->shared->programs == programs)
		programs->env->shared->programs = NULL;
	programs_free(programs);
}

struct programs_bpf *programs_bpf(const struct programs *programs)
{
	return programs->bpf;
}

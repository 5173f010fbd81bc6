/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/program_table.h"

#include <bpf/libbpf.h>

#include "bpf/scope.h"
#include "exec.skel.h"
#include "files.skel.h"
#include "network.skel.h"
#include "privilege.skel.h"
#include "sensor/file_event.h"
#include "sensor/files.h"
#include "sensor/packet.h"
#include "sensor/socket.h"
#include "sensor/syscall.h"
#include "syscall.skel.h"

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
OBJECT(files)
OBJECT(network)
OBJECT(privilege)
OBJECT(syscall)
#undef OBJECT

/* What bpf/ring.bpf.h has in every object. */
#define SET_RING(bpf, env)                                                                         \
	({                                                                                         \
		(bpf)->rodata->ring_half_bytes = ring_half_bytes((env)->ring);                     \
		(bpf)->rodata->only_under = (env)->settings->only_under;                           \
		(bpf)->rodata->agent_pid = (uint32_t)getpid();                                     \
		(bpf)->rodata->hierarchy = (env)->hierarchy;                                       \
		(bpf)->rodata->scope = (env)->settings->scope.config;                              \
		ring_share((env)->ring, (bpf)->maps.ring, (bpf)->maps.ring_state, err);            \
	})

static int exec_set(void *skeleton, const struct sensor_env *env, struct error *err)
{
	struct exec_bpf *bpf = skeleton;

	/* Some are told anew while the agent still forgets others. */
	bpf_map__set_max_entries(bpf->maps.cgroups_told, 2 * env->settings->cgroups);
	return SET_RING(bpf, env);
}

static int files_set(void *skeleton, const struct sensor_env *env, struct error *err)
{
	struct files_bpf *bpf = skeleton;

	bpf->rodata->file_rate = (uint32_t)env->settings->watch.file_rate;
	file_event_calls((uint8_t *)bpf->rodata->file_calls);
	return SET_RING(bpf, env);
}

static int files_loaded(void *skeleton, const struct sensor_env *env, struct error *err)
{
	return files_arm(skeleton, env, err);
}

#define NETWORK_SLOTS 8192 /* at most: 1.2 MiB, and one thousandth of a second to look through */

/* Of so many notes on connections those that lie in slots: a power of 2. */
static uint32_t network_slots(uint32_t connections)
{
	uint32_t slots = NETWORK_SLOTS;

	while (slots > connections / 8)
		slots /= 2;
	return slots;
}

#define NETWORK_SOCKET_MAPS(bpf)                                                                   \
	{                                                                                          \
		[SOCKET_MAP_notes] = (bpf)->maps.socket_notes,                                     \
		[SOCKET_MAP_tcp_slots] = (bpf)->maps.tcp_slots,                                    \
		[SOCKET_MAP_tcp_notes] = (bpf)->maps.tcp_notes,                                    \
	}

static int network_set(void *skeleton, const struct sensor_env *env, struct error *err)
{
	const struct watch_settings *watch = &env->settings->watch;
	uint32_t slots = network_slots((uint32_t)watch->tcp_connections);
	struct network_bpf *bpf = skeleton;
	struct bpf_map *const maps[] = NETWORK_SOCKET_MAPS(bpf);
	int r = SET_RING(bpf, env);

	bpf->rodata->want_tcp = watch->tcp;
	bpf->rodata->tcp_settle_ns = watch->tcp_settle_ns;
	bpf->rodata->tcp_slot_mask = slots - 1;
	bpf_map__set_max_entries(bpf->maps.tcp_slots, slots);
	bpf_map__set_max_entries(bpf->maps.tcp_notes, (__u32)watch->tcp_connections - slots);
	bpf->rodata->want_udp = watch->udp;
	bpf->rodata->want_dns = watch->dns;
	bpf->rodata->want_tls = watch->tls;
	bpf->rodata->want_http = watch->http;
	bpf->rodata->dns_ifindex = packets_ifindex(watch->dns_interface);
	bpf->rodata->tls_ifindex = packets_ifindex(watch->tls_interface);
	return r < 0 ? r : socket_notes_share(env, maps, err);
}

static int network_loaded(void *skeleton, const struct sensor_env *env, struct error *err)
{
	const struct network_bpf *bpf = skeleton;
	struct bpf_map *const maps[] = NETWORK_SOCKET_MAPS(bpf);

	return socket_notes_keep(env, maps, err);
}

static int privilege_set(void *skeleton, const struct sensor_env *env, struct error *err)
{
	struct privilege_bpf *bpf = skeleton;

	memcpy((void *)bpf->rodata->privilege_wants, privilege_wanted(), RING_SYSCALLS);
	return SET_RING(bpf, env);
}

static int syscall_set(void *skeleton, const struct sensor_env *env, struct error *err)
{
	struct syscall_bpf *bpf = skeleton;
	int r = syscall_choose(env->settings->watch.syscalls, (uint8_t *)bpf->rodata->syscall_wants,
			       err);

	return r < 0 ? r : SET_RING(bpf, env);
}

const struct program_object program_objects[PROGRAM_OBJECTS] = {
	{ .parts = PROGRAMS_exec, .open = exec_open, .destroy = exec_destroy, .set = exec_set },
	{ .parts = PROGRAMS_file_security | PROGRAMS_file_setattr | PROGRAMS_file_setattr_old |
		   PROGRAMS_file_syscall | PROGRAMS_file_change,
	  .behind = true,
	  .open = files_open,
	  .destroy = files_destroy,
	  .set = files_set,
	  .loaded = files_loaded },
	{ .parts =
		  PROGRAMS_tcp | PROGRAMS_packet | PROGRAMS_use | PROGRAMS_use_call | PROGRAMS_drop,
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
	{ .parts = PROGRAMS_count,
	  .behind = true,
	  .open = syscall_open,
	  .destroy = syscall_destroy,
	  .set = syscall_set },
};

const struct program_row program_rows[PROGRAM_ROWS] = {
	{ .parts = PROGRAMS_exec, .name = "on_fork" },
	{ .parts = PROGRAMS_exec, .name = "on_exec" },
	{ .parts = PROGRAMS_exec, .name = "on_exit" },
	{ .parts = PROGRAMS_file_security, .name = "on_open" },
	{ .parts = PROGRAMS_file_security, .name = "on_mmap" },
	{ .parts = PROGRAMS_file_security, .name = "on_read" },
	{ .parts = PROGRAMS_file_security, .name = "on_write" },
	{ .parts = PROGRAMS_file_security, .name = "on_close" },
	{ .parts = PROGRAMS_file_security, .name = "on_unlink" },
	{ .parts = PROGRAMS_file_security, .name = "on_rmdir" },
	{ .parts = PROGRAMS_file_security, .name = "on_link" },
	{ .parts = PROGRAMS_file_security, .name = "on_symlink" },
	{ .parts = PROGRAMS_file_security, .name = "on_mkdir" },
	{ .parts = PROGRAMS_file_security, .name = "on_rename" },
	{ .parts = PROGRAMS_file_security, .name = "on_renamed" },
	{ .parts = PROGRAMS_file_security, .name = "on_sys_mount" },
	{ .parts = PROGRAMS_file_security, .name = "on_sys_umount" },
	{ .parts = PROGRAMS_file_security, .name = "on_sys_move_mount" },
	{ .parts = PROGRAMS_file_security, .name = "on_sys_pivot_root" },
	{ .parts = PROGRAMS_file_security, .name = "on_sys_unshare" },
	{ .parts = PROGRAMS_file_setattr, .name = "on_setattr" },
	{ .parts = PROGRAMS_file_setattr_old, .name = "on_setattr_old" },
	{ .parts = PROGRAMS_file_syscall, .name = "on_file_syscall" },
	{ .parts = PROGRAMS_file_syscall, .name = "on_file_exit" },
	{ .parts = PROGRAMS_file_change, .name = "on_ctime_set" },
	{ .parts = PROGRAMS_file_change, .name = "on_ctime_exchange" },
	{ .parts = PROGRAMS_file_change, .name = "on_ctime_same" },
	{ .parts = PROGRAMS_file_security | PROGRAMS_file_syscall, .name = "on_file_fork" },
	{ .parts = PROGRAMS_tcp | PROGRAMS_packet, .name = "on_state" },
	{ .parts = PROGRAMS_tcp, .name = "on_reset_received" },
	{ .parts = PROGRAMS_tcp, .name = "on_reset_sent" },
	{ .parts = PROGRAMS_tcp, .name = "on_sweep", .goes_through = "tcp_notes" },
	{ .parts = PROGRAMS_tcp, .name = "on_sweep_slots", .goes_through = "tcp_slots" },
	{ .parts = PROGRAMS_packet, .name = "on_sent" },
	{ .parts = PROGRAMS_packet, .name = "on_received" },
	{ .parts = PROGRAMS_packet, .name = "on_bind4" },
	{ .parts = PROGRAMS_packet, .name = "on_bind6" },
	{ .parts = PROGRAMS_use, .name = "on_send" },
	{ .parts = PROGRAMS_use, .name = "on_receive" },
	{ .parts = PROGRAMS_use_call, .name = "on_send4" },
	{ .parts = PROGRAMS_use_call, .name = "on_send6" },
	{ .parts = PROGRAMS_use_call, .name = "on_receive4" },
	{ .parts = PROGRAMS_use_call, .name = "on_receive6" },
	{ .parts = PROGRAMS_drop, .name = "on_drop" },
	{ .parts = PROGRAMS_syscall, .name = "on_syscall" },
	{ .parts = PROGRAMS_syscall | PROGRAMS_file_security | PROGRAMS_file_syscall,
	  .name = "on_sweep_rates",
	  .goes_through = "rates" },
	{ .parts = PROGRAMS_file_syscall, .name = "on_sweep_uses", .goes_through = "file_uses" },
	{ .parts = PROGRAMS_file_syscall, .name = "on_sweep_fds", .goes_through = "file_fds" },
	{ .parts = PROGRAMS_count, .name = "on_call" },
};

const struct program_level program_levels[PROGRAM_LEVELS] = {
	{ 0, 0 },
	{ PROGRAMS_drop, 0 },
	{ PROGRAMS_drop | PROGRAMS_use, PROGRAMS_use_call },
	{ PROGRAMS_drop | PROGRAMS_use, 0 },
	{ PROGRAMS_file_setattr, PROGRAMS_file_setattr_old },
	{ PROGRAMS_file_change, 0 },
};

/* By enum file_mechanism: what is loaded behind the start. */
static const unsigned int file_parts[] = {
	[FILE_MECHANISM_auto] = PROGRAMS_file_security | PROGRAMS_file_setattr,
	[FILE_MECHANISM_fentry] = PROGRAMS_file_security | PROGRAMS_file_setattr,
	[FILE_MECHANISM_fanotify] = 0,
	[FILE_MECHANISM_tp_btf] = PROGRAMS_file_syscall | PROGRAMS_file_change,
};

unsigned int program_parts_wanted(const struct watch_settings *watch)
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
	if (watch->syscall && watch->syscalls)
		parts |= PROGRAMS_count;
	if (watch->file_paths)
		parts |= file_parts[watch->file_mechanism];
	return parts;
}

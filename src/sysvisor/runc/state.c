/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/state.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "kernel/procfs.h"
#include "sysvisor/runc/cgroup.h"
#include "sysvisor/runc/spec_read.h"

#define STATE_LIMIT_BYTES (16u << 20)

int state_check_id(const char *id, struct error *err)
{
	size_t bytes = strlen(id);

	if (bytes == 0 || bytes > 250 || strcmp(id, ".") == 0 || strcmp(id, "..") == 0 ||
	    strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.") !=
		    bytes)
		return error_say(err, EINVAL,
				 "container id '%.60s' can't be used: use 1 to 250 letters, "
				 "digits, '_', '+', '-' and '.'",
				 id);
	return 0;
}

static int state_lock(int fd, const char *id, struct error *err)
{
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return error_errno(err, errno, "lock container '%s'", id);
	return 0;
}

static int state_open_dir(const char *root, const char *id, int flags)
{
	auto_fd int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (root_fd < 0)
		return -errno;
	fd = openat(root_fd, id, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int state_make_dir(const char *root, const char *path, struct error *err)
{
	int r;

	if (mkdir(path, 0711) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	r = file_make_dirs(root, 0711, err);
	return r < 0 ? r : mkdir(path, 0711) < 0 ? -errno : 0;
}

int state_make(const char *root, const char *id, struct error *err)
{
	auto_text struct text path = { 0 };
	auto_fd int fd = -1;
	int r = state_check_id(id, err);

	if (r < 0)
		return r;
	text_printf(&path, "%s/%s", root, id);
	r = state_make_dir(root, text_str(&path), err);
	if (r == -EEXIST)
		return error_say(
			err, EEXIST,
			"container with id exists: '%s'; delete it first, or take another id", id);
	if (r < 0)
		return error_errno(err, -r, "make directory '%s'", text_str(&path));
	fd = open(text_str(&path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "open directory '%s'", text_str(&path));
	r = state_lock(fd, id, err);
	return r < 0 ? r : take_fd(&fd);
}

static int state_missing(const char *root, const char *id, int r, struct error *err)
{
	if (r == -ENOENT)
		return error_say(err, ENOENT, "container '%s' does not exist", id);
	return error_errno(err, -r, "open container '%s' in '%s'", id, root);
}

int state_open(const char *root, const char *id, struct error *err)
{
	auto_fd int fd = -1;
	int r = state_check_id(id, err);

	if (r < 0)
		return r;
	fd = state_open_dir(root, id, O_RDONLY);
	if (fd < 0)
		return state_missing(root, id, fd, err);
	r = state_lock(fd, id, err);
	return r < 0 ? r : take_fd(&fd);
}

int state_remove(const char *root, const char *id, int dir_fd, struct error *err)
{
	static const char *const files[] = { "state.json", "state.json.new", STATE_START_SOCKET,
					     STATE_FILTER, STATE_TRAPS };
	auto_text struct text path = { 0 };

	for (size_t n = 0; n < array_count(files); n++)
		unlinkat(dir_fd, files[n], 0);
	text_printf(&path, "%s/%s", root, id);
	if (rmdir(text_str(&path)) < 0 && errno != ENOENT)
		return error_errno(err, errno, "remove directory '%s'", text_str(&path));
	return 0;
}

/* --- state.json --- */

/* No fsync: after a crash of the machine there are no containers to remember. */
static int state_put(int dir_fd, const char *name, struct slice bytes)
{
	auto_fd int fd = openat(dir_fd, "state.json.new",
				O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = file_write_all(fd, bytes);
	if (r == 0 && renameat(dir_fd, "state.json.new", dir_fd, name) < 0)
		r = -errno;
	return r;
}

int state_save(int dir_fd, const struct state *state, const struct spec *spec, struct error *err)
{
	auto_text struct text text = { 0 };
	int r;

	state_write(state, spec, &text);
	if (text.failed)
		return error_errno(err, ENOMEM, "write state.json");
	r = state_put(dir_fd, "state.json", text_slice(&text));
	return r < 0 ? error_errno(err, -r, "write state.json") : 0;
}

#define AT(member) offsetof(struct id_range, member)
static const struct spec_field id_fields[] = {
	{ "containerID", SPEC_id, .at = AT(inner_id) },
	{ "hostID", SPEC_id, .at = AT(host_id) },
	{ "size", SPEC_id, .at = AT(count) },
};
static const struct spec_shape id_shape = { id_fields, array_count(id_fields),
					    sizeof(struct id_range), 0 };
#undef AT

#define AT(member) offsetof(struct state, member)
static const struct spec_field state_fields[] = {
	{ "ociVersion", SPEC_text, .at = AT(version) },
	{ "id", SPEC_text, .at = AT(id), .required = true },
	{ "bundle", SPEC_text, .at = AT(bundle), .required = true },
	{ "rootfs", SPEC_text, .at = AT(rootfs) },
	{ "storage", SPEC_text, .at = AT(storage) },
	{ "created", SPEC_text, .at = AT(created) },
	{ "cgroup", SPEC_text, .at = AT(cgroup) },
	{ "personality", SPEC_text, .at = AT(personality) },
	{ "listenerPath", SPEC_text, .at = AT(listener_path) },
	{ "listenerMetadata", SPEC_text, .at = AT(listener_metadata) },
	{ "scope", SPEC_text, .at = AT(scope) },
	{ "pid", SPEC_number, .at = AT(pid), .required = true },
	{ "startTicks", SPEC_number, .at = AT(start_ticks), .required = true },
	{ "owner", SPEC_number, .at = AT(owner) },
	{ "honorCaps", SPEC_flag, .at = AT(honor_caps) },
	{ "plain", SPEC_flag, .at = AT(plain) },
	{ "services", SPEC_flag, .at = AT(services) },
	{ "systemd", SPEC_flag, .at = AT(systemd) },
	{ "uidMappings", SPEC_list, .at = AT(uid_map), .shape = &id_shape },
	{ "gidMappings", SPEC_list, .at = AT(gid_map), .shape = &id_shape },
	{ "annotations", SPEC_pairs, .at = AT(annotations) },
	{ "hooks", SPEC_object, .at = AT(hooks), .shape = &spec_hooks_shape },
};
static const struct spec_shape state_shape = { state_fields, array_count(state_fields),
					       sizeof(struct state), 0 };
#undef AT

int state_load(const char *root, const char *id, struct state *ret_state, struct error *err)
{
	auto_text struct text text = { 0 };
	auto_fd int dir = -1;
	json_error_t why;
	int r = state_check_id(id, err);

	*ret_state = (struct state){ 0 };
	if (r < 0)
		return r;
	dir = state_open_dir(root, id, O_PATH);
	if (dir < 0)
		return state_missing(root, id, dir, err);
	r = file_read_at(dir, "state.json", STATE_LIMIT_BYTES, &text);
	if (r < 0)
		return error_errno(err, -r, "container '%s': read state.json", id);
	ret_state->json = json_loadb(text.at, text.bytes, 0, &why);
	if (!ret_state->json)
		return error_say(err, EINVAL, "container '%s': state.json:%d:%d: %s", id, why.line,
				 why.column, why.text);
	return spec_read(ret_state->json, &state_shape, ret_state, &ret_state->arena, "state.json",
			 err);
}

void state_done(struct state *state)
{
	json_decref(state->json);
	arena_done(&state->arena);
	*state = (struct state){ 0 };
}

/* --- its process --- */

bool state_is_alive(const struct state *state)
{
	auto_fd int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct procfs_stat stat;

	return proc >= 0 && state->pid.value > 0 &&
	       procfs_stat(proc, (uint32_t)state->pid.value, &stat) == 0 && stat.state != 'Z' &&
	       stat.state != 'X' && stat.start_ticks == (uint64_t)state->start_ticks.value;
}

int state_pidfd(const struct state *state, struct error *err)
{
	auto_fd int fd = (int)syscall(SYS_pidfd_open, (pid_t)state->pid.value, 0);

	if (fd < 0 && errno != ESRCH)
		return error_errno(err, errno, "open process %lld", (long long)state->pid.value);
	/* The pid can't get a new owner any more: is it still ours? */
	if (fd < 0 || !state_is_alive(state))
		return error_say(err, ESRCH,
				 "container '%s': container not running: process already finished",
				 state->id);
	return take_fd(&fd);
}

enum state_status state_status(const char *root, const struct state *state)
{
	auto_fd int dir = -1;

	if (state->pid.value == 0)
		return STATE_creating;
	if (!state_is_alive(state))
		return STATE_stopped;
	dir = state_open_dir(root, state->id, O_PATH);
	if (dir >= 0 && faccessat(dir, STATE_START_SOCKET, F_OK, 0) == 0)
		return STATE_created;
	return cgroup_is_frozen(state->cgroup) ? STATE_paused : STATE_running;
}

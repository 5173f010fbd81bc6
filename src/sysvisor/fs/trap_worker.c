/* SPDX-License-Identifier: Apache-2.0 */
/* The outer process: copies, starts the inner one, waits for it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "sysvisor/fs/trap_call.h"

#define TRAP_MOUNTINFO_BYTES (16u << 20)
#define TRAP_STACK_BYTES     (256u << 10)
#define TRAP_GUARD_BYTES     (64u << 10)

void trap_answer(int listener_fd, uint64_t id, int outcome)
{
	struct seccomp_notif_resp answer = { .id = id };

	if (outcome == TRAP_answered)
		return;
	if (outcome == TRAP_continue)
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else
		answer.error = -outcome;
	while (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0)
		if (errno != EINTR)
			break;
}

/* --- the copy --- */

/* What each kind's arguments point to: texts by the order of trap->rooms. */
enum trap_text { TRAP_none = 0, TRAP_path, TRAP_source, TRAP_type, TRAP_data };

static const struct {
	uint8_t texts[5]; /* by argument */
} trap_layouts[TRAPPED_KINDS] = {
	[TRAPPED_mount] = { { TRAP_source, TRAP_path, TRAP_type, 0, TRAP_data } },
	[TRAPPED_umount] = { { TRAP_path } },
	[TRAPPED_move_mount] = { { 0, TRAP_source, 0, TRAP_path } },
	[TRAPPED_openat2] = { { 0, TRAP_path } },
};

/* "/proc/self/fd/7/x" names the caller's descriptor: it becomes the copy that we have of it. */
static int trap_own_fd(struct trap *trap, const char *before, char *text, size_t size)
{
	char *at = strstr(text, before), rest[4096];
	struct slice number;
	uint64_t fd;
	int own, n;

	/* A path begins with it; an option stands at the start, or behind a comma. */
	if (!at || (at != text && (*before == '/' || at[-1] != ',')))
		return 0;
	number = slice_of(at + strlen(before));
	if (!slice_eat_u64(&number, &fd) || fd > INT32_MAX)
		return 0;
	if (number.bytes && number.at[0] != '/' && number.at[0] != ',')
		return 0;
	own = trap_caller_fd(&trap->caller, (int)fd);
	if (own < 0)
		return own;
	slice_copy(number, rest, sizeof(rest));
	n = snprintf(at + strlen(before), size - (size_t)(at - text) - strlen(before), "%d%s", own,
		     rest);
	return n < 0 || (size_t)n >= size - (size_t)(at - text) - strlen(before) ? -ENAMETOOLONG
										 : 0;
}

static int trap_copy_text(struct trap *trap, enum trap_text which, uint64_t at, char **ret)
{
	static const char *const named[] = { "/proc/self/fd/", "/proc/thread-self/fd/",
					     "/dev/fd/" };
	char *room = trap->rooms[which - 1];
	int r;

	*ret = NULL;
	if (at == 0)
		return 0;
	r = trap_caller_text(&trap->caller, at, room, sizeof(trap->rooms[0]), which == TRAP_data);
	for (size_t n = 0; n < array_count(named) && r == 0 && which != TRAP_data; n++)
		r = trap_own_fd(trap, named[n], room, sizeof(trap->rooms[0]));
	if (r == 0 && which == TRAP_data)
		r = trap_own_fd(trap, "fd=", room, sizeof(trap->rooms[0]));
	*ret = room;
	return r;
}

static int trap_copy_texts(struct trap *trap)
{
	const uint8_t *texts = trap_layouts[trap->row->kind].texts;
	const uint64_t *args = (const uint64_t *)trap->caller.notice->data.args;
	char **const to[] = { NULL, &trap->path, &trap->source, &trap->type, &trap->data };
	int8_t path_arg = trap->row->path_arg;
	int r = 0;

	if (trap->row->kind == TRAPPED_chown && path_arg != TRAPPED_NONE)
		return trap_copy_text(trap, TRAP_path, args[path_arg], &trap->path);
	for (size_t n = 0; n < 5 && r == 0; n++)
		if (texts[n])
			r = trap_copy_text(trap, (enum trap_text)texts[n], args[n], to[texts[n]]);
	/* A path there has to be; only mount(2) leaves the others away. */
	if (r == 0 && ((texts[0] || texts[1]) && !trap->path))
		r = -EFAULT;
	if (r == 0 && trap->row->kind == TRAPPED_move_mount && !trap->source)
		r = -EFAULT;
	return r;
}

static int trap_copy(struct trap *trap)
{
	const uint64_t *args = (const uint64_t *)trap->caller.notice->data.args;
	int r = trap_copy_texts(trap);

	if (r == 0 && trap->row->kind == TRAPPED_openat2)
		r = trap_caller_copy(&trap->caller, args[2], &trap->how, sizeof(trap->how));
	trap->dir_fd = trap->from_fd = AT_FDCWD;
	if (r == 0 && trap->row->dir_arg != TRAPPED_NONE)
		r = trap->dir_fd = trap_caller_fd(&trap->caller, (int)args[trap->row->dir_arg]);
	if ((r >= 0 || r == AT_FDCWD) && trap->row->kind == TRAPPED_move_mount)
		r = trap->from_fd = trap_caller_fd(&trap->caller, (int)args[0]);
	return r >= 0 || r == AT_FDCWD ? 0 : r;
}

/* Users of another namespace than the container's own meet the kernel's rule that one more procfs
 * may show no more than the one that is there. */
static bool trap_wants_bare(const struct trap *trap)
{
	auto_text struct text mounts = { 0 };
	struct stat user;

	if (trap->row->kind != TRAPPED_mount || !trap->type ||
	    (strcmp(trap->type, "proc") != 0 && strcmp(trap->type, "sysfs") != 0) ||
	    fstatat(trap->caller.proc_fd, "ns/user", &user, 0) < 0 ||
	    user.st_ino == trap->place->user_ns)
		return false;
	return file_read_at(trap->caller.proc_fd, "mountinfo", TRAP_MOUNTINFO_BYTES, &mounts) ==
		       0 &&
	       trap_is_visible(text_slice(&mounts), trap->type, trap->place->device);
}

/* --- the inner process --- */

static int trap_run_inner(void *argument)
{
	struct trap *trap = argument;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	close(trap->link_fd); /* or nobody would see that the outer process is gone */
	r = trap_caller_enter_first(&trap->caller);
	if (r == 0)
		r = -trap_make_ready(trap);
	if (r == 0)
		r = trap_caller_enter_rest(&trap->caller);
	/* Who took the caller's ids may be looked at by whoever has them, but for this. It also has
	 * forgotten what is to come of its parent's end. */
	if (r == 0 && (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
		       prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0))
		r = -errno;
	return r < 0 ? -r : trap_make(trap);
}

/* It shares our memory, which is most of what a process costs, and has a stack, descriptors, ids
 * and namespaces of its own; until it has ended we do nothing but wait, and don't as much as set
 * errno. From without it is as closed as we are: whether one may look at memory is a property of
 * the memory, and it belongs to the host's user namespace. No signal: nobody asks for it. */
static pid_t trap_start_inner(struct trap *trap, int *ret_pidfd)
{
	static char *stack;

	if (!stack) {
		char *room = mmap(NULL, TRAP_STACK_BYTES + TRAP_GUARD_BYTES, PROT_NONE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

		if (room == MAP_FAILED ||
		    mprotect(room + TRAP_GUARD_BYTES, TRAP_STACK_BYTES, PROT_READ | PROT_WRITE) < 0)
			return -1;
		stack = room + TRAP_GUARD_BYTES + TRAP_STACK_BYTES;
	}
	return clone(trap_run_inner, stack, CLONE_VM | CLONE_PIDFD, trap, ret_pidfd);
}

static int trap_wait_inner(pid_t pid, int pidfd, uint64_t deadline_ns, bool *ret_spent)
{
	struct pollfd ended = { pidfd, POLLIN, 0 };
	int status;

	*ret_spent = true;
	if (poll(&ended, 1, (int)(deadline_ns / NS_PER_MS)) <= 0) {
		kill(pid, SIGKILL);
		return ETIMEDOUT;
	}
	if (waitpid(pid, &status, __WALL) < 0 || !WIFEXITED(status))
		return EIO;
	*ret_spent = false;
	return WEXITSTATUS(status);
}

static int trap_see_to(struct trap *trap, bool *ret_spent)
{
	auto_fd int pidfd = -1;
	pid_t inner;
	int r = trap_copy(trap);

	if (r < 0)
		return -r;
	if (!trap_caller_waits(&trap->caller))
		return TRAP_answered;
	if (trap->row->kind == TRAPPED_sysinfo)
		return trap_sysinfo(trap);
	trap->may_use_bare = trap_wants_bare(trap);
	r = trap_caller_enter_pid(&trap->caller);
	if (r < 0)
		return -r;
	inner = trap_start_inner(trap, &pidfd);
	if (inner < 0)
		return errno;
	return trap_wait_inner(inner, pidfd, trap->place->deadline_ns, ret_spent);
}

int trap_run(const struct trap_place *place, const struct trapped_row *row, int listener_fd,
	     const struct seccomp_notif *notice, int link_fd, bool *ret_spent)
{
	static struct trap trap;
	int outcome;

	*ret_spent = false;
	trap.place = place;
	trap.row = row;
	trap.link_fd = link_fd;
	trap.self_fd = trap.bare_fd = -1;
	trap.path = trap.source = trap.type = trap.data = NULL;
	outcome = trap_caller_open(&trap.caller, listener_fd, notice);
	outcome = outcome == -ESRCH ? TRAP_answered
		  : outcome < 0	    ? -outcome
				    : trap_see_to(&trap, ret_spent);
	trap_caller_close(&trap.caller);
	/* The allocator, too. */
	if (!*ret_spent)
		free(trap.caller.groups);
	return outcome;
}

/* --- sysinfo --- */

struct trap_sysinfo {
	int64_t uptime;
	uint64_t loads[3], total_ram, free_ram, shared_ram, buffer_ram, total_swap, free_swap;
	uint16_t procs, pad;
	uint64_t total_high, free_high;
	uint32_t unit;
};

static uint64_t trap_meminfo(struct slice text, const char *key)
{
	ssize_t at = slice_find(text, slice_of(key));
	struct slice rest;
	uint64_t kib = 0;

	if (at < 0)
		return 0;
	rest = slice_trim(slice_skip(text, (size_t)at + strlen(key)));
	slice_eat_u64(&rest, &kib);
	return kib * 1024;
}

/* "0.52" as the kernel counts it, in 1/65536. */
static uint64_t trap_load(struct slice *text)
{
	uint64_t whole = 0, hundredths = 0;

	*text = slice_trim(*text);
	slice_eat_u64(text, &whole);
	if (slice_eat(text, SLICE(".")))
		slice_eat_u64(text, &hundredths);
	return (whole << 16) + (hundredths << 16) / 100;
}

static bool trap_read_file(const struct trap *trap, const char *file, struct text *text)
{
	auto_text struct text path = { 0 };

	text_printf(&path, "%s/proc/%s", trap->place->mount, file);
	return file_read(text_str(&path), 1u << 20, text, NULL) == 0;
}

/* The same that the container's /proc says. Programs of another width get the kernel's answer. */
int trap_sysinfo(const struct trap *trap)
{
	auto_text struct text memory = { 0 }, load = { 0 }, uptime = { 0 };
	struct trap_sysinfo info = { .unit = 1 };
	const struct seccomp_data *data = &trap->caller.notice->data;
	struct slice rest, word;
	uint64_t seconds = 0, processes = 0;

	if (!trap_read_file(trap, "meminfo", &memory) || !trap_read_file(trap, "loadavg", &load) ||
	    !trap_read_file(trap, "uptime", &uptime))
		return TRAP_continue;
	rest = text_slice(&uptime);
	slice_eat_u64(&rest, &seconds);
	info.uptime = (int64_t)seconds;
	rest = text_slice(&load);
	for (size_t n = 0; n < array_count(info.loads); n++)
		info.loads[n] = trap_load(&rest);
	if (slice_cut(&rest, '/', &word))
		slice_eat_u64(&rest, &processes);
	info.procs = (uint16_t)processes;
	info.total_ram = trap_meminfo(text_slice(&memory), "MemTotal:");
	info.free_ram = trap_meminfo(text_slice(&memory), "MemFree:");
	info.shared_ram = trap_meminfo(text_slice(&memory), "Shmem:");
	info.buffer_ram = trap_meminfo(text_slice(&memory), "Buffers:");
	info.total_swap = trap_meminfo(text_slice(&memory), "SwapTotal:");
	info.free_swap = trap_meminfo(text_slice(&memory), "SwapFree:");
	if (!trap_caller_waits(&trap->caller))
		return TRAP_answered;
	return -trap_caller_put(&trap->caller, data->args[0], &info, sizeof(info));
}

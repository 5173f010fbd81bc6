/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/traps_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/close_range.h>
#include <linux/openat2.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "sysvisor/fs/node.h"
#include "sysvisor/fs/trap.h"

#define TRAPS_CHILDREN	 8 /* calls of one listener that are seen to at a time */
#define TRAPS_NO_ROOM_US 1000
#define TRAPS_GRACE_S	 2
#define TRAPS_X32	 0x40000000

struct traps_child {
	pid_t pid;
	int pidfd;
	struct traps_slot *slot;
};

struct traps_work {
	struct traps_listener *listener;
	struct trap_place place;
	struct traps_child children[TRAPS_CHILDREN];
	size_t count;
};

/* --- the container --- */

static void traps_look(struct traps_work *work)
{
	const struct server *server = work->listener->server;
	struct container *container = work->listener->container;
	struct trap_place *place = &work->place;
	struct stat info;
	char path[64];

	snprintf(place->mount, sizeof(place->mount), "%s/%s", server->mount.path,
		 container->origin.id);
	place->deadline_ns = server->daemon->settings.trap_deadline_ns;
	snprintf(path, sizeof(path), "/proc/%u/ns/user", container->origin.init_pid);
	if (stat(path, &info) == 0)
		place->user_ns = info.st_ino;
	/* A request to ourselves, which other threads answer. */
	if (stat(server->mount.path, &info) == 0)
		place->device = info.st_dev;
	for (size_t n = 0; n < node_count; n++)
		if (server_shows(server, container, &node_rows[n]))
			place->shown |= 1ull << n;
}

/* --- calls --- */

static const struct trapped_row *traps_row(const struct seccomp_data *data)
{
	uint32_t arch = data->arch;
	auto_free char *name = NULL;

	if (arch == AUDIT_ARCH_X86_64 && data->nr & TRAPS_X32)
		arch = SCMP_ARCH_X32;
	name = seccomp_syscall_resolve_num_arch(arch, data->nr);
	for (size_t n = 0; name && n < trapped_count; n++)
		if (strcmp(trapped_rows[n].name, name) == 0)
			return &trapped_rows[n];
	return NULL;
}

/* Most of these ask for nothing that we could help with. */
static bool traps_is_kernels(const struct trapped_row *row, const struct seccomp_notif *notice)
{
	const struct seccomp_data *data = &notice->data;
	struct open_how how;
	const struct iovec to = { &how, sizeof(how) };
	const struct iovec from = { (void *)(uintptr_t)data->args[2], sizeof(how) };

	if (row->kind == TRAPPED_sysinfo)
		return data->arch != seccomp_arch_native();
	if (row->kind != TRAPPED_openat2)
		return false;
	return data->args[3] != sizeof(how) ||
	       process_vm_readv((pid_t)notice->pid, &to, 1, &from, 1, 0) != sizeof(how) ||
	       !(how.resolve & RESOLVE_NO_XDEV);
}

static void traps_done(void *owner)
{
	traps_slot_free(owner);
}

/* Nothing of the server's but the listener and the file of calls goes along; least of all
 * /dev/fuse, which a process that hangs would keep alive. */
static void traps_close_others(int one, int other)
{
	int low = one < other ? one : other, high = one < other ? other : one;

	if (low > 3)
		close_range(3, (unsigned int)low - 1, 0);
	if (high > low + 1)
		close_range((unsigned int)low + 1, (unsigned int)high - 1, 0);
	close_range((unsigned int)high + 1, ~0u, 0);
}

static void traps_child_run(const struct traps_work *work, const struct trapped_row *row,
			    struct traps_slot *slot) __attribute__((noreturn));
static void traps_child_run(const struct traps_work *work, const struct trapped_row *row,
			    struct traps_slot *slot)
{
	const struct traps_listener *listener = work->listener;
	sigset_t none;

	traps_slot_begin(listener->slots, slot);
	for (int n = 1; n < NSIG; n++)
		signal(n, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Memory of the caller's that nobody fills holds us up, too. */
	alarm((unsigned int)(work->place.deadline_ns / NS_PER_S) + TRAPS_GRACE_S);
	traps_close_others(listener->fd, listener->slots->fd);
	trap_run(&work->place, row, listener->fd, &slot->notice, traps_done, slot);
}

static void traps_begin(struct traps_work *work, struct traps_slot *slot)
{
	const struct traps_listener *listener = work->listener;
	const struct trapped_row *row = traps_row(&slot->notice.data);
	struct traps_child *child = &work->children[work->count];
	int outcome = !row ? ENOSYS : traps_is_kernels(row, &slot->notice) ? TRAP_continue : 0;

	if (outcome == 0) {
		child->slot = slot;
		child->pid = fork();
		if (child->pid == 0)
			traps_child_run(work, row, slot);
		outcome = child->pid < 0 ? errno : 0;
	}
	if (outcome) {
		trap_answer(listener->fd, slot->notice.id, outcome);
		traps_slot_free(slot);
		return;
	}
	child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	work->count++;
}

static void traps_receive(struct traps_work *work)
{
	const struct traps_listener *listener = work->listener;
	struct traps_slot *slot = traps_slot_take(listener->slots, listener->key);

	if (!slot) {
		usleep(TRAPS_NO_ROOM_US);
		return;
	}
	/* It can't block: what poll(2) has seen may be gone, but has left its ticket. */
	if (ioctl(listener->fd, SECCOMP_IOCTL_NOTIF_RECV, &slot->notice) < 0)
		traps_slot_free(slot);
	else
		traps_begin(work, slot);
}

/* What the server before has received. What one of its processes is seeing to, that one answers;
 * with what a dead one had begun, nobody knows how far it came. */
static void traps_catch_up(struct traps_work *work)
{
	const struct traps_listener *listener = work->listener;

	for (size_t n = 0; n < TRAPS_SLOTS && work->count < TRAPS_CHILDREN; n++) {
		struct traps_slot *slot = &listener->slots->at[n];
		uint32_t state = atomic_load(&slot->state);

		if (slot->key != listener->key || state == TRAPS_free)
			continue;
		if (state == TRAPS_begun && traps_slot_has_owner(listener->slots, slot))
			continue;
		if (state == TRAPS_received && slot->notice.id) {
			traps_begin(work, slot);
			continue;
		}
		if (state == TRAPS_begun)
			trap_answer(listener->fd, slot->notice.id, EINTR);
		traps_slot_free(slot);
	}
}

/* --- the thread --- */

static void traps_reap(struct traps_work *work, size_t n)
{
	struct traps_child child = work->children[n];
	int status = 0;

	if (waitpid(child.pid, &status, WNOHANG) != child.pid)
		return;
	auto_close_fd(&child.pidfd);
	work->children[n] = work->children[--work->count];
	if (WIFEXITED(status) && WEXITSTATUS(status) == ETIMEDOUT)
		log_error("container '%s': a trapped call took longer than --trap-deadline: "
			  "failed with ETIMEDOUT",
			  work->listener->container->origin.id);
	if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == ETIMEDOUT))
		return;
	/* It was killed, or couldn't begin; at its very end its slot may be another's already. */
	if (child.slot->key != work->listener->key ||
	    atomic_load(&child.slot->state) == TRAPS_free ||
	    traps_slot_has_owner(work->listener->slots, child.slot))
		return;
	trap_answer(work->listener->fd, child.slot->notice.id, EIO);
	traps_slot_free(child.slot);
}

static bool traps_turn(struct traps_work *work)
{
	const struct traps_listener *listener = work->listener;
	struct pollfd polls[2 + TRAPS_CHILDREN] = {
		{ listener->stop_fd, POLLIN, 0 },
		{ listener->fd, work->count < TRAPS_CHILDREN ? POLLIN : 0, 0 },
	};
	size_t count = work->count;

	for (size_t n = 0; n < count; n++)
		polls[2 + n] = (struct pollfd){ work->children[n].pidfd, POLLIN, 0 };
	if (poll(polls, 2 + count, -1) < 0)
		return errno == EINTR;
	for (size_t n = count; n-- > 0;)
		if (polls[2 + n].revents)
			traps_reap(work, n);
	if (polls[0].revents)
		return false;
	if (polls[1].revents & POLLIN)
		traps_receive(work);
	else if (polls[1].revents) /* nobody is left who could call */
		return work->count > 0;
	return true;
}

void *traps_thread(void *argument)
{
	struct traps_work work = { .listener = argument };
	struct traps_listener *listener = argument;
	uint64_t one = 1;

	traps_look(&work);
	traps_catch_up(&work);
	while (traps_turn(&work))
		;
	for (size_t n = 0; n < work.count; n++)
		auto_close_fd(&work.children[n].pidfd);
	atomic_store(&listener->ended, true);
	(void)!write(listener->ended_fd, &one, sizeof(one));
	return NULL;
}

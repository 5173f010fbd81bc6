/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/traps_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/openat2.h>
#include <poll.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/log.h"
#include "sysvisor/fs/node.h"
#include "sysvisor/fs/traps_process.h"

#define TRAPS_PROCESSES	 8 /* calls of one listener that are seen to at a time */
#define TRAPS_NO_ROOM_US 1000
#define TRAPS_IDLE_MS	 1000 /* then processes without a call end */
#define TRAPS_X32	 0x40000000

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS /* Linux 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS	   SECCOMP_IOW(4, uint64_t)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1ul
#endif

struct traps_work {
	struct traps_listener *listener;
	struct trap_place place;
	struct traps_office office;
	struct traps_process processes[TRAPS_PROCESSES];
	size_t count;
	bool gone; /* nobody is left who could call */
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

static void traps_answer(const struct traps_listener *listener, struct traps_slot *slot,
			 int outcome)
{
	trap_answer(listener->fd, slot->notice.id, outcome);
	traps_slot_free(slot);
}

/* One that has no call. */
static struct traps_process *traps_idle(struct traps_work *work)
{
	for (size_t n = 0; n < work->count; n++)
		if (!work->processes[n].busy && !work->processes[n].leaving)
			return &work->processes[n];
	return NULL;
}

static bool traps_has_room(struct traps_work *work)
{
	return work->count < TRAPS_PROCESSES || traps_idle(work);
}

static int traps_give(struct traps_work *work, struct traps_slot *slot,
		      const struct trapped_row *row)
{
	struct traps_process *process;
	int r = 0;

	while ((process = traps_idle(work))) {
		if (traps_process_give(process, &work->office, slot, row) == 0)
			return 0;
		process->leaving = true; /* somebody has killed it */
	}
	if (work->count == TRAPS_PROCESSES)
		return -EIO;
	process = &work->processes[work->count];
	r = traps_process_start(process, &work->office);
	if (r < 0)
		return r;
	work->count++;
	return traps_process_give(process, &work->office, slot, row);
}

static void traps_begin(struct traps_work *work, struct traps_slot *slot)
{
	const struct trapped_row *row = traps_row(&slot->notice.data);
	int outcome = !row				     ? ENOSYS
		      : traps_is_kernels(row, &slot->notice) ? TRAP_continue
							     : -traps_give(work, slot, row);

	if (outcome)
		traps_answer(work->listener, slot, outcome);
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

/* Begun by somebody who is dead. Looked at twice: whoever has it may be at the end of it. */
static bool traps_is_orphan(const struct traps_listener *listener, const struct traps_slot *slot)
{
	return atomic_load(&slot->state) == TRAPS_begun &&
	       !traps_slot_has_owner(listener->slots, slot) &&
	       atomic_load(&slot->state) == TRAPS_begun && slot->key == listener->key;
}

/* What the server before has received. What one of its processes is seeing to, that one answers;
 * with what a dead one had begun, nobody knows how far it came. */
static void traps_catch_up(struct traps_work *work)
{
	const struct traps_listener *listener = work->listener;

	for (size_t n = 0; n < TRAPS_SLOTS && traps_has_room(work); n++) {
		struct traps_slot *slot = &listener->slots->at[n];

		if (slot->key != listener->key)
			continue;
		if (traps_is_orphan(listener, slot))
			traps_answer(listener, slot, EINTR);
		else if (atomic_load(&slot->state) == TRAPS_received && slot->notice.id)
			traps_begin(work, slot);
		else if (atomic_load(&slot->state) == TRAPS_received)
			traps_slot_free(slot);
	}
}

/* What a process that is gone has left: the call that it got, if it hasn't begun with it, and what
 * it has. */
static void traps_settle(const struct traps_work *work, const struct traps_process *process,
			 int outcome)
{
	const struct traps_listener *listener = work->listener;

	for (size_t n = 0; n < TRAPS_SLOTS; n++) {
		struct traps_slot *slot = &listener->slots->at[n];

		if (traps_is_orphan(listener, slot) ||
		    (process->busy && process->slot == slot &&
		     atomic_load(&slot->state) == TRAPS_received))
			traps_answer(listener, slot, outcome);
	}
}

/* --- the thread --- */

static void traps_hear(struct traps_work *work, size_t n)
{
	struct traps_process *process = &work->processes[n];
	enum traps_process_news news = traps_process_hear(process);

	if (news == TRAPS_done)
		return;
	if (news == TRAPS_late || process->busy)
		log_error("container '%s': a trapped call %s", work->listener->container->origin.id,
			  news == TRAPS_late
				  ? "took longer than --trap-deadline: failed with ETIMEDOUT"
				  : "failed with EIO: the process that made it was killed");
	traps_settle(work, process, news == TRAPS_late ? ETIMEDOUT : EIO);
	*process = work->processes[--work->count];
}

static void traps_dismiss_idle(struct traps_work *work)
{
	struct traps_process *process;

	while ((process = traps_idle(work)))
		traps_process_dismiss(process);
}

static bool traps_turn(struct traps_work *work)
{
	const struct traps_listener *listener = work->listener;
	struct pollfd polls[2 + TRAPS_PROCESSES] = {
		{ listener->stop_fd, POLLIN, 0 },
		{ work->gone ? -1 : listener->fd, traps_has_room(work) ? POLLIN : 0, 0 },
	};
	size_t count = work->count;
	int ready;

	for (size_t n = 0; n < count; n++)
		polls[2 + n] = (struct pollfd){ work->processes[n].link, POLLIN, 0 };
	ready = poll(polls, 2 + count, traps_idle(work) ? TRAPS_IDLE_MS : -1);
	if (ready < 0)
		return errno == EINTR;
	for (size_t n = count; n-- > 0;)
		if (polls[2 + n].revents)
			traps_hear(work, n);
	if (polls[0].revents)
		return false;
	if (polls[1].revents & POLLIN)
		traps_receive(work);
	else if (polls[1].revents)
		work->gone = true;
	if (ready == 0 || work->gone)
		traps_dismiss_idle(work);
	return !work->gone || work->count > 0;
}

void *traps_thread(void *argument)
{
	struct traps_work work = { .listener = argument };
	struct traps_listener *listener = argument;
	uint64_t one = 1;

	/* Who has called sleeps until we have answered: no other processor has to be woken. Older
	 * kernels say no, and that is all. */
	(void)!ioctl(listener->fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
		     SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	traps_look(&work);
	work.office = (struct traps_office){ &work.place, listener->slots, listener->fd };
	traps_catch_up(&work);
	while (traps_turn(&work))
		;
	/* What they have they finish, and then they see that we are gone. */
	for (size_t n = 0; n < work.count; n++)
		auto_close_fd(&work.processes[n].link);
	atomic_store(&listener->ended, true);
	(void)!write(listener->ended_fd, &one, sizeof(one));
	return NULL;
}

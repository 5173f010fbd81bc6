/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/traps_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/clock.h"

#define TRAPS_GRACE_S 2

/* What is sent; the answer is a byte. */
struct traps_order {
	uint32_t slot, row;
};

/* --- the process --- */

/* Nothing of the server's but these goes along; least of all /dev/fuse, which a process that hangs
 * would keep alive. */
static void traps_process_keep(const int *fds, size_t count)
{
	unsigned int from = 3;

	for (;;) {
		unsigned int next = ~0u;

		for (size_t n = 0; n < count; n++)
			if ((unsigned int)fds[n] >= from && (unsigned int)fds[n] < next)
				next = (unsigned int)fds[n];
		if (next > from)
			close_range(from, next == ~0u ? next : next - 1, 0);
		if (next == ~0u)
			return;
		from = next + 1;
	}
}

/* Returns 0, or with what status it has to end. */
static int traps_process_see_to(const struct traps_office *office, int link,
				const struct traps_order *order)
{
	struct traps_slot *slot = &office->slots->at[order->slot];
	const char done = 0;
	bool spent = false;
	int outcome;

	/* The server died, and the next one was faster. */
	if (!traps_slot_begin(office->slots, slot)) {
		(void)!send(link, &done, sizeof(done), MSG_NOSIGNAL);
		return 0;
	}
	/* Memory of the caller's that nobody fills holds us up, too. */
	alarm((unsigned int)(office->place->deadline_ns / NS_PER_S) + TRAPS_GRACE_S);
	outcome = trap_run(office->place, &trapped_rows[order->row], office->listener_fd,
			   &slot->notice, link, &spent);
	alarm(0);
	/* First of all: the caller's next call may be here before we have said anything else. */
	if (!spent)
		(void)!send(link, &done, sizeof(done), MSG_NOSIGNAL);
	trap_answer(office->listener_fd, slot->notice.id, outcome);
	traps_slot_end(office->slots, slot);
	return spent ? outcome : 0;
}

static void traps_process_run(const struct traps_office *office, int link)
	__attribute__((noreturn));
static void traps_process_run(const struct traps_office *office, int link)
{
	const int kept[] = { link, office->listener_fd, office->slots->fd };
	struct traps_order order;
	sigset_t none;
	int status = 0;

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	for (int n = 1; n < NSIG; n++)
		signal(n, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	traps_process_keep(kept, array_count(kept));
	while (status == 0 && recv(link, &order, sizeof(order), 0) == sizeof(order))
		status = traps_process_see_to(office, link, &order);
	_exit(status);
}

/* --- the server's side --- */

int traps_process_start(struct traps_process *process, const struct traps_office *office)
{
	int links[2], code;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, links) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		traps_process_run(office, links[1]);
	code = errno;
	close(links[1]);
	if (pid < 0) {
		close(links[0]);
		return -code;
	}
	*process = (struct traps_process){ .pid = pid, .link = links[0] };
	return 0;
}

int traps_process_give(struct traps_process *process, const struct traps_office *office,
		       struct traps_slot *slot, const struct trapped_row *row)
{
	const struct traps_order order = { .slot = (uint32_t)(slot - office->slots->at),
					   .row = (uint32_t)(row - trapped_rows) };

	if (send(process->link, &order, sizeof(order), MSG_NOSIGNAL) != sizeof(order))
		return -errno;
	process->slot = slot;
	process->busy = true;
	return 0;
}

void traps_process_dismiss(struct traps_process *process)
{
	process->leaving = true;
	shutdown(process->link, SHUT_WR);
}

enum traps_process_news traps_process_hear(struct traps_process *process)
{
	int status = 0;
	char done;

	if (recv(process->link, &done, sizeof(done), MSG_DONTWAIT) == sizeof(done)) {
		process->busy = false;
		return TRAPS_done;
	}
	process->leaving = true;
	auto_close_fd(&process->link);
	process->link = -1;
	while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
		;
	return (WIFEXITED(status) && WEXITSTATUS(status) == ETIMEDOUT) ||
			       (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		       ? TRAPS_late
		       : TRAPS_gone;
}

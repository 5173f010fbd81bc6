/* SPDX-License-Identifier: Apache-2.0 */
#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "base/clock.h"

#define LOOP_BATCH 64

struct loop {
	int epoll_fd;
	bool stopped;
	struct epoll_event batch[LOOP_BATCH]; /* what epoll gave and is not dispatched yet */
	int batch_count;
	struct list timers, signals, deferred;
	sigset_t signal_set;
	struct loop_fd signal_fd;
};

int loop_new(struct loop **ret_loop, struct error *err)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return error_errno(err, ENOMEM, "make an event loop");
	loop->signal_fd.fd = -1;
	list_init(&loop->timers);
	list_init(&loop->signals);
	list_init(&loop->deferred);
	sigemptyset(&loop->signal_set);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		free(loop);
		return error_errno(err, errno, "make an event loop");
	}
	*ret_loop = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	if (loop->signal_fd.fd >= 0)
		close(loop->signal_fd.fd);
	close(loop->epoll_fd);
	free(loop);
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

/* --- file descriptors --- */

static int loop_epoll(struct loop *loop, int op, struct loop_fd *watch, int fd, uint32_t events,
		      struct error *err)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (epoll_ctl(loop->epoll_fd, op, fd, &event) < 0)
		return error_errno(err, errno, "watch file descriptor %d", fd);
	watch->fd = fd;
	watch->events = events;
	return 0;
}

int loop_fd_add(struct loop *loop, struct loop_fd *watch, int fd, uint32_t events,
		struct error *err)
{
	return loop_epoll(loop, EPOLL_CTL_ADD, watch, fd, events, err);
}

int loop_fd_change(struct loop *loop, struct loop_fd *watch, uint32_t events, struct error *err)
{
	if (watch->events == events)
		return 0;
	return loop_epoll(loop, EPOLL_CTL_MOD, watch, watch->fd, events, err);
}

void loop_fd_remove(struct loop *loop, struct loop_fd *watch)
{
	if (watch->fd < 0)
		return;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->fd = -1;
	for (int n = 0; n < loop->batch_count; n++)
		if (loop->batch[n].data.ptr == watch)
			loop->batch[n].data.ptr = NULL;
}

/* --- timers: a list, the earliest first; there are a few dozen at most --- */

void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t delay_ns)
{
	struct loop_timer *later;

	loop_timer_clear(timer);
	timer->due_ns = clock_mono_ns() + delay_ns;
	list_each(&loop->timers, later, node) {
		if (later->due_ns > timer->due_ns)
			break;
	}
	list_append(&later->node, &timer->node); /* before it; the end when there is none */
}

void loop_timer_clear(struct loop_timer *timer)
{
	list_unlink(&timer->node);
	timer->due_ns = 0;
}

static void loop_fire_timers(struct loop *loop)
{
	uint64_t now = clock_mono_ns();
	struct loop_timer *timer;

	while ((timer = list_first(&loop->timers, struct loop_timer, node)) &&
	       timer->due_ns <= now) {
		loop_timer_clear(timer);
		timer->fire(timer);
	}
}

/* Milliseconds until something is due, rounded up so that no turn is spent in vain. */
static int loop_wait_ms(const struct loop *loop, int limit_ms)
{
	const struct loop_timer *first = list_first(&loop->timers, struct loop_timer, node);
	uint64_t now, ms;

	if (!list_is_empty(&loop->deferred))
		return 0;
	if (!first)
		return limit_ms;
	now = clock_mono_ns();
	if (first->due_ns <= now)
		return 0;
	ms = (first->due_ns - now + NS_PER_MS - 1) / NS_PER_MS;
	if (limit_ms >= 0 && ms > (uint64_t)limit_ms)
		return limit_ms;
	return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* --- signals --- */

static void loop_on_signals(struct loop_fd *watch, uint32_t events)
{
	struct loop *loop = container_of(watch, struct loop, signal_fd);
	struct signalfd_siginfo info;
	struct loop_signal *signal;

	(void)events;
	while (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		list_each(&loop->signals, signal, node) {
			if (signal->signo == (int)info.ssi_signo) {
				signal->arrived(signal);
				break;
			}
		}
	}
}

int loop_signal_add(struct loop *loop, struct loop_signal *watch, struct error *err)
{
	int fd;

	sigaddset(&loop->signal_set, watch->signo);
	if (sigprocmask(SIG_BLOCK, &loop->signal_set, NULL) < 0)
		return error_errno(err, errno, "block signal %d", watch->signo);
	fd = signalfd(loop->signal_fd.fd, &loop->signal_set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "watch signal %d", watch->signo);
	list_append(&loop->signals, &watch->node);
	if (loop->signal_fd.fd >= 0)
		return 0;
	loop->signal_fd.ready = loop_on_signals;
	return loop_fd_add(loop, &loop->signal_fd, fd, EPOLLIN, err);
}

void loop_signal_remove(struct loop *loop, struct loop_signal *watch)
{
	if (!list_is_linked(&watch->node))
		return;
	list_remove(&watch->node);
	sigdelset(&loop->signal_set, watch->signo);
	signalfd(loop->signal_fd.fd, &loop->signal_set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* --- children --- */

static void loop_on_child(struct loop_fd *watch, uint32_t events)
{
	struct loop_child *child = container_of(watch, struct loop_child, pidfd);
	int status = 0;

	(void)events;
	if (waitpid(child->pid, &status, WNOHANG) != child->pid)
		return;
	loop_child_remove(child);
	child->ended(child, status);
}

int loop_child_add(struct loop *loop, struct loop_child *child, struct error *err)
{
	int fd = pidfd_open(child->pid, 0);
	int r;

	if (fd < 0)
		return error_errno(err, errno, "watch process %d", child->pid);
	child->loop = loop;
	child->pidfd.ready = loop_on_child;
	r = loop_fd_add(loop, &child->pidfd, fd, EPOLLIN, err);
	if (r < 0) {
		close(fd);
		child->pidfd.fd = -1;
	}
	return r;
}

void loop_child_remove(struct loop_child *child)
{
	int fd = child->pidfd.fd;

	if (!child->loop || fd < 0)
		return;
	loop_fd_remove(child->loop, &child->pidfd);
	close(fd);
}

/* --- deferred work --- */

void loop_defer(struct loop *loop, struct loop_deferred *deferred)
{
	if (!list_is_linked(&deferred->node))
		list_append(&loop->deferred, &deferred->node);
}

void loop_undefer(struct loop_deferred *deferred)
{
	list_unlink(&deferred->node);
}

/* Runs what was there at the start: work that defers itself again waits for the next turn. */
static void loop_run_deferred(struct loop *loop)
{
	struct loop_deferred *deferred;
	struct list now;

	if (list_is_empty(&loop->deferred))
		return;
	now = loop->deferred;
	now.next->prev = now.prev->next = &now;
	list_init(&loop->deferred);
	list_drain(&now, deferred, node) deferred->run(deferred);
}

/* --- the loop --- */

int loop_turn(struct loop *loop, int wait_ms, struct error *err)
{
	int n;

	n = epoll_wait(loop->epoll_fd, loop->batch, LOOP_BATCH, loop_wait_ms(loop, wait_ms));
	if (n < 0 && errno != EINTR)
		return error_errno(err, errno, "wait for events");
	loop->batch_count = n < 0 ? 0 : n;
	for (int at = 0; at < loop->batch_count; at++) {
		struct loop_fd *watch = loop->batch[at].data.ptr;

		if (watch)
			watch->ready(watch, loop->batch[at].events);
	}
	loop->batch_count = 0;
	loop_fire_timers(loop);
	loop_run_deferred(loop);
	return 0;
}

int loop_run(struct loop *loop, struct error *err)
{
	int r = 0;

	loop->stopped = false;
	while (!loop->stopped && r == 0)
		r = loop_turn(loop, -1, err);
	return r;
}

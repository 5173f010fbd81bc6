/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop - one thread waits for everything here: file descriptors, timers, signals, children.
 *
 * Watches are members of the objects that use them; the loop borrows them until they are removed,
 * and calls back with the watch, from which container_of() yields the object. Any watch may be
 * removed, and its object freed, from within any callback.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include "base/error.h"
#include "base/list.h"

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

struct loop;

struct loop_fd {
	int fd; /* the owner's; -1 while not watched */
	uint32_t events;
	void (*ready)(struct loop_fd *watch, uint32_t events);
};

struct loop_timer {
	uint64_t due_ns; /* CLOCK_MONOTONIC; 0 while not set */
	struct list node;
	void (*fire)(struct loop_timer *timer);
};

struct loop_signal {
	int signo;
	struct list node;
	void (*arrived)(struct loop_signal *watch);
};

struct loop_child {
	struct loop_fd pidfd;
	struct loop *loop;
	pid_t pid;
	/* `status` as waitpid(2) gives it; the child is reaped and the watch gone. */
	void (*ended)(struct loop_child *child, int status);
};

struct loop_deferred {
	struct list node;
	void (*run)(struct loop_deferred *deferred);
};

must_check int loop_new(struct loop **ret_loop, struct error *err);
void loop_free(struct loop *loop);

/* Runs until loop_stop(); returns 0, or the error that made waiting impossible. */
must_check int loop_run(struct loop *loop, struct error *err);
/* One round: waits at most `wait_ms` (-1: for ever), dispatches, and returns 0. */
must_check int loop_turn(struct loop *loop, int wait_ms, struct error *err);
void loop_stop(struct loop *loop);

/* `events` as for epoll, level-triggered. The fd stays the caller's. */
must_check int loop_fd_add(struct loop *loop, struct loop_fd *watch, int fd, uint32_t events,
			   struct error *err);
must_check int loop_fd_change(struct loop *loop, struct loop_fd *watch, uint32_t events,
			      struct error *err);
/* Call it before closing the fd; harmless when not watched. */
void loop_fd_remove(struct loop *loop, struct loop_fd *watch);

/* Fires once, `delay_ns` from now; setting again moves it. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t delay_ns);
void loop_timer_clear(struct loop_timer *timer);

/* Blocks the signal for the process and delivers it here instead. */
must_check int loop_signal_add(struct loop *loop, struct loop_signal *watch, struct error *err);
void loop_signal_remove(struct loop *loop, struct loop_signal *watch);

must_check int loop_child_add(struct loop *loop, struct loop_child *child, struct error *err);
void loop_child_remove(struct loop_child *child);

/* Runs once, after the current callbacks; deferring twice is the same as once. */
void loop_defer(struct loop *loop, struct loop_deferred *deferred);
void loop_undefer(struct loop_deferred *deferred);

#endif

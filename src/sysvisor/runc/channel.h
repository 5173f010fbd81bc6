/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel - how the runtime and the container's first process speak while it is made.
 *
 * A pair of SOCK_SEQPACKET sockets; each message is a word, perhaps an fd, and an error for the
 * last one of a process that fails. What a process that is gone says is -EPIPE.
 */
#ifndef SYSVISOR_RUNC_CHANNEL_H
#define SYSVISOR_RUNC_CHANNEL_H

#include "base/error.h"
#include "base/slice.h"

enum channel_word {
	CHANNEL_failed,	  /* from any side: `err` says why */
	CHANNEL_bind,	  /* runtime: attach this at the place in err.text */
	CHANNEL_mapped,	  /* runtime: your ids are mapped, here is your root file system */
	CHANNEL_entered,  /* process: I am in my control group */
	CHANNEL_grouped,  /* runtime: you are in your control group, hooks have run */
	CHANNEL_ready,	  /* process: all is made, I wait to be started */
	CHANNEL_listener, /* process: here is the listener of the specification's filter */
	CHANNEL_traps,	  /* process: and that of the calls that sysvisor-fs makes */
};

struct channel_message {
	enum channel_word word;
	struct error err;
};

must_check int channel_open(int ret_fds[2], struct error *err);
/* `fd` -1: none. */
must_check int channel_send(int fd, enum channel_word word, int passed_fd, struct error *err);
must_check int channel_send_bind(int fd, const char *target, int mount_fd, struct error *err);
/* The next message is a bind: *ret_fd >= 0 and its place; or another one, which is left for
 * channel_wait(): -1. */
must_check int channel_next_bind(int fd, char *target, size_t room, int *ret_fd, struct error *err);
/* Tells the other side of a failure; there is nobody to tell when that fails, too. */
void channel_fail(int fd, const struct error *err);
/* Waits for a word; another side's failure becomes ours. *ret_fd may be NULL. */
must_check int channel_wait(int fd, enum channel_word word, int *ret_fd, struct error *err);

/* Waits for any word; the fd that came along, or -1. -EPIPE: the other side has ended. */
must_check int channel_hear(int fd, struct channel_message *ret_message, int *ret_fd,
			    struct error *err);

/* Sends a terminal's master, as runc's console sockets take it: one message with the fd in it. */
must_check int channel_send_fd(int socket_fd, int passed_fd, const char *words, struct error *err);
must_check int channel_get_fd(int socket_fd, int *ret_fd, struct error *err);
/* Connects to a unix socket, however long its path is. */
must_check int channel_connect(const char *path, int type, struct error *err);

#endif

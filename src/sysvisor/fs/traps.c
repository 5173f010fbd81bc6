/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/traps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/parcel.h"
#include "sysvisor/common/trapped.h"
#include "sysvisor/fs/holder.h"
#include "sysvisor/fs/session.h"
#include "sysvisor/fs/traps_thread.h"

#define TRAPS_JOIN_S   1
#define TRAPS_PEER_S   2
#define TRAPS_ID_BYTES 256

struct traps {
	struct server *server;
	struct loop_fd socket;
	struct loop_fd ended; /* threads say that they have */
	int stop_fd;
	struct traps_slots slots;
	struct list listeners; /* struct traps_listener */
	uint32_t next;	       /* of the lower half of keys */
};

/* --- listeners --- */

static void traps_free(struct traps_listener *listener)
{
	list_remove(&listener->node);
	close(listener->fd);
	container_unref(listener->container);
	free(listener);
}

/* Takes the descriptor. */
static int traps_add(struct traps *traps, struct container *container, uint64_t key, int fd_take,
		     struct error *err)
{
	struct traps_listener *listener = calloc(1, sizeof(*listener));
	int code;

	if (!listener) {
		close(fd_take);
		return error_errno(err, ENOMEM, "take a listener");
	}
	listener->server = traps->server;
	listener->container = container_ref(container);
	listener->slots = &traps->slots;
	listener->key = key;
	listener->fd = fd_take;
	listener->stop_fd = traps->stop_fd;
	listener->ended_fd = traps->ended.fd;
	list_append(&traps->listeners, &listener->node);
	code = pthread_create(&listener->thread, NULL, traps_thread, listener);
	if (code) {
		traps_free(listener);
		return error_errno(err, code, "start a thread");
	}
	if ((uint32_t)key >= traps->next)
		traps->next = (uint32_t)key + 1;
	return 0;
}

static void traps_on_ended(struct loop_fd *watch, uint32_t events)
{
	struct traps *traps = container_of(watch, struct traps, ended);
	struct traps_listener *listener, *dead;
	uint64_t count;

	(void)events;
	if (read(watch->fd, &count, sizeof(count)) < 0)
		return;
	do {
		dead = NULL;
		list_each(&traps->listeners, listener, node)
			if (atomic_load(&listener->ended))
				dead = listener;
		if (dead) {
			pthread_join(dead->thread, NULL);
			traps_free(dead);
		}
	} while (dead);
}

void traps_hold(struct server *server)
{
	const struct traps_listener *listener;

	if (!server->traps)
		return;
	list_each(&server->traps->listeners, listener, node)
		if (holder_keep(session_link(server), listener->key, listener->fd) < 0)
			log_warning("the holder has no room for a listener of container '%s'",
				    listener->container->origin.id);
}

/* --- handed in --- */

static int traps_take(struct traps *traps, const char *id, int fd_take, struct error *err)
{
	auto_container struct container *container =
		containers_find(&traps->server->containers, slice_of(id));
	uint64_t none = 0, key;
	int r;

	if (fd_take < 0)
		return error_say(err, EINVAL, "no descriptor came with '%s'", id);
	if (!container ||
	    (ioctl(fd_take, SECCOMP_IOCTL_NOTIF_ID_VALID, &none) < 0 && errno != ENOENT)) {
		close(fd_take);
		return container ? error_say(err, EINVAL, "what came with '%s' is no listener", id)
				 : error_say(err, ENOENT, "there is no container '%s'", id);
	}
	key = (uint64_t)container->origin.slot << 32 | traps->next;
	/* Before anybody can call: a call that was received is answered by whoever has it. */
	if (holder_keep(session_link(traps->server), key, fd_take) < 0)
		log_warning("the holder has no room for a listener of container '%s': its trapped "
			    "calls fail when sysvisor-fs is started again",
			    id);
	r = traps_add(traps, container, key, fd_take, err);
	return r;
}

/* Root of the host alone can connect, and sends at once. */
static void traps_on_socket(struct loop_fd *watch, uint32_t events)
{
	struct traps *traps = container_of(watch, struct traps, socket);
	const struct timeval limit = { .tv_sec = TRAPS_PEER_S };
	auto_fd int link = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC);
	char id[TRAPS_ID_BYTES], taken = TRAPPED_TAKEN;
	struct error err = { 0 };
	ssize_t n;
	int fd;

	(void)events;
	if (link < 0 || setsockopt(link, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return;
	n = parcel_receive(link, id, sizeof(id) - 1, &fd);
	if (n < 0)
		return;
	id[n] = '\0';
	if (traps_take(traps, id, fd, &err) == 0)
		(void)!send(link, &taken, sizeof(taken), MSG_NOSIGNAL);
	else
		(void)!send(link, err.text, strlen(err.text), MSG_NOSIGNAL);
}

static int traps_listen(struct traps *traps, struct error *err)
{
	struct sockaddr_un address;
	int fd, r = holder_address(traps->server->daemon, PATHS_FS_TRAPS, &address, err);

	if (r < 0)
		return r;
	fd = holder_listen(&address, err);
	if (fd < 0)
		return fd;
	traps->socket.ready = traps_on_socket;
	r = loop_fd_add(traps->server->daemon->loop, &traps->socket, fd, EPOLLIN, err);
	if (r < 0)
		close(fd);
	return r;
}

/* --- start and end --- */

/* What the server before has left with the holder. */
static int traps_restore(struct traps *traps, struct error *err)
{
	uint64_t key = 0;
	int r = 0;

	while (r == 0) {
		int fd = holder_next(session_link(traps->server), &key);
		auto_container struct container *container = NULL;

		if (fd < 0)
			return 0;
		container = containers_at(&traps->server->containers, (uint32_t)(key >> 32));
		if (container)
			r = traps_add(traps, container, key, fd, err);
		else
			close(fd);
	}
	return r;
}

/* Calls of listeners that nobody has any more. */
static void traps_clear_slots(struct traps *traps)
{
	for (size_t n = 0; n < TRAPS_SLOTS; n++) {
		struct traps_slot *slot = &traps->slots.at[n];
		const struct traps_listener *listener;
		bool known = false;

		list_each(&traps->listeners, listener, node)
			known |= listener->key == slot->key;
		if (!known && !traps_slot_has_owner(&traps->slots, slot))
			traps_slot_free(slot);
	}
}

static int traps_open(struct traps *traps, struct error *err)
{
	struct paths_buffer path;
	int fd, r = daemon_path(traps->server->daemon, PATHS_FS_STATE "/traps", &path, err);

	if (r == 0)
		r = traps_slots_open(&traps->slots, path.path, err);
	if (r < 0)
		return r;
	traps->stop_fd = eventfd(0, EFD_CLOEXEC);
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (traps->stop_fd < 0 || fd < 0)
		return error_errno(err, errno, "make an eventfd");
	traps->ended.ready = traps_on_ended;
	return loop_fd_add(traps->server->daemon->loop, &traps->ended, fd, EPOLLIN, err);
}

int traps_start(struct server *server, struct error *err)
{
	struct traps *traps = calloc(1, sizeof(*traps));
	int r;

	if (!traps)
		return error_errno(err, ENOMEM, "start");
	server->traps = traps;
	traps->server = server;
	traps->next = 1;
	traps->socket.fd = traps->ended.fd = traps->stop_fd = traps->slots.fd = -1;
	list_init(&traps->listeners);
	r = traps_open(traps, err);
	if (r == 0)
		r = traps_restore(traps, err);
	if (r == 0) {
		traps_clear_slots(traps);
		r = traps_listen(traps, err);
	}
	return r;
}

static void traps_close_watch(struct server *server, struct loop_fd *watch)
{
	int fd = watch->fd;

	loop_fd_remove(server->daemon->loop, watch);
	auto_close_fd(&fd);
}

/* The holder has the listeners, and calls wait for the next server; when it holds none, for
 * nobody. */
void traps_stop(struct server *server)
{
	struct traps *traps = server->traps;
	struct traps_listener *listener;
	struct timespec until;
	uint64_t one = 1;

	if (!traps)
		return;
	traps_close_watch(server, &traps->socket);
	if (traps->stop_fd >= 0 && write(traps->stop_fd, &one, sizeof(one)) < 0)
		log_warning("stop threads: %s", strerror(errno));
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += TRAPS_JOIN_S;
	while ((listener = list_first(&traps->listeners, struct traps_listener, node))) {
		if (pthread_timedjoin_np(listener->thread, NULL, &until) != 0) {
			log_error("a container holds one of our threads: ending without it");
			_exit(1);
		}
		traps_free(listener);
	}
	traps_close_watch(server, &traps->ended);
	auto_close_fd(&traps->stop_fd);
	traps_slots_close(&traps->slots);
	free(traps);
	server->traps = NULL;
}

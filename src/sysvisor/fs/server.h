/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server - all that sysvisor-fs is: containers, the numbers of their files, the journal of both,
 * and one FUSE mount with a directory for each container, which is there before any of them, so
 * that a container's files can be bound from it in any mount namespace.
 *
 * The loop's thread answers gRPC, and counts loads; workers answer the kernel. Nobody holds a lock
 * over anything that could come back to us: the daemon reads /proc and /sys of the host alone.
 */
#ifndef SYSVISOR_FS_SERVER_H
#define SYSVISOR_FS_SERVER_H

#define FUSE_USE_VERSION 311

#include "sysvisor/common/daemon.h"
#include "sysvisor/fs/container.h"
#include "sysvisor/fs/inside.h"
#include "sysvisor/fs/journal.h"
#include "sysvisor/fs/show.h"
#include "sysvisor/fs/tree.h"
#include "wire/grpc_server.h"

struct session;
struct traps;

struct server {
	struct daemon *daemon;
	struct limits_mounts mounts;
	struct containers containers;
	struct tree tree;
	struct journal journal;
	struct show_host host;
	struct inside inside;
	struct list watches; /* of containers' first processes */
	struct session *session;
	struct traps *traps;
	struct paths_buffer mount;
	struct loop_timer load_timer;
	struct grpc_server *grpc;
	struct grpc_service service;
	uint64_t restarts; /* how often this mount has got a new server */
};

int server_start(struct daemon *daemon, struct error *err);
void server_stop(struct daemon *daemon);

/* What the calls do. */
must_check int server_register(struct server *server,
			       const Sysvisor__V1__FilesystemRegisterRequest *request,
			       struct error *err);
/* That there is none is fine. */
void server_unregister(struct server *server, const char *id);

/* Whether a container is shown this row: over what isn't there nothing can be bound. */
bool server_shows(const struct server *server, struct container *container,
		  const struct node_row *row);

/* Whether --push-max names this path's key. */
bool server_pushes(const struct server *server, struct slice path);

/* The calls (service.c). */
extern grpc_handler *const server_handlers[];

#endif

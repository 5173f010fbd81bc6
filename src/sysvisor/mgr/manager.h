/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manager - who owns which ids, and the life of a container from its first start to its removal.
 *
 *	registered -> running -> stopped -> registered (started again) ... -> removed
 *
 * Ids and volumes stay from the first to the last; "removed" is when the engine removes what the
 * container is stored in (record.storage), or says so.
 */
#ifndef SYSVISOR_MGR_MANAGER_H
#define SYSVISOR_MGR_MANAGER_H

#include "base/map.h"
#include "sysvisor/common/daemon.h"
#include "sysvisor/mgr/record.h"
#include "sysvisor/mgr/state.h"
#include "sysvisor/mgr/watch.h"
#include "wire/grpc_server.h"

struct manager {
	struct daemon *daemon;
	struct map records; /* by id */
	struct ids_slots slots;
	struct state state;
	struct volumes volumes;
	struct watch watch;
	struct worker *worker;
	struct grpc_server *server;
	struct grpc_service service;
	struct paths_buffer subuid, subgid, volume_root, fs_mount;
	uint64_t subids_seen_ns; /* both files' newest change that was looked at */
};

int manager_start(struct daemon *daemon, struct error *err);
void manager_stop(struct daemon *daemon);

/* What the calls do. Codes are errno's, see manager_status(). */
must_check int manager_add(struct manager *manager,
			   const Sysvisor__V1__ManagerRegisterRequest *request,
			   struct record **ret_record, bool *ret_known, struct error *err);
must_check int manager_change(struct manager *manager,
			      const Sysvisor__V1__ManagerUpdateRequest *request, struct error *err);
must_check int manager_end(struct manager *manager, const char *id, bool removed,
			   struct error *err);

/* The registered container that owns this network namespace, or NULL. */
struct record *manager_network_owner(const struct manager *manager, uint64_t network_namespace);

/* The file of its user namespace; false when its first process is gone (its pid may be another's
 * by now: the namespace tells). */
bool manager_user_namespace(const struct record *record, char *path, size_t room);

/* The calls (service.c). */
extern grpc_handler *const manager_handlers[];

#endif

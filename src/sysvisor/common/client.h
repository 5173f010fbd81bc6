/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - calls to sysvisor-mgr and sysvisor-fs that wait for their answer, for programs without a
 * loop: the runtime and the front end. Messages are those of wire/sysvisor.proto.
 *
 *	struct client manager = { .socket = PATHS_MGR_SOCKET, .patience_ms = 5000 };
 *	Sysvisor__V1__ManagerRegisterRequest request =
 *		SYSVISOR__V1__MANAGER_REGISTER_REQUEST__INIT;
 *	Sysvisor__V1__ManagerRegisterAnswer *answer;
 *
 *	request.id = id;
 *	r = manager_register(&manager, &request, &answer, err);
 *	...
 *	sysvisor__v1__manager_register_answer__free_unpacked(answer, NULL);
 *	client_done(&manager);
 *
 * The first call connects, those after it use the same connection. A daemon has few of them to
 * give: a program that goes on to other things lets go of its own.
 *
 * Every call may be repeated, and is: a daemon that is being restarted is waited for, up to
 * patience_ms. Errors name the method, the socket and the daemon's own words; the codes are
 * -ENOENT (no such container, or no daemon), -EEXIST, -ENOSPC (ids exhausted), -EINVAL,
 * -ETIMEDOUT, -ECONNREFUSED (no daemon), -EREMOTEIO.
 */
#ifndef SYSVISOR_COMMON_CLIENT_H
#define SYSVISOR_COMMON_CLIENT_H

#include "base/error.h"
#include "wire/grpc.h"
#include "wire/sysvisor.pb-c.h"

struct client {
	const char *socket;
	uint64_t patience_ms; /* for a daemon that isn't there; 0: fail at once */
	uint64_t timeout_ms;  /* for one answer; 0: 10 s */
	struct loop *loop;    /* NULL: not connected */
	struct grpc_channel *channel;
};

/* Ends the connection; another call makes a new one. */
void client_done(struct client *client);

/* A call in two halves, so that both daemons can be asked at once: the request must live until the
 * end. Whatever happened to the sending, it is the end that says so, and tries again. */
struct client_pending {
	struct client *client;
	const char *method;
	const ProtobufCMessage *request;
	uint64_t began_ns;
	int sent;
	struct grpc_call call;
	bool answered;
	enum grpc_status status;
	struct error err;
};

/* Waits for an answer that says nothing. To be called for each that was begun. */
must_check int client_end_empty(struct client_pending *pending, struct error *err);

/* The order of a container's life, as the runtime calls it:
 *
 *	create	manager_register() - ids, volumes to bind; the same id again is a restart
 *		  (clone the first process into its namespaces and cgroups, map its ids)
 *		manager_update() - pid and namespaces, so that others may join them
 *		filesystem_register() - with its pid; binds to make before pivot_root(2)
 *	delete	filesystem_unregister(), manager_unregister()
 *
 * Unregistering what isn't registered is fine. Answers are the caller's to free. */
must_check int manager_register(struct client *client,
				const Sysvisor__V1__ManagerRegisterRequest *request,
				Sysvisor__V1__ManagerRegisterAnswer **ret_answer,
				struct error *err);
void manager_update_begin(struct client *client, const Sysvisor__V1__ManagerUpdateRequest *request,
			  struct client_pending *ret_pending);
void manager_unregister_begin(struct client *client,
			      const Sysvisor__V1__ManagerUnregisterRequest *request,
			      struct client_pending *ret_pending);
must_check int manager_list(struct client *client, Sysvisor__V1__ManagerListAnswer **ret_answer,
			    struct error *err);

must_check int filesystem_register(struct client *client,
				   const Sysvisor__V1__FilesystemRegisterRequest *request,
				   Sysvisor__V1__FilesystemRegisterAnswer **ret_answer,
				   struct error *err);
must_check int filesystem_unregister(struct client *client, const char *id, struct error *err);
must_check int filesystem_list(struct client *client,
			       Sysvisor__V1__FilesystemListAnswer **ret_answer, struct error *err);

/* Of either daemon; `service` is its descriptor: &sysvisor__v1__manager__descriptor. */
must_check int client_version(struct client *client, const ProtobufCServiceDescriptor *service,
			      Sysvisor__V1__VersionAnswer **ret_answer, struct error *err);
must_check int client_health(struct client *client, const ProtobufCServiceDescriptor *service,
			     Sysvisor__V1__HealthAnswer **ret_answer, struct error *err);

#endif

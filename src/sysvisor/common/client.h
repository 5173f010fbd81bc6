/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - calls to sysvisor-mgr and sysvisor-fs that wait for their answer, for programs without a
 * loop: the runtime and the front end. Messages are those of wire/sysvisor.proto.
 *
 *	const struct client manager = { .socket = PATHS_MGR_SOCKET, .patience_ms = 5000 };
 *	Sysvisor__V1__ManagerRegisterRequest request =
 *		SYSVISOR__V1__MANAGER_REGISTER_REQUEST__INIT;
 *	Sysvisor__V1__ManagerRegisterAnswer *answer;
 *
 *	request.id = id;
 *	r = manager_register(&manager, &request, &answer, err);
 *	...
 *	sysvisor__v1__manager_register_answer__free_unpacked(answer, NULL);
 *
 * Every call may be repeated, and is: a daemon that is being restarted is waited for, up to
 * patience_ms. Errors name the method, the socket and the daemon's own words; the codes are
 * -ENOENT (no such container, or no daemon), -EEXIST, -ENOSPC (ids exhausted), -EINVAL,
 * -ETIMEDOUT, -ECONNREFUSED (no daemon), -EREMOTEIO.
 */
#ifndef SYSVISOR_COMMON_CLIENT_H
#define SYSVISOR_COMMON_CLIENT_H

#include "base/error.h"
#include "wire/sysvisor.pb-c.h"

struct client {
	const char *socket;
	uint64_t patience_ms; /* for a daemon that isn't there; 0: fail at once */
	uint64_t timeout_ms;  /* for one answer; 0: 10 s */
};

/* The order of a container's life, as the runtime calls it:
 *
 *	create	manager_register() - ids, volumes to bind; the same id again is a restart
 *		  (clone the first process into its namespaces and cgroups, map its ids)
 *		filesystem_register() - with its pid; binds to make before pivot_root(2)
 *		manager_update() - pid and namespaces, so that others may join them
 *	delete	filesystem_unregister(), manager_unregister()
 *
 * Unregistering what isn't registered is fine. Answers are the caller's to free. */
must_check int manager_register(const struct client *client,
				const Sysvisor__V1__ManagerRegisterRequest *request,
				Sysvisor__V1__ManagerRegisterAnswer **ret_answer,
				struct error *err);
must_check int manager_update(const struct client *client,
			      const Sysvisor__V1__ManagerUpdateRequest *request, struct error *err);
must_check int manager_unregister(const struct client *client,
				  const Sysvisor__V1__ManagerUnregisterRequest *request,
				  struct error *err);
must_check int manager_list(const struct client *client,
			    Sysvisor__V1__ManagerListAnswer **ret_answer, struct error *err);

must_check int filesystem_register(const struct client *client,
				   const Sysvisor__V1__FilesystemRegisterRequest *request,
				   Sysvisor__V1__FilesystemRegisterAnswer **ret_answer,
				   struct error *err);
must_check int filesystem_unregister(const struct client *client, const char *id,
				     struct error *err);
must_check int filesystem_list(const struct client *client,
			       Sysvisor__V1__FilesystemListAnswer **ret_answer, struct error *err);

/* Of either daemon; `service` is its descriptor: &sysvisor__v1__manager__descriptor. */
must_check int client_version(const struct client *client,
			      const ProtobufCServiceDescriptor *service,
			      Sysvisor__V1__VersionAnswer **ret_answer, struct error *err);
must_check int client_health(const struct client *client, const ProtobufCServiceDescriptor *service,
			     Sysvisor__V1__HealthAnswer **ret_answer, struct error *err);

#endif

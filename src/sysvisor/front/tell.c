/* SPDX-License-Identifier: Apache-2.0 */
/* tell - what the daemons know, as tables. */
#include "sysvisor/front/front.h"

#define TELL_ID_BYTES 24

/* --- status --- */

static bool tell_daemon(struct front *front, const char *name, struct client *client,
			const ProtobufCServiceDescriptor *service)
{
	Sysvisor__V1__VersionAnswer *version = NULL;
	Sysvisor__V1__HealthAnswer *health = NULL;
	struct error err;
	bool well = false;

	if (client_version(client, service, &version, &err) < 0 ||
	    client_health(client, service, &health, &err) < 0) {
		text_printf(&front->out, "%-13s not running: %s\n", name, err.text);
	} else {
		well = health->healthy;
		text_printf(&front->out, "%-13s %s%s%s, version %s, up %llu s, %u containers\n",
			    name, well ? "well" : "ill", well ? "" : ": ", health->reason,
			    version->version, (unsigned long long)health->uptime_ms / 1000,
			    health->container_count);
	}
	if (version)
		sysvisor__v1__version_answer__free_unpacked(version, NULL);
	if (health)
		sysvisor__v1__health_answer__free_unpacked(health, NULL);
	return well;
}

int front_status(struct front *front, struct error *err)
{
	bool mgr =
		tell_daemon(front, "sysvisor-mgr", &front->mgr, &sysvisor__v1__manager__descriptor);
	bool fs = tell_daemon(front, "sysvisor-fs", &front->fs,
			      &sysvisor__v1__filesystem__descriptor);

	(void)err;
	return mgr && fs ? FRONT_OK : FRONT_FAILED;
}

/* --- ps --- */

static const Sysvisor__V1__FilesystemContainer *
tell_find(const Sysvisor__V1__FilesystemListAnswer *list, const char *id)
{
	for (size_t n = 0; list && n < list->n_containers; n++)
		if (strcmp(list->containers[n]->id, id) == 0)
			return list->containers[n];
	return NULL;
}

static void tell_container(struct front *front, const Sysvisor__V1__ManagerContainer *container,
			   const Sysvisor__V1__FilesystemContainer *served)
{
	text_printf(&front->out, "%-*.*s %-10s %7u %10u-%-10u ", TELL_ID_BYTES, TELL_ID_BYTES,
		    container->id, container->state, container->init_pid,
		    container->ids->host_first,
		    container->ids->host_first + container->ids->count - 1);
	if (served)
		text_printf(&front->out, "%8llu %6llu %7llu\n", (unsigned long long)served->reads,
			    (unsigned long long)served->writes,
			    (unsigned long long)served->refused);
	else
		text_printf(&front->out, "%8s %6s %7s\n", "-", "-", "-");
}

int front_ps(struct front *front, struct error *err)
{
	Sysvisor__V1__FilesystemListAnswer *served = NULL;
	Sysvisor__V1__ManagerListAnswer *list;
	struct error fs_err;
	int r = manager_list(&front->mgr, &list, err);

	if (r < 0)
		return FRONT_FAILED;
	if (filesystem_list(&front->fs, &served, &fs_err) < 0)
		fprintf(stderr, "sysvisor: %s\n", fs_err.text);
	text_printf(&front->out, "%-*s %-10s %7s %21s %8s %6s %7s\n", TELL_ID_BYTES, "CONTAINER",
		    "STATE", "PID", "IDS", "READS", "WRITES", "REFUSED");
	for (size_t n = 0; n < list->n_containers; n++)
		tell_container(front, list->containers[n],
			       tell_find(served, list->containers[n]->id));
	sysvisor__v1__manager_list_answer__free_unpacked(list, NULL);
	if (served)
		sysvisor__v1__filesystem_list_answer__free_unpacked(served, NULL);
	return FRONT_OK;
}

/* --- ids --- */

static int tell_by_first(const void *a, const void *b)
{
	const Sysvisor__V1__ManagerContainer *const *left = a, *const *right = b;
	uint32_t x = (*left)->ids->host_first, y = (*right)->ids->host_first;

	return x < y ? -1 : x > y;
}

int front_ids(struct front *front, struct error *err)
{
	Sysvisor__V1__ManagerListAnswer *list;

	if (manager_list(&front->mgr, &list, err) < 0)
		return FRONT_FAILED;
	text_printf(&front->out, "%u of %u ranges of %u ids in use, from %u to %u\n",
		    list->slots_used, list->slot_count, list->slot_ids, list->range->host_first,
		    list->range->host_first + list->range->count - 1);
	if (list->n_containers)
		qsort(list->containers, list->n_containers, sizeof(list->containers[0]),
		      tell_by_first);
	for (size_t n = 0; n < list->n_containers; n++) {
		const Sysvisor__V1__ManagerContainer *container = list->containers[n];

		text_printf(&front->out, "%10u-%-10u %-9s %s\n", container->ids->host_first,
			    container->ids->host_first + container->ids->count - 1,
			    container->exclusive_ids ? "exclusive" : "engine's", container->id);
	}
	sysvisor__v1__manager_list_answer__free_unpacked(list, NULL);
	return FRONT_OK;
}

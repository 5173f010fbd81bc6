/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container - one container that sysvisor-fs serves: who its root is, its control groups, its
 * namespaces, and what it has written to keys that are kept for it.
 *
 * Threads that answer requests hold a reference; the table lets go of its own when the container
 * is unregistered.
 */
#ifndef SYSVISOR_FS_CONTAINER_H
#define SYSVISOR_FS_CONTAINER_H

#include <pthread.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/map.h"
#include "sysvisor/fs/limits.h"

enum container_namespace { NAMESPACE_net, NAMESPACE_ipc, NAMESPACE_uts, NAMESPACE_COUNT };

/* A key below /proc/sys, or another path of the table, and its value. */
struct container_value {
	struct list node;
	char *path;
	char *value;
};

struct container_origin {
	uint32_t slot; /* its number, never given to another one */
	char *id;
	uint32_t init_pid;
	uint64_t start_ticks; /* of that process, so that no other is taken for it */
	uint32_t uid, gid;    /* the container's root outside */
	uint32_t gid_count;
};

struct container {
	struct container_origin origin;
	unsigned int references; /* atomic */
	uint64_t start_ns;	 /* boot clock */
	struct limits limits;
	int namespaces[NAMESPACE_COUNT];
	int user_namespace;
	int pidfd;

	pthread_mutex_t lock; /* of what follows */
	struct list values;   /* struct container_value */
	size_t value_count;

	/* What the sampler sees (load.c). */
	struct view_load load;
	uint64_t load_wanted_ns, load_sampled_ns; /* mono */

	uint64_t reads, writes, refused; /* atomic */
	unsigned int paths;		 /* that got their number for its sake; atomic */
};

/* Looks at /proc/PID and takes what it needs. -ESRCH: there is no such process. */
must_check int container_new(struct container **ret_container, uint32_t slot, const char *id,
			     uint32_t init_pid, const struct limits_mounts *mounts,
			     struct slice proc_cgroup, struct error *err);
/* After a restart. -ESRCH: its process is gone. */
must_check int container_again(struct container **ret_container,
			       const struct container_origin *origin,
			       const struct limits_mounts *mounts, struct slice proc_cgroup,
			       uint64_t start_ns, struct error *err);

static inline struct container *container_ref(struct container *container)
{
	__atomic_add_fetch(&container->references, 1, __ATOMIC_RELAXED);
	return container;
}
/* NULL is fine. */
void container_unref(struct container *container);
#define auto_container __attribute__((cleanup(container_unref_at)))
void container_unref_at(struct container **container);

/* Appends the value kept for a path; false: there is none. */
bool container_get_value(struct container *container, struct slice path, struct text *out);
must_check int container_set_value(struct container *container, struct slice path,
				   struct slice value);

/* --- all of them --- */

struct containers {
	pthread_rwlock_t lock;
	struct map by_id, by_slot;
	uint32_t next_slot;
};

void containers_init(struct containers *containers);
void containers_done(struct containers *containers);

/* Both give a reference, or NULL. */
struct container *containers_find(struct containers *containers, struct slice id);
struct container *containers_at(struct containers *containers, uint32_t slot);

/* Takes the caller's reference, also when it fails. */
must_check int containers_add(struct containers *containers, struct container *container_take,
			      struct error *err);
/* Gives the table's reference to the caller, or NULL. */
struct container *containers_take(struct containers *containers, struct slice id);

/* References to all, NULL-terminated, for the caller to free; NULL: no memory. */
struct container **containers_all(struct containers *containers);

#endif

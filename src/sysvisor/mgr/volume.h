/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume - directories on a real file system for what engines inside a container write. They live
 * as long as the container does, whatever stops and starts it. What the image has in their places
 * is copied once, by the runtime (sysvisor/runc/seed.h); nothing is ever copied back.
 */
#ifndef SYSVISOR_MGR_VOLUME_H
#define SYSVISOR_MGR_VOLUME_H

#include "base/worker.h"

enum volume_kind {
	VOLUME_docker,
	VOLUME_kubelet,
	VOLUME_k0s,
	VOLUME_rancher_k3s,
	VOLUME_rancher_rke2,
	VOLUME_buildkit,
	VOLUME_containerd,
	VOLUME_COUNT
};

struct volume_row {
	const char *name, *destination;
	unsigned int mode;
};

extern const struct volume_row volume_rows[VOLUME_COUNT];

/* The row with this name; -1: there is none. */
int volume_find(const char *name);

struct volumes {
	const char *directory;
	struct worker *worker;
	struct worker_job empty; /* what was removed is deleted beside the loop */
	int trash_fd;
	uint64_t serial;
	bool again; /* more came while the worker was busy */
};

/* Makes the directory; `directory` is borrowed. */
must_check int volumes_init(struct volumes *volumes, const char *directory, struct worker *worker,
			    struct error *err);
void volumes_done(struct volumes *volumes);

/* Makes the directory of this kind for a container, owned by host ids `owner`; that it is there
 * already is fine. */
must_check int volume_make(const struct volumes *volumes, enum volume_kind kind, const char *id,
			   uid_t owner, struct error *err);
/* Moves all directories of a container out of sight, and deletes them later. */
void volume_remove(struct volumes *volumes, const char *id);

/* DIRECTORY/KIND/ID */
must_check int volume_path(const struct volumes *volumes, enum volume_kind kind, const char *id,
			   char *path, size_t room);

#endif

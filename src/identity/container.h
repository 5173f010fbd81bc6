/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container - which container a control group belongs to, and what its engine says of it.
 *
 * The id comes from the control group's path, at once. Name, image, labels and pod come from the
 * engine: asked once for each container, in the background; never on an event's way. An engine that
 * did not know it or did not answer is asked once more, for the next event that comes 5 s later or
 * more, and again whenever a socket has appeared since.
 */
#ifndef IDENTITY_CONTAINER_H
#define IDENTITY_CONTAINER_H

#include "base/list.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/metric.h"
#include "bpf/event.h"
#include "event/event.h"

#define CONTAINER_ID_BYTES	  128 /* 64 hex digits, or a name */
#define CONTAINER_LABELS	  64
#define CONTAINER_LABEL_BYTES	  4096 /* of all labels of a container, names and values */
#define CONTAINER_TEXT_BYTES	  512  /* of a name or an image; the rest is cut */
#define CONTAINER_RUNTIME_UNKNOWN "unknown"

/* What the path of a control group tells; slices point into the path. */
struct container_path {
	const char *runtime;   /* "docker", "podman", ...; "unknown" for a bare id */
	struct slice id;       /* the innermost container's; empty: not in a container */
	struct slice outer_id; /* the one around it, or empty */
	struct slice pod_uid;  /* as in the path ('_' for '-' with the systemd driver), or empty */
	bool named;	       /* the id is what people call it; systemd's escapes may be in it */
};

/* Pure: knows the layouts of Docker, containerd, CRI-O, Podman, Kubernetes, nerdctl, LXC,
 * systemd-nspawn, Garden and sysvisor, with both the cgroupfs and the systemd driver. False: not
 * in a container. */
bool container_parse_path(struct slice path, struct container_path *ret_path);

enum container_state {
	CONTAINER_new,	   /* nobody asked yet */
	CONTAINER_asked,   /* an answer is on its way */
	CONTAINER_known,   /* the engine answered */
	CONTAINER_unknown, /* no engine knows it, or none is there */
};

struct engine_question;

struct container {
	/* Zeros behind the text: both together are the key. */
	char id[CONTAINER_ID_BYTES], outer_id[CONTAINER_ID_BYTES];
	char pod_uid[48];
	const char *runtime; /* a name from a table */
	enum container_state state;
	/* From the engine; NULL: not known. */
	char *name, *image, *pod_name, *pod_namespace, *pod_container;
	struct event_pair *labels; /* each owns its texts, in one piece at name.at */
	size_t label_count, label_bytes;
	size_t labels_cut; /* how many more it has, left out for their number or size */

	size_t groups; /* control groups that are in it; it goes with the last */
	struct engine_question *question;
	uint32_t asked;	   /* how often */
	uint64_t again_ns; /* when an unknown one may be asked again (CLOCK_MONOTONIC) */
	uint64_t sockets;  /* engines_sockets() when the answer came */
};

struct containers;
struct processes;

struct containers_env {
	struct loop *loop;
	struct metrics *metrics;
	size_t limit; /* containers kept, and control groups; the oldest go first, counted */
	int proc_fd;
	enum ring_hierarchy hierarchy;
	/* Sockets to ask: paths separated by commas; NULL: the usual places. */
	const char *sockets;
	/* Where a container's monitor (conmon, a containerd shim) is looked for; NULL: nowhere. */
	struct processes *processes;
	/* A container's state has become known or unknown. */
	void (*answered)(void *owner, const struct container *container);
	/* A control group made room for another. NULL: nobody cares. */
	void (*forgot)(void *owner, uint64_t cgroup_id);
	/* An engine that is there can't be asked; told when it begins. NULL: nobody cares. */
	void (*refused)(void *owner, const struct error *why);
	void *owner;
};

must_check int containers_new(struct containers **ret_containers, const struct containers_env *env,
			      struct error *err);
void containers_free(struct containers *containers);

/* The kernel tells the path of a control group. */
void containers_record(struct containers *containers, const struct ring_cgroup *record);

/* The container of a control group; asks /proc/PID/cgroup for the path when the group is new.
 * Starts asking the engine if nobody has. NULL: none. *ret_path = the group's path (borrowed). */
const struct container *containers_find(struct containers *containers, uint64_t cgroup_id,
					uint32_t pid, const char **ret_path);

#endif

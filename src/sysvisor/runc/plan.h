/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan - what a container will be: the specification, made into that of a system container.
 *
 * The specification says what the engine wants; the plan adds what makes a system container of it
 * (a user namespace and all the others, all capabilities inside, a writable /sys and /proc/sys,
 * control groups of its own) and refuses what can't be one. Nothing is done here, only decided.
 */
#ifndef SYSVISOR_RUNC_PLAN_H
#define SYSVISOR_RUNC_PLAN_H

#include "kernel/mount.h"
#include "kernel/namespace.h"
#include "sysvisor/runc/runtime.h"
#include "sysvisor/runc/spec.h"

/* What the first process is: "systemd", "none", or "auto", which looks. */
#define PLAN_INIT_ANNOTATION "io.sysvisor.init"

enum plan_mount_kind {
	PLAN_filesystem, /* made by the container's first process, so that it owns it */
	PLAN_bind,	 /* of the host: cloned by the runtime */
	PLAN_devices,	 /* /dev with its nodes: made by the runtime */
	PLAN_cgroup,	 /* every hierarchy, as the container's own group is the root */
	PLAN_sysfs,	 /* of a network that isn't the container's: made by the runtime, in it */
};

struct plan_mount {
	enum plan_mount_kind kind;
	const char *destination, *type, *source;
	struct mount_options options;
	struct spec_words data; /* the file system's own options */
	const struct spec_mount *spec;
	bool is_optional; /* left away where its source, or its place in /sys, isn't there */
	bool is_volume;	  /* of sysvisor-mgr: begins with what the image has there */
	bool is_file;	  /* found when it is opened */
	int fd;		  /* PLAN_bind, PLAN_devices, PLAN_sysfs: the detached mount, or -1 */
};

struct services; /* see services.h */

struct plan {
	const struct spec *spec;
	struct arena *arena;
	const char *rootfs;  /* absolute */
	const char *storage; /* rootfs_storage()'s */
	const char *label; /* SELinux's, of file systems that are made; NULL: none, or no SELinux */
	bool is_plain;	   /* a plain container in a user namespace: the specification as it is */
	bool is_systemd;   /* systemd will run as the first process */
	bool honor_caps;
	unsigned int traps; /* TRAPPED_if_* that are asked for */
	bool engine_ids;    /* the engine brought the map, and has given the files to its ids */

	struct id_map uid_map, gid_map;
	uint32_t host_uid, host_gid; /* of root inside */

	unsigned int clone_flags;     /* of the namespaces that are made */
	int join_fd[NAMESPACE_KINDS]; /* of those that are joined; else -1 */
	bool net_is_foreign;	      /* joined, and not owned by our user namespace */
	bool net_is_pods;	      /* and given by an engine's path, not as another process's */

	struct plan_mount *mounts;
	size_t mount_count, mount_room;
	struct spec_words masked, readonly;
	struct spec_list sysctls; /* spec_pair: path below /proc/sys, value */
	struct spec_list volumes; /* spec_pair: destination, source; from sysvisor-mgr */
	struct capability_sets caps;
	int64_t oom_score_adj;
};

/* Decides. `bundle` is absolute. */
must_check int plan_make(struct services *services, struct spec *spec, const char *id,
			 const char *bundle, struct plan *ret_plan, struct error *err);
void plan_done(struct plan *plan);

/* Whether its read-only root is so from the first mount on, and locked. Hooks that run inside
 * before the end (createContainer) may want to write to it: with these it becomes so at the end,
 * and root inside can undo that. */
static inline bool plan_locks_root(const struct plan *plan)
{
	return plan->spec->root.readonly && plan->spec->hooks.create_container.count == 0;
}

/* The switches in the environment of a container's process, as items of a list in mdoc. */
void plan_print_man_switches(struct text *out);

/* Tells a file system that is being made the label of its files. */
must_check int plan_say_label(const struct plan *plan, int fs_fd, struct error *err);

/* Parts, for their files and tests. */
must_check int plan_namespaces(struct plan *plan, struct error *err);
must_check int plan_ids(struct plan *plan, struct error *err);
must_check int plan_mounts(struct plan *plan, struct error *err);
/* The capabilities of a process with this uid. */
struct capability_sets plan_caps(const struct spec_process *process, bool honor, bool is_plain);

#endif

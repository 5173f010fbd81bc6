/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope - a control group that systemd makes (--systemd-cgroup): a transient scope unit.
 *
 * systemd owns the group and everything above it; what is set there behind its back it may set
 * back (`systemctl daemon-reload`). So limits are told to it as properties of the unit, and written
 * to the group as well: exactly, and where systemd has no word for them.
 *
 * Source: systemd's CONTROL_GROUP_INTERFACE, systemd.resource-control(5).
 */
#ifndef SYSVISOR_RUNC_SCOPE_H
#define SYSVISOR_RUNC_SCOPE_H

#include "sysvisor/runc/runtime.h"
#include "sysvisor/runc/spec.h"

struct scope {
	const char *unit, *slice; /* NULL: no systemd, the group is ours to make */
};

#define PROPERTIES_MOST 96

/* Properties as sysvisor-scope takes them: "MemoryMax=t:65536". */
struct properties {
	struct arena *arena;
	const char *at[PROPERTIES_MOST + 1]; /* ends with NULL */
	size_t count;
	bool failed; /* there was no room */
};

void properties_add(struct properties *list, const char *fmt, ...) printf_like(2, 3);
/* What systemd is told of limits and devices. */
must_check int properties_of_resources(struct properties *list,
				       const struct spec_resources *resources, bool v2,
				       struct error *err);
/* What annotations "org.systemd.property.NAME" ask for; their values are GVariant's text form. */
must_check int properties_of_annotations(struct properties *list,
					 const struct spec_list *annotations, struct error *err);

/* Whether this host has a systemd to ask. */
must_check int scope_is_available(struct error *err);

/* Reads linux.cgroupsPath, "slice:prefix:name"; NULL stands for "system.slice:sysvisor:ID". The
 * unit becomes "prefix-name.scope". */
must_check int scope_place(const char *cgroups_path, const char *id, struct arena *arena,
			   struct scope *ret_scope, struct error *err);

/* Has systemd start the unit, with the process in it. Appends the group's path. */
must_check int scope_start(const struct runtime *runtime, const struct scope *scope,
			   struct spec *spec, const char *id, pid_t pid, struct text *path,
			   struct error *err);
must_check int scope_update(const struct runtime *runtime, const char *unit, struct spec *spec,
			    struct error *err);
/* That it is gone already is no error. */
must_check int scope_stop(const struct runtime *runtime, const char *unit, struct error *err);

#endif

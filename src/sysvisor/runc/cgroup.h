/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup - the container's control group: where it is, and what OCI's "resources" mean to it. */
#ifndef SYSVISOR_RUNC_CGROUP_H
#define SYSVISOR_RUNC_CGROUP_H

#include "kernel/cgroup_tree.h"
#include "sysvisor/runc/scope.h"
#include "sysvisor/runc/spec.h"

/* The path to use for linux.cgroupsPath; "/ID" where it isn't set. Appends to `out`. */
must_check int cgroup_place(const char *cgroups_path, const char *id, struct text *out,
			    struct error *err);

/* Writes the limits. Zero leaves a limit alone, as engines mean it. */
must_check int resources_apply(const struct cgroup_tree *tree,
			       const struct spec_resources *resources, struct error *err);
/* Writes the device rules, and lets every container have what any needs (null, pts, fuse ...). */
must_check int devices_apply(const struct cgroup_tree *tree, const struct spec_list *rules,
			     struct error *err);

/* The same for systemd. */
void resources_properties(struct properties *list, const struct spec_resources *resources, bool v2);
void resources_unified_property(struct properties *list, const struct spec_pair *pair);
must_check int devices_properties(struct properties *list, const struct spec_list *rules,
				  struct error *err);

bool cgroup_is_frozen(const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope - what is to be reported, enforced where it happens: in the kernel.
 *
 * Each list is a text such as "80,443,!8080-8090": what an entry names is kept, or, with "!" before
 * it, left out. Where one entry or more name what to keep, all else is left out. Of ranges what
 * leaves out wins, of networks and control groups the one that is nearest.
 */
#ifndef SENSOR_SCOPE_H
#define SENSOR_SCOPE_H

#include "base/error.h"
#include "base/slice.h"
#include "bpf/event.h"
#include "bpf/scope.h"

struct bpf_object;

/* As the user wrote them; NULL: no list. */
struct scope_settings {
	char *uids, *comms, *cgroups, *ports, *networks;
};

struct scope {
	struct scope_config config;
	size_t comm_count, cgroup_count, network_count;
	struct {
		char name[16];
		uint32_t verdict;
	} comms[SCOPE_COMMS];
	struct {
		struct slice path; /* into the settings */
		uint64_t id;
		uint32_t verdict;
	} cgroups[SCOPE_CGROUPS];
	struct {
		struct scope_network key;
		uint32_t verdict;
	} networks[SCOPE_NETWORKS];
};

/* Pure. On an error *ret_key is the setting that is wrong. */
must_check int scope_parse(struct scope *scope, const struct scope_settings *settings,
			   const char **ret_key, struct error *err);

/* Asks the kernel for the ids of the control groups; -ENOENT: there is none of that path. */
must_check int scope_find_cgroups(struct scope *scope, enum ring_hierarchy hierarchy,
				  struct error *err);

/* Fills those of an object's tables that are the lists'; once it is loaded, before it is attached.
 */
must_check int scope_fill(const struct scope *scope, const struct bpf_object *object,
			  struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* idmap - which host ids stand behind the ids of a user namespace. */
#ifndef KERNEL_IDMAP_H
#define KERNEL_IDMAP_H

#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

struct id_range {
	uint32_t inner_id, host_id, count;
};

struct id_map {
	const struct id_range *ranges;
	size_t count;
};

/* The host id behind an inner one, and back; false when there is none. */
bool id_map_host(const struct id_map *map, uint32_t inner_id, uint32_t *ret_host_id);
bool id_map_inner(const struct id_map *map, uint32_t host_id, uint32_t *ret_inner_id);

/* The lines of /proc/PID/uid_map. */
void id_map_format(const struct id_map *map, struct text *out);

/* Writes "uid_map" or "gid_map" of a process that has just got its user namespace. */
must_check int id_map_write(pid_t pid, const char *file, const struct id_map *map,
			    struct error *err);

/* A user namespace that has these maps and nobody in it: what an id-mapped mount is told by.
 * Returns its fd. */
must_check int id_map_namespace(const struct id_map *uid_map, const struct id_map *gid_map,
				struct error *err);

#endif

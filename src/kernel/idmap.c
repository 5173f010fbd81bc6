/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/idmap.h"

#include "base/file.h"

bool id_map_host(const struct id_map *map, uint32_t inner_id, uint32_t *ret_host_id)
{
	for (size_t n = 0; n < map->count; n++) {
		const struct id_range *range = &map->ranges[n];

		if (inner_id < range->inner_id || inner_id - range->inner_id >= range->count)
			continue;
		*ret_host_id = range->host_id + (inner_id - range->inner_id);
		return true;
	}
	return false;
}

bool id_map_inner(const struct id_map *map, uint32_t host_id, uint32_t *ret_inner_id)
{
	for (size_t n = 0; n < map->count; n++) {
		const struct id_range *range = &map->ranges[n];

		if (host_id < range->host_id || host_id - range->host_id >= range->count)
			continue;
		*ret_inner_id = range->inner_id + (host_id - range->host_id);
		return true;
	}
	return false;
}

void id_map_format(const struct id_map *map, struct text *out)
{
	for (size_t n = 0; n < map->count; n++)
		text_printf(out, "%u %u %u\n", map->ranges[n].inner_id, map->ranges[n].host_id,
			    map->ranges[n].count);
}

int id_map_write(pid_t pid, const char *file, const struct id_map *map, struct error *err)
{
	auto_text struct text lines = { 0 };
	char path[48];

	id_map_format(map, &lines);
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return file_write(path, text_slice(&lines), err);
}

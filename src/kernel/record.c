/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/record.h"

#include <string.h>

struct slice record_names(struct slice names, bool cut, char *room)
{
	char *end = room + RECORD_NAMES_ROOM(names.bytes), *at = end;

	while (names.bytes) {
		struct slice name = { names.at, strnlen(names.at, names.bytes) };

		at -= name.bytes;
		memcpy(at, name.at, name.bytes);
		*--at = '/';
		names = slice_skip(names, name.bytes + 1);
	}
	if (at == end)
		*--at = '/';
	if (cut) {
		at -= 3;
		memcpy(at, "...", 3);
	}
	return (struct slice){ at, (size_t)(end - at) };
}

struct slice record_path(const struct ring_names *names, char *room)
{
	return record_names(
		slice_first((struct slice){ names->at, sizeof(names->at) }, names->bytes),
		names->cut, room);
}

/* "/home/me" and "./run" are "/home/me/run". */
static struct slice record_join(struct slice directory, struct slice path)
{
	char *end = (char *)directory.at + directory.bytes;

	while (slice_eat(&path, SLICE("./")))
		;
	if (!slice_ends(directory, SLICE("/")))
		*end++ = '/';
	memcpy(end, path.at, path.bytes);
	return (struct slice){ directory.at, (size_t)(end + path.bytes - directory.at) };
}

struct slice record_exe(const struct ring_exec *record, char *room)
{
	struct slice path = slice_first((struct slice){ record->path, sizeof(record->path) },
					record->path_bytes);

	if (!(record->facts & RING_EXEC_paths))
		return path;
	if (record->interp_bytes == 0)
		return record->exe.cut &&
		       slice_starts(path, SLICE("/")) ? path : record_path(&record->exe, room);
	return slice_starts(path, SLICE("/")) ? path
					      : record_join(record_path(&record->cwd, room), path);
}

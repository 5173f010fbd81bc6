/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/cgroup.h"

#include <errno.h>

int cgroup_place(const char *cgroups_path, const char *id, struct text *out, struct error *err)
{
	struct slice path = slice_of(cgroups_path ? cgroups_path : ""), piece;

	if (path.bytes == 0) {
		text_printf(out, "/%s", id);
		return 0;
	}
	if (slice_find(path, SLICE(":")) >= 0 && slice_find(path, SLICE("/")) < 0)
		return error_say(
			err, EINVAL,
			"linux.cgroupsPath: '%.80s' is systemd's form (slice:prefix:name), "
			"but --systemd-cgroup isn't given",
			cgroups_path);
	while (slice_next(&path, '/', &piece)) {
		if (slice_is(piece, ".."))
			return error_say(err, EINVAL, "linux.cgroupsPath: '%.80s' has '..' in it",
					 cgroups_path);
		if (piece.bytes && !slice_is(piece, "."))
			text_printf(out, "/%.*s", SLICE_ARG(piece));
	}
	if (out->bytes == 0)
		return error_say(err, EINVAL, "linux.cgroupsPath: '%.80s' is the root group",
				 cgroups_path);
	return 0;
}

bool cgroup_is_frozen(const char *path)
{
	struct cgroup_tree tree;
	bool frozen = false;

	if (cgroup_tree_init(&tree, NULL) < 0)
		return false;
	if (cgroup_tree_open(&tree, path, NULL) == 0)
		frozen = cgroup_tree_is_frozen(&tree);
	cgroup_tree_done(&tree);
	return frozen;
}

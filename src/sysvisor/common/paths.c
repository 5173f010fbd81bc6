/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/common/paths.h"

#include <errno.h>

#include "base/file.h"
#include "base/slice.h"

int paths_join(struct paths_buffer *ret_path, const char *root, const char *path, struct error *err)
{
	size_t bytes = root ? strlen(root) : 0;
	int n;

	while (bytes && root[bytes - 1] == '/')
		bytes--;
	n = snprintf(ret_path->path, sizeof(ret_path->path), "%.*s%s", (int)bytes, root ? root : "",
		     path);
	if (n < 0 || (size_t)n >= sizeof(ret_path->path))
		return error_say(err, ENAMETOOLONG,
				 "'%.*s%s' is too long a path: at most %zu bytes", (int)bytes,
				 root ? root : "", path, sizeof(ret_path->path) - 1);
	return 0;
}

/* "/a/b" of "/a/b/c"; false: nothing is above it. */
static bool paths_parent(const char *path, struct paths_buffer *ret_parent)
{
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path || (size_t)(slash - path) >= sizeof(ret_parent->path))
		return false;
	slice_copy((struct slice){ path, (size_t)(slash - path) }, ret_parent->path,
		   sizeof(ret_parent->path));
	return true;
}

int paths_make_directory(const char *path, unsigned int mode, struct error *err)
{
	struct paths_buffer parent;
	int r = paths_parent(path, &parent) ? file_make_dirs(parent.path, 0755, err) : 0;

	return r < 0 ? r : file_make_dirs(path, mode, err);
}

int paths_make_parent(const char *path, unsigned int mode, struct error *err)
{
	struct paths_buffer parent;

	return paths_parent(path, &parent) ? paths_make_directory(parent.path, mode, err) : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/common/paths.h"

#include <errno.h>

#include "base/file.h"

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

int paths_make_parent(const char *path, unsigned int mode, struct error *err)
{
	const char *slash = strrchr(path, '/');
	struct paths_buffer parent;

	if (!slash || slash == path)
		return 0;
	if (snprintf(parent.path, sizeof(parent.path), "%.*s", (int)(slash - path), path) >=
	    (int)sizeof(parent.path))
		return error_say(err, ENAMETOOLONG, "'%s' is too long a path", path);
	return file_make_dirs(parent.path, mode, err);
}

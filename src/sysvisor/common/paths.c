/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/common/paths.h"

#include <errno.h>

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

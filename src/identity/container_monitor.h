/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_monitor - the process that an engine leaves beside a container tells by its command
 * line where the container's bundle is, wherever the engine keeps its state: conmon (Podman,
 * CRI-O) and containerd's shims.
 */
#ifndef IDENTITY_CONTAINER_MONITOR_H
#define IDENTITY_CONTAINER_MONITOR_H

#include "base/slice.h"

#define MONITOR_PATH_BYTES 512

enum monitor_kind { MONITOR_none, MONITOR_conmon, MONITOR_shim };

struct container_monitor {
	enum monitor_kind kind;
	char name[128];			 /* the container's, from conmon; or "" */
	char bundle[MONITOR_PATH_BYTES]; /* its directory; "" where it isn't known */
};

/* Pure: whether a process with this program and command line (arguments joined by blanks) watches
 * over the container. A shim's bundle isn't in it: it stands in the shim's working directory, or
 * beside it. */
bool container_parse_monitor(struct slice exe, struct slice command_line, struct slice id,
			     struct container_monitor *ret_monitor);

#endif

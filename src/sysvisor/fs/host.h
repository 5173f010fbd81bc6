/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host - a part of the host's /sys as everybody on the host may read it, without the processors
 * that a container doesn't have: programs count the directories "cpu0", "cpu1", ... there.
 *
 * Paths are below "/"; what is neither there nor the container's is -ENOENT. No link is followed:
 * the kernel follows those that it is shown, inside.
 */
#ifndef SYSVISOR_FS_HOST_H
#define SYSVISOR_FS_HOST_H

#include <sys/stat.h>

#include "sysvisor/fs/container.h"
#include "sysvisor/fs/node.h"

/* The row of NODE_tree that a path is or lies below, or NULL. */
const struct node_row *host_row(struct slice path);

must_check int host_stat(struct container *container, struct slice path, struct stat *ret_info);
/* -EACCES for what isn't for everybody. */
must_check int host_may_open(struct container *container, struct slice path, int flags);
must_check int host_read(struct slice path, struct text *out);
must_check int host_read_link(struct slice path, struct text *out);
must_check int host_list(struct container *container, struct slice path,
			 void (*found)(struct slice name, unsigned char type, void *owner),
			 void *owner);

#endif

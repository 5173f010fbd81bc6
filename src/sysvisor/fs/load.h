/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load - the load average of containers, which no kernel keeps: every VIEW_LOAD_S seconds the
 * threads of those whose average somebody has looked at lately are counted. The first look counts
 * at once, and takes that for the average so far.
 */
#ifndef SYSVISOR_FS_LOAD_H
#define SYSVISOR_FS_LOAD_H

#include "sysvisor/fs/container.h"

/* From any thread. */
struct view_load load_of(struct container *container);

/* The next step of all that are looked at; on the loop, every VIEW_LOAD_S seconds. */
void load_tick(struct containers *containers);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* record - paths that records of the ring hold, in words. */
#ifndef KERNEL_RECORD_H
#define KERNEL_RECORD_H

#include "base/slice.h"
#include "bpf/event.h"

#define RECORD_NAMES_ROOM(bytes) ((bytes) + 4)
#define RECORD_PATH_ROOM	 RECORD_NAMES_ROOM(RING_NAMES_BYTES)
#define RECORD_EXE_ROOM		 (RECORD_PATH_ROOM + RING_PATH_BYTES)

/* Names from the file up to the root, each ends in NUL: "/a/b", or ".../b" when they were cut. The
 * result lies in `room`, of RECORD_NAMES_ROOM(names.bytes) bytes. */
struct slice record_names(struct slice names, bool cut, char *room);

/* "/a/b", or ".../b" when it was cut. The result lies in `room`, of RECORD_PATH_ROOM bytes. */
struct slice record_path(const struct ring_names *names, char *room);

/* The program as a path without links and dots, where the kernel told it; of a script the script,
 * as it was asked for, seen from the working directory. Lies in the record or in `room`, of
 * RECORD_EXE_ROOM bytes. */
struct slice record_exe(const struct ring_exec *record, char *room);

#endif

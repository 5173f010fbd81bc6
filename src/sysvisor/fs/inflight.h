/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inflight - the requests that a server was answering when it died. Workers let the kernel write
 * each request right into a file that is mapped, a slot for each worker; so it is there before any
 * instruction of ours could be the last one, and the next server does it once more. Answering one
 * that was answered already harms nothing: the kernel doesn't know it any more, and doing what it
 * asked for twice is the same as once.
 */
#ifndef SYSVISOR_FS_INFLIGHT_H
#define SYSVISOR_FS_INFLIGHT_H

#include "base/error.h"
#include "base/slice.h"

#define INFLIGHT_SLOTS	    256
#define INFLIGHT_SLOT_BYTES (2u << 20) /* libfuse reads up to 1 MiB and a page */

struct inflight {
	int fd;
	char *slots; /* NULL: not open */
};

/* `fresh`: what the file says is of another mount. */
must_check int inflight_open(struct inflight *inflight, const char *path, bool fresh,
			     struct error *err);
void inflight_close(struct inflight *inflight);

/* Where a worker's next request goes, emptied. */
void *inflight_slot(struct inflight *inflight, size_t worker);

/* Calls with each request that is in a slot, and empties it; returns how many. */
size_t inflight_replay(struct inflight *inflight,
		       void (*process)(void *request, size_t bytes, void *owner), void *owner);

#endif

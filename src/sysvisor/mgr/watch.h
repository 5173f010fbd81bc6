/* SPDX-License-Identifier: Apache-2.0 */
/* watch - tells when a directory is gone; by inotify, nothing is polled. */
#ifndef SYSVISOR_MGR_WATCH_H
#define SYSVISOR_MGR_WATCH_H

#include "base/loop.h"

struct watch {
	struct loop *loop;
	struct loop_fd inotify;
	/* The directory of this number is gone, or was moved away. */
	void (*gone)(struct watch *watch, int number);
};

must_check int watch_init(struct watch *watch, struct loop *loop, struct error *err);
void watch_done(struct watch *watch);

/* Returns a number; two names of one directory give the same. -ENOENT: it is gone already. */
must_check int watch_add(struct watch *watch, const char *path, struct error *err);
void watch_remove(struct watch *watch, int number);

#endif

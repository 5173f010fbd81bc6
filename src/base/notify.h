/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify - tells the service manager how we are: datagrams to $NOTIFY_SOCKET, see sd_notify(3).
 *
 * Without a manager that asks for it all of this does nothing. What fails is not told: the manager
 * sees it by the silence.
 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include "base/slice.h"

/* Lines such as "READY=1". */
void notify_send(struct slice lines);

/* Settings are about to be read again; "READY=1" ends it. */
void notify_reloading(void);

/* How often the manager wants to hear "WATCHDOG=1" from this process, in nanoseconds; 0 when it
 * doesn't. Saying it twice as often is usual. */
uint64_t notify_watchdog_ns(void);

#endif

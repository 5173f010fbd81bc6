/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traps - the listeners of containers' trapped calls: handed in over a socket, kept by the holder
 * when we die, and a thread for each that receives calls and starts the processes that see to them
 * (trap.h). A container that stalls its own calls (by memory that nobody fills) stalls its own
 * thread.
 *
 * A call is received into a file that the next server reads: what nobody has begun with, that one
 * begins; what a process is seeing to, that process answers, which outlives us.
 */
#ifndef SYSVISOR_FS_TRAPS_H
#define SYSVISOR_FS_TRAPS_H

#include "sysvisor/fs/server.h"

must_check int traps_start(struct server *server, struct error *err);
void traps_stop(struct server *server);

/* Gives all listeners to a new holder. */
void traps_hold(struct server *server);
#endif

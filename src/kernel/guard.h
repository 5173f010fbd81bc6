/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard - one instance of a program on one kernel, whatever container each runs in.
 *
 * File locks and sockets end at namespaces; BPF maps don't: every agent that may use BPF sees the
 * maps of all others. The guard is a map with our name that holds who we are. It goes with its
 * owner, however that one ends.
 */
#ifndef KERNEL_GUARD_H
#define KERNEL_GUARD_H

#include "base/error.h"

/* Takes the guard of `program`: returns a file descriptor that holds it. -EBUSY: another has it,
 * and err says which. -EPERM and others: this kernel doesn't let us know. */
must_check int guard_take(const char *program, struct error *err);

#endif

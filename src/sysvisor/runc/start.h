/* SPDX-License-Identifier: Apache-2.0 */
/* start - has the first process of a container become its program. */
#ifndef SYSVISOR_RUNC_START_H
#define SYSVISOR_RUNC_START_H

#include "sysvisor/runc/state.h"

/* Waits until the program runs, or can't. `fd`: who is connected with the process. */
must_check int start_wait(int fd, struct error *err);

#endif

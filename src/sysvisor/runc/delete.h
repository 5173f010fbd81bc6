/* SPDX-License-Identifier: Apache-2.0 */
/* delete - removes what is left of a container. */
#ifndef SYSVISOR_RUNC_DELETE_H
#define SYSVISOR_RUNC_DELETE_H

#include "sysvisor/runc/runtime.h"
#include "sysvisor/runc/state.h"

/* Takes away control group and state of a container that has ended, and runs its poststop hooks. */
must_check int delete_rest(const struct runtime *runtime, const struct state *state, int dir_fd,
			   struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* hooks - programs that the engine has run at points of a container's life. */
#ifndef SYSVISOR_RUNC_HOOKS_H
#define SYSVISOR_RUNC_HOOKS_H

#include "sysvisor/runc/state.h"

/* Runs each hook with the container's state on its standard input, until one fails. */
must_check int hooks_run(const char *kind, const struct spec_list *hooks, const struct state *state,
			 enum state_status status, struct error *err);

#endif

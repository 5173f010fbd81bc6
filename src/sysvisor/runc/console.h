/* SPDX-License-Identifier: Apache-2.0 */
/* console - the container's terminal: made inside, of its own devpts, its master handed out. */
#ifndef SYSVISOR_RUNC_CONSOLE_H
#define SYSVISOR_RUNC_CONSOLE_H

#include "sysvisor/runc/spec.h"

/* Makes a terminal of the devpts below root_fd, sends its master through the socket, and makes it
 * the controlling terminal and fds 0 to 2 of the caller. Shows it as /dev/console when asked. */
must_check int console_make(int root_fd, int socket_fd, const struct spec_process *process,
			    bool show_console, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* runtime - what was said before the command: where containers are kept, where errors go. */
#ifndef SYSVISOR_RUNC_RUNTIME_H
#define SYSVISOR_RUNC_RUNTIME_H

#include <stdbool.h>

#include "base/error.h"

#define RUNTIME_NAME	    "sysvisor-runc"
#define RUNTIME_OCI_VERSION "1.2.0"

struct runtime {
	char *root, *log_file, *log_format, *services_root;
	bool debug, systemd_cgroup, no_manager, no_filesystem, clamp_limits, version, help;
};

/* A line for a person: to the log file, if there is one, and not to the container's output. */
void runtime_warn(const struct runtime *runtime, const char *fmt, ...) printf_like(2, 3);
/* The last word of a command that failed: to the log file, and to standard error. */
void runtime_fail(const struct runtime *runtime, const struct error *err);

#endif

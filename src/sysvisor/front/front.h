/* SPDX-License-Identifier: Apache-2.0 */
/* front - what `sysvisor` can be asked for, a command each. */
#ifndef SYSVISOR_FRONT_FRONT_H
#define SYSVISOR_FRONT_FRONT_H

#include <limits.h>

#include "base/error.h"
#include "base/text.h"
#include "sysvisor/common/client.h"
#include "sysvisor/common/paths.h"

enum { FRONT_OK = 0, FRONT_FAILED = 1, FRONT_USAGE = 2 };

struct front {
	char *root;
	bool abort;	   /* doctor */
	char *config_file; /* docker */
	const char *word;  /* what a command takes besides options; borrowed */

	struct paths_buffer mgr_socket, fs_socket;
	struct client mgr, fs;
	struct text out; /* written to standard output at the end */
};

/* Return an exit code; err is set for FRONT_FAILED, or empty when all is said in `out`. */
int front_up(struct front *front, struct error *err);
int front_status(struct front *front, struct error *err);
int front_ps(struct front *front, struct error *err);
int front_ids(struct front *front, struct error *err);
int front_doctor(struct front *front, struct error *err);
int front_docker(struct front *front, struct error *err);

/* Where a program is that was installed with this one. */
must_check int front_find_program(const char *name, char path[PATH_MAX], struct error *err);

#endif

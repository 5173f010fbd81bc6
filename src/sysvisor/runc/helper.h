/* SPDX-License-Identifier: Apache-2.0 */
/* helper - a program of the host's that is run to its end: a hook, or what speaks to systemd. */
#ifndef SYSVISOR_RUNC_HELPER_H
#define SYSVISOR_RUNC_HELPER_H

#include "base/text.h"
#include "sysvisor/runc/spec.h"

struct helper {
	const char *what; /* for errors: "hook '/bin/x'" */
	const char *path;
	const char *const *args, *const *env; /* NULL-terminated; args NULL: the path alone */
	int64_t timeout_s;		      /* 0: as long as it takes */
};

/* Runs it with `input` as its standard input. Appends up to 4 KiB of what it says, on either
 * stream, to `output`. 0 when it ended with exit status 0; else an error with its words. */
must_check int helper_run(const struct helper *helper, struct slice input, struct text *output,
			  struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* command - one row for each sub-command: its options, its arguments, what it does. */
#ifndef SYSVISOR_RUNC_COMMAND_H
#define SYSVISOR_RUNC_COMMAND_H

#include "base/settings.h"
#include "sysvisor/runc/runtime.h"

#define COMMAND_PROGRAM 1u /* the bit of all rows here */

struct command {
	const char *name, *arguments, *purpose;
	int least, most; /* arguments; most -1: any number */
	const struct setting *rows;
	size_t row_count, options_bytes;
	/* Returns the exit status, or -errno. `args` ends with NULL. */
	int (*run)(const struct runtime *runtime, void *options, char **args, struct error *err);
};

extern const struct command command_create, command_start, command_run, command_state, command_kill,
	command_delete, command_exec, command_list, command_ps, command_pause, command_resume,
	command_update, command_events, command_spec, command_features, command_checkpoint,
	command_restore;

/* Writes a command's answer to standard output. */
must_check int command_print(struct text *answer, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/runc/command.h"
#include "sysvisor/runc/create.h"

static const struct setting create_rows[] = { CREATE_ROWS };

static int create_command(const struct runtime *runtime, void *options, char **args,
			  struct error *err)
{
	struct create create = {
		.runtime = runtime, .options = options, .id = args[0], .console_fd = -1
	};
	int r = create_make(&create, err);

	create_done(&create);
	return r;
}

const struct command command_create = {
	.name = "create",
	.arguments = "ID",
	.purpose = "Make a container, up to where its program would start",
	.least = 1,
	.most = 1,
	.rows = create_rows,
	.row_count = array_count(create_rows),
	.options_bytes = sizeof(struct create_options),
	.run = create_command,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* sysvisor-fs - the container's own /proc and /sys. */
#include "sysvisor/fs/holder.h"
#include "sysvisor/fs/node.h"
#include "sysvisor/fs/server.h"

int main(int argc, char **argv)
{
	static const struct daemon_program program = {
		.name = "sysvisor-fs",
		.bit = DAEMON_fs,
		.purpose = "shows system containers a /proc and /sys of their own",
		.lock = PATHS_RUN "/fs.pid",
		.start = server_start,
		.stop = server_stop,
		.run_aside = holder_run,
		.aside = "hold",
		.table = "keys",
		.print_table = node_print,
	};

	return daemon_main(&program, argc, argv);
}

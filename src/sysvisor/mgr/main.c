/* SPDX-License-Identifier: Apache-2.0 */
/* sysvisor-mgr - ids and volumes of system containers. */
#include "sysvisor/mgr/manager.h"

int main(int argc, char **argv)
{
	static const struct daemon_program program = {
		.name = "sysvisor-mgr",
		.bit = DAEMON_mgr,
		.purpose = "gives system containers ids and storage of their own",
		.lock = PATHS_RUN "/mgr.pid",
		.start = manager_start,
		.stop = manager_stop,
	};

	return daemon_main(&program, argc, argv);
}

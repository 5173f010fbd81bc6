/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-trap - any bytes as /proc/PID/status and mountinfo: names in both are the container's. */
#include <assert.h>
#include <sys/sysmacros.h>

#include "sysvisor/fs/trap_call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct slice text = { (const char *)data, bytes }, rest = text;
	struct trap_caller caller = { 0 };
	struct trap_mount mount;
	bool any = false;

	(void)trap_caller_parse(text, &caller);
	free(caller.groups);
	while (trap_next_mount(&rest, &mount)) {
		assert(mount.type.at >= text.at &&
		       mount.type.at + mount.type.bytes <= text.at + bytes);
		any |= slice_is(mount.type, "proc");
	}
	assert(any || !trap_is_visible(text, "proc", makedev(0, 46)));
	return 0;
}

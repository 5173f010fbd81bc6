/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/container_monitor.h"

#include "base/auto.h"

/* The word behind `option`. */
static bool monitor_option(struct slice line, struct slice option, struct slice *value)
{
	struct slice word;

	while (slice_next(&line, ' ', &word))
		if (slice_eq(word, option))
			return slice_next(&line, ' ', value);
	return false;
}

static struct slice monitor_base(struct slice path)
{
	return slice_skip(path, (size_t)(slice_find_last(path, SLICE("/")) + 1));
}

/* conmon -c ID ... -b BUNDLE ... -n NAME; for an exec session the bundle is a directory deeper. */
static bool monitor_conmon(struct slice line, struct slice id, struct container_monitor *monitor)
{
	struct slice value;
	ssize_t end;

	if (!monitor_option(line, SLICE("-c"), &value) || !slice_eq(value, id))
		return false;
	monitor->kind = MONITOR_conmon;
	if (monitor_option(line, SLICE("-n"), &value) && value.bytes < sizeof(monitor->name))
		slice_copy(value, monitor->name, sizeof(monitor->name));
	if (!monitor_option(line, SLICE("-b"), &value) || !slice_starts(value, SLICE("/")))
		return true;
	end = slice_find(value, SLICE("/userdata"));
	if (end > 0 && slice_eq(monitor_base(slice_first(value, (size_t)end)), id) &&
	    (size_t)end + strlen("/userdata") < sizeof(monitor->bundle))
		slice_copy(slice_first(value, (size_t)end + strlen("/userdata")), monitor->bundle,
			   sizeof(monitor->bundle));
	return true;
}

bool container_parse_monitor(struct slice exe, struct slice command_line, struct slice id,
			     struct container_monitor *monitor)
{
	struct slice name = monitor_base(exe), value;

	*monitor = (struct container_monitor){ .kind = MONITOR_none };
	if (slice_is(name, "conmon"))
		return monitor_conmon(command_line, id, monitor);
	if (!slice_starts(name, SLICE("containerd-shim")) ||
			  !monitor_option(command_line, SLICE("-id"), &value))
		return false;
	/* The shim of a pod looks after all of its containers, and has the sandbox's id. */
	monitor->kind = MONITOR_shim;
	return true;
}

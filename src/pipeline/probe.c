/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/probe.h"

#define NAMES(...)                                                                                 \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__ __VA_OPT__(, ) NULL                                                    \
	}

/* Whose events carry a process needs to know it: the sensor exec does, also of those gone since. */
const struct probe_kind probe_kinds[] = {
	{ .name = "All", .events = NAMES(""), .sensors = NAMES("*") },
	{ .name = "Exec",
	  .events = NAMES("process.exec", "process.exit", "process.fork"),
	  .sensors = NAMES("exec") },
	{ .name = "Network",
	  .events = NAMES("tcp.", "udp.", "connection.", "flow.", "socket."),
	  .sensors = NAMES("tcp", "udp", "exec") },
	{ .name = "DNS",
	  .events = NAMES("dns."),
	  .sensors = NAMES("dns", "exec"),
	  .dropped = NAMES("xdp_mode"),
	  .prefix = "dns." },
	{ .name = "TLS",
	  .events = NAMES("tls."),
	  .sensors = NAMES("tls", "exec"),
	  .prefix = "tls." },
	{ .name = "HTTP", .events = NAMES("http."), .sensors = NAMES("http", "exec") },
	{ .name = "Files",
	  .events = NAMES("file."),
	  .sensors = NAMES("files", "exec"),
	  .prefix = "files." },
	{ .name = "Syscall",
	  .events = NAMES("syscall.enter"),
	  .sensors = NAMES("syscall", "exec"),
	  .dropped = NAMES("symbol_map"),
	  .prefix = "syscall." },
	{ .name = "Privilege",
	  .events = NAMES("syscall.privileged", "privilege.", "credential.", "capability.",
			  "ptrace.", "module.", "bpf.", "mount.", "namespace.", "keyctl."),
	  .sensors = NAMES("privilege", "exec") },
	{ .name = "Kernel",
	  .events = NAMES("kmsg.", "kernel.", "process.trap", "process.fatal_signal",
			  "process.abend", "process.exec_stack", "seccomp.", "lsm.", "ptrace."),
	  .sensors = NAMES("kmsg", "exec") },
	{ .name = "Detection", .events = NAMES("detection."), .sensors = NAMES("kmsg", "exec") },
	{ .name = "Setting", .events = NAMES("setting."), .sensors = NAMES("setting") },
	{ .name = "Loss", .events = NAMES("loss"), .sensors = NAMES() },
	{ .name = "StatsD",
	  .events = NAMES("statsd."),
	  .sensors = NAMES("statsd"),
	  .dropped = NAMES("flush_interval"),
	  .prefix = "statsd_listener." },
	{ .name = "Osquery",
	  .events = NAMES("osquery."),
	  .sensors = NAMES("osquery"),
	  .prefix = "osquery.",
	  .has_queries = true },
};
const size_t probe_kind_count = array_count(probe_kinds);

_Static_assert(EVENT_KIND_COUNT <= 64, "kinds of events are bits of one word");

uint64_t probe_events(const struct probe_kind *kind)
{
	uint64_t kinds = 0;

	for (size_t n = 0; n < EVENT_KIND_COUNT; n++)
		for (const char *const *begin = kind->events; *begin; begin++)
			if (strncmp(event_kinds[n].name, *begin, strlen(*begin)) == 0)
				kinds |= 1ull << n;
	return kinds;
}

bool probe_wants_sensor(const struct probe_kind *kind, const char *sensor)
{
	for (const char *const *name = kind->sensors; *name; name++)
		if (strcmp(*name, "*") == 0 || strcmp(*name, sensor) == 0)
			return true;
	return false;
}

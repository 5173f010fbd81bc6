/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/probe.h"

#define NAMES(...)                                                                                 \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

const struct probe_kind probe_kinds[] = {
	{ "All", NAMES(""), NAMES("") },
	{ "Exec", NAMES("process.exec", "process.exit", "process.fork"), NAMES("") },
	{ "Network", NAMES("tcp.", "udp.", "connection.", "flow.", "socket."), NAMES("") },
	{ "DNS", NAMES("dns."), NAMES("interface", "xdp_mode") },
	{ "TLS", NAMES("tls."), NAMES("interface") },
	{ "HTTP", NAMES("http."), NAMES("") },
	{ "Files", NAMES("file."), NAMES("monitor_dirs") },
	{ "Syscall", NAMES("syscall."), NAMES("monitor_syscalls", "symbol_map") },
	{ "Privilege",
	  NAMES("privilege.", "credential.", "capability.", "ptrace.", "module.", "bpf.", "mount.",
		"namespace.", "keyctl."),
	  NAMES("") },
	{ "Kernel",
	  NAMES("kmsg.", "kernel.", "process.trap", "process.fatal_signal", "process.abend",
		"process.exec_stack", "seccomp.", "lsm.", "ptrace."),
	  NAMES("") },
	{ "Detection", NAMES("detection."), NAMES("") },
	{ "Setting", NAMES("setting."), NAMES("") },
	{ "Loss", NAMES("loss"), NAMES("") },
	{ "StatsD", NAMES("statsd."), NAMES("bind_address", "flush_interval") },
	{ "Osquery", NAMES("osquery."), NAMES("interval_ms", "config_path", "queries") },
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

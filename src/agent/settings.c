/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/settings.h"

#include <assert.h>
#include <errno.h>

#include "base/clock.h"
#include "event/encode.h"
#include "sensor/syscall.h"
#include "sink/sink.h"

#define AT(member)    .at = offsetof(struct agent_settings, member)
#define EVERY	      .programs = PROGRAM_bulwark | PROGRAM_polytect | PROGRAM_ingraind
#define BULWARK_ONLY  .programs = PROGRAM_bulwark
#define WITH_SENSORS  .programs = PROGRAM_bulwark | PROGRAM_ingraind
#define POLYTECT_ONLY .programs = PROGRAM_polytect

static const char *const colours[] = { "auto", "always", "never", NULL };

static const char *const syslog_destinations[] = { "default", "unix", "tcp", "udp", "tls", NULL };
static const char *const syslog_rfcs[] = { "5424", "3164", NULL };
static const char *const syslog_framings[] = { "octet-counting", "newline", NULL };
static const char *const http_bodies[] = { "ndjson", "json-array", NULL };
/* In the order of their numbers (RFC 5424, table 1). */
static const char *const syslog_facilities[] = {
	"kern",	  "user",     "mail",	"daemon", "auth",   "syslog", "lpr",   "news",	 "uucp",
	"cron",	  "authpriv", "ftp",	"ntp",	  "audit",  "alert",  "clock", "local0", "local1",
	"local2", "local3",   "local4", "local5", "local6", "local7", NULL,
};

/* By enum file_mechanism. */
static const char *const file_mechanisms[] = { "auto", "fentry", "fanotify", "tp_btf", NULL };
static const char *const devkmsg_choices[] = { "on", "off", "ratelimit", NULL };

/* clang-format off */
#define DETECT_DURATION_ROW(member, name, number, unit, least, most, words)                        \
	{ .key = "analytics." name, .type = SETTING_duration, AT(detect.member), EVERY,             \
	  .scale = NS_PER_S, .fallback = #number #unit, .min = least, .max = most, .help = words },
#define DETECT_COUNT_ROW(member, name, number, least, most, words)                                 \
	{ .key = "analytics." name, .type = SETTING_count, AT(detect.member), EVERY,                \
	  .fallback = #number, .min = least, .max = most, .help = words },

const struct setting agent_setting_rows[] = {
	{ .option = "configfile", .type = SETTING_text, AT(config_file), POLYTECT_ONLY,
	  .argument = "PATH",
	  .help = "Read all settings from this TOML file; no other option may be given" },
	{ .option = "config", .type = SETTING_text, AT(config_file), BULWARK_ONLY,
	  .argument = "PATH",
	  .help = "Read settings from this TOML file; options take precedence" },
	{ .key = "verbosity", .option = "verbose", .letter = 'v', .type = SETTING_tally,
	  AT(verbosity), EVERY, .max = 255,
	  .help = "Say more about what the program does; may be repeated" },
	{ .key = "log_json", .option = "log-json", .type = SETTING_flag, AT(log_json), EVERY,
	  .help = "Write the program's own messages as JSON" },
	{ .key = "hostname", .option = "hostname", .type = SETTING_text, AT(hostname), EVERY,
	  .argument = "NAME",
	  .help = "Host name in every event; without it /etc/hostname, else the kernel's" },

	{ .key = "console.format", .option = "output", .type = SETTING_choice,
	  AT(sinks.console.format), BULWARK_ONLY, .choices = event_format_names,
	  .fallback = "text",
	  .help = "Write events to standard output in this format" },
	{ .key = "console.format", .option = "console", .type = SETTING_choice,
	  AT(sinks.console.format), POLYTECT_ONLY, .choices = event_format_names,
	  .help = "Write events to standard output in this format" },
	{ .key = "console.colour", .option = "colour", .type = SETTING_choice,
	  AT(sinks.console.colour), EVERY, .choices = colours, .fallback = "auto",
	  .help = "Colour the text format; auto is on a terminal, unless NO_COLOR is set" },

	{ .key = "logfile.format", .option = "log-file-format", .type = SETTING_choice,
	  AT(sinks.file.format), EVERY, .choices = event_format_names, .needs = "logfile.filepath",
	  .help = "Append events to a file in this format" },
	{ .key = "logfile.filepath", .option = "log-file-path", .type = SETTING_text,
	  AT(sinks.file.path), EVERY, .argument = "PATH", .needs = "logfile.format",
	  .help = "The file; when others move or delete it, a new one is made" },
	{ .key = "logfile.rotation_file_count", .option = "log-file-rotation-count",
	  .type = SETTING_count, AT(sinks.file.rotation_count), EVERY, .max = 10000,
	  .needs = "logfile.rotation_file_max_size",
	  .help = "Rotate the file, to PATH.0, PATH.1 and so on up to this number" },
	{ .key = "logfile.rotation_file_max_size", .option = "log-file-rotation-max-size",
	  .type = SETTING_bytes, AT(sinks.file.rotation_bytes), EVERY, .argument = "SIZE",
	  .needs = "logfile.rotation_file_count",
	  .help = "Rotate the file when it has become this large" },

	{ .key = "syslog.format", .option = "syslog", .type = SETTING_choice,
	  AT(sinks.syslog.format), EVERY, .choices = event_format_names,
	  .help = "Send events to syslog, the message in this format" },
	{ .key = "syslog.destination", .option = "syslog-destination", .type = SETTING_choice,
	  AT(sinks.syslog.destination), EVERY, .choices = syslog_destinations,
	  .fallback = "default", .needs = "syslog.format",
	  .help = "Which syslog; by default this machine's: its unix socket, else TCP 127.0.0.1:601, else UDP 127.0.0.1:514" },
	{ .key = "syslog.path", .option = "syslog-unix-socket-path", .type = SETTING_text,
	  AT(sinks.syslog.path), EVERY, .argument = "PATH", .needs = "syslog.format",
	  .help = "The unix socket, datagram or stream; without it /dev/log" },
	{ .key = "syslog.server", .option = "syslog-server", .type = SETTING_text,
	  AT(sinks.syslog.server), EVERY, .argument = "HOST[:PORT]", .needs = "syslog.destination",
	  .help = "The server for TCP (port 601), UDP (514) or TLS (6514)" },
	{ .key = "syslog.local", .option = "syslog-local", .type = SETTING_text,
	  AT(sinks.syslog.local), EVERY, .argument = "ADDRESS[:PORT]",
	  .needs = "syslog.destination",
	  .help = "Own address to send from" },
	{ .key = "syslog.rfc", .option = "syslog-rfc", .type = SETTING_choice,
	  AT(sinks.syslog.rfc), EVERY, .choices = syslog_rfcs,
	  .help = "Form of the message; without it 3164 for a unix socket, which every local daemon reads, and 5424 otherwise" },
	{ .key = "syslog.framing", .option = "syslog-framing", .type = SETTING_choice,
	  AT(sinks.syslog.framing), EVERY, .choices = syslog_framings,
	  .fallback = "octet-counting",
	  .help = "How messages are told apart on TCP and TLS" },
	{ .key = "syslog.facility", .option = "syslog-facility", .type = SETTING_choice,
	  AT(sinks.syslog.facility), EVERY, .choices = syslog_facilities, .fallback = "daemon",
	  .help = "Facility of the messages" },
	{ .key = "syslog.ca_file", .type = SETTING_text, AT(sinks.syslog.tls.ca_file), EVERY,
	  .argument = "PATH",
	  .help = "Certificates that may sign the receiver's, in PEM; without it the system's" },
	{ .key = "syslog.cert_file", .type = SETTING_text, AT(sinks.syslog.tls.cert_file), EVERY,
	  .argument = "PATH", .needs = "syslog.key_file",
	  .help = "The agent's own certificate for the receiver, in PEM" },
	{ .key = "syslog.key_file", .type = SETTING_text, AT(sinks.syslog.tls.key_file), EVERY,
	  .argument = "PATH", .needs = "syslog.cert_file",
	  .help = "The private key of that certificate, in PEM" },

	{ .key = "http.url", .option = "http", .type = SETTING_text, AT(sinks.http.url), EVERY,
	  .argument = "URL",
	  .help = "POST batches of events in JSON to this URL" },
	{ .key = "http.body", .option = "http-body", .type = SETTING_choice, AT(sinks.http.body),
	  .programs = PROGRAM_bulwark | PROGRAM_polytect, .choices = http_bodies,
	  .fallback = "ndjson", .needs = "http.url",
	  .help = "One event a line, or an array" },
	{ .key = "http.token", .type = SETTING_secret, AT(sinks.http.token), EVERY,
	  .argument = "TOKEN", .needs = "http.url",
	  .help = "Bearer token for it" },
	{ .key = "http.header", .type = SETTING_secret, AT(sinks.http.header), EVERY,
	  .lines = true, .argument = "NAME: VALUE", .needs = "http.url",
	  .help = "One more header to send, such as an API key; more stand on lines of their own" },
	{ .key = "http.flush_event_count", .type = SETTING_count, AT(sinks.http.flush_count),
	  EVERY, .fallback = "100", .min = 1, .max = 1000,
	  .help = "Send when so many events wait" },
	{ .key = "http.flush_timeout_seconds", .type = SETTING_duration, AT(sinks.http.flush_ns),
	  EVERY, .scale = NS_PER_S, .fallback = "1s", .max = 3600 * NS_PER_S,
	  .help = "Send when an event has waited so long" },
	{ .key = "http.ca_file", .type = SETTING_text, AT(sinks.http.tls.ca_file), EVERY,
	  .argument = "PATH",
	  .help = "Certificates that may sign the receiver's, in PEM; without it the system's" },
	{ .key = "http.cert_file", .type = SETTING_text, AT(sinks.http.tls.cert_file), EVERY,
	  .argument = "PATH", .needs = "http.key_file",
	  .help = "The agent's own certificate for the receiver, in PEM" },
	{ .key = "http.key_file", .type = SETTING_text, AT(sinks.http.tls.key_file), EVERY,
	  .argument = "PATH", .needs = "http.cert_file",
	  .help = "The private key of that certificate, in PEM" },

	{ .key = "polycorder.auth_key", .option = "polycorder", .type = SETTING_secret,
	  AT(sinks.polycorder.auth_key), EVERY, .argument = "KEY",
	  .help = "Send events to a Polycorder, with this key" },
	{ .key = "polycorder.node_id", .option = "node", .type = SETTING_text, AT(node_id), EVERY,
	  .fallback = "unidentified", .argument = "ID", .needs = "polycorder.auth_key",
	  .help = "What this node is called there" },
	{ .key = "polycorder.url", .option = "polycorder-url", .type = SETTING_text,
	  AT(sinks.polycorder.url), EVERY,
	  .fallback = "https://polycorder.polyverse.com/v1/events", .argument = "URL",
	  .needs = "polycorder.auth_key",
	  .help = "Where that Polycorder is" },
	{ .key = "polycorder.flush_event_count", .option = "flush-event-count",
	  .type = SETTING_count, AT(sinks.polycorder.flush_count), EVERY, .fallback = "10",
	  .min = 1, .max = 1000, .needs = "polycorder.auth_key",
	  .help = "Send to it when so many events wait" },
	{ .key = "polycorder.flush_timeout_seconds", .option = "flush-timeout-secs",
	  .type = SETTING_duration, AT(sinks.polycorder.flush_ns), EVERY, .scale = NS_PER_S,
	  .fallback = "10s", .max = 3600 * NS_PER_S, .needs = "polycorder.auth_key",
	  .help = "Send to it when an event has waited so long" },
	{ .key = "polycorder.ca_file", .type = SETTING_text, AT(sinks.polycorder.tls.ca_file),
	  EVERY, .argument = "PATH",
	  .help = "Certificates that may sign the receiver's, in PEM; without it the system's" },
	{ .key = "polycorder.cert_file", .type = SETTING_text, AT(sinks.polycorder.tls.cert_file),
	  EVERY, .argument = "PATH", .needs = "polycorder.key_file",
	  .help = "The agent's own certificate for the receiver, in PEM" },
	{ .key = "polycorder.key_file", .type = SETTING_text, AT(sinks.polycorder.tls.key_file),
	  EVERY, .argument = "PATH", .needs = "polycorder.cert_file",
	  .help = "The private key of that certificate, in PEM" },

	{ .key = "pagerduty.routing_key", .option = "pagerduty", .type = SETTING_secret,
	  AT(sinks.pagerduty.routing_key), EVERY, .argument = "KEY",
	  .help = "Raise detections as incidents in PagerDuty, with this integration key" },
	{ .key = "pagerduty.url", .type = SETTING_text, AT(sinks.pagerduty.url), EVERY,
	  .fallback = "https://events.pagerduty.com/v2/enqueue", .argument = "URL",
	  .help = "Where its Events API v2 is" },

	{ .key = "spool.directory", .option = "spool-directory", .type = SETTING_text,
	  AT(sinks.spool.directory), BULWARK_ONLY, .fallback = "/var/lib/bulwark/spool",
	  .argument = "PATH",
	  .help = "Events for syslog, http, polycorder and pagerduty wait here until they are delivered" },
	{ .key = "spool.directory", .option = "spool-directory", .type = SETTING_text,
	  AT(sinks.spool.directory), POLYTECT_ONLY, .fallback = "/var/lib/polytect/spool",
	  .argument = "PATH",
	  .help = "Events for syslog, http, polycorder and pagerduty wait here until they are delivered" },
	{ .key = "spool.size", .option = "spool-size", .type = SETTING_bytes,
	  AT(sinks.spool.bytes), EVERY, .fallback = "64M", .min = 1 << 20,
	  .help = "How much may wait for each of them; beyond it the oldest events are lost" },
	{ .key = "spool.sync_interval", .type = SETTING_duration, AT(sinks.spool.sync_ns), EVERY,
	  .scale = NS_PER_MS, .fallback = "1s", .max = 3600 * NS_PER_S,
	  .help = "How long an event may wait for fsync(2)" },

	{ .key = "drain_timeout", .type = SETTING_duration, AT(drain_ns), EVERY, .scale = NS_PER_S,
	  .fallback = "5s", .max = 3600 * NS_PER_S,
	  .help = "How long the end waits for events that are on their way; what is left stays on disk" },
	{ .option = "for", .type = SETTING_duration, AT(run_ns), EVERY, .scale = NS_PER_S,
	  .argument = "TIME",
	  .help = "End after this time" },
	{ .option = "under", .type = SETTING_count, AT(only_under), EVERY, .min = 1,
	  .max = UINT32_MAX, .argument = "PID",
	  .help = "Watch only this process and those below it, where the sensor can tell" },
	{ .key = "proc_root", .option = "proc-root", .type = SETTING_text, AT(proc_root), EVERY,
	  .fallback = "/proc", .argument = "PATH",
	  .help = "The host's procfs, for an agent in a container" },

	{ .key = "auto_configure.exception_trace", .option = "auto-configure",
	  .option_value = "debug.exception-trace", .type = SETTING_flag,
	  AT(kernel.exception_trace), EVERY,
	  .help = "Have the kernel report crashes of processes" },
	{ .key = "auto_configure.fatal_signals", .option = "auto-configure",
	  .option_value = "kernel.print-fatal-signals", .type = SETTING_flag,
	  AT(kernel.fatal_signals), EVERY,
	  .help = "Have the kernel report fatal signals with all registers" },
	{ .key = "auto_configure.klog_include_timestamp", .option = "auto-configure",
	  .option_value = "klog.include-timestamp", .type = SETTING_flag,
	  AT(kernel.klog_timestamp), EVERY,
	  .help = "Have the kernel put times into its log" },
	{ .key = "auto_configure.printk_ratelimit", .option = "printk-ratelimit",
	  .type = SETTING_duration, .scale = NS_PER_S, AT(kernel.ratelimit_ns), EVERY,
	  .max = 3600 * NS_PER_S, .argument = "SECONDS",
	  .help = "Set kernel.printk_ratelimit: the interval in which so many messages pass; 0 lets all pass" },
	{ .key = "auto_configure.printk_ratelimit_burst", .option = "printk-ratelimit-burst",
	  .type = SETTING_count, AT(kernel.ratelimit_burst), EVERY, .max = INT32_MAX,
	  .argument = "COUNT",
	  .help = "Set kernel.printk_ratelimit_burst: how many messages pass in that interval" },
	{ .key = "auto_configure.printk_devkmsg", .option = "printk-devkmsg",
	  .type = SETTING_choice, AT(kernel.printk_devkmsg), EVERY, .choices = devkmsg_choices,
	  .help = "Set kernel.printk_devkmsg: whether user space may write to the kernel log" },
	{ .key = "auto_configure.interval", .type = SETTING_duration, AT(kernel.interval_ns),
	  EVERY, .scale = NS_PER_S, .fallback = "10s", .min = 100 * NS_PER_MS,
	  .help = "How often these kernel settings are looked at again" },
	{ .key = "auto_configure.restore", .option = "restore", .type = SETTING_flag,
	  AT(kernel.restore), EVERY,
	  .help = "Put the kernel's old settings back at the end" },
	{ .key = "auto_configure.restore_file", .type = SETTING_text, AT(kernel.restore_file),
	  BULWARK_ONLY, .fallback = "/var/lib/bulwark/kernel-settings", .argument = "PATH",
	  .help = "Where the old settings are kept meanwhile, should the program be killed" },
	{ .key = "auto_configure.restore_file", .type = SETTING_text, AT(kernel.restore_file),
	  POLYTECT_ONLY, .fallback = "/var/lib/polytect/kernel-settings", .argument = "PATH",
	  .help = "Where the old settings are kept meanwhile, should the program be killed" },
	{ .key = "monitor.allow_second", .option = "allow-second", .type = SETTING_flag,
	  AT(allow_second), EVERY,
	  .help = "Start even if another instance runs on this kernel" },

	{ .key = "monitor.source", .option = "source", .type = SETTING_text, AT(source),
	  POLYTECT_ONLY, .argument = "FILE",
	  .help = "Read this saved kernel log (dmesg, syslog, journal, pstore or /dev/kmsg's own) instead of this kernel's, and end; - is standard input" },
	{ .key = "monitor.gobble_old_events", .option = "gobble-old-events", .type = SETTING_flag,
	  AT(old_records), EVERY,
	  .help = "Read what the kernel log holds from before the start, too" },
	{ .key = "analytics.mode", .option = "analytics-mode", .type = SETTING_choice,
	  AT(detect.mode), EVERY, .choices = detect_mode_names, .fallback = "passthrough",
	  .help = "Pass on events only, events and detections, or detections only" },
	{ .key = "analytics.justification", .option = "detected-event-details",
	  .type = SETTING_choice, AT(detect.justification), EVERY,
	  .choices = detect_justification_names, .fallback = "summary",
	  .help = "How much a detection says of the crashes behind it" },
	DETECT_DURATIONS(DETECT_DURATION_ROW)
	DETECT_COUNTS(DETECT_COUNT_ROW)

	{ .key = "sensors.tcp", .type = SETTING_flag, AT(watch.tcp), WITH_SENSORS,
	  .fallback = "true",
	  .help = "Watch TCP connections: made, refused, ended" },
	{ .key = "sensors.udp", .type = SETTING_flag, AT(watch.udp), WITH_SENSORS,
	  .fallback = "true",
	  .help = "Count UDP datagrams for each process and peer" },
	{ .key = "sensors.dns", .type = SETTING_flag, AT(watch.dns), WITH_SENSORS,
	  .fallback = "true",
	  .help = "Watch name lookups on port 53, UDP and TCP" },
	{ .key = "sensors.tls", .type = SETTING_flag, AT(watch.tls), WITH_SENSORS,
	  .fallback = "true",
	  .help = "Watch how TLS connections begin" },
	{ .key = "sensors.http", .type = SETTING_flag, AT(watch.http), WITH_SENSORS,
	  .fallback = "false",
	  .help = "Watch requests of plain HTTP/1.x" },
	{ .key = "sensors.privilege", .type = SETTING_flag, AT(watch.privilege), WITH_SENSORS,
	  .fallback = "false",
	  .help = "Watch system calls that reach for rights, other processes, namespaces or the kernel; makes every system call a little slower" },
	{ .key = "sensors.syscall", .type = SETTING_flag, AT(watch.syscall), WITH_SENSORS,
	  .fallback = "false",
	  .help = "Count the system calls of syscall.monitor_syscalls; makes every system call a little slower" },
	{ .key = "sensors.statsd", .type = SETTING_flag, AT(watch.statsd), WITH_SENSORS,
	  .fallback = "false",
	  .help = "Listen to StatsD clients" },
	{ .key = "sensors.osquery", .type = SETTING_flag, AT(watch.osquery), WITH_SENSORS,
	  .fallback = "false",
	  .help = "Put the queries of [[probe.config.queries]] to osquery" },
	{ .key = "sensors.cgroup", .type = SETTING_text, AT(packet_cgroup), WITH_SENSORS,
	  .argument = "PATH",
	  .help = "See packets of this control group (unified hierarchy) and those below only; without it all" },
	{ .key = "watch.uids", .type = SETTING_text, AT(scope.uids), WITH_SENSORS,
	  .argument = "UID[-UID],...",
	  .help = "Report only processes of these users, or, with ! before a number, all but those" },
	{ .key = "watch.comms", .type = SETTING_text, AT(scope.comms), WITH_SENSORS,
	  .argument = "NAME,...",
	  .help = "Report only processes of these names (the kernel's, 15 bytes), or, with !, all but those" },
	{ .key = "watch.cgroups", .type = SETTING_text, AT(scope.cgroups), WITH_SENSORS,
	  .argument = "PATH,...",
	  .help = "Report only processes in these control groups and below, or, with !, all but those; the paths are those in /proc/PID/cgroup, of groups that are there at the start" },
	{ .key = "watch.ports", .type = SETTING_text, AT(scope.ports), WITH_SENSORS,
	  .argument = "PORT[-PORT],...",
	  .help = "Report only traffic with one of these ports at either end, or, with !, all but that" },
	{ .key = "watch.networks", .type = SETTING_text, AT(scope.networks), WITH_SENSORS,
	  .argument = "ADDRESS[/BITS],...",
	  .help = "Report only traffic with peers in these networks, or, with !, all but that; the narrowest network decides" },
	{ .key = "tcp.settle", .type = SETTING_duration, AT(watch.tcp_settle_ns), BULWARK_ONLY,
	  .scale = NS_PER_S, .fallback = "1s", .max = 3600 * NS_PER_S,
	  .help = "Tell that a connection was made only once it is this old; of shorter ones the end alone is told, which says all. 0s: tell at once" },
	{ .key = "tcp.settle", .type = SETTING_duration, AT(watch.tcp_settle_ns),
	  .programs = PROGRAM_ingraind, .scale = NS_PER_S, .fallback = "0s",
	  .max = 3600 * NS_PER_S,
	  .help = "Tell that a connection was made only once it is this old; of shorter ones the end alone is told, which says all. 0s: tell at once" },
	{ .key = "tcp.interval", .type = SETTING_duration, AT(watch.tcp_interval_ns),
	  WITH_SENSORS, .scale = NS_PER_S, .fallback = "10s", .max = 3600 * NS_PER_S,
	  .help = "How often it is reported what went over connections that stay open; 0s: only at their end" },
	{ .key = "tcp.connections", .type = SETTING_count, AT(watch.tcp_connections),
	  WITH_SENSORS, .fallback = "131072", .min = 1024, .max = 4194304,
	  .help = "How many ends of connections are remembered at most; others are told without their process, and counted as lost" },
	{ .key = "udp.interval", .type = SETTING_duration, AT(watch.udp_interval_ns),
	  WITH_SENSORS, .scale = NS_PER_S, .fallback = "10s", .min = 500 * NS_PER_MS,
	  .max = 3600 * NS_PER_S,
	  .help = "How often UDP traffic is reported" },
	{ .key = "dns.timeout", .type = SETTING_duration, AT(watch.dns_timeout_ns),
	  WITH_SENSORS, .scale = NS_PER_S, .fallback = "5s", .min = 100 * NS_PER_MS,
	  .max = 60 * NS_PER_S,
	  .help = "How long a name lookup may wait for its answer" },

	{ .key = "dns.interface", .type = SETTING_text, AT(watch.dns_interface), WITH_SENSORS,
	  .argument = "NAME",
	  .help = "Watch name lookups of sockets through this network interface only; without it through all" },
	{ .key = "tls.interface", .type = SETTING_text, AT(watch.tls_interface), WITH_SENSORS,
	  .argument = "NAME",
	  .help = "Watch TLS connections through this network interface only; without it through all" },
	{ .key = "syscall.monitor_syscalls", .type = SETTING_list, AT(watch.syscalls),
	  WITH_SENSORS, .argument = "NAME,...",
	  .help = "System calls that are counted, by name or number, such as [\"openat\", \"connect\"]" },
	{ .key = "syscall.interval", .type = SETTING_duration, AT(watch.syscall_interval_ns),
	  WITH_SENSORS, .scale = NS_PER_S, .fallback = "10s", .min = 500 * NS_PER_MS,
	  .max = 3600 * NS_PER_S,
	  .help = "How often these counts are reported" },

	{ .key = "statsd_listener.bind_address", .type = SETTING_text, AT(watch.statsd_address),
	  WITH_SENSORS, .fallback = "127.0.0.1:8125", .argument = "ADDRESS:PORT",
	  .help = "Where StatsD clients send to, by UDP" },
	{ .key = "statsd_listener.tcp", .type = SETTING_flag, AT(watch.statsd_tcp), WITH_SENSORS,
	  .fallback = "false",
	  .help = "Take connections there, too" },
	{ .key = "statsd_listener.max_series", .type = SETTING_count,
	  AT(watch.statsd_max_series), WITH_SENSORS, .fallback = "10000", .min = 16,
	  .max = 1000000,
	  .help = "How many gauges and sampled counters are remembered at most" },
	{ .key = "osquery.path", .type = SETTING_text, AT(watch.osquery_path), WITH_SENSORS,
	  .fallback = "osqueryi", .argument = "PATH",
	  .help = "The program osqueryi, by path or as $PATH finds it" },
	{ .key = "osquery.config_path", .type = SETTING_text, AT(watch.osquery_config),
	  WITH_SENSORS, .argument = "PATH",
	  .help = "Its configuration, where packs are" },
	{ .key = "osquery.interval_ms", .type = SETTING_duration,
	  AT(watch.osquery_interval_ns), WITH_SENSORS, .scale = NS_PER_MS, .fallback = "10s",
	  .min = 100 * NS_PER_MS, .max = 604800 * NS_PER_S,
	  .help = "How often a query is put that does not say so itself" },
	{ .key = "osquery.timeout", .type = SETTING_duration, AT(watch.osquery_timeout_ns),
	  WITH_SENSORS, .scale = NS_PER_S, .fallback = "30s", .min = 100 * NS_PER_MS,
	  .max = 3600 * NS_PER_S,
	  .help = "How long an answer may take; then the program is killed" },

	{ .key = "files.paths", .option = "files", .type = SETTING_list, AT(file_paths),
	  WITH_SENSORS, .argument = "PATH",
	  .help = "Watch what is done with the files at and below this path, as processes see it, in every container; without it none are watched" },
	{ .key = "files.exclude", .type = SETTING_list, AT(file_exclude), WITH_SENSORS,
	  .argument = "PATH", .needs = "files.paths",
	  .help = "But not those at and below this one; of several that hold, the longest decides" },
	{ .key = "files.mechanism", .type = SETTING_choice, AT(watch.file_mechanism), WITH_SENSORS,
	  .choices = file_mechanisms, .fallback = "auto",
	  .help = "How they are watched: auto takes the first that the kernel permits of fentry, which tells most, fanotify, which costs files that aren't watched nothing, and tp_btf, which tells the bytes read and written, but slows every system call" },
	{ .key = "files.max_directories", .type = SETTING_count, AT(watch.file_max_directories),
	  WITH_SENSORS, .fallback = "16384", .min = 16, .max = 1000000,
	  .help = "How many directories fanotify watches at most; each takes about 2 KiB of the kernel's memory" },
	{ .key = "files.rate", .type = SETTING_count, AT(watch.file_rate), WITH_SENSORS,
	  .fallback = "1000", .max = 1000000,
	  .help = "How many events of files a process may cause in a second; those beyond are only counted; 0 lets all pass" },

	{ .key = "exec.poll_interval", .type = SETTING_duration, AT(poll_ns), EVERY,
	  .scale = NS_PER_MS, .fallback = "1s", .min = 10 * NS_PER_MS,
	  .help = "How often /proc is read where BPF is refused" },
	{ .key = "bpf.ring_size", .type = SETTING_bytes, AT(ring_bytes), EVERY,
	  .fallback = "1M", .min = 1 << 16, .max = 1 << 30,
	  .help = "Size of the BPF ring buffer; a power of two" },

	{ .key = "identity.processes", .type = SETTING_count, AT(processes), EVERY,
	  .fallback = "16384", .min = 64, .max = 4194304,
	  .help = "How many processes the agent remembers at most, ended ones included; with long arguments fewer, as each has 384 bytes on average" },
	{ .key = "identity.containers", .type = SETTING_count, AT(containers), EVERY,
	  .fallback = "2048", .min = 16, .max = 65536,
	  .help = "How many containers and control groups the agent remembers at most" },
	{ .key = "identity.wait", .type = SETTING_duration, AT(park_ns), EVERY, .scale = NS_PER_MS,
	  .fallback = "1s", .max = 60 * NS_PER_S,
	  .help = "How long an event may wait for the name of its container" },
	{ .key = "identity.socket", .option = "container-socket", .type = SETTING_text,
	  AT(container_sockets), EVERY, .argument = "PATH,...",
	  .help = "The container engines' sockets; without it the usual places are tried" },

	{ .key = "metrics.listen", .option = "listen", .type = SETTING_text, AT(listen),
	  BULWARK_ONLY, .fallback = "127.0.0.1:9469", .argument = "ADDRESS:PORT",
	  .help = "Serve /metrics and /healthz here; \"off\" for nowhere" },
};
/* clang-format on */
const size_t agent_setting_count = array_count(agent_setting_rows);

const struct setting_alias agent_setting_aliases[] = {
	{ "console_config.format", "console.format" },
	{ "polycorder_config.auth_key", "polycorder.auth_key" },
	{ "polycorder_config.node_id", "polycorder.node_id" },
	{ "polycorder_config.flush_event_count", "polycorder.flush_event_count" },
	{ "polycorder_config.flush_timeout.secs", "polycorder.flush_timeout_seconds" },
	{ "polycorder_config.flush_timeout.nanos", NULL },
	{ "pagerduty_routing_key", "pagerduty.routing_key" },
	{ "syslog.hostname", NULL },
	{ "polycorder.flush_timeout.secs", "polycorder.flush_timeout_seconds" },
	{ "polycorder.flush_timeout.nanos", NULL },
	{ "monitor_config.gobble_old_events", "monitor.gobble_old_events" },
	{ "files.monitor_dirs", "files.paths" },
	{ "http.uri", "http.url" },
	{ "http.encoding", NULL },
	{ "http.parallel_chunk_size", NULL },
	{ "http.threads", NULL },
	{ "log.type", NULL },
	{ "log.log_level", NULL },
};
const size_t agent_alias_count = array_count(agent_setting_aliases);

struct settings_table agent_settings_table(const char *program, unsigned int program_bit)
{
	static struct setting all[256];
	const size_t count = agent_setting_count + agent_sink_count;

	assert(count <= array_count(all));
	memcpy(all, agent_setting_rows, agent_setting_count * sizeof(all[0]));
	memcpy(all + agent_setting_count, agent_sink_rows, agent_sink_count * sizeof(all[0]));
	return (struct settings_table){
		.program = program,
		.program_bit = program_bit,
		.rows = all,
		.row_count = count,
		.aliases = agent_setting_aliases,
		.alias_count = agent_alias_count,
	};
}

/* The sensor's row among the switches, or NULL: it has none. */
static const struct setting *agent_switch(const char *name)
{
	for (size_t n = 0; n < agent_setting_count; n++) {
		struct slice key = slice_of(agent_setting_rows[n].key);

		if (slice_eat(&key, SLICE("sensors.")) && slice_is(key, name))
			return &agent_setting_rows[n];
	}
	return NULL;
}

bool agent_settings_switch(const struct agent_settings *values, const char *name)
{
	const struct setting *row = agent_switch(name);

	return !row || *(const bool *)((const char *)values + row->at);
}

bool agent_settings_want_sensor(const struct agent_settings *values, const char *name)
{
	return sink_any_wanted(&values->sinks) || pipelines_want_sensor(&values->pipelines, name) ||
	       (agent_switch(name) && agent_settings_switch(values, name));
}

/* What no probe asks for is off, unless it is on in so many words; but sinks beside the pipelines
 * get every event. */
static void agent_switch_off_unwanted(const struct settings *settings,
				      struct agent_settings *values)
{
	for (size_t n = 0; n < agent_setting_count && !sink_any_wanted(&values->sinks); n++) {
		const struct setting *row = &agent_setting_rows[n];
		struct slice name = slice_of(row->key);

		if (row->type == SETTING_flag &&
		    slice_eat(&name, SLICE("sensors.")) &&
			      settings_source(settings, row->key) == SETTINGS_default &&
			      !pipelines_want_sensor(&values->pipelines, name.at))
			*(bool *)((char *)values + row->at) = false;
	}
}

int agent_settings_finish(const struct settings *settings, struct agent_settings *values,
			  struct error *err)
{
	const char *key = "";
	struct scope scope;
	int r;

	values->kernel.set_ratelimit =
		settings_source(settings, "auto_configure.printk_ratelimit") != SETTINGS_default;
	values->kernel.set_ratelimit_burst =
		settings_source(settings, "auto_configure.printk_ratelimit_burst") !=
		SETTINGS_default;
	if (pipelines_config_finish(&values->pipelines, err) < 0)
		return -EINVAL;
	agent_switch_off_unwanted(settings, values);
	r = sink_check(&values->sinks, &key, err);
	if (r == 0) {
		key = "syscall.monitor_syscalls";
		r = syscall_choose(values->watch.syscalls, (uint8_t[RING_SYSCALLS]){ 0 }, err);
	}
	if (r == 0)
		r = detect_settings_check(&values->detect, &key, err);
	if (r == 0 && values->watch.tcp_interval_ns &&
	    values->watch.tcp_interval_ns < 100 * NS_PER_MS) {
		key = "tcp.interval";
		r = error_say(err, EINVAL, "tcp.interval is 0s, or at least 100ms");
	}
	if (r == 0)
		r = scope_parse(&scope, &values->scope, &key, err);
	if (r < 0 && settings_place(settings, key))
		return error_wrap(err, r, "%s", settings_place(settings, key));
	return r;
}

void agent_settings_for_check(struct agent_settings *values)
{
	*values = (struct agent_settings){
		.proc_root = (char *)"/proc",
		.file_paths = (char *)"/etc",
		.allow_second = true,
		.ring_bytes = 1 << 16,
		.poll_ns = NS_PER_S,
		.processes = 16384,
		.containers = 64,
		.watch = { .tcp = true,
			   .udp = true,
			   .dns = true,
			   .tls = true,
			   .http = true,
			   .privilege = true,
			   .syscall = true,
			   .syscalls = (char *)"openat",
			   .syscall_interval_ns = NS_PER_S,
			   .statsd = true,
			   .osquery = true,
			   .statsd_address = (char *)"127.0.0.1:0",
			   .statsd_max_series = 16,
			   .tcp_interval_ns = NS_PER_S,
			   .tcp_connections = 1024,
			   .udp_interval_ns = NS_PER_S,
			   .file_rate = 1000,
			   .file_max_directories = 1024,
			   .dns_timeout_ns = NS_PER_S },
		.kernel = { .printk_devkmsg = -1, .interval_ns = NS_PER_S },
		.sinks = { .console.format = -1, .file.format = -1, .syslog.format = -1 },
	};
	detect_settings_init(&values->detect);
	values->detect.mode = DETECT_MODE_off;
}

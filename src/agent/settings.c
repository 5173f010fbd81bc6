/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/settings.h"

#include "base/clock.h"
#include "event/encode.h"

#define AT(member)    .at = offsetof(struct agent_settings, member)
#define BOTH	      .programs = PROGRAM_bulwark | PROGRAM_polytect
#define BULWARK_ONLY  .programs = PROGRAM_bulwark
#define POLYTECT_ONLY .programs = PROGRAM_polytect

static const char *const colours[] = { "auto", "always", "never", NULL };

static const char *const devkmsg_choices[] = { "on", "off", "ratelimit", NULL };

/* clang-format off */
#define DETECT_DURATION_ROW(member, name, number, unit, least, most, words)                        \
	{ .key = "analytics." name, .type = SETTING_duration, AT(detect.member), BOTH,             \
	  .scale = NS_PER_S, .fallback = #number #unit, .min = least, .max = most, .help = words },
#define DETECT_COUNT_ROW(member, name, number, least, most, words)                                 \
	{ .key = "analytics." name, .type = SETTING_count, AT(detect.member), BOTH,                \
	  .fallback = #number, .min = least, .max = most, .help = words },

const struct setting agent_setting_rows[] = {
	{ .option = "configfile", .type = SETTING_text, AT(config_file), POLYTECT_ONLY,
	  .argument = "PATH",
	  .help = "Read all settings from this TOML file; no other option may be given" },
	{ .option = "config", .type = SETTING_text, AT(config_file), BULWARK_ONLY,
	  .argument = "PATH",
	  .help = "Read settings from this TOML file; options take precedence" },
	{ .key = "verbosity", .option = "verbose", .letter = 'v', .type = SETTING_tally,
	  AT(verbosity), BOTH, .max = 3,
	  .help = "Say more about what the program does; may be repeated" },
	{ .key = "log_json", .option = "log-json", .type = SETTING_flag, AT(log_json), BOTH,
	  .help = "Write the program's own messages as JSON" },
	{ .key = "hostname", .option = "hostname", .type = SETTING_text, AT(hostname), BOTH,
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
	  AT(sinks.console.colour), BOTH, .choices = colours, .fallback = "auto",
	  .help = "Colour the text format" },

	{ .option = "for", .type = SETTING_duration, AT(run_ns), BOTH, .scale = NS_PER_S,
	  .argument = "TIME",
	  .help = "End after this time" },
	{ .option = "under", .type = SETTING_count, AT(only_under), BOTH, .min = 1,
	  .max = UINT32_MAX, .argument = "PID",
	  .help = "Watch only this process and those below it, where the sensor can tell" },
	{ .key = "proc_root", .option = "proc-root", .type = SETTING_text, AT(proc_root), BOTH,
	  .fallback = "/proc", .argument = "PATH",
	  .help = "The host's procfs, for an agent in a container" },

	{ .key = "auto_configure.exception_trace", .option = "auto-configure",
	  .option_value = "debug.exception-trace", .type = SETTING_flag,
	  AT(kernel.exception_trace), BOTH,
	  .help = "Have the kernel report crashes of processes" },
	{ .key = "auto_configure.fatal_signals", .option = "auto-configure",
	  .option_value = "kernel.print-fatal-signals", .type = SETTING_flag,
	  AT(kernel.fatal_signals), BOTH,
	  .help = "Have the kernel report fatal signals with all registers" },
	{ .key = "auto_configure.klog_include_timestamp", .option = "auto-configure",
	  .option_value = "klog.include-timestamp", .type = SETTING_flag,
	  AT(kernel.klog_timestamp), BOTH,
	  .help = "Have the kernel put times into its log" },
	{ .key = "auto_configure.printk_ratelimit", .option = "printk-ratelimit",
	  .type = SETTING_duration, .scale = NS_PER_S, AT(kernel.ratelimit_ns), BOTH,
	  .max = 3600 * NS_PER_S, .argument = "SECONDS",
	  .help = "Set kernel.printk_ratelimit: the interval in which so many messages pass; 0 lets all pass" },
	{ .key = "auto_configure.printk_ratelimit_burst", .option = "printk-ratelimit-burst",
	  .type = SETTING_count, AT(kernel.ratelimit_burst), BOTH, .max = INT32_MAX,
	  .argument = "COUNT",
	  .help = "Set kernel.printk_ratelimit_burst: how many messages pass in that interval" },
	{ .key = "auto_configure.printk_devkmsg", .option = "printk-devkmsg",
	  .type = SETTING_choice, AT(kernel.printk_devkmsg), BOTH, .choices = devkmsg_choices,
	  .help = "Set kernel.printk_devkmsg: whether user space may write to the kernel log" },
	{ .key = "auto_configure.interval", .type = SETTING_duration, AT(kernel.interval_ns),
	  BOTH, .scale = NS_PER_S, .fallback = "10s", .min = 100 * NS_PER_MS,
	  .help = "How often these kernel settings are looked at again" },
	{ .key = "auto_configure.restore", .option = "restore", .type = SETTING_flag,
	  AT(kernel.restore), BOTH,
	  .help = "Put the kernel's old settings back at the end" },
	{ .key = "monitor.allow_second", .option = "allow-second", .type = SETTING_flag,
	  AT(allow_second), BOTH,
	  .help = "Start even if another instance runs on this kernel" },

	{ .key = "monitor.gobble_old_events", .option = "gobble-old-events", .type = SETTING_flag,
	  AT(old_records), BOTH,
	  .help = "Read what the kernel log holds from before the start, too" },
	{ .key = "analytics.mode", .option = "analytics-mode", .type = SETTING_choice,
	  AT(detect.mode), BOTH, .choices = detect_mode_names, .fallback = "passthrough",
	  .help = "Pass on events only, events and detections, or detections only" },
	{ .key = "analytics.justification", .option = "detected-event-details",
	  .type = SETTING_choice, AT(detect.justification), BOTH,
	  .choices = detect_justification_names, .fallback = "summary",
	  .help = "How much a detection says of the crashes behind it" },
	DETECT_DURATIONS(DETECT_DURATION_ROW)
	DETECT_COUNTS(DETECT_COUNT_ROW)

	{ .key = "exec.poll_interval", .type = SETTING_duration, AT(poll_ns), BOTH,
	  .scale = NS_PER_MS, .fallback = "1s", .min = 10 * NS_PER_MS,
	  .help = "How often /proc is read where BPF is refused" },
	{ .key = "bpf.ring_size", .type = SETTING_bytes, AT(ring_bytes), BOTH,
	  .fallback = "1M", .min = 1 << 16, .max = 1 << 30,
	  .help = "Size of the BPF ring buffer; a power of two" },

	{ .key = "identity.processes", .type = SETTING_count, AT(processes), BOTH,
	  .fallback = "16384", .min = 64, .max = 4194304,
	  .help = "How many processes the agent remembers at most, ended ones included" },
	{ .key = "identity.containers", .type = SETTING_count, AT(containers), BOTH,
	  .fallback = "2048", .min = 16, .max = 65536,
	  .help = "How many containers and control groups the agent remembers at most" },
	{ .key = "identity.wait", .type = SETTING_duration, AT(park_ns), BOTH, .scale = NS_PER_MS,
	  .fallback = "1s", .max = 60 * NS_PER_S,
	  .help = "How long an event may wait for the name of its container" },
	{ .key = "identity.socket", .option = "container-socket", .type = SETTING_text,
	  AT(container_socket), BOTH, .argument = "PATH",
	  .help = "The container engine's socket; without it the usual places are tried" },

	{ .key = "metrics.listen", .option = "listen", .type = SETTING_text, AT(listen),
	  BULWARK_ONLY, .fallback = "127.0.0.1:9469", .argument = "ADDRESS:PORT",
	  .help = "Serve /metrics and /healthz here; \"off\" for nowhere" },
};
/* clang-format on */
const size_t agent_setting_count = array_count(agent_setting_rows);

const struct setting_alias agent_setting_aliases[] = {
	{ "console_config.format", "console.format" },
	{ "monitor_config.gobble_old_events", "monitor.gobble_old_events" },
};
const size_t agent_alias_count = array_count(agent_setting_aliases);

int agent_settings_finish(const struct settings *settings, struct agent_settings *values,
			  struct error *err)
{
	values->kernel.set_ratelimit =
		settings_source(settings, "auto_configure.printk_ratelimit") != SETTINGS_default;
	values->kernel.set_ratelimit_burst =
		settings_source(settings, "auto_configure.printk_ratelimit_burst") !=
		SETTINGS_default;
	return detect_settings_check(&values->detect, err);
}

void agent_settings_for_check(struct agent_settings *values)
{
	*values = (struct agent_settings){
		.proc_root = (char *)"/proc",
		.allow_second = true,
		.ring_bytes = 1 << 16,
		.poll_ns = NS_PER_S,
		.processes = 16384,
		.containers = 64,
		.kernel = { .printk_devkmsg = -1, .interval_ns = NS_PER_S },
		.sinks = { .console.format = -1, .file.format = -1, .syslog.format = -1 },
	};
	detect_settings_init(&values->detect);
	values->detect.mode = DETECT_MODE_off;
}

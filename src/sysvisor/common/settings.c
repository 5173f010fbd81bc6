/* SPDX-License-Identifier: Apache-2.0 */
/* settings - what can be set of sysvisor-mgr and sysvisor-fs. */
#include "base/clock.h"
#include "sysvisor/common/daemon.h"

#define AT(member) .at = offsetof(struct daemon_settings, member)
#define BOTH	   .programs = DAEMON_mgr | DAEMON_fs
#define MGR	   .programs = DAEMON_mgr
#define FS	   .programs = DAEMON_fs

/* clang-format off */
const struct setting daemon_setting_rows[] = {
	{ .option = "config", .type = SETTING_text, AT(config_file), BOTH, .argument = "PATH",
	  .help = "Read settings from this TOML file; options take precedence" },
	{ .option = "root", .type = SETTING_text, AT(root), BOTH, .argument = "DIR",
	  .help = "Keep every file below this directory, /etc/subuid and sockets, too; without it /" },
	{ .key = "log", .option = "log", .type = SETTING_text, AT(log_file), MGR,
	  .argument = "PATH", .fallback = PATHS_MGR_LOG,
	  .help = "Append the daemon's messages to this file; - is standard error" },
	{ .key = "log", .option = "log", .type = SETTING_text, AT(log_file), FS,
	  .argument = "PATH", .fallback = PATHS_FS_LOG,
	  .help = "Append the daemon's messages to this file; - is standard error" },
	{ .key = "log_json", .option = "log-json", .type = SETTING_flag, AT(log_json), BOTH,
	  .help = "Write messages as JSON" },
	{ .key = "verbosity", .option = "verbose", .letter = 'v', .type = SETTING_tally,
	  AT(verbosity), BOTH, .max = 3,
	  .help = "Say more about what the daemon does" },

	{ .key = "subid_user", .option = "subid-user", .type = SETTING_text, AT(subid_user), MGR,
	  .argument = "NAME", .fallback = "sysvisor",
	  .help = "Whose range in /etc/subuid and /etc/subgid is given to containers; made when missing" },
	{ .key = "subid_containers", .option = "subid-containers", .type = SETTING_count,
	  AT(slot_count), MGR, .fallback = "4096", .min = 1, .max = 60000,
	  .help = "For how many containers a range is made when there is none" },
	{ .key = "volumes", .option = "volumes", .type = SETTING_text, AT(volumes), MGR,
	  .argument = "DIR", .fallback = PATHS_VOLUMES,
	  .help = "Where directories of engines inside containers are kept; no tmpfs, no overlay" },

	{ .key = "mount", .option = "mount", .type = SETTING_text, AT(mount), FS,
	  .argument = "DIR", .fallback = PATHS_FS_MOUNT,
	  .help = "Where the file system is mounted" },
	{ .key = "workers", .option = "workers", .type = SETTING_count, AT(worker_count), FS,
	  .fallback = "4", .min = 1, .max = 64,
	  .help = "Threads that answer reads and writes" },
	{ .key = "deadline", .option = "deadline", .type = SETTING_duration, AT(deadline_ns), FS,
	  .scale = NS_PER_MS, .fallback = "2s", .min = 10 * NS_PER_MS, .max = 60 * NS_PER_S,
	  .help = "A read or write that takes longer fails with ETIMEDOUT" },
	{ .key = "trap_deadline", .option = "trap-deadline", .type = SETTING_duration,
	  AT(trap_deadline_ns), FS, .scale = NS_PER_MS, .fallback = "10s", .min = 10 * NS_PER_MS,
	  .max = 600 * NS_PER_S,
	  .help = "A mount or another call made for a container that takes longer fails with ETIMEDOUT" },
	{ .key = "patience", .option = "patience", .type = SETTING_duration, AT(patience_ns), FS,
	  .scale = NS_PER_S, .fallback = "60s", .min = NS_PER_S, .max = 3600 * NS_PER_S,
	  .help = "How long containers wait for a daemon that died before their reads fail" },
	{ .key = "push_max", .option = "push-max", .type = SETTING_text, AT(push_max), FS,
	  .argument = "KEY,...",
	  .help = "Keys such as net/core/somaxconn where a larger value written in a container also raises the host's" },
};
/* clang-format on */

const size_t daemon_setting_count = array_count(daemon_setting_rows);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sensor - what a source of events looks like to the agent.
 *
 * A sensor lists its mechanisms, the best first. The first that starts is taken; why the better
 * ones did not is kept for `bulwark check` and the start-up table. A sensor that can't run at all
 * is reported, never silently absent.
 */
#ifndef SENSOR_SENSOR_H
#define SENSOR_SENSOR_H

#include "base/loop.h"
#include "base/metric.h"
#include "event/event.h"
#include "kernel/ring.h"
#include "sensor/osquery.h"
#include "sensor/scope.h"

/* Kernel settings to keep as they should be; off (false, 0, -1) means: leave alone. */
enum kernel_devkmsg { KERNEL_DEVKMSG_on, KERNEL_DEVKMSG_off, KERNEL_DEVKMSG_ratelimit };

struct kernel_settings {
	bool exception_trace, fatal_signals, klog_timestamp;
	int printk_devkmsg; /* enum kernel_devkmsg; -1: not ours */
	bool set_ratelimit, set_ratelimit_burst;
	uint64_t ratelimit_ns, ratelimit_burst;
	uint64_t interval_ns;
	bool restore;		  /* put the old values back at the end */
	const char *restore_file; /* where they are kept meanwhile */
};

/* How files are watched. */
enum file_mechanism {
	FILE_MECHANISM_auto, /* the best that starts */
	FILE_MECHANISM_fentry,
	FILE_MECHANISM_fanotify,
	FILE_MECHANISM_tp_btf,
};

/* Which of the sensors that have a switch are wanted. */
struct watch_settings {
	bool tcp, udp, dns, tls, http, privilege, syscall, statsd, osquery;
	uint64_t tcp_settle_ns, tcp_interval_ns; /* interval 0: never */
	uint64_t tcp_connections;		 /* that are remembered at most */
	uint64_t udp_interval_ns;
	uint64_t dns_timeout_ns;
	char *dns_interface, *tls_interface; /* NULL: all */
	char *syscalls;			     /* those counted: names or numbers, one a line */
	uint64_t syscall_interval_ns;
	const char *file_paths, *file_exclude; /* one a line; NULL: none */
	uint64_t file_rate;		       /* events of a process in a second; 0: no limit */
	int file_mechanism;		       /* enum file_mechanism */
	uint64_t file_max_directories;	       /* with fanotify */
	const char *cgroup; /* path of the control group whose packets are seen; NULL: all */
	char *statsd_address;
	bool statsd_tcp; /* beside UDP */
	uint64_t statsd_max_series;
	char *osquery_path;
	char *osquery_config; /* NULL: osquery's own */
	uint64_t osquery_interval_ns, osquery_timeout_ns;
};

struct sensor_settings {
	struct watch_settings watch;
	struct kernel_settings kernel;
	uint32_t only_under; /* only this process and those below it; 0 = all */
	uint32_t cgroups;    /* that identity remembers at most */
	struct scope scope;
	bool old_records;   /* kmsg: those from before the start, too */
	const char *source; /* a saved kernel log, "-" = standard input */
	uint64_t poll_ns;   /* exec: how often /proc is read where BPF is refused */
	struct osquery_queries queries;
};

/* Whether only what some processes do is asked for: what nobody was seen to do is not, then. */
static inline bool sensor_needs_owner(const struct sensor_settings *settings)
{
	return settings->only_under || (settings->scope.config.lists & SCOPE_of_processes);
}

/* Processes as the kernel reports them, for whoever keeps count of them (identity/process). */
struct process_feed {
	void (*record)(struct process_feed *feed, const struct ring_head *head);
	/* Whether who had the pid at that moment is `above`, or a descendant of it. */
	bool (*is_under)(struct process_feed *feed, uint32_t pid, uint32_t above, uint64_t boot_ns);
};

struct programs_shared;

/* Where notes on sockets lie: maps of bpf/socket.bpf.h. */
enum socket_map { SOCKET_MAP_notes, SOCKET_MAP_tcp_slots, SOCKET_MAP_tcp_notes, SOCKET_MAP_COUNT };

/* What sensors share among themselves: made by the first that needs it. */
struct sensor_shared {
	int socket_map_fds[SOCKET_MAP_COUNT]; /* -1: nobody has made them yet */
	struct programs_shared *programs; /* sensor/programs.h; NULL: nobody has loaded any yet */
	int cgroups_told_fd; /* map of bpf/exec.bpf.c, see sensor_forget_cgroup(); -1: none */
	/* Called for each program that starts, and those found at the start; NULL: nobody asks. */
	void (*exec_told)(void *owner, const struct ring_exec *record);
	void *exec_owner;
};

/* What the agent lends to its sensors. */
struct sensor_env {
	struct loop *loop;
	struct metrics *metrics;
	struct event_port *out;
	struct process_feed *processes;
	struct ring *ring; /* NULL where BPF is refused */
	const char *ring_refused;
	int proc_fd;
	enum ring_hierarchy hierarchy;
	const struct sensor_settings *settings;
	struct sensor_shared *shared;
	/* The source has been read to its end, or, with the reason, as far as it could be; called
	 * from the loop, once. May be NULL. */
	void (*ended)(void *owner, const struct error *why);
	/* Something is wrong that may pass; said once. */
	void (*trouble)(void *owner, const struct error *why);
	void *owner;
};

struct sensor;

struct sensor_mechanism {
	const char *name;  /* "tp_btf", "/proc polling", ... */
	const char *costs; /* what is lost with it; NULL = nothing */
	bool samples;	   /* looks now and then; what happens in between is not seen */
	/* ENODATA: nobody asks for the sensor, whatever the mechanism. */
	int (*start)(struct sensor *sensor, struct error *err);
};

struct sensor_kind {
	const char *name, *help;
	size_t state_bytes; /* zeroed memory behind the sensor, see sensor_state() */
	const struct sensor_mechanism *mechanisms;
	size_t mechanism_count;
	bool behind; /* the first events need not wait for it: see sensor/programs.h */
	/* Whether a start with the fresh settings would make the same of it. NULL: always; it looks
	 * at its settings while it runs. */
	bool (*same)(const struct sensor_settings *old, const struct sensor_settings *fresh);
	/* Undoes a start, also half of one; then the memory is freed. */
	void (*stop)(struct sensor *sensor);
};

struct sensor {
	const struct sensor_kind *kind;
	const struct sensor_env *env;
	const struct sensor_mechanism *taken; /* NULL: none would start */
	struct text refused; /* "name: reason" of those tried before, one a line; or why none was */
	void *state;
};

/* For `same`: whether two texts, which may be NULL, are. */
bool sensor_same_text(const char *a, const char *b);

/* Starts with the best mechanism there is. Fails only for lack of memory; see sensor->taken. */
must_check int sensor_start(struct sensor *sensor, const struct sensor_kind *kind,
			    const struct sensor_env *env, struct error *err);
/* Stands for one that is not to run, and says why. */
void sensor_decline(struct sensor *sensor, const struct sensor_kind *kind, const char *why);
void sensor_stop(struct sensor *sensor);

/* The control group isn't known any more: when a program starts in it, its path is told anew. */
void sensor_forget_cgroup(const struct sensor_shared *shared, uint64_t id);

extern const struct sensor_kind sensor_kmsg, sensor_exec, sensor_setting, sensor_source, sensor_tcp,
	sensor_udp, sensor_dns, sensor_tls, sensor_http, sensor_privilege, sensor_files,
	sensor_statsd, sensor_osquery, sensor_syscall;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon - what sysvisor-mgr and sysvisor-fs do around their work: settings, one instance, log
 * file, loop, signals, word to systemd.
 */
#ifndef SYSVISOR_COMMON_DAEMON_H
#define SYSVISOR_COMMON_DAEMON_H

#include "base/loop.h"
#include "base/settings.h"
#include "sysvisor/common/paths.h"
#include "wire/sysvisor.pb-c.h"

enum { DAEMON_OK = 0, DAEMON_FAILED = 1, DAEMON_USAGE = 2 };

/* Bits of struct setting's `programs`. */
enum { DAEMON_mgr = 1, DAEMON_fs = 2 };

struct daemon_settings {
	char *config_file;
	char *root;
	char *log_file;
	bool log_json;
	uint64_t verbosity;

	/* sysvisor-mgr */
	char *subid_user;
	uint64_t slot_count;
	char *volumes;

	/* sysvisor-fs */
	char *mount;
	uint64_t worker_count;
	uint64_t deadline_ns, trap_deadline_ns;
	uint64_t patience_ns;
	char *push_max; /* keys, separated by commas */
};

struct daemon;

struct daemon_program {
	const char *name; /* "sysvisor-mgr" */
	unsigned int bit;
	const char *purpose;
	const char *lock; /* below --root */
	/* Starts serving; daemon->loop runs afterwards. */
	int (*start)(struct daemon *daemon, struct error *err);
	void (*stop)(struct daemon *daemon);
	/* Another way to run, by a first argument that people don't give; may be NULL. */
	int (*run_aside)(struct daemon *daemon, struct error *err);
	const char *aside;
	/* A table of the program's own, as Markdown, by a command of this name; may be NULL. */
	const char *table;
	void (*print_table)(struct text *out);
};

struct daemon {
	const struct daemon_program *program;
	struct daemon_settings settings;
	struct loop *loop;
	uint64_t started_ns; /* clock_mono_ns() */
	int lock_fd;
	int terminal_fd;      /* standard error as it came, when it is the log now; or -1 */
	void *owner;	      /* the program's own */
	struct error failure; /* why the loop was stopped, when that was not wanted */
	struct loop_signal on_term, on_int, on_hup;
};

/* All of main(). */
int daemon_main(const struct daemon_program *program, int argc, char **argv);

/* A path below --root. */
must_check int daemon_path(const struct daemon *daemon, const char *path,
			   struct paths_buffer *ret_path, struct error *err);

/* For the Version and Health calls. */
void daemon_fill_version(const struct daemon *daemon, Sysvisor__V1__VersionAnswer *answer);
uint64_t daemon_uptime_ms(const struct daemon *daemon);

/* A line for systemd's NOTIFY_SOCKET (sd_notify(3)); nothing where there is none. */
void daemon_notify(const char *line);

extern const struct setting daemon_setting_rows[];
extern const size_t daemon_setting_count;

#endif

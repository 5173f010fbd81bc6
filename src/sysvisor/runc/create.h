/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create - makes a container, up to where its program would start.
 *
 * The runtime (real root) opens and prepares; the container's first process (see init.h), nobody on
 * the host, attaches. Each step is a row with its undo; a failure undoes what was done, in reverse.
 */
#ifndef SYSVISOR_RUNC_CREATE_H
#define SYSVISOR_RUNC_CREATE_H

#include "sysvisor/runc/cgroup.h"
#include "sysvisor/runc/command.h"
#include "sysvisor/runc/filter.h"
#include "sysvisor/runc/init.h"
#include "sysvisor/runc/runtime.h"
#include "sysvisor/runc/services.h"

struct create_options {
	char *bundle, *console_socket, *pid_file;
	uint64_t preserve_fds;
	bool no_pivot, no_new_keyring, no_subreaper, keep, detach;
};

/* What `create` and `run` are told alike: rows of a table of settings. */
/* clang-format off */
#define CREATE_AT(member) .at = offsetof(struct create_options, member), .programs = COMMAND_PROGRAM
#define CREATE_ROWS                                                                                \
	{ .option = "bundle", .letter = 'b', .type = SETTING_text, CREATE_AT(bundle),              \
	  .argument = "DIR",                                                                       \
	  .help = "The directory with config.json; default is where we are" },                     \
	{ .option = "console-socket", .type = SETTING_text, CREATE_AT(console_socket),             \
	  .argument = "SOCKET", .help = "Where the terminal's master is sent" },                   \
	{ .option = "pid-file", .type = SETTING_text, CREATE_AT(pid_file),                         \
	  .argument = "FILE", .help = "Where the pid of the first process is written" },           \
	{ .option = "preserve-fds", .type = SETTING_count, CREATE_AT(preserve_fds), .max = 65536,  \
	  .argument = "COUNT",                                                                     \
	  .help = "How many fds from 3 on are passed to the container" },                          \
	{ .option = "no-pivot", .type = SETTING_flag, CREATE_AT(no_pivot),                         \
	  .help = "Move the root instead of pivot_root(2), for hosts on a ramdisk" },              \
	{ .option = "no-new-keyring", .type = SETTING_flag, CREATE_AT(no_new_keyring),             \
	  .help = "Keep the session keyring" }
/* clang-format on */

struct create {
	const struct runtime *runtime;
	const struct create_options *options;
	const char *id;
	bool registered; /* with the services */
	bool start_now;	 /* `run`: nobody will connect */

	char *bundle; /* absolute */
	struct spec spec;
	struct plan plan;
	struct services services;
	struct filter filter, traps;
	struct state state;
	char created[40];
	int dir_fd;
	struct scope scope; /* where systemd makes the group */
	bool in_scope;	    /* it has */
	struct text cgroup_path;
	struct cgroup_tree tree;
	int channel[2]; /* ours, the process's */
	int start_fd, console_fd, userns_fd;
	pid_t pid;
	int pidfd;
	bool enters; /* the process sees to its control group itself */
};

/* Makes the container. On failure nothing of it is left. create_done() in any case. */
must_check int create_make(struct create *create, struct error *err);
void create_done(struct create *create);

/* Writes a pid so that nobody reads half of it. */
must_check int create_pid_file(const char *path, pid_t pid, struct error *err);

/* The parts of spawn.c: the process in its namespaces, and its files. */
must_check int create_spawn(struct create *create, struct error *err);
must_check int create_open_mounts(struct create *create, struct error *err);
must_check int create_map_mounts(struct create *create, struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec - the OCI runtime specification's config.json, as plain structs.
 *
 * Texts are borrowed from the parsed JSON, arrays from the arena: all of it lives until
 * spec_done(). What we don't know is passed over (engines are newer than runtimes); what we know
 * and is wrong is refused with its place: "config.json: process.args[1]: is a number; a text is
 * wanted".
 */
#ifndef SYSVISOR_RUNC_SPEC_H
#define SYSVISOR_RUNC_SPEC_H

#include "base/arena.h"
#include "base/error.h"
#include "kernel/capability.h"
#include "kernel/idmap.h"

struct spec_words {
	const char **at;
	size_t count;
};

/* A list of objects; the type stands in a comment. */
struct spec_list {
	void *at;
	size_t count;
};

/* An empty list may be NULL, to which C lets nothing be added. */
#define spec_each(list, item)                                                                      \
	for ((item) = (list)->at;                                                                  \
	     (list)->count && (item) < (__typeof__(item))(list)->at + (list)->count; (item)++)

struct spec_number {
	int64_t value; /* 2^64 - 1 (no limit) is -1 */
	bool set;
};

struct spec_user {
	uint32_t uid, gid;
	struct spec_number umask;
	struct spec_list groups; /* uint32_t */
};

struct spec_rlimit {
	int resource; /* RLIMIT_* */
	struct spec_number soft, hard;
};

struct spec_caps {
	struct spec_words bounding, effective, permitted, inheritable, ambient;
	bool given;
};

struct spec_scheduler {
	const char *policy; /* NULL: as it comes */
	struct spec_number nice, priority, runtime, deadline, period;
	struct spec_words flags;
};

struct spec_io_priority {
	const char *class_; /* NULL: as it comes */
	struct spec_number priority;
};

struct spec_affinity {
	const char *initial, *final; /* lists of processors, or NULL */
};

struct spec_process {
	struct spec_user user;
	struct spec_words args, env;
	const char *cwd;
	struct spec_caps caps;
	struct spec_list rlimits; /* spec_rlimit */
	struct spec_number oom_score_adj, console_height, console_width;
	const char *apparmor, *selinux;
	struct spec_scheduler scheduler;
	struct spec_io_priority io_priority;
	struct spec_affinity exec_affinity;
	bool terminal, no_new_privileges, given;
};

struct spec_mount {
	const char *destination, *type, *source;
	struct spec_words options;
	struct spec_list uid_map, gid_map; /* id_range */
};

struct spec_hook {
	const char *path;
	struct spec_words args, env;
	struct spec_number timeout;
};

struct spec_hooks {
	struct spec_list prestart, create_runtime, create_container, start_container, poststart,
		poststop; /* spec_hook */
};

struct spec_namespace {
	const char *type, *path;
};

struct spec_device {
	const char *path, *type;
	struct spec_number major, minor, mode, uid, gid;
};

struct spec_device_rule {
	bool allow;
	const char *type, *access;
	struct spec_number major, minor;
};

struct spec_block_rate {
	struct spec_number major, minor, rate, weight, leaf_weight;
};

struct spec_memory {
	struct spec_number limit, reservation, swap, kernel, kernel_tcp, swappiness;
	struct spec_number disable_oom_killer;
};

struct spec_cpu {
	struct spec_number shares, quota, burst, period, rt_runtime, rt_period, idle;
	const char *cpus, *mems;
};

struct spec_block_io {
	struct spec_number weight, leaf_weight;
	struct spec_list weight_device, read_bps, write_bps, read_iops, write_iops;
};

struct spec_huge_page {
	const char *page_size;
	struct spec_number limit;
};

struct spec_net_priority {
	const char *name;
	struct spec_number priority;
};

struct spec_rdma {
	const char *device;
	struct spec_number handles, objects;
};

struct spec_pair {
	const char *key, *value;
};

struct spec_resources {
	struct spec_list devices; /* spec_device_rule */
	struct spec_memory memory;
	struct spec_cpu cpu;
	struct spec_number pids;
	struct spec_block_io block_io;
	struct spec_list huge_pages; /* spec_huge_page */
	struct spec_number net_class;
	struct spec_list net_priorities; /* spec_net_priority */
	struct spec_list unified;	 /* spec_pair */
	struct spec_list rdma;		 /* spec_rdma */
};

struct spec_seccomp_arg {
	struct spec_number index, value, value_two;
	const char *op;
};

struct spec_seccomp_call {
	struct spec_words names;
	const char *action;
	struct spec_number errno_ret;
	struct spec_list args; /* spec_seccomp_arg */
};

struct spec_seccomp {
	const char *default_action, *listener_path, *listener_metadata;
	struct spec_number default_errno;
	struct spec_words architectures, flags;
	struct spec_list calls; /* spec_seccomp_call */
	bool given;
};

struct spec_time_offset {
	struct spec_number secs, nanosecs;
};

struct spec_intel_rdt {
	const char *clos;
	bool given;
};

struct spec_linux {
	struct spec_list namespaces, uid_map, gid_map, devices, sysctl; /* ..., spec_pair */
	struct spec_resources resources;
	const char *cgroups_path, *rootfs_propagation, *mount_label, *personality;
	struct spec_words masked_paths, readonly_paths, personality_flags;
	struct spec_intel_rdt intel_rdt;
	struct spec_seccomp seccomp;
	struct spec_time_offset monotonic, boottime;
};

struct spec_root {
	const char *path;
	bool readonly;
};

struct spec {
	const char *version, *hostname, *domainname;
	struct spec_root root;
	struct spec_process process;
	struct spec_list mounts; /* spec_mount */
	struct spec_hooks hooks;
	struct spec_list annotations; /* spec_pair */
	struct spec_linux linux_;

	struct json_t *json; /* jansson's */
	struct arena arena;
};

/* Parses and checks a config.json; `name` is what errors call it. */
must_check int spec_parse(struct slice text, const char *name, struct spec *ret_spec,
			  struct error *err);
/* Reads BUNDLE/config.json. */
must_check int spec_load(const char *bundle, struct spec *ret_spec, struct error *err);
/* Parses what `exec --process` and `update --resources` get; the rest of the spec stays empty. */
must_check int spec_parse_process(struct slice text, const char *name, struct spec *ret_spec,
				  struct error *err);
must_check int spec_parse_resources(struct slice text, const char *name, struct spec *ret_spec,
				    struct error *err);
/* What a process has to have, wherever it came from. */
must_check int spec_check_process(const struct spec_process *process, struct error *err);
void spec_done(struct spec *spec);

/* A part of the specification as it came, as JSON to be freed; NULL where there is none. */
char *spec_part(const struct spec *spec, const char *key);

/* The value of an annotation, or NULL. */
const char *spec_annotation(const struct spec *spec, const char *key);
/* The value of a variable in a list of "NAME=value", or NULL. The last one counts. */
const char *spec_env(const struct spec_words *env, const char *name);

/* The bits of a list of names; unknown ones are passed over, as other runtimes do. */
uint64_t spec_caps_bits(const struct spec_words *names);
struct capability_sets spec_caps_sets(const struct spec_caps *caps);

static inline struct id_map spec_id_map(const struct spec_list *list)
{
	return (struct id_map){ list->at, list->count };
}

#endif

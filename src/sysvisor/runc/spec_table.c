/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of config.json (OCI runtime specification 1.0 to 1.2): one row for each key that is
 * read. */
#include <strings.h>
#include <sys/resource.h>

#include "sysvisor/runc/spec_read.h"

#define SHAPE(type, rows)                                                                          \
	{                                                                                          \
		.fields = (rows), .count = array_count(rows), .bytes = sizeof(struct type)         \
	}
#define SHAPE_GIVEN(type, rows)                                                                    \
	{                                                                                          \
		.fields = (rows), .count = array_count(rows), .bytes = sizeof(struct type),        \
		.given_at = offsetof(struct type, given)                                           \
	}

static const struct {
	const char *name;
	int resource;
} spec_rlimit_names[] = {
	{ "RLIMIT_AS", RLIMIT_AS },
	{ "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },
	{ "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },
	{ "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
	{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_STACK", RLIMIT_STACK },
};

static int spec_rlimit_by_name(const char *name)
{
	for (size_t n = 0; n < array_count(spec_rlimit_names); n++)
		if (strcmp(spec_rlimit_names[n].name, name) == 0)
			return spec_rlimit_names[n].resource;
	return -1;
}

/* --- process --- */

#define AT(member) offsetof(struct spec_user, member)
static const struct spec_field user_fields[] = {
	{ "uid", SPEC_id, .at = AT(uid) },
	{ "gid", SPEC_id, .at = AT(gid) },
	{ "umask", SPEC_number, .at = AT(umask) },
	{ "additionalGids", SPEC_ids, .at = AT(groups) },
};
static const struct spec_shape user_shape = SHAPE(spec_user, user_fields);
#undef AT

#define AT(member) offsetof(struct spec_caps, member)
static const struct spec_field caps_fields[] = {
	{ "bounding", SPEC_words, .at = AT(bounding) },
	{ "effective", SPEC_words, .at = AT(effective) },
	{ "permitted", SPEC_words, .at = AT(permitted) },
	{ "inheritable", SPEC_words, .at = AT(inheritable) },
	{ "ambient", SPEC_words, .at = AT(ambient) },
};
static const struct spec_shape caps_shape = SHAPE_GIVEN(spec_caps, caps_fields);
#undef AT

#define AT(member) offsetof(struct spec_rlimit, member)
static const struct spec_field rlimit_fields[] = {
	{ "type", SPEC_pick, .at = AT(resource), .pick = spec_rlimit_by_name, .required = true },
	{ "soft", SPEC_number, .at = AT(soft), .required = true },
	{ "hard", SPEC_number, .at = AT(hard), .required = true },
};
static const struct spec_shape rlimit_shape = SHAPE(spec_rlimit, rlimit_fields);
#undef AT

#define AT(member) offsetof(struct spec_scheduler, member)
static const struct spec_field scheduler_fields[] = {
	{ "policy", SPEC_text, .at = AT(policy), .required = true },
	{ "nice", SPEC_number, .at = AT(nice) },
	{ "priority", SPEC_number, .at = AT(priority) },
	{ "flags", SPEC_words, .at = AT(flags) },
	{ "runtime", SPEC_number, .at = AT(runtime) },
	{ "deadline", SPEC_number, .at = AT(deadline) },
	{ "period", SPEC_number, .at = AT(period) },
};
static const struct spec_shape scheduler_shape = SHAPE(spec_scheduler, scheduler_fields);
#undef AT

#define AT(member) offsetof(struct spec_io_priority, member)
static const struct spec_field io_priority_fields[] = {
	{ "class", SPEC_text, .at = AT(class_), .required = true },
	{ "priority", SPEC_number, .at = AT(priority) },
};
static const struct spec_shape io_priority_shape = SHAPE(spec_io_priority, io_priority_fields);
#undef AT

#define AT(member) offsetof(struct spec_affinity, member)
static const struct spec_field affinity_fields[] = {
	{ "initial", SPEC_text, .at = AT(initial) },
	{ "final", SPEC_text, .at = AT(final) },
};
static const struct spec_shape affinity_shape = SHAPE(spec_affinity, affinity_fields);
#undef AT

#define AT(member) offsetof(struct spec_process, member)
static const struct spec_field console_fields[] = {
	{ "height", SPEC_number, .at = AT(console_height) },
	{ "width", SPEC_number, .at = AT(console_width) },
};
static const struct spec_shape console_shape = SHAPE(spec_process, console_fields);

static const struct spec_field process_fields[] = {
	{ "terminal", SPEC_flag, .at = AT(terminal) },
	{ "consoleSize", SPEC_object, .at = 0, .shape = &console_shape },
	{ "user", SPEC_object, .at = AT(user), .shape = &user_shape },
	{ "args", SPEC_words, .at = AT(args) },
	{ "env", SPEC_words, .at = AT(env) },
	{ "cwd", SPEC_text, .at = AT(cwd) },
	{ "capabilities", SPEC_object, .at = AT(caps), .shape = &caps_shape },
	{ "rlimits", SPEC_list, .at = AT(rlimits), .shape = &rlimit_shape },
	{ "noNewPrivileges", SPEC_flag, .at = AT(no_new_privileges) },
	{ "apparmorProfile", SPEC_text, .at = AT(apparmor) },
	{ "selinuxLabel", SPEC_text, .at = AT(selinux) },
	{ "oomScoreAdj", SPEC_number, .at = AT(oom_score_adj) },
	{ "scheduler", SPEC_object, .at = AT(scheduler), .shape = &scheduler_shape },
	{ "ioPriority", SPEC_object, .at = AT(io_priority), .shape = &io_priority_shape },
	{ "execCPUAffinity", SPEC_object, .at = AT(exec_affinity), .shape = &affinity_shape },
};
const struct spec_shape spec_process_shape = SHAPE_GIVEN(spec_process, process_fields);
#undef AT

/* --- mounts, hooks --- */

#define AT(member) offsetof(struct id_range, member)
static const struct spec_field id_fields[] = {
	{ "containerID", SPEC_id, .at = AT(inner_id), .required = true },
	{ "hostID", SPEC_id, .at = AT(host_id), .required = true },
	{ "size", SPEC_id, .at = AT(count), .required = true },
};
static const struct spec_shape id_shape = SHAPE(id_range, id_fields);
#undef AT

#define AT(member) offsetof(struct spec_mount, member)
static const struct spec_field mount_fields[] = {
	{ "destination", SPEC_text, .at = AT(destination), .required = true },
	{ "type", SPEC_text, .at = AT(type) },
	{ "source", SPEC_text, .at = AT(source) },
	{ "options", SPEC_words, .at = AT(options) },
	{ "uidMappings", SPEC_list, .at = AT(uid_map), .shape = &id_shape },
	{ "gidMappings", SPEC_list, .at = AT(gid_map), .shape = &id_shape },
};
static const struct spec_shape mount_shape = SHAPE(spec_mount, mount_fields);
#undef AT

#define AT(member) offsetof(struct spec_hook, member)
static const struct spec_field hook_fields[] = {
	{ "path", SPEC_text, .at = AT(path), .required = true },
	{ "args", SPEC_words, .at = AT(args) },
	{ "env", SPEC_words, .at = AT(env) },
	{ "timeout", SPEC_number, .at = AT(timeout) },
};
static const struct spec_shape hook_shape = SHAPE(spec_hook, hook_fields);
#undef AT

#define AT(member) offsetof(struct spec_hooks, member)
static const struct spec_field hooks_fields[] = {
	{ "prestart", SPEC_list, .at = AT(prestart), .shape = &hook_shape },
	{ "createRuntime", SPEC_list, .at = AT(create_runtime), .shape = &hook_shape },
	{ "createContainer", SPEC_list, .at = AT(create_container), .shape = &hook_shape },
	{ "startContainer", SPEC_list, .at = AT(start_container), .shape = &hook_shape },
	{ "poststart", SPEC_list, .at = AT(poststart), .shape = &hook_shape },
	{ "poststop", SPEC_list, .at = AT(poststop), .shape = &hook_shape },
};
const struct spec_shape spec_hooks_shape = SHAPE(spec_hooks, hooks_fields);
#undef AT

/* --- linux.resources --- */

#define AT(member) offsetof(struct spec_device_rule, member)
static const struct spec_field device_rule_fields[] = {
	{ "allow", SPEC_flag, .at = AT(allow), .required = true },
	{ "type", SPEC_text, .at = AT(type) },
	{ "major", SPEC_number, .at = AT(major) },
	{ "minor", SPEC_number, .at = AT(minor) },
	{ "access", SPEC_text, .at = AT(access) },
};
static const struct spec_shape device_rule_shape = SHAPE(spec_device_rule, device_rule_fields);
#undef AT

#define AT(member) offsetof(struct spec_memory, member)
static const struct spec_field memory_fields[] = {
	{ "limit", SPEC_number, .at = AT(limit) },
	{ "reservation", SPEC_number, .at = AT(reservation) },
	{ "swap", SPEC_number, .at = AT(swap) },
	{ "kernel", SPEC_number, .at = AT(kernel) },
	{ "kernelTCP", SPEC_number, .at = AT(kernel_tcp) },
	{ "swappiness", SPEC_number, .at = AT(swappiness) },
	{ "disableOOMKiller", SPEC_switch, .at = AT(disable_oom_killer) },
};
static const struct spec_shape memory_shape = SHAPE(spec_memory, memory_fields);
#undef AT

#define AT(member) offsetof(struct spec_cpu, member)
static const struct spec_field cpu_fields[] = {
	{ "shares", SPEC_number, .at = AT(shares) },
	{ "quota", SPEC_number, .at = AT(quota) },
	{ "burst", SPEC_number, .at = AT(burst) },
	{ "period", SPEC_number, .at = AT(period) },
	{ "realtimeRuntime", SPEC_number, .at = AT(rt_runtime) },
	{ "realtimePeriod", SPEC_number, .at = AT(rt_period) },
	{ "idle", SPEC_number, .at = AT(idle) },
	{ "cpus", SPEC_text, .at = AT(cpus) },
	{ "mems", SPEC_text, .at = AT(mems) },
};
static const struct spec_shape cpu_shape = SHAPE(spec_cpu, cpu_fields);
#undef AT

#define AT(member) offsetof(struct spec_block_rate, member)
static const struct spec_field block_rate_fields[] = {
	{ "major", SPEC_number, .at = AT(major), .required = true },
	{ "minor", SPEC_number, .at = AT(minor), .required = true },
	{ "rate", SPEC_number, .at = AT(rate) },
	{ "weight", SPEC_number, .at = AT(weight) },
	{ "leafWeight", SPEC_number, .at = AT(leaf_weight) },
};
static const struct spec_shape block_rate_shape = SHAPE(spec_block_rate, block_rate_fields);
#undef AT

#define AT(member) offsetof(struct spec_block_io, member)
static const struct spec_field block_io_fields[] = {
	{ "weight", SPEC_number, .at = AT(weight) },
	{ "leafWeight", SPEC_number, .at = AT(leaf_weight) },
	{ "weightDevice", SPEC_list, .at = AT(weight_device), .shape = &block_rate_shape },
	{ "throttleReadBpsDevice", SPEC_list, .at = AT(read_bps), .shape = &block_rate_shape },
	{ "throttleWriteBpsDevice", SPEC_list, .at = AT(write_bps), .shape = &block_rate_shape },
	{ "throttleReadIOPSDevice", SPEC_list, .at = AT(read_iops), .shape = &block_rate_shape },
	{ "throttleWriteIOPSDevice", SPEC_list, .at = AT(write_iops), .shape = &block_rate_shape },
};
static const struct spec_shape block_io_shape = SHAPE(spec_block_io, block_io_fields);
#undef AT

#define AT(member) offsetof(struct spec_huge_page, member)
static const struct spec_field huge_page_fields[] = {
	{ "pageSize", SPEC_text, .at = AT(page_size), .required = true },
	{ "limit", SPEC_number, .at = AT(limit), .required = true },
};
static const struct spec_shape huge_page_shape = SHAPE(spec_huge_page, huge_page_fields);
#undef AT

#define AT(member) offsetof(struct spec_net_priority, member)
static const struct spec_field net_priority_fields[] = {
	{ "name", SPEC_text, .at = AT(name), .required = true },
	{ "priority", SPEC_number, .at = AT(priority), .required = true },
};
static const struct spec_shape net_priority_shape = SHAPE(spec_net_priority, net_priority_fields);
#undef AT

#define AT(member) offsetof(struct spec_rdma, member)
static const struct spec_field rdma_fields[] = {
	{ "hcaHandles", SPEC_number, .at = AT(handles) },
	{ "hcaObjects", SPEC_number, .at = AT(objects) },
};
static const struct spec_shape rdma_shape = SHAPE(spec_rdma, rdma_fields);
#undef AT

#define AT(member) offsetof(struct spec_resources, member)
static const struct spec_field pids_fields[] = {
	{ "limit", SPEC_number, .at = AT(pids) },
};
static const struct spec_shape pids_shape = SHAPE(spec_resources, pids_fields);
static const struct spec_field network_fields[] = {
	{ "classID", SPEC_number, .at = AT(net_class) },
	{ "priorities", SPEC_list, .at = AT(net_priorities), .shape = &net_priority_shape },
};
static const struct spec_shape network_shape = SHAPE(spec_resources, network_fields);

static const struct spec_field resources_fields[] = {
	{ "devices", SPEC_list, .at = AT(devices), .shape = &device_rule_shape },
	{ "memory", SPEC_object, .at = AT(memory), .shape = &memory_shape },
	{ "cpu", SPEC_object, .at = AT(cpu), .shape = &cpu_shape },
	{ "pids", SPEC_object, .at = 0, .shape = &pids_shape },
	{ "blockIO", SPEC_object, .at = AT(block_io), .shape = &block_io_shape },
	{ "hugepageLimits", SPEC_list, .at = AT(huge_pages), .shape = &huge_page_shape },
	{ "network", SPEC_object, .at = 0, .shape = &network_shape },
	{ "unified", SPEC_pairs, .at = AT(unified) },
	{ "rdma", SPEC_named, .at = AT(rdma), .shape = &rdma_shape },
};
const struct spec_shape spec_resources_shape = SHAPE(spec_resources, resources_fields);
#undef AT

/* --- linux.seccomp --- */

#define AT(member) offsetof(struct spec_seccomp_arg, member)
static const struct spec_field seccomp_arg_fields[] = {
	{ "index", SPEC_number, .at = AT(index), .required = true },
	{ "value", SPEC_number, .at = AT(value), .required = true },
	{ "valueTwo", SPEC_number, .at = AT(value_two) },
	{ "op", SPEC_text, .at = AT(op), .required = true },
};
static const struct spec_shape seccomp_arg_shape = SHAPE(spec_seccomp_arg, seccomp_arg_fields);
#undef AT

#define AT(member) offsetof(struct spec_seccomp_call, member)
static const struct spec_field seccomp_call_fields[] = {
	{ "names", SPEC_words, .at = AT(names), .required = true },
	{ "action", SPEC_text, .at = AT(action), .required = true },
	{ "errnoRet", SPEC_number, .at = AT(errno_ret) },
	{ "args", SPEC_list, .at = AT(args), .shape = &seccomp_arg_shape },
};
static const struct spec_shape seccomp_call_shape = SHAPE(spec_seccomp_call, seccomp_call_fields);
#undef AT

#define AT(member) offsetof(struct spec_seccomp, member)
static const struct spec_field seccomp_fields[] = {
	{ "defaultAction", SPEC_text, .at = AT(default_action), .required = true },
	{ "defaultErrnoRet", SPEC_number, .at = AT(default_errno) },
	{ "architectures", SPEC_words, .at = AT(architectures) },
	{ "flags", SPEC_words, .at = AT(flags) },
	{ "listenerPath", SPEC_text, .at = AT(listener_path) },
	{ "listenerMetadata", SPEC_text, .at = AT(listener_metadata) },
	{ "syscalls", SPEC_list, .at = AT(calls), .shape = &seccomp_call_shape },
};
static const struct spec_shape seccomp_shape = SHAPE_GIVEN(spec_seccomp, seccomp_fields);
#undef AT

/* --- linux --- */

#define AT(member) offsetof(struct spec_namespace, member)
static const struct spec_field namespace_fields[] = {
	{ "type", SPEC_text, .at = AT(type), .required = true },
	{ "path", SPEC_text, .at = AT(path) },
};
static const struct spec_shape namespace_shape = SHAPE(spec_namespace, namespace_fields);
#undef AT

#define AT(member) offsetof(struct spec_device, member)
static const struct spec_field device_fields[] = {
	{ "path", SPEC_text, .at = AT(path), .required = true },
	{ "type", SPEC_text, .at = AT(type), .required = true },
	{ "major", SPEC_number, .at = AT(major) },
	{ "minor", SPEC_number, .at = AT(minor) },
	{ "fileMode", SPEC_number, .at = AT(mode) },
	{ "uid", SPEC_number, .at = AT(uid) },
	{ "gid", SPEC_number, .at = AT(gid) },
};
static const struct spec_shape device_shape = SHAPE(spec_device, device_fields);
#undef AT

#define AT(member) offsetof(struct spec_time_offset, member)
static const struct spec_field time_offset_fields[] = {
	{ "secs", SPEC_number, .at = AT(secs) },
	{ "nanosecs", SPEC_number, .at = AT(nanosecs) },
};
static const struct spec_shape time_offset_shape = SHAPE(spec_time_offset, time_offset_fields);
#undef AT

#define AT(member) offsetof(struct spec_intel_rdt, member)
static const struct spec_field intel_rdt_fields[] = {
	{ "closID", SPEC_text, .at = AT(clos) },
};
static const struct spec_shape intel_rdt_shape = SHAPE_GIVEN(spec_intel_rdt, intel_rdt_fields);
#undef AT

#define AT(member) offsetof(struct spec_linux, member)
static const struct spec_field time_offsets_fields[] = {
	{ "monotonic", SPEC_object, .at = AT(monotonic), .shape = &time_offset_shape },
	{ "boottime", SPEC_object, .at = AT(boottime), .shape = &time_offset_shape },
};
static const struct spec_shape time_offsets_shape = SHAPE(spec_linux, time_offsets_fields);
static const struct spec_field personality_fields[] = {
	{ "domain", SPEC_text, .at = AT(personality), .required = true },
	{ "flags", SPEC_words, .at = AT(personality_flags) },
};
static const struct spec_shape personality_shape = SHAPE(spec_linux, personality_fields);

static const struct spec_field linux_fields[] = {
	{ "namespaces", SPEC_list, .at = AT(namespaces), .shape = &namespace_shape },
	{ "uidMappings", SPEC_list, .at = AT(uid_map), .shape = &id_shape },
	{ "gidMappings", SPEC_list, .at = AT(gid_map), .shape = &id_shape },
	{ "devices", SPEC_list, .at = AT(devices), .shape = &device_shape },
	{ "sysctl", SPEC_pairs, .at = AT(sysctl) },
	{ "resources", SPEC_object, .at = AT(resources), .shape = &spec_resources_shape },
	{ "cgroupsPath", SPEC_text, .at = AT(cgroups_path) },
	{ "rootfsPropagation", SPEC_text, .at = AT(rootfs_propagation) },
	{ "mountLabel", SPEC_text, .at = AT(mount_label) },
	{ "maskedPaths", SPEC_words, .at = AT(masked_paths) },
	{ "readonlyPaths", SPEC_words, .at = AT(readonly_paths) },
	{ "seccomp", SPEC_object, .at = AT(seccomp), .shape = &seccomp_shape },
	{ "personality", SPEC_object, .at = 0, .shape = &personality_shape },
	{ "timeOffsets", SPEC_object, .at = 0, .shape = &time_offsets_shape },
	{ "intelRdt", SPEC_object, .at = AT(intel_rdt), .shape = &intel_rdt_shape },
};
static const struct spec_shape linux_shape = SHAPE(spec_linux, linux_fields);
#undef AT

/* --- the whole --- */

#define AT(member) offsetof(struct spec_root, member)
static const struct spec_field root_fields[] = {
	{ "path", SPEC_text, .at = AT(path), .required = true },
	{ "readonly", SPEC_flag, .at = AT(readonly) },
};
static const struct spec_shape root_shape = SHAPE(spec_root, root_fields);
#undef AT

#define AT(member) offsetof(struct spec, member)
static const struct spec_field spec_fields[] = {
	{ "ociVersion", SPEC_text, .at = AT(version), .required = true },
	{ "hostname", SPEC_text, .at = AT(hostname) },
	{ "domainname", SPEC_text, .at = AT(domainname) },
	{ "root", SPEC_object, .at = AT(root), .shape = &root_shape, .required = true },
	{ "process", SPEC_object, .at = AT(process), .shape = &spec_process_shape },
	{ "mounts", SPEC_list, .at = AT(mounts), .shape = &mount_shape },
	{ "hooks", SPEC_object, .at = AT(hooks), .shape = &spec_hooks_shape },
	{ "annotations", SPEC_pairs, .at = AT(annotations) },
	{ "linux", SPEC_object, .at = AT(linux_), .shape = &linux_shape },
};
const struct spec_shape spec_shape = SHAPE(spec, spec_fields);
#undef AT

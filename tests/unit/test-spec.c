/* SPDX-License-Identifier: Apache-2.0 */
/* What is read of a config.json, what is refused and with which words, and what becomes of it. */
#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/file.h"
#include "kernel/device_filter.h"
#include "sysvisor/runc/cgroup.h"
#include "sysvisor/runc/filter.h"
#include "sysvisor/runc/plan.h"
#include "sysvisor/runc/rootfs.h"
#include "sysvisor/runc/services.h"

#define NAMESPACES                                                                                 \
	"\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\"},{\"type\":\"ipc\"},"            \
	"{\"type\":\"uts\"},{\"type\":\"mount\"}]"
#define SPEC(process, linux_, more)                                                                \
	"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"r\"},\"process\":{\"cwd\":\"/"             \
	"\",\"args\":["                                                                            \
	"\"sh\"]" process "},\"linux\":{" NAMESPACES linux_ "}" more "}"

static const struct runtime runtime = { .no_manager = true, .no_filesystem = true };

struct refusal {
	const char *text, *words;
};

static const struct refusal refusals[] = {
	{ "", "config.json:1:0: '[' or '{' expected near end of file" },
	{ "[]", "config.json: is a list; an object is wanted" },
	{ "{}", "config.json: ociVersion: is missing" },
	{ "{\"ociVersion\":\"1.0.0\"}", "config.json: root: is missing" },
	{ "{\"ociVersion\":\"2.0.0\",\"root\":{\"path\":\"r\"}}",
	  "config.json: ociVersion: '2.0.0' is not known; this runtime speaks 1.0 to 1.2" },
	{ "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"\"}}",
	  "config.json: root.path: is empty" },
	{ "{\"a\":1,\"a\":2}", "config.json:1:10: duplicate object key near '\"a\"'" },
	{ SPEC(",\"env\":[\"A=b\",5]", "", ""),
	  "config.json: process.env[1]: is a number; a text is wanted" },
	{ SPEC(",\"env\":[\"A=\\u0000b\"]", "", ""),
	  "config.json: process.env[0]: has a NUL byte in it" },
	{ SPEC(",\"terminal\":\"yes\"", "", ""),
	  "config.json: process.terminal: is a text; true or false is wanted" },
	{ SPEC(",\"user\":{\"uid\":-1}", "", ""),
	  "config.json: process.user.uid: is outside 0 to 4294967295" },
	{ SPEC(",\"user\":{\"uid\":1.5}", "", ""),
	  "config.json: process.user.uid: is a fraction; a whole number is wanted" },
	{ SPEC(",\"execCPUAffinity\":{\"final\":\"0-\"}", "", ""),
	  "config.json: process.execCPUAffinity.final: '0-' is no list of processors such as "
	  "0-3,7" },
	{ SPEC("", ",\"personality\":{\"domain\":\"LINUX\",\"flags\":[\"ADDR_NO_RANDOMIZE\"]}", ""),
	  "config.json: linux.personality.flags[0]: 'ADDR_NO_RANDOMIZE' is not known; no version "
	  "of "
	  "the specification has any" },
	{ SPEC("", ",\"intelRdt\":{\"closID\":\"guaranteed\"}", ""),
	  "config.json: linux.intelRdt: not supported: no container is put into a group of resctrl "
	  "(/sys/fs/resctrl); leave it away" },
	{ SPEC("", ",\"resources\":{\"rdma\":{\"mlx5_1\":{\"hcaHandles\":\"3\"}}}", ""),
	  "config.json: linux.resources.rdma.mlx5_1.hcaHandles: is a text; a whole number is "
	  "wanted" },
	{ SPEC(",\"rlimits\":[{\"type\":\"RLIMIT_CPUS\",\"soft\":1,\"hard\":1}]", "", ""),
	  "config.json: process.rlimits[0].type: 'RLIMIT_CPUS' is not known" },
	{ SPEC(",\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":2,\"hard\":1}]", "", ""),
	  "config.json: process.rlimits[0]: soft is above hard" },
	{ SPEC(",\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":1},{\"type\":\"RLIMIT_"
	       "CPU\","
	       "\"soft\":1,\"hard\":1}]",
	       "", ""),
	  "config.json: process.rlimits[1]: is there twice" },
	{ SPEC(",\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"hard\":1}]", "", ""),
	  "config.json: process.rlimits[0].soft: is missing" },
	{ SPEC(",\"oomScoreAdj\":2000", "", ""),
	  "config.json: process.oomScoreAdj: is outside -1000 to 1000" },
	{ SPEC("", "", ",\"mounts\":[{\"type\":\"proc\"}]"),
	  "config.json: mounts[0].destination: is missing" },
	{ SPEC("", "", ",\"hooks\":{\"poststop\":[{\"args\":[]}]}"),
	  "config.json: hooks.poststop[0].path: is missing" },
	{ SPEC("", ",\"resources\":{\"memory\":{\"limit\":\"1g\"}}", ""),
	  "config.json: linux.resources.memory.limit: is a text; a whole number is wanted" },
	{ SPEC("", ",\"sysctl\":{\"a.b\":1}", ""),
	  "config.json: linux.sysctl.a.b: is a number; a text is wanted" },
	{ "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"r\"},\"linux\":{\"namespaces\":[{"
	  "\"type\":"
	  "\"pid\"},{\"type\":\"pid\"}]}}",
	  "config.json: linux.namespaces[1]: 'pid' is there twice" },
};

static void test_refused(void **unused)
{
	(void)unused;
	for (size_t n = 0; n < array_count(refusals); n++) {
		struct error err = { 0 };
		struct spec spec;

		assert_true(spec_parse(slice_of(refusals[n].text), "config.json", &spec, &err) < 0);
		assert_string_equal(err.text, refusals[n].words);
		spec_done(&spec);
	}
}

static void parse(const char *text, struct spec *spec)
{
	struct error err = { 0 };

	if (spec_parse(slice_of(text), "config.json", spec, &err) < 0)
		fail_msg("%s", err.text);
}

static void test_no_limit_is_a_number(void **unused)
{
	const struct spec_rlimit *limit;
	struct spec spec;

	(void)unused;
	parse(SPEC(",\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":18446744073709551615,\"hard\":"
		   "18446744073709551615},{\"type\":\"RLIMIT_NOFILE\",\"soft\":9223372036854775807,"
		   "\"hard\":9223372036854775808}],\"env\":[\"18446744073709551615\"]",
		   "", ""),
	      &spec);
	limit = spec.process.rlimits.at;
	assert_true((uint64_t)limit[0].soft.value == RLIM_INFINITY);
	assert_int_equal(limit[0].resource, RLIMIT_CORE);
	assert_true(limit[1].soft.value == INT64_MAX);
	assert_true(limit[1].hard.value == INT64_MAX);
	assert_string_equal(spec.process.env.at[0], "18446744073709551615");
	spec_done(&spec);
}

static void test_unknown_is_passed_over(void **unused)
{
	struct spec spec;

	(void)unused;
	parse(SPEC(",\"scheduler\":{\"policy\":\"SCHED_OTHER\"},\"capabilities\":{\"bounding\":["
		   "\"CAP_NEW\",\"CAP_KILL\"]}",
		   ",\"netDevices\":{},\"memoryPolicy\":null", ",\"vm\":{},\"annotations\":null"),
	      &spec);
	assert_true(spec_caps_bits(&spec.process.caps.bounding) == 1u << 5);
	spec_done(&spec);
}

/* --- the plan --- */

static void make_plan(const char *text, struct spec *spec, struct plan *plan)
{
	struct services services = { .runtime = &runtime };
	struct error err = { 0 };

	parse(text, spec);
	if (plan_make(&services, spec, "c", "/bundle", plan, &err) < 0)
		fail_msg("%s", err.text);
}

static const struct plan_mount *mount_at(const struct plan *plan, const char *destination)
{
	const struct plan_mount *found = NULL;

	for (size_t n = 0; n < plan->mount_count; n++)
		if (strcmp(plan->mounts[n].destination, destination) == 0) {
			assert_null(found);
			found = &plan->mounts[n];
		}
	return found;
}

static void test_plan_of_nothing(void **unused)
{
	static const char *const places[] = { "/proc",	     "/dev", "/dev/pts",      "/dev/shm",
					      "/dev/mqueue", "/sys", "/sys/fs/cgroup" };
	struct spec spec;
	struct plan plan;

	(void)unused;
	make_plan(SPEC("", "", ""), &spec, &plan);
	assert_string_equal(plan.rootfs, "/bundle/r");
	assert_int_equal(plan.host_uid, 231072);
	assert_false(plan.engine_ids);
	assert_true(plan.caps.effective == capability_all());
	for (size_t n = 0; n < array_count(places); n++)
		assert_non_null(mount_at(&plan, places[n]));
	assert_true(mount_at(&plan, "/dev") < mount_at(&plan, "/dev/pts"));
	assert_true(mount_at(&plan, "/sys") < mount_at(&plan, "/sys/fs/cgroup"));
	assert_int_equal(mount_at(&plan, "/dev")->kind, PLAN_devices);
	plan_done(&plan);
	spec_done(&spec);
}

static void test_plan_of_engine(void **unused)
{
	struct spec spec;
	struct plan plan;

	(void)unused;
	make_plan(
		SPEC(",\"oomScoreAdj\":-1000,\"user\":{\"uid\":5}",
		     ",\"readonlyPaths\":[\"/proc/sys\",\"/proc/bus\"],\"maskedPaths\":[\"/proc/"
		     "kcore\","
		     "\"/proc/asound\"]",
		     ",\"mounts\":[{\"destination\":\"/"
		     "sys\",\"type\":\"sysfs\",\"source\":\"sysfs\","
		     "\"options\":[\"ro\"]},{\"destination\":\"/proc/"
		     "\",\"type\":\"proc\",\"source\":"
		     "\"proc\",\"options\":[\"hidepid=2\"]},{\"destination\":\"/dev/shm\",\"type\":"
		     "\"bind\",\"source\":\"/x\"}]"),
		&spec, &plan);
	assert_int_equal(plan.oom_score_adj, -999);
	assert_true(plan.caps.effective == 0 && plan.caps.bounding == capability_all());
	assert_int_equal(plan.readonly.count, 1);
	assert_string_equal(plan.readonly.at[0], "/proc/bus");
	assert_int_equal(plan.masked.count, 1);
	assert_false(mount_at(&plan, "/sys")->options.set & MOUNT_ATTR_RDONLY);
	assert_string_equal(mount_at(&plan, "/proc")->data.at[0], "hidepid=2");
	assert_int_equal(mount_at(&plan, "/dev/shm")->kind, PLAN_bind);
	plan_done(&plan);
	spec_done(&spec);
}

static void test_plan_plain(void **unused)
{
	struct spec spec;
	struct plan plan;

	(void)unused;
	make_plan(SPEC(",\"env\":[\"SYSVISOR_SYSCONT_MODE=FALSE\"]",
		       ",\"readonlyPaths\":[\"/proc/sys\"]", ""),
		  &spec, &plan);
	assert_true(plan.is_plain);
	assert_int_equal(plan.mount_count, 0);
	assert_int_equal(plan.readonly.count, 1);
	assert_true(plan.caps.effective == 0);
	plan_done(&plan);
	spec_done(&spec);
}

/* --- parts --- */

static void test_overlay_options(void **unused)
{
	struct overlay_layers layers;
	struct arena arena = { 0 };

	(void)unused;
	assert_int_equal(
		rootfs_parse_overlay(SLICE("rw,lowerdir=/l/A:/l/B\\040c:/l/d\\134:e,upperdir="
						    "/x/diff,workdir=/x/work,index=off,foo=1"),
					   &arena, &layers, NULL),
				     0);
	assert_int_equal(layers.lower.count, 3);
	assert_string_equal(layers.lower.at[1], "/l/B c");
	assert_string_equal(layers.upper, "/x/diff");
	assert_int_equal(layers.other.count, 1);
	assert_int_equal(
		rootfs_parse_overlay(SLICE("lowerdir+=/a,lowerdir+=/b"), &arena, &layers, NULL), 0);
	assert_int_equal(layers.lower.count, 2);
	assert_null(layers.upper);
	assert_int_equal(rootfs_parse_overlay(SLICE("lowerdir=/a::/b"), &arena, &layers, NULL),
					      -ENOSYS);
	arena_done(&arena);
}

/* Docker with many layers mounts from its driver's directory. */
static void test_layer_path(void **unused)
{
	struct text path = { 0 };

	(void)unused;
	rootfs_layer_path("/d/overlay2/ab/merged", "/x/diff", &path);
	assert_string_equal(text_str(&path), "/x/diff");
	text_clear(&path);
	rootfs_layer_path("/d/overlay2/ab/merged", "ab/diff", &path);
	assert_string_equal(text_str(&path), "/d/overlay2/ab/diff");
	text_done(&path);
}

static void test_mount_options(void **unused)
{
	struct mount_options options = { 0 };

	(void)unused;
	assert_true(mount_option(SLICE("ro"), &options));
	assert_true(mount_option(SLICE("rw"), &options));
	assert_true(mount_option(SLICE("nosuid"), &options));
	assert_true(mount_option(SLICE("rnodev"), &options));
	assert_true(mount_option(SLICE("rslave"), &options));
	assert_true(mount_option(SLICE("noatime"), &options));
	assert_true(options.set == (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOATIME));
	assert_true(options.clear == (MOUNT_ATTR_RDONLY | MOUNT_ATTR__ATIME));
	assert_true(options.deep_set == MOUNT_ATTR_NODEV);
	assert_true(options.propagation == MS_SLAVE && options.propagation_deep);
	assert_false(mount_option(SLICE("size=1m"), &options));
	for (size_t n = 0; mount_option_name(n); n++)
		assert_true(mount_option(slice_of(mount_option_name(n)), &options));
}

static void test_cgroup_place(void **unused)
{
	auto_text struct text path = { 0 };
	struct error err;

	(void)unused;
	assert_int_equal(cgroup_place(NULL, "c", &path, &err), 0);
	assert_string_equal(text_str(&path), "/c");
	text_clear(&path);
	assert_int_equal(cgroup_place("docker//x/.", "c", &path, &err), 0);
	assert_string_equal(text_str(&path), "/docker/x");
	assert_true(cgroup_place("/a/../b", "c", &path, &err) < 0);
	assert_true(cgroup_place("system.slice:docker:x", "c", &path, &err) < 0);
}

/* Runs a device program as the kernel would: the instructions that the compiler uses. */
static int run_filter(const struct bpf_insn *code, unsigned int type, unsigned int access,
		      unsigned int major, unsigned int minor)
{
	const uint32_t context[3] = { access << 16 | type, major, minor };
	uint64_t reg[6] = { 0 };

	for (size_t at = 0;; at++) {
		const struct bpf_insn *insn = &code[at];
		uint64_t *dst = &reg[insn->dst_reg], imm = (uint64_t)(int64_t)insn->imm;
		bool jump = false;

		switch (insn->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			*dst = context[insn->off / 4];
			break;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			*dst = imm;
			break;
		case BPF_ALU64 | BPF_MOV | BPF_X:
			*dst = reg[insn->src_reg];
			break;
		case BPF_ALU64 | BPF_AND | BPF_K:
			*dst &= imm;
			break;
		case BPF_ALU64 | BPF_RSH | BPF_K:
			*dst >>= imm;
			break;
		case BPF_JMP | BPF_JNE | BPF_K:
			jump = *dst != imm;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			jump = *dst == imm;
			break;
		case BPF_JMP | BPF_EXIT:
			return (int)reg[0];
		default:
			fail_msg("instruction %zu", at);
		}
		if (jump)
			at += (size_t)insn->off;
	}
}

static void test_device_filter(void **unused)
{
	static const struct device_rule rules[] = {
		{ true, 'c', 9, 9, DEVICE_all },    { false, 'a', -1, -1, DEVICE_all },
		{ true, 'c', 1, 3, DEVICE_all },    { true, 'b', 8, -1, DEVICE_read },
		{ false, 'c', 1, 3, DEVICE_write },
	};
	struct bpf_insn code[DEVICE_FILTER_ROOM(5)];
	size_t count = device_filter_compile(rules, 5, code);

	(void)unused;
	assert_true(count <= array_count(code));
	assert_int_equal(run_filter(code, BPF_DEVCG_DEV_CHAR, DEVICE_read, 1, 3), 1);
	assert_int_equal(run_filter(code, BPF_DEVCG_DEV_CHAR, DEVICE_read | DEVICE_write, 1, 3), 0);
	assert_int_equal(run_filter(code, BPF_DEVCG_DEV_BLOCK, DEVICE_read, 8, 5), 1);
	assert_int_equal(run_filter(code, BPF_DEVCG_DEV_BLOCK, DEVICE_write, 8, 5), 0);
	assert_int_equal(run_filter(code, BPF_DEVCG_DEV_CHAR, DEVICE_read, 8, 5), 0);
	assert_int_equal(run_filter(code, BPF_DEVCG_DEV_CHAR, DEVICE_read, 9, 9), 0);
}

static void test_filter(void **unused)
{
	struct error err = { 0 };
	struct filter filter;
	struct spec spec;

	(void)unused;
	parse(SPEC("",
		   ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":["
		   "\"read\",\"not_a_call\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
		   ""),
	      &spec);
	assert_int_equal(filter_compile(&spec.linux_.seccomp, false, &filter, &err), 0);
	assert_true(filter.program.len > 10);
	filter_done(&filter);
	spec_done(&spec);
	parse(SPEC("", ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_MAYBE\"}", ""), &spec);
	assert_true(filter_compile(&spec.linux_.seccomp, false, &filter, &err) < 0);
	assert_string_equal(err.text,
			    "config.json: linux.seccomp: action 'SCMP_ACT_MAYBE' is not known");
	spec_done(&spec);
}

#define NOTIFY(more, calls)                                                                        \
	SPEC("",                                                                                   \
	     ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"" more                             \
	     ",\"syscalls\":[{\"names\":[" calls "],\"action\":\"SCMP_ACT_NOTIFY\"}]}",            \
	     "")

static void test_listener(void **unused)
{
	static const struct refusal refused[] = {
		{ NOTIFY("", "\"mkdir\""), "config.json: linux.seccomp.listenerPath: is missing; "
					   "SCMP_ACT_NOTIFY needs somebody who listens" },
		{ NOTIFY(",\"listenerMetadata\":\"m\"", "\"mkdir\""),
		  "config.json: linux.seccomp.listenerMetadata: is for nobody; there is no "
		  "listenerPath" },
		{ NOTIFY(",\"listenerPath\":\"/a\"", "\"mkdir\",\"sendmsg\""),
		  "config.json: linux.seccomp: SCMP_ACT_NOTIFY can't be for 'sendmsg', which the "
		  "listener itself is sent with" },
		{ SPEC("", ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}", ""),
		  "config.json: linux.seccomp.defaultAction: can't be SCMP_ACT_NOTIFY: the process "
		  "would wait for an answer to the call that sends its listener" },
	};
	struct error err = { 0 };
	struct filter filter;
	struct spec spec;

	(void)unused;
	parse(NOTIFY(",\"listenerPath\":\"/a\"", "\"mkdir\""), &spec);
	assert_int_equal(filter_compile(&spec.linux_.seccomp, false, &filter, &err), 0);
	assert_true(filter.listens);
	filter_done(&filter);
	spec_done(&spec);
	for (size_t n = 0; n < array_count(refused); n++) {
		parse(refused[n].text, &spec);
		assert_true(filter_compile(&spec.linux_.seccomp, false, &filter, &err) < 0);
		assert_string_equal(err.text, refused[n].words);
		spec_done(&spec);
	}
	/* What is trapped only where it is asked for costs nothing elsewhere. */
	{
		struct filter some, all;

		assert_int_equal(filter_compile_traps(0, &some, &err), 0);
		assert_int_equal(filter_compile_traps(~0u, &all, &err), 0);
		assert_true(some.listens && some.program.len && some.program.len < all.program.len);
		filter_done(&some);
		filter_done(&all);
	}
}

static void test_ids(void **unused)
{
	static const struct id_range ranges[] = { { 0, 1000, 10 }, { 10, 5000, 10 } };
	const struct id_map map = { ranges, 2 };
	uint32_t id;

	(void)unused;
	assert_true(id_map_host(&map, 12, &id) && id == 5002);
	assert_true(id_map_inner(&map, 1009, &id) && id == 9);
	assert_false(id_map_host(&map, 20, &id));
	assert_false(id_map_inner(&map, 0, &id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_limit_is_a_number),
		cmocka_unit_test(test_unknown_is_passed_over),
		cmocka_unit_test(test_plan_of_nothing),
		cmocka_unit_test(test_plan_of_engine),
		cmocka_unit_test(test_plan_plain),
		cmocka_unit_test(test_overlay_options),
		cmocka_unit_test(test_layer_path),
		cmocka_unit_test(test_mount_options),
		cmocka_unit_test(test_cgroup_place),
		cmocka_unit_test(test_device_filter),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_listener),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

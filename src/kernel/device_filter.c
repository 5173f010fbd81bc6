/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/device_filter.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/syscall.h>

/* r1: the context, later r2: type, r3: access, r4: major, r5: minor. */
#define INSN(c, dst, src, offset, value)                                                           \
	(struct bpf_insn)                                                                          \
	{                                                                                          \
		.code = (c), .dst_reg = (dst), .src_reg = (src), .off = (int16_t)(offset),         \
		.imm = (value)                                                                     \
	}
#define LOAD(dst, offset)	 INSN(BPF_LDX | BPF_MEM | BPF_W, dst, 1, offset, 0)
#define MOVE(dst, value)	 INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value)
#define JUMP_NOT(reg, value, by) INSN(BPF_JMP | BPF_JNE | BPF_K, reg, 0, by, value)
#define EXIT			 INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* The checks of one rule, then its verdict; a check that fails jumps behind it. */
static size_t device_filter_rule(const struct device_rule *rule, struct bpf_insn *code)
{
	size_t n = 0, checks;

	if (rule->type != 'a') {
		code[n++] = JUMP_NOT(
			2, rule->type == 'c' ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK, 0);
		if (rule->access != DEVICE_all) {
			/* An allowing rule fits when it covers all that is asked, a denying one
			 * when it touches any of it. */
			code[n++] = INSN(BPF_ALU64 | BPF_MOV | BPF_X, 1, 3, 0, 0);
			code[n++] = INSN(BPF_ALU64 | BPF_AND | BPF_K, 1, 0, 0,
					 rule->allow ? (int)(DEVICE_all & ~rule->access)
						     : (int)rule->access);
			code[n++] = rule->allow ? JUMP_NOT(1, 0, 0)
						: INSN(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0, 0);
		}
		if (rule->major >= 0)
			code[n++] = JUMP_NOT(4, rule->major, 0);
		if (rule->minor >= 0)
			code[n++] = JUMP_NOT(5, rule->minor, 0);
	}
	checks = n;
	code[n++] = MOVE(0, rule->allow);
	code[n++] = EXIT;
	for (size_t at = 0; at < checks; at++)
		if (BPF_CLASS(code[at].code) == BPF_JMP)
			code[at].off = (int16_t)(n - at - 1);
	return n;
}

size_t device_filter_compile(const struct device_rule *rules, size_t count, struct bpf_insn *code)
{
	size_t n = 0;

	code[n++] = LOAD(2, 0); /* access_type: access << 16 | type */
	code[n++] = INSN(BPF_ALU64 | BPF_MOV | BPF_X, 3, 2, 0, 0);
	code[n++] = INSN(BPF_ALU64 | BPF_AND | BPF_K, 2, 0, 0, 0xffff);
	code[n++] = INSN(BPF_ALU64 | BPF_RSH | BPF_K, 3, 0, 0, 16);
	code[n++] = LOAD(4, 4);
	code[n++] = LOAD(5, 8);
	/* The last that fits decides: look at it first. What stands behind a rule for all is never
	 * reached, and the kernel refuses such code. */
	for (size_t at = count; at > 0; at--) {
		n += device_filter_rule(&rules[at - 1], code + n);
		if (rules[at - 1].type == 'a')
			return n;
	}
	code[n++] = MOVE(0, 0);
	code[n++] = EXIT;
	return n;
}

static int device_filter_call(int command, union bpf_attr *attr)
{
	int r = (int)syscall(SYS_bpf, command, attr, sizeof(*attr));

	return r < 0 ? -errno : r;
}

static int device_filter_load(const struct device_rule *rules, size_t count, struct error *err)
{
	auto_free struct bpf_insn *code = calloc(DEVICE_FILTER_ROOM(count), sizeof(*code));
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insns = (uint64_t)(uintptr_t)code,
		.license = (uint64_t)(uintptr_t) "Apache-2.0",
	};
	int r;

	if (!code)
		return error_errno(err, ENOMEM, "load the device filter");
	attr.insn_cnt = (uint32_t)device_filter_compile(rules, count, code);
	r = device_filter_call(BPF_PROG_LOAD, &attr);
	return r < 0 ? error_errno(err, -r, "load the device filter") : r;
}

int device_filter_attach(int group_fd, const struct device_rule *rules, size_t count,
			 struct error *err)
{
	auto_fd int fd = device_filter_load(rules, count, err);
	union bpf_attr attr = { .target_fd = (uint32_t)group_fd,
				.attach_bpf_fd = (uint32_t)fd,
				.attach_type = BPF_CGROUP_DEVICE,
				.attach_flags = BPF_F_ALLOW_MULTI };
	int r;

	if (fd < 0)
		return fd;
	r = device_filter_call(BPF_PROG_ATTACH, &attr);
	return r < 0 ? error_errno(err, -r, "attach the device filter") : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_filter - which devices the processes of a cgroup v2 group may use.
 *
 * The rules become a small BPF program (BPF_PROG_TYPE_CGROUP_DEVICE); the last rule that fits
 * decides, and none fitting means no.
 */
#ifndef KERNEL_DEVICE_FILTER_H
#define KERNEL_DEVICE_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* BPF_DEVCG_ACC_* */
enum device_access { DEVICE_mknod = 1, DEVICE_read = 2, DEVICE_write = 4, DEVICE_all = 7 };

struct device_rule {
	bool allow;
	char type;	      /* 'c', 'b'; 'a' = both, whatever the numbers */
	int32_t major, minor; /* -1 = any */
	unsigned int access;
};

struct bpf_insn;

/* Instructions that device_filter_compile() may need for `count` rules. */
#define DEVICE_FILTER_ROOM(count) (8 + (count)*8)

/* Writes the program at `code`; returns how many instructions it has. */
size_t device_filter_compile(const struct device_rule *rules, size_t count, struct bpf_insn *code);

/* Puts the program in force, beside those that are. */
must_check int device_filter_attach(int group_fd, const struct device_rule *rules, size_t count,
				    struct error *err);

#endif

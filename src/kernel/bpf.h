/* SPDX-License-Identifier: Apache-2.0 */
/* bpf - loading programs through libbpf, and its errors in words. */
#ifndef KERNEL_BPF_H
#define KERNEL_BPF_H

#include "base/error.h"

struct bpf_object_open_opts;
struct bpf_object_skeleton;
struct types;

/* Takes over libbpf's messages, so that they can be part of an error, and how tp_btf programs are
 * loaded; call it once, before any object is opened. */
void bpf_setup(void);

/* Loads one object. */
struct bpf_loading {
	const struct types *types; /* NULL: libbpf finds them for itself, slowly */
	int picked_fd;
	char picked_path[32]; /* for the object's `btf_custom_path`; "": leave that NULL */
};

/* Before the object is opened. */
must_check int bpf_loading_begin(struct bpf_loading *loading, const struct types *types,
				 struct error *err);
/* When it has been opened, and told which of its programs are wanted. */
must_check int bpf_loading_load(struct bpf_loading *loading, struct bpf_object_skeleton *object,
				struct error *err);
void bpf_loading_end(struct bpf_loading *loading);

/* "step: refused (EPERM): <libbpf's first warning on this thread>". Returns -code. */
int bpf_error(struct error *err, int code, const char *step);

/* "EPERM" for 1, and so on; "errno N" for what has no name. */
const char *bpf_errno_name(int code);

#endif

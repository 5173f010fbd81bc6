/* SPDX-License-Identifier: Apache-2.0 */
/* bpf - loading programs through libbpf, and its errors in words. */
#ifndef KERNEL_BPF_H
#define KERNEL_BPF_H

#include "base/error.h"

/* Takes libbpf's messages over, so that they can be part of an error; call it once. */
void bpf_setup(void);

/* "step: refused (EPERM): <libbpf's last warning>". Returns -code. */
int bpf_error(struct error *err, int code, const char *step);

/* "EPERM" for 1, and so on; "errno N" for what has no name. */
const char *bpf_errno_name(int code);

#endif

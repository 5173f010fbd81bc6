/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * scope - whether the settings want a process, or a socket, reported.
 *
 * What is not asked for costs nothing: the verifier removes it. A socket is looked at once.
 */
#ifndef BPF_SCOPE_BPF_H
#define BPF_SCOPE_BPF_H

#include "bpf/kern.h"

#include <bpf/bpf_helpers.h>

#include "bpf/scope.h"

/* Set before loading. */
const volatile struct scope_config scope = {};

static bool scope_keeps(__u32 list, __u32 verdict)
{
	return verdict == SCOPE_silent ? !(scope.only & list) : verdict == SCOPE_keep;
}

static __u32 scope_find(const volatile struct scope_range *ranges, __u32 count, __u32 number)
{
	__u32 verdict = SCOPE_silent;

	for (__u32 n = 0; n < SCOPE_RANGES && n < count; n++) {
		if (number < ranges[n].from || number > ranges[n].to)
			continue;
		if (ranges[n].verdict == SCOPE_drop)
			return SCOPE_drop;
		verdict = SCOPE_keep;
	}
	return verdict;
}

#endif

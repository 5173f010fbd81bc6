/* SPDX-License-Identifier: Apache-2.0 */
/* file_rate - how many events of files a process may cause in a second, where the kernel side
 * doesn't count them itself (bpf/files_tell.bpf.h). */
#ifndef SENSOR_FILE_RATE_H
#define SENSOR_FILE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define FILE_RATE_SLOTS 4096

struct file_rate_slot {
	uint32_t pid, count, held;
	uint64_t since_ns;
};

/* Zeroed. Where two processes share a slot, each turns the other out, which is counted while that
 * has still something to say or to keep to. */
struct file_rate {
	uint64_t limit; /* 0: none */
	uint64_t held;	/* in all */
	uint64_t lost;	/* processes turned out */
	struct file_rate_slot slots[FILE_RATE_SLOTS];
};

/* Whether the process may tell one more; *ret_held: how many it couldn't before this one. */
bool file_rate_allows(struct file_rate *rate, uint32_t pid, uint64_t now_ns, uint32_t *ret_held);

#endif

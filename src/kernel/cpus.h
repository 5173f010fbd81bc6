/* SPDX-License-Identifier: Apache-2.0 */
/* cpus - a set of processors, as the kernel writes it: "0-3,8". Pure. */
#ifndef KERNEL_CPUS_H
#define KERNEL_CPUS_H

#include "base/text.h"

#define CPUS_MAX 1024

struct cpus {
	uint64_t bits[CPUS_MAX / 64];
};

static inline bool cpus_has(const struct cpus *cpus, uint64_t cpu)
{
	return cpu < CPUS_MAX && (cpus->bits[cpu / 64] >> (cpu % 64) & 1);
}

unsigned int cpus_count(const struct cpus *cpus);

/* False: it is no such list. What lies beyond CPUS_MAX is left out. */
bool cpus_parse(struct slice list, struct cpus *ret_cpus);
void cpus_put(const struct cpus *cpus, struct text *out);

void cpus_intersect(struct cpus *cpus, const struct cpus *other);
/* Keeps the first `count`. */
void cpus_trim(struct cpus *cpus, unsigned int count);

#endif

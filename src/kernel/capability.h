/* SPDX-License-Identifier: Apache-2.0 */
/* capability - sets of capabilities (capabilities(7)) as bits, by name, and put into force. */
#ifndef KERNEL_CAPABILITY_H
#define KERNEL_CAPABILITY_H

#include "base/error.h"
#include "base/slice.h"

struct capability_sets {
	uint64_t bounding, effective, permitted, inheritable, ambient;
};

/* "CAP_SYS_ADMIN", any case -> its number; -1 when there is none of that name. */
int capability_by_name(struct slice name);
const char *capability_name(unsigned int number); /* NULL behind the last */

/* All that this kernel has. */
uint64_t capability_all(void);
/* The caller's permitted ones. */
must_check int capability_mine(uint64_t *ret_bits, struct error *err);

/* Drops from the bounding set what isn't in `bits`. */
must_check int capability_bound(uint64_t bits, struct error *err);
/* Puts the sets in force but for the bounding one. */
must_check int capability_set(const struct capability_sets *sets, struct error *err);

#endif

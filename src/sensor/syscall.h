/* SPDX-License-Identifier: Apache-2.0 */
/* syscall - which system calls are counted. */
#ifndef SENSOR_SYSCALL_H
#define SENSOR_SYSCALL_H

#include <stdint.h>

#include "base/error.h"

/* Reads names or numbers, one a line, as this machine has them: sets wants[number] to 1. `wants`
 * has RING_SYSCALLS bytes. -EINVAL: there is no such call. */
must_check int syscall_choose(const char *list, uint8_t *wants, struct error *err);

#endif

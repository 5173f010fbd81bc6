/* SPDX-License-Identifier: Apache-2.0 */
/*
 * programs - what runs in the kernel, shared by the sensors that need parts of it.
 *
 * The first sensor that asks has everything loaded that the settings want, since reading the
 * kernel's types is what takes long; what an older kernel doesn't take is given up step by step. A
 * sensor whose part is not among what was loaded tries by itself, and learns why not.
 */
#ifndef SENSOR_PROGRAMS_H
#define SENSOR_PROGRAMS_H

#include "sensor/sensor.h"

/* Parts, as bits. */
enum {
	PROGRAMS_exec = 1,
	PROGRAMS_tcp = 2,
	PROGRAMS_packet = 4,
	PROGRAMS_use = 8,   /* who uses a socket; kernel 6.4 */
	PROGRAMS_drop = 16, /* datagrams dropped; kernel 6.10 */
	PROGRAMS_syscall = 32,
	PROGRAMS_exec_plain = 64, /* instead of exec, for kernels before 5.12 */
};

struct programs;
struct programs_bpf;

/* Loads what isn't loaded, and attaches these parts. */
must_check int programs_take(struct programs **ret_programs, const struct sensor_env *env,
			     unsigned int parts, struct error *err);
/* Detaches those that nobody else has taken; NULL is fine. */
void programs_give_back(struct programs *programs, unsigned int parts);

/* Which system calls are told of (sensor/privilege.c): RING_SYSCALLS bytes, 1 for each. */
const uint8_t *privilege_wanted(void);

struct programs_bpf *programs_bpf(const struct programs *programs);

#endif

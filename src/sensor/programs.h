/* SPDX-License-Identifier: Apache-2.0 */
/*
 * programs - what runs in the kernel, shared by the sensors that need parts of it.
 *
 * The parts lie in objects (`bpf/NAME.bpf.c`). The first sensor that asks for a part has its object
 * loaded with all that the settings want of it; what an older kernel doesn't take is given up step
 * by step. A sensor whose part is not among what was loaded tries by itself, and learns why not.
 *
 * The verifier takes its time over an object. Those that the start need not wait for are loaded on
 * threads, while events flow already.
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
	PROGRAMS_use_call = 128, /* instead of use, where functions may be traced */
	PROGRAMS_count = 256,	 /* of system calls */
	PROGRAMS_file_security = 512,
	PROGRAMS_file_setattr = 1024,
	PROGRAMS_file_setattr_old = 2048, /* instead of file_setattr, for kernels before 6.0 */
	PROGRAMS_file_syscall = 4096,	  /* instead of file_security */
	PROGRAMS_file_change = 8192,	  /* with file_syscall; kernel 6.13 */
};

struct programs;

/* Loads what isn't loaded, and attaches these parts, which are of one object. */
must_check int programs_take(struct programs **ret_programs, const struct sensor_env *env,
			     unsigned int parts, struct error *err);
/* Detaches those that nobody else has taken; NULL is fine. */
void programs_give_back(struct programs *programs, unsigned int parts);

/* Which system calls are told of (sensor/privilege.c): RING_SYSCALLS bytes, 1 for each. */
const uint8_t *privilege_wanted(void);

/* The object's skeleton: struct NAME_bpf. */
void *programs_skeleton(const struct programs *programs);

/* Begins to read through the table that a program of kind "iter" goes through: read(2) gives what
 * it writes. Returns the fd. */
must_check int programs_read_begin(const struct programs *programs, const char *name,
				   struct error *err);

/* Starts to load what sensors with `behind` are to take; they may start once `loaded` has been
 * called, from the loop. 0: there is nothing to wait for; 1: it is on its way. */
must_check int programs_load_behind(const struct sensor_env *env, void (*loaded)(void *owner),
				    void *owner, struct error *err);
/* All sensors have started: lets go what only loading needs. Not from within `loaded`. */
void programs_settle(struct sensor_shared *sensors);
/* All sensors have stopped, or none has started. */
void programs_done(struct sensor_shared *sensors);

#endif

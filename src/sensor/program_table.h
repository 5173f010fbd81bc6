/* SPDX-License-Identifier: Apache-2.0 */
/* program_table - THE table of what runs in the kernel: objects, their parts, their programs. */
#ifndef SENSOR_PROGRAM_TABLE_H
#define SENSOR_PROGRAM_TABLE_H

#include "sensor/programs.h"

struct bpf_object;
struct bpf_object_open_opts;
struct bpf_object_skeleton;

/* As every generated skeleton begins. */
struct program_skeleton {
	struct bpf_object_skeleton *skeleton;
	struct bpf_object *object;
};

struct program_object {
	unsigned int parts;
	bool behind; /* the start does not wait for it */
	void *(*open)(const struct bpf_object_open_opts *opts);
	void (*destroy)(void *skeleton);
	/* Settings, before it is loaded; and what is left to do behind that, may be NULL. */
	int (*set)(void *skeleton, const struct sensor_env *env, struct error *err);
	int (*loaded)(void *skeleton, const struct sensor_env *env, struct error *err);
};

struct program_row {
	unsigned int parts; /* it belongs to each of them */
	const char *name;
	const char *goes_through; /* an iterator: name of the map */
};

/* What older kernels don't take, in the order in which it is given up. */
struct program_level {
	unsigned int without, instead;
};

#define PROGRAM_OBJECTS 5
#define PROGRAM_ROWS	49
#define PROGRAM_LEVELS	6

extern const struct program_object program_objects[PROGRAM_OBJECTS];
extern const struct program_row program_rows[PROGRAM_ROWS];
extern const struct program_level program_levels[PROGRAM_LEVELS];

/* Parts that sensors with these settings are likely to take. */
unsigned int program_parts_wanted(const struct watch_settings *watch);

#endif

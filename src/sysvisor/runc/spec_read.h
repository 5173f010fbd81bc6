/* SPDX-License-Identifier: Apache-2.0 */
/* spec_read - fills structs from JSON by a table of fields: the grammar of config.json is data. */
#ifndef SYSVISOR_RUNC_SPEC_READ_H
#define SYSVISOR_RUNC_SPEC_READ_H

#include "sysvisor/runc/spec.h"

enum spec_type {
	SPEC_text,   /* const char * */
	SPEC_flag,   /* bool */
	SPEC_id,     /* uint32_t */
	SPEC_number, /* struct spec_number */
	SPEC_switch, /* struct spec_number from a bool */
	SPEC_words,  /* struct spec_words */
	SPEC_ids,    /* struct spec_list of uint32_t */
	SPEC_pairs,  /* struct spec_list of spec_pair, from an object of texts */
	SPEC_object, /* `shape` in place */
	SPEC_list,   /* struct spec_list of `shape` */
	SPEC_named,  /* the same from an object: its keys are the first members, const char * */
	SPEC_pick,   /* int: the number behind a name, by `pick` */
};

struct spec_shape;

struct spec_field {
	const char *key;
	enum spec_type type;
	bool required;
	size_t at;
	const struct spec_shape *shape;
	int (*pick)(const char *name); /* -1: not known */
};

struct spec_shape {
	const struct spec_field *fields;
	size_t count;
	size_t bytes;
	size_t given_at; /* > 0: a bool there says that the object was in the file */
};

/* The shape of the whole file, of "process", "linux.resources" and "hooks". */
extern const struct spec_shape spec_shape, spec_process_shape, spec_resources_shape,
	spec_hooks_shape;

must_check int spec_read(const struct json_t *json, const struct spec_shape *shape, void *at,
			 struct arena *arena, const char *place, struct error *err);

#endif

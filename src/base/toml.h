/* SPDX-License-Identifier: Apache-2.0 */
/*
 * toml - a TOML 1.0 file as a jansson tree, with the place of every key.
 *
 * toml++ parses; this is the shim in front of it. Dates and times become strings (RFC 3339).
 */
#ifndef BASE_TOML_H
#define BASE_TOML_H

#include <jansson.h>

#ifdef __cplusplus
extern "C" {
#endif

struct error;

struct toml_file {
	json_t *tree;	/* an object */
	json_t *places; /* dotted path -> "line:column"; array elements as path.0, path.1 */
};

/* Parses `bytes` of text; `name` is what errors call it: "name:line:column: reason". -EINVAL,
 * -ENOMEM. */
int toml_parse(const char *text, size_t bytes, const char *name, struct toml_file *ret_file,
	       struct error *err);
void toml_done(struct toml_file *file);

/* "line:column" of the value at a dotted path; "1:1" when unknown. Borrowed. */
const char *toml_place(const struct toml_file *file, const char *path);

#ifdef __cplusplus
}
#endif

#endif

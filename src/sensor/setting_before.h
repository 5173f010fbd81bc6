/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting_before - kernel settings as they were, in a file: an agent that was killed leaves its own
 * values behind, and the next must not take those for the old ones.
 *
 * Lines "name value" behind one with the boot's id: a new boot has values of its own.
 */
#ifndef SENSOR_SETTING_BEFORE_H
#define SENSOR_SETTING_BEFORE_H

#include "base/error.h"
#include "base/text.h"

/* What an agent before this one wrote down, in this boot; appended to `text`. -ENOENT: nothing. */
must_check int setting_before_read(int proc_fd, const char *path, struct text *text);

/* The value that stands there for a name; empty: none. */
struct slice setting_before_find(struct slice lines, const char *name);

/* Replaces the file, directories included. */
must_check int setting_before_write(int proc_fd, const char *path, struct slice lines,
				    struct error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_key - names of objects, from a template; pure.
 *
 *	"{host}/{year}/{month}/{day}/{ns}-{id}{ext}"
 */
#ifndef SINK_S3_KEY_H
#define SINK_S3_KEY_H

#include "base/error.h"
#include "base/text.h"

struct s3_key {
	struct slice host, node; /* {host} {node} */
	uint64_t wall_ns;      /* {ns}, and in UTC {year} {month} {day} {hour} {minute} {second} */
	uint64_t file, offset; /* {id}: unlike every other object's of this agent */
	struct slice ext;      /* {ext}: ".json.gz" */
	struct slice pipeline; /* {pipeline}: what the sink is called */
	struct slice program;  /* {program} */
};

/* Whether the template's names are known, and it can't make two objects of one name. */
must_check int s3_key_check(struct slice template, struct error *err);

/* Every byte that a URL can't hold as %XX; a slash stays. */
void s3_put_escaped(struct slice text, struct text *out);

/* The key with every byte that a URL can't hold as %XX. */
void s3_put_key(struct slice template, const struct s3_key *key, struct text *out);

#endif

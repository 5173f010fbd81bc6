/* SPDX-License-Identifier: Apache-2.0 */
/* filter_node - what a condition is made of, for those who parse and those who ask. */
#ifndef PIPELINE_FILTER_NODE_H
#define PIPELINE_FILTER_NODE_H

#include "pipeline/filter.h"

#define FILTER_NODES 256 /* of one condition, at most */
#define FILTER_DEPTH 32

enum filter_op {
	FILTER_and,
	FILTER_or,
	FILTER_not,
	FILTER_has,
	FILTER_equal,
	FILTER_unequal,
	FILTER_less,
	FILTER_at_most,
	FILTER_more,
	FILTER_at_least,
	FILTER_contains,
	FILTER_starts,
	FILTER_ends,
	FILTER_like,
	FILTER_in,
	FILTER_within, /* an address in a network */
};

/* What stands on the left of a comparison. */
enum filter_subject {
	FILTER_field,
	FILTER_event_name,
	FILTER_severity,
	FILTER_host,
};

/* How its value is compared. */
enum filter_form { FILTER_as_text, FILTER_as_number, FILTER_as_signed };

struct filter_network {
	bool v6;
	unsigned int bits;
	unsigned char bytes[16];
};

struct filter_value {
	struct slice text;
	uint64_t number;
	struct filter_network network;
};

struct filter_node {
	enum filter_op op;
	unsigned short left, right; /* nodes, of and, or, not */
	enum filter_subject subject;
	enum filter_form form;
	enum event_field field;
	struct slice key;		   /* of a map */
	unsigned short first, value_count; /* in filter->values */
};

struct filter {
	char *words; /* own copy; texts point into it */
	unsigned short root, count, value_count;
	struct filter_node nodes[FILTER_NODES];
	struct filter_value values[FILTER_NODES];
};

#endif

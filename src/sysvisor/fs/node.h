/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node - THE table of what is emulated in a container's /proc and /sys, one row each: what it
 * shows, what may be written, and what becomes of that.
 *
 * What isn't here is, below /proc/sys, the kernel's own key in the container's namespaces, opened
 * with the rights of the container's root: the kernel lets him write what belongs to his
 * namespaces and nothing of the host's.
 */
#ifndef SYSVISOR_FS_NODE_H
#define SYSVISOR_FS_NODE_H

#include "base/error.h"
#include "base/text.h"

struct show; /* see sysvisor/fs/show.h */

enum node_kind {
	NODE_view,   /* made by `show` */
	NODE_store,  /* a value for each container, at first the host's; never reaches the host,
			but for --push-max */
	NODE_host,   /* the host's, read anew each time; not to be written */
	NODE_name,   /* the namespace's, written with the host root's rights */
	NODE_groups, /* the namespace's, with group ids translated */
	NODE_empty,  /* a directory without entries */
	NODE_tree,   /* a directory of the host's with all below it; see host.h. Rows win */
};

enum node_check {
	CHECK_none,
	CHECK_number,  /* between min and max */
	CHECK_numbers, /* up to max of them */
	CHECK_word,    /* one of `words` */
};

struct node_row {
	const char *path; /* below the container's root: "proc/uptime" */
	int (*show)(struct show *show);
	uint64_t size_bytes;
	int64_t min, max;
	const char *words; /* between blanks */
	enum node_kind kind;
	enum node_check check;
	unsigned int mode;
	/* The key is the namespace's where the kernel has one there (newer kernels do more). */
	bool inside_first;
	bool push;    /* --push-max may name it */
	bool bind;    /* it is put over the container's own, where the host has such a file */
	bool partial; /* a view that not every host can show: bound where it can */
};

extern const struct node_row node_rows[];
extern const size_t node_count;

const struct node_row *node_find(struct slice path);

/* The table as Markdown, for docs/keys.md. */
void node_print(struct text *out);

/* Whether rows lie below this path ("proc", "sys/kernel"): it is a directory then. */
bool node_is_directory(struct slice path);
/* Calls with each name directly below a directory, once each. */
void node_each_below(struct slice path, void (*found)(struct slice name, void *owner), void *owner);

/* Checks what is to be written and yields it without line ends and blanks around. -EINVAL, as the
 * kernel says it. */
must_check int node_check_value(const struct node_row *row, struct slice written,
				struct slice *ret_value);

#endif

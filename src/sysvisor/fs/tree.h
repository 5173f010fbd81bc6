/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree - numbers for paths, the same for all containers and for ever: what the kernel remembers as
 * a file's number must mean the same to the next server. Kept in a file, a line for each path; its
 * line is its number. Any thread may ask.
 */
#ifndef SYSVISOR_FS_TREE_H
#define SYSVISOR_FS_TREE_H

#include <pthread.h>

#include "base/map.h"
#include "base/text.h"

struct node_row;

struct tree_path {
	uint32_t number;
	const struct node_row *row; /* NULL: none of the table's */
	struct slice path;	    /* "proc/sys/kernel"; "" is number 1 */
};

struct tree {
	pthread_rwlock_t lock;
	struct map by_path;
	struct tree_path **all; /* [number - 1] */
	size_t count, room;
	int fd;
};

/* Names of network devices become paths; this is where it ends. */
#define TREE_MAX 65536

must_check int tree_open(struct tree *tree, const char *file, struct error *err);
void tree_close(struct tree *tree);

/* Forgets all: nobody knows a number any more. Before others use it. */
must_check int tree_reset(struct tree *tree, struct error *err);

/* The path's entry, or NULL. Entries live as long as the tree. */
const struct tree_path *tree_find(struct tree *tree, struct slice path);
/* The same, made when it is new; NULL: there is no room. */
const struct tree_path *tree_get(struct tree *tree, struct slice path);
/* NULL: no such number. */
const struct tree_path *tree_at(struct tree *tree, uint32_t number);

#endif

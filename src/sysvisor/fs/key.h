/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key - one file of one container: a row of the table, a key of the kernel's in its namespaces, or
 * a directory above either. Results are -errno, as the container's program shall see it.
 */
#ifndef SYSVISOR_FS_KEY_H
#define SYSVISOR_FS_KEY_H

#include "sysvisor/fs/node.h"
#include "sysvisor/fs/server.h"

struct key {
	struct server *server;
	struct container *container;
	const struct tree_path *path;
	struct show_room *room;
	struct text *value; /* scratch */
};

struct key_facts {
	unsigned int mode; /* with the type */
	uint64_t size_bytes;
	bool lasts; /* it stays as it is */
};

static inline bool key_is_directory(const struct node_row *row)
{
	return !row || row->kind == NODE_empty || row->kind == NODE_tree;
}

/* Whether the host has such a file. */
bool key_host_has(const struct node_row *row);
/* The directory, hidden in a container's own, where all that is bound over its /proc and /sys
 * stands side by side, with '!' for '/': who reads it has looked up all of that with one request.
 */
#define KEY_BINDS ".binds"
#define KEY_SLASH '!'

/* Appends the path of what has this name in a directory. */
void key_put_child(struct slice directory, struct slice name, struct text *out);
/* Calls with the path of each that may be bound. */
void key_each_bind(void (*found)(struct slice path, const struct node_row *row, void *owner),
		   void *owner);

/* Before a path gets a number: whether there is such a thing. */
bool key_may_exist(struct server *server, struct container *container, struct slice path);

must_check int key_facts(const struct key *key, struct key_facts *ret_facts);
must_check int key_may_open(const struct key *key, int flags);
/* Appends what it shows. */
must_check int key_read(const struct key *key, struct text *out);
/* Appends where a link leads. */
must_check int key_read_link(const struct key *key, struct text *out);
must_check int key_write(const struct key *key, struct slice written);
must_check int key_list(const struct key *key,
			void (*found)(struct slice name, unsigned char type, void *owner),
			void *owner);

#endif

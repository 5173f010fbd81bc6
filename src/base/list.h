/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list - a ring of nodes inside the objects it links; the list owns nothing.
 *
 *	struct list waiting;                   // list_init(&waiting)
 *	struct job { struct list node; ... };  // list_append(&waiting, &job->node)
 *	list_each(&waiting, job, node) ...     // don't remove the current one
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/auto.h"

#include <stdbool.h>

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *list)
{
	list->next = list->prev = list;
}

static inline bool list_is_empty(const struct list *list)
{
	return list->next == list;
}

/* Whether a node is on some list; true only for nodes that were initialised. */
static inline bool list_is_linked(const struct list *node)
{
	return node->next && node->next != node;
}

static inline void list_append(struct list *list, struct list *node)
{
	node->prev = list->prev;
	node->next = list;
	list->prev->next = node;
	list->prev = node;
}

/* Takes a node off its list. */
static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* The same, harmless for one that is on none, or was never on one. */
static inline void list_unlink(struct list *node)
{
	if (node->next)
		list_remove(node);
}

#define list_first(list, type, member)                                                             \
	(list_is_empty(list) ? NULL : container_of((list)->next, type, member))

#define list_each(list, item, member)                                                              \
	for ((item) = container_of((list)->next, __typeof__(*(item)), member);                     \
	     &(item)->member != (list);                                                            \
	     (item) = container_of((item)->member.next, __typeof__(*(item)), member))

/* Each item may be removed, or freed, as it comes. */
#define list_drain(list, item, member)                                                             \
	while (((item) = list_first(list, __typeof__(*(item)), member)) &&                         \
	       (list_remove(&(item)->member), true))

#endif

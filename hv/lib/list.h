/* SPDX-License-Identifier: MIT */
/* A circular doubly linked list of nodes that live inside their owners. */
#ifndef HV_LIB_LIST_H
#define HV_LIB_LIST_H

#include "hv/lib/types.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name)                                                        \
	{                                                                      \
		&(name), &(name)                                               \
	}

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_insert(struct list *node, struct list *before)
{
	node->prev = before->prev;
	node->next = before;
	before->prev->next = node;
	before->prev = node;
}

static inline void list_add_tail(struct list *node, struct list *head)
{
	list_insert(node, head);
}

static inline void list_add_head(struct list *node, struct list *head)
{
	list_insert(node, head->next);
}

/* Unlink and make the node an empty list, so that a second call is harmless. */
static inline void list_del(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#define list_entry(ptr, type, member)  container_of(ptr, type, member)
#define list_first(head, type, member) list_entry((head)->next, type, member)

#define list_for_each(pos, head, member)                                       \
	for (pos = list_first(head, __typeof__(*pos), member);                 \
	     &pos->member != (head);                                           \
	     pos = list_first(&pos->member, __typeof__(*pos), member))

#define list_for_each_safe(pos, tmp, head, member)                             \
	for (pos = list_first(head, __typeof__(*pos), member),                 \
	    tmp = list_first(&pos->member, __typeof__(*pos), member);          \
	     &pos->member != (head); pos = tmp,                                \
	    tmp = list_first(&tmp->member, __typeof__(*pos), member))

#endif /* HV_LIB_LIST_H */

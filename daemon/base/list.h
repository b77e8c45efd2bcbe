/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intrusive doubly linked list.  A head is a node that points at itself when empty. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

#define LIST_INIT(head) \
	{ \
		&(head), &(head) \
	}

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_append(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* Safe on a node that is initialised but not on any list. */
static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#define list_entry(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

#define list_for_each(pos, head, member) \
	for (pos = list_entry((head)->next, typeof(*pos), member); &pos->member != (head); \
	     pos = list_entry(pos->member.next, typeof(*pos), member))

/* The current entry may be removed and freed inside the loop. */
#define list_for_each_safe(pos, tmp, head, member) \
	for (pos = list_entry((head)->next, typeof(*pos), member), \
	    tmp = list_entry(pos->member.next, typeof(*pos), member); \
	     &pos->member != (head); \
	     pos = tmp, tmp = list_entry(pos->member.next, typeof(*pos), member))

/*
 * list.h: an intrusive doubly linked ring. The head is a node of its own, so insertion and removal
 * have no special cases. A node that is in no list points at itself.
 */
#pragma once

#include <stdbool.h>

#include "base/defs.h"

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *node)
{
    node->next = node->prev = node;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_append(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* Walks `head`; the current node may be removed, no other. */
#define LIST_EACH(node, head)                                                                      \
    for (struct list *node = (head)->next, *node##_next = node->next; node != (head);              \
         node = node##_next, node##_next = node->next)

#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)

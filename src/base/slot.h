/*
 * slot.h: one place that many threads read and one changes: it holds a counted reference to
 * something immutable. Under a lock of its own: any thread.
 */
#pragma once

struct slot;

/* How to take and give back a reference to what is inside; the first item is taken. */
struct slot *slot_new(void *item, void *(*ref)(void *item), void (*unref)(void *item));
void slot_free(struct slot *s); /* NULL allowed */

void slot_set(struct slot *s, void *item); /* takes the reference */
void *slot_get(struct slot *s);            /* a reference of the caller's own */

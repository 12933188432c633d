/*
 * mailbox.c: a ring of pointers under a mutex. The lock is held for a few instructions, never
 * while an item is handled: the receiver takes a batch out first. Bells coalesce in libuv; a bell
 * that rings for an empty box is harmless.
 */
#include "loop/mailbox.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"

#define MAILBOX_BATCH 64

struct mailbox {
    uv_async_t bell;
    const struct mailbox_ops *ops;
    void *user;
    uv_mutex_t lock; /* guards everything below */
    bool closed;
    uint64_t refused;
    size_t first, count, capacity;
    void *items[];
};

/* Moves up to MAILBOX_BATCH items out; returns how many. */
static size_t mailbox_take(struct mailbox *box, void *batch[MAILBOX_BATCH])
{
    uv_mutex_lock(&box->lock);
    size_t count = MIN(box->count, (size_t)MAILBOX_BATCH);
    for (size_t i = 0; i < count; i++)
        batch[i] = box->items[(box->first + i) % box->capacity];
    box->first = (box->first + count) % box->capacity;
    box->count -= count;
    uv_mutex_unlock(&box->lock);
    return count;
}

static void mailbox_on_bell(uv_async_t *bell)
{
    struct mailbox *box = bell->data;
    void *batch[MAILBOX_BATCH];
    size_t count = mailbox_take(box, batch);
    for (size_t i = 0; i < count; i++)
        box->ops->receive(batch[i], box->user);
    /* A full batch may have left some behind: let the loop breathe, then come back. A receive
     * may have closed the box. */
    if (count == MAILBOX_BATCH && !uv_is_closing((uv_handle_t *)bell))
        uv_async_send(bell);
}

struct mailbox *mailbox_new(uv_loop_t *uv, size_t capacity, const struct mailbox_ops *ops,
                            void *user)
{
    CHECK(capacity > 0);
    struct mailbox *box = mem_alloc(sizeof(*box) + capacity * sizeof(box->items[0]));
    box->ops = ops;
    box->user = user;
    box->capacity = capacity;
    box->bell.data = box;
    if (uv_mutex_init(&box->lock) < 0) {
        free(box);
        return NULL;
    }
    if (uv_async_init(uv, &box->bell, mailbox_on_bell) < 0) {
        uv_mutex_destroy(&box->lock);
        free(box);
        return NULL;
    }
    return box;
}

int mailbox_post(struct mailbox *box, void *item)
{
    int err = 0;
    uv_mutex_lock(&box->lock);
    if (box->closed) {
        err = -ESHUTDOWN;
    } else if (box->count == box->capacity) {
        err = -ENOBUFS;
        box->refused++;
    } else {
        box->items[(box->first + box->count++) % box->capacity] = item;
        /* Under the lock, so that mailbox_close cannot close the bell in between. */
        uv_async_send(&box->bell);
    }
    uv_mutex_unlock(&box->lock);
    return err;
}

uint64_t mailbox_refused(struct mailbox *box)
{
    uv_mutex_lock(&box->lock);
    uint64_t refused = box->refused;
    uv_mutex_unlock(&box->lock);
    return refused;
}

void mailbox_flush(struct mailbox *box)
{
    void *batch[MAILBOX_BATCH];
    for (size_t count; (count = mailbox_take(box, batch)) > 0;) {
        for (size_t i = 0; i < count; i++)
            box->ops->receive(batch[i], box->user);
    }
}

void mailbox_close(struct mailbox *box)
{
    uv_mutex_lock(&box->lock);
    bool was_closed = box->closed;
    box->closed = true;
    uv_mutex_unlock(&box->lock);
    if (was_closed)
        return;
    void *batch[MAILBOX_BATCH];
    for (size_t count; (count = mailbox_take(box, batch)) > 0;) {
        for (size_t i = 0; i < count; i++)
            box->ops->drop(batch[i]);
    }
    uv_close((uv_handle_t *)&box->bell, NULL);
}

void mailbox_free(struct mailbox *box)
{
    if (!box)
        return;
    CHECK(box->closed);
    uv_mutex_destroy(&box->lock);
    free(box);
}

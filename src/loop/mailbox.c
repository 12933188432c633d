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
    bool closed;     /* written by the loop's thread only, which may read it without the lock */
    uint64_t refused;
    size_t first, count, capacity;
    void *items[];
};

/* Moves up to `most` items out, no more than MAILBOX_BATCH; returns how many. */
static size_t mailbox_take(struct mailbox *box, size_t most, void *batch[MAILBOX_BATCH])
{
    uv_mutex_lock(&box->lock);
    size_t count = MIN(MIN(box->count, most), (size_t)MAILBOX_BATCH);
    for (size_t i = 0; i < count; i++)
        batch[i] = box->items[(box->first + i) % box->capacity];
    box->first = (box->first + count) % box->capacity;
    box->count -= count;
    uv_mutex_unlock(&box->lock);
    return count;
}

/* A receive may close the box; what is left of the batch is then as good as still inside. */
static size_t mailbox_deliver(struct mailbox *box, size_t most)
{
    void *batch[MAILBOX_BATCH];
    size_t count = mailbox_take(box, most, batch);
    for (size_t i = 0; i < count; i++) {
        if (box->closed)
            box->ops->drop(batch[i]);
        else
            box->ops->receive(batch[i], box->user);
    }
    return count;
}

static void mailbox_on_bell(uv_async_t *bell)
{
    struct mailbox *box = bell->data;
    size_t count = mailbox_deliver(box, MAILBOX_BATCH);
    /* A full batch may have left some behind: let the loop breathe, then come back. */
    if (count == MAILBOX_BATCH && !box->closed)
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
    uv_mutex_lock(&box->lock);
    size_t left = box->count;
    uv_mutex_unlock(&box->lock);
    /* Less may come out than was inside: receive may flush or close. */
    for (size_t count = 1; left > 0 && count > 0; left -= count)
        count = mailbox_deliver(box, left);
}

void mailbox_close(struct mailbox *box)
{
    uv_mutex_lock(&box->lock);
    bool was_closed = box->closed;
    box->closed = true;
    uv_mutex_unlock(&box->lock);
    if (was_closed)
        return;
    while (mailbox_deliver(box, MAILBOX_BATCH) > 0)
        continue;
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

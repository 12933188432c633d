/*
 * mailbox.h: the only crossing between threads: a bounded queue of pointers with a bell.
 *
 * Any thread posts; the loop that owns the box receives, in the order of posting. The pointer's
 * meaning and ownership are the box's contract: posting hands one reference over; a refused post
 * leaves it with the poster, who counts the loss. Items still inside when the box closes are given
 * to `drop`.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct mailbox;

struct mailbox_ops {
    void (*receive)(void *item, void *user); /* on the loop's thread; takes the item */
    void (*drop)(void *item);                /* on the closing thread; releases the item */
};

/* Bound to `uv`; created before the loop runs or on its thread. NULL: no memory or descriptors. */
struct mailbox *mailbox_new(uv_loop_t *uv, size_t capacity, const struct mailbox_ops *ops,
                            void *user);

/* Any thread. 0, -ENOBUFS when full (counted), -ESHUTDOWN after mailbox_close. */
int mailbox_post(struct mailbox *box, void *item);

/* How many posts were refused because it was full. Any thread. */
uint64_t mailbox_refused(struct mailbox *box);

/* On the loop's thread: receives what is inside now, without waiting for the bell; what is posted
 * meanwhile waits for it. Called from receive, it overtakes the rest of that call's batch. */
void mailbox_flush(struct mailbox *box);

/* On the loop's thread, also from receive: refuses further posts, drops what is inside, closes the
 * bell; nothing is received any more. The memory stays until mailbox_free, so late posters are
 * safe. */
void mailbox_close(struct mailbox *box);

/* After the loop ended and no thread posts any more. NULL allowed. */
void mailbox_free(struct mailbox *box);

/*
 * fanout.c: the loop over the receivers of a message.
 *
 * Nearly all of its time is the kernel's, in the protocol; what a ring saves is entering it once
 * per receiver, and the filter of the sandbox that every system call goes through. Whoever cannot
 * be written to directly (something is queued, TLS, ending) takes the way of conn_send. The order
 * among receivers does not matter, that of the messages of one receiver does: he is in one batch at
 * most.
 */
#include "net/fanout.h"

#include "base/defs.h"
#include "net/net_internal.h"
#include "net/ring.h"

/* Each conn lies somewhere else in memory, and what the kernel did for the one before has pushed it
 * out of the cache: waiting for it was 3 % of a delivery. */
#define AHEAD 2
#define BATCH_LEAST 4 /* below, a batch costs more than it saves */

struct batch {
    struct ring_send sends[RING_BATCH];
    size_t index[RING_BATCH]; /* in the caller's arrays */
    size_t count;
};

static void batch_send(struct ring *ring, struct batch *batch, struct conn *const *conns,
                       struct bytes *message, int *results)
{
    if (!batch->count)
        return;
    ring_send(ring, batch->sends, batch->count);
    conn_net(conns[batch->index[0]])->counters.sends++;
    for (size_t i = 0; i < batch->count; i++) {
        size_t at = batch->index[i];
        results[at] = conn_sent(conns[at], message, batch->sends[i].result);
    }
    batch->count = 0;
}

static void expect(struct conn *const *conns, size_t index, size_t count)
{
    if (index < count)
        conn_expect_send(conns[index]);
}

static void send_batches(struct ring *ring, struct conn *const *conns, size_t count,
                         struct bytes *message, int *results)
{
    struct batch batch;
    batch.count = 0;
    for (size_t i = 0; i < count; i++) {
        expect(conns, i + AHEAD, count);
        int fd = conn_direct_fd(conns[i]);
        if (fd < 0) {
            results[i] = conn_send(conns[i], message);
            continue;
        }
        batch.sends[batch.count] =
            (struct ring_send){.fd = fd, .data = message->data, .len = message->len};
        batch.index[batch.count++] = i;
        if (batch.count == RING_BATCH)
            batch_send(ring, &batch, conns, message, results);
    }
    batch_send(ring, &batch, conns, message, results);
}

size_t fanout_send(struct conn *const *conns, size_t count, struct bytes *message, int *results)
{
    struct ring *ring = count >= BATCH_LEAST && message->len ? conn_net(conns[0])->ring : NULL;
    if (ring) {
        send_batches(ring, conns, count, message, results);
    } else {
        for (size_t i = 0; i < count; i++) {
            expect(conns, i + AHEAD, count);
            results[i] = conn_send(conns[i], message);
        }
    }
    size_t taken = 0;
    for (size_t i = 0; i < count; i++)
        taken += results[i] == 0;
    return taken;
}

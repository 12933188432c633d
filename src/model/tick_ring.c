/*
 * tick_ring.c: the newest ticks, oldest first, bounded in number and in bytes. Holds references
 * only; the same tick may sit in the rings of several threads. Tables are not among what it counts
 * as bytes: of each kind one is kept, and another when a reader holds it a moment longer.
 */
#include "model/tick.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

struct tick_ring {
    size_t capacity, first, count;
    size_t bytes, bytes_limit;
    struct tick_table *tables[TABLE_KINDS]; /* newest; NULL: none yet */
    struct tick *ticks[];
};

struct tick_ring *tick_ring_new(size_t ticks, size_t bytes)
{
    CHECK(ticks > 0);
    struct tick_ring *ring = mem_alloc(sizeof(*ring) + ticks * sizeof(ring->ticks[0]));
    ring->capacity = ticks;
    ring->bytes_limit = bytes;
    return ring;
}

static size_t tick_ring_weight(const struct tick *t)
{
    return tick_bytes(t->count, t->events_count);
}

static void tick_ring_drop_oldest(struct tick_ring *ring)
{
    struct tick *oldest = ring->ticks[ring->first];
    ring->bytes -= tick_ring_weight(oldest);
    ring->first = (ring->first + 1) % ring->capacity;
    ring->count--;
    tick_unref(oldest);
}

void tick_ring_free(struct tick_ring *ring)
{
    if (!ring)
        return;
    while (ring->count)
        tick_ring_drop_oldest(ring);
    for (size_t i = 0; i < TABLE_KINDS; i++)
        tick_table_unref(ring->tables[i]);
    free(ring);
}

void tick_ring_push(struct tick_ring *ring, struct tick *t)
{
    size_t weight = tick_ring_weight(t);
    /* The newest always fits, however large. */
    while (ring->count &&
           (ring->count == ring->capacity || ring->bytes + weight > ring->bytes_limit))
        tick_ring_drop_oldest(ring);
    ring->ticks[(ring->first + ring->count++) % ring->capacity] = tick_ref(tick_bare(t));
    ring->bytes += weight;
    for (int kind = 0; kind < TABLE_KINDS; kind++) {
        if (!t->tables[kind])
            continue;
        tick_table_unref(ring->tables[kind]);
        ring->tables[kind] = tick_table_new(t, (enum table_kind)kind);
    }
}

size_t tick_ring_count(const struct tick_ring *ring)
{
    return ring->count;
}

struct tick *tick_ring_at(const struct tick_ring *ring, size_t index)
{
    CHECK(index < ring->count);
    return ring->ticks[(ring->first + index) % ring->capacity];
}

struct tick *tick_ring_newest(const struct tick_ring *ring)
{
    return ring->count ? tick_ring_at(ring, ring->count - 1) : NULL;
}

struct tick_table *tick_ring_table(const struct tick_ring *ring, enum table_kind kind)
{
    return ring->tables[kind];
}

size_t tick_ring_after(const struct tick_ring *ring, uint64_t after)
{
    size_t low = 0, high = ring->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (tick_ring_at(ring, mid)->seq > after)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

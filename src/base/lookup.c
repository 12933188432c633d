/* lookup.c: see lookup.h. At most three quarters full, at least one eighth but for the smallest. */
#include "base/lookup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/defs.h"
#include "base/mem.h"

#define SMALLEST 16

void lookup_fini(struct lookup *l)
{
    free(l->slots);
    *l = LOOKUP_INIT;
}

static void lookup_place(struct lookup *l, struct lookup_slot slot)
{
    size_t mask = l->capacity - 1, at = slot.hash & mask;
    while (l->slots[at].number)
        at = (at + 1) & mask;
    l->slots[at] = slot;
}

static bool lookup_resize(struct lookup *l, size_t capacity)
{
    struct lookup old = *l;
    struct lookup_slot *slots = mem_try_array(capacity, sizeof(*slots));
    if (!slots)
        return false;
    l->slots = slots;
    l->capacity = capacity;
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].number)
            lookup_place(l, old.slots[i]);
    }
    free(old.slots);
    return true;
}

bool lookup_add(struct lookup *l, uint32_t hash, uint32_t number)
{
    CHECK(number < UINT32_MAX);
    if ((l->count + 1) * 4 > l->capacity * 3 &&
        !lookup_resize(l, MAX(l->capacity * 2, (size_t)SMALLEST)))
        return false;
    lookup_place(l, (struct lookup_slot){hash, number + 1});
    l->count++;
    return true;
}

bool lookup_remove(struct lookup *l, uint32_t hash, uint32_t number)
{
    if (!l->capacity)
        return false;
    size_t mask = l->capacity - 1, hole = hash & mask;
    while (l->slots[hole].number &&
           (l->slots[hole].number != number + 1 || l->slots[hole].hash != hash))
        hole = (hole + 1) & mask;
    if (!l->slots[hole].number)
        return false;
    /* Pull back every follower whose home is not between the hole and itself. */
    for (size_t at = (hole + 1) & mask; l->slots[at].number; at = (at + 1) & mask) {
        size_t home = l->slots[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            l->slots[hole] = l->slots[at];
            hole = at;
        }
    }
    l->slots[hole] = (struct lookup_slot){0};
    l->count--;
    if (l->capacity > SMALLEST && l->count * 8 < l->capacity)
        (void)lookup_resize(l, l->capacity / 2); /* no memory: it stays as large as it is */
    return true;
}

uint64_t lookup_seed(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
        seed = (uint64_t)clock_mono_ns(); /* early boot: the moment is random enough */
    return seed;
}

uint64_t lookup_mix_bytes(uint64_t h, const void *data, size_t len)
{
    const unsigned char *at = data;
    h = lookup_mix(h, len);
    for (; len >= 8; at += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        h = lookup_mix(h, word);
    }
    uint64_t rest = 0;
    memcpy(&rest, at, len);
    return lookup_mix(h, rest);
}

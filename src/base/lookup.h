/*
 * lookup.h: hashes to numbers: the index of things that lie in an array of somebody else's. It
 * keeps 8 bytes for each (two to five in a table that is one eighth to three quarters full) and
 * knows nothing of keys: whoever looks something up compares what the walk brings.
 *
 *   struct lookup_walk w = lookup_walk(&index, hash);
 *   for (uint32_t n; lookup_next(&w, &n);)
 *       if (things[n] is meant)
 *           ...
 *
 * Open addressing with linear probing, no tombstones (backward shift); it shrinks when most of it
 * has gone. One owner, one thread. The hashes below are keyed with a seed, so that keys chosen by
 * others do not pile up in one place.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lookup_slot {
    uint32_t hash;
    uint32_t number; /* plus one; 0: free */
};

struct lookup {
    struct lookup_slot *slots; /* NULL while capacity is 0 */
    size_t capacity;           /* 0 or a power of two */
    size_t count;
};

#define LOOKUP_INIT ((struct lookup){0})

void lookup_fini(struct lookup *l); /* leaves an empty one */

/* False: no memory; nothing has changed. The number must be less than UINT32_MAX. */
bool lookup_add(struct lookup *l, uint32_t hash, uint32_t number);

/* False: was not there. */
bool lookup_remove(struct lookup *l, uint32_t hash, uint32_t number);

struct lookup_walk {
    const struct lookup *lookup;
    size_t at;
    uint32_t hash;
};

static inline struct lookup_walk lookup_walk(const struct lookup *l, uint32_t hash)
{
    return (struct lookup_walk){l, l->capacity ? hash & (l->capacity - 1) : 0, hash};
}

/* The next number that was added under this hash. The lookup must not change meanwhile. */
static inline bool lookup_next(struct lookup_walk *w, uint32_t *ret)
{
    const struct lookup *l = w->lookup;
    while (l->capacity && l->slots[w->at].number) {
        const struct lookup_slot *slot = &l->slots[w->at];
        w->at = (w->at + 1) & (l->capacity - 1);
        if (slot->hash == w->hash) {
            *ret = slot->number - 1;
            return true;
        }
    }
    return false;
}

/* A random seed, for one or for several lookups of one owner. */
uint64_t lookup_seed(void);

/* Mixes a number into a hash: start with the seed, end with lookup_hash. The upper and the lower
 * half of a product of 128 bits depend on every bit of both factors. */
static inline uint64_t lookup_mix(uint64_t h, uint64_t value)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)(h ^ 0x9e3779b97f4a7c15ULL) * (value ^ 0xd6e8feb86659fd93ULL);
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

uint64_t lookup_mix_bytes(uint64_t h, const void *data, size_t len);

static inline uint32_t lookup_hash(uint64_t h)
{
    return (uint32_t)(h ^ h >> 32);
}

/*
 * digests.c: open addressing with linear probing over a power-of-two table that is at most half
 * full; removal leaves no tombstones (backward shift).
 *
 * Digests are as good as random where secrets are random, but whoever shows a secret chooses its
 * digest's first bytes, by trying. So the place depends on a random seed, too: nobody can aim at a
 * place, and how long a search takes tells nothing about what is stored. Whatever is met there is
 * compared in constant time.
 */
#include "base/digests.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/mem.h"

static size_t home(const struct digests *d, const uint8_t *digest)
{
    uint64_t words[VAULT_DIGEST_LEN / sizeof(uint64_t)];
    uint64_t h = d->seed;
    memcpy(words, digest, sizeof(words));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        h = (h ^ words[i]) * 0xd6e8feb86659fd93ULL;
        h ^= h >> 32;
    }
    return (size_t)h & d->mask;
}

void digests_init(struct digests *d, size_t capacity)
{
    size_t places = 4;
    while (places < 2 * capacity)
        places *= 2;
    *d = (struct digests){.mask = places - 1, .capacity = capacity};
    d->places = mem_array(places, sizeof(*d->places));
    if (getrandom(&d->seed, sizeof(d->seed), GRND_NONBLOCK) != (ssize_t)sizeof(d->seed))
        d->seed = (uint64_t)(uintptr_t)d->places; /* early boot: the address is random enough */
}

void digests_fini(struct digests *d)
{
    free(d->places);
    *d = (struct digests){0};
}

void digests_add(struct digests *d, const uint8_t *digest)
{
    CHECK(d->count < d->capacity);
    size_t at = home(d, digest);
    while (d->places[at])
        at = (at + 1) & d->mask;
    d->places[at] = digest;
    d->count++;
}

void digests_remove(struct digests *d, const uint8_t *digest)
{
    size_t hole = home(d, digest);
    while (d->places[hole] != digest) {
        CHECK(d->places[hole]);
        hole = (hole + 1) & d->mask;
    }
    for (size_t at = (hole + 1) & d->mask; d->places[at]; at = (at + 1) & d->mask) {
        size_t wanted = home(d, d->places[at]);
        if (((at - wanted) & d->mask) < ((at - hole) & d->mask))
            continue; /* it is where a search begins, or behind the hole */
        d->places[hole] = d->places[at];
        hole = at;
    }
    d->places[hole] = NULL;
    d->count--;
}

const uint8_t *digests_find(const struct digests *d, const uint8_t digest[VAULT_DIGEST_LEN])
{
    for (size_t at = home(d, digest); d->places[at]; at = (at + 1) & d->mask) {
        if (vault_same(d->places[at], digest))
            return d->places[at];
    }
    return NULL;
}

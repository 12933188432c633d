/*
 * digests.h: finds a digest among those that lie in somebody's entries, at a cost that does not
 * depend on how many there are. Points to them, owns none. The caller's lock, or frozen.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/vault.h"

struct digests {
    const uint8_t **places; /* NULL: free */
    size_t mask, count, capacity;
    uint64_t seed;
};

void digests_init(struct digests *d, size_t capacity); /* for at most so many */
void digests_fini(struct digests *d);

/* The bytes stay where they are and what they are until digests_remove. */
void digests_add(struct digests *d, const uint8_t *digest);
/* That one, which must be inside; not another with the same bytes. */
void digests_remove(struct digests *d, const uint8_t *digest);

/* The one with these bytes that was added first; NULL: there is none. */
const uint8_t *digests_find(const struct digests *d, const uint8_t digest[VAULT_DIGEST_LEN]);

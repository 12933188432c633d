/*
 * vault.c: an array under one lock, and where in it a digest is.
 *
 * Somebody looks here for every stream that was opened by a session and every request that carries
 * one, so a search must not walk: base/digests finds the entry. What walks is adding (at a login),
 * to find out whom it drives out. An entry is looked for by the digest of a secret of 256 random
 * bits, so its bytes tell a stranger nothing; they are compared in constant time all the same. The
 * lock is held for a search and never while calling anybody.
 */
#include "base/vault.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/digests.h"
#include "base/mem.h"

struct vault {
    pthread_mutex_t lock; /* guards all below */
    struct vault_entry *entries;
    struct digests index;
    size_t count, capacity, per_owner;
    uint64_t departures;
};

static void vault_lock(struct vault *v)
{
    CHECK(pthread_mutex_lock(&v->lock) == 0);
}

static void vault_unlock(struct vault *v)
{
    CHECK(pthread_mutex_unlock(&v->lock) == 0);
}

bool vault_same(const uint8_t a[VAULT_DIGEST_LEN], const uint8_t b[VAULT_DIGEST_LEN])
{
    volatile uint8_t different = 0; /* volatile: no compiler leaves the loop early */
    for (size_t i = 0; i < VAULT_DIGEST_LEN; i++)
        different |= (uint8_t)(a[i] ^ b[i]);
    return different == 0;
}

struct vault *vault_new(size_t capacity, size_t per_owner)
{
    CHECK(capacity > 0 && per_owner > 0);
    struct vault *v = mem_alloc(sizeof(*v));
    CHECK(pthread_mutex_init(&v->lock, NULL) == 0);
    v->capacity = capacity;
    v->per_owner = per_owner;
    v->entries = mem_array(capacity, sizeof(*v->entries));
    digests_init(&v->index, capacity);
    return v;
}

void vault_free(struct vault *v)
{
    if (!v)
        return;
    explicit_bzero(v->entries, v->capacity * sizeof(*v->entries));
    free(v->entries);
    digests_fini(&v->index);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

/* The last one takes the place of the one that leaves. */
static void drop(struct vault *v, size_t i)
{
    struct vault_entry *last = &v->entries[--v->count];
    digests_remove(&v->index, v->entries[i].digest);
    if (last != &v->entries[i]) {
        digests_remove(&v->index, last->digest);
        v->entries[i] = *last;
        digests_add(&v->index, v->entries[i].digest);
    }
    explicit_bzero(last, sizeof(*last));
}

static struct vault_entry *find(struct vault *v, const uint8_t digest[VAULT_DIGEST_LEN])
{
    const uint8_t *at = digests_find(&v->index, digest);
    return at ? CONTAINER_OF((uint8_t *)(uintptr_t)at, struct vault_entry, digest) : NULL;
}

static void drop_expired(struct vault *v, int64_t now_ms)
{
    for (size_t i = v->count; i-- > 0;) {
        if (v->entries[i].expires_ms <= now_ms)
            drop(v, i);
    }
}

/* Of that owner, or with NULL of anybody; how many there are, and the one used longest ago. */
static size_t count_of(const struct vault *v, const char *owner, size_t *ret_oldest)
{
    size_t count = 0;
    for (size_t i = 0; i < v->count; i++) {
        if (owner && strcmp(v->entries[i].owner, owner) != 0)
            continue;
        if (!count || v->entries[i].used_ms < v->entries[*ret_oldest].used_ms)
            *ret_oldest = i;
        count++;
    }
    return count;
}

static void make_room(struct vault *v, const char *owner, int64_t now_ms)
{
    size_t oldest = 0;
    drop_expired(v, now_ms);
    if (count_of(v, owner, &oldest) < v->per_owner && count_of(v, NULL, &oldest) < v->capacity)
        return;
    drop(v, oldest);
    v->departures++;
}

static void add(struct vault *v, const struct vault_entry *entry, int64_t now_ms)
{
    make_room(v, entry->owner, now_ms);
    struct vault_entry *place = &v->entries[v->count++];
    *place = *entry;
    place->owner[VAULT_OWNER_MAX - 1] = '\0';
    place->used_ms = now_ms;
    digests_add(&v->index, place->digest);
}

void vault_put(struct vault *v, const struct vault_entry *entry, int64_t now_ms)
{
    vault_lock(v);
    struct vault_entry *old = find(v, entry->digest);
    if (old)
        drop(v, (size_t)(old - v->entries));
    add(v, entry, now_ms);
    vault_unlock(v);
}

bool vault_claim(struct vault *v, const struct vault_entry *entry, int64_t now_ms)
{
    vault_lock(v);
    bool is_first = !find(v, entry->digest);
    if (is_first)
        add(v, entry, now_ms);
    vault_unlock(v);
    return is_first;
}

bool vault_get(struct vault *v, const uint8_t digest[VAULT_DIGEST_LEN], int64_t now_ms,
               struct vault_entry *ret)
{
    vault_lock(v);
    struct vault_entry *e = find(v, digest);
    bool good = e && e->expires_ms > now_ms;
    if (good) {
        e->used_ms = now_ms;
        *ret = *e;
    }
    vault_unlock(v);
    return good;
}

bool vault_has(struct vault *v, const uint8_t digest[VAULT_DIGEST_LEN], int64_t now_ms)
{
    vault_lock(v);
    const struct vault_entry *e = find(v, digest);
    bool good = e && e->expires_ms > now_ms;
    vault_unlock(v);
    return good;
}

bool vault_remove(struct vault *v, const uint8_t digest[VAULT_DIGEST_LEN])
{
    vault_lock(v);
    struct vault_entry *e = find(v, digest);
    bool was_there = e;
    if (e) {
        drop(v, (size_t)(e - v->entries));
        v->departures++;
    }
    vault_unlock(v);
    return was_there;
}

size_t vault_count(struct vault *v)
{
    vault_lock(v);
    size_t count = v->count;
    vault_unlock(v);
    return count;
}

uint64_t vault_departures(struct vault *v)
{
    vault_lock(v);
    uint64_t departures = v->departures;
    vault_unlock(v);
    return departures;
}

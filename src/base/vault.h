/*
 * vault.h: a bounded table of secrets, each known by its digest only, with who they belong to and
 * until when they are good. Under a lock of its own: any thread. Times are epoch milliseconds of
 * the caller's clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VAULT_DIGEST_LEN 32
#define VAULT_OWNER_MAX 16 /* with its NUL */

struct vault;

struct vault_entry {
    uint8_t digest[VAULT_DIGEST_LEN];
    char owner[VAULT_OWNER_MAX];
    unsigned role;
    int64_t expires_ms;
    int64_t used_ms; /* set by vault_put and vault_get */
};

/* At most `capacity` entries, and of one owner at most `per_owner`. */
struct vault *vault_new(size_t capacity, size_t per_owner);
void vault_free(struct vault *v); /* wipes; NULL allowed */

/* Adds, or replaces the entry of that digest. Room is made of what has expired, then of the entry
 * of that owner that was used longest ago when he has his share, else of the one of anybody. */
void vault_put(struct vault *v, const struct vault_entry *entry, int64_t now_ms);

/* As vault_put, but only when the digest is not inside: false then. */
bool vault_claim(struct vault *v, const struct vault_entry *entry, int64_t now_ms);

/* True when it is inside and good; it counts as used. */
bool vault_get(struct vault *v, const uint8_t digest[VAULT_DIGEST_LEN], int64_t now_ms,
               struct vault_entry *ret);
/* The same without counting as use. */
bool vault_has(struct vault *v, const uint8_t digest[VAULT_DIGEST_LEN], int64_t now_ms);

bool vault_remove(struct vault *v, const uint8_t digest[VAULT_DIGEST_LEN]); /* was it there? */

size_t vault_count(struct vault *v);
/* Grows whenever an entry leaves before its time: who has looked at all entries need not look
 * again while it is the same. */
uint64_t vault_departures(struct vault *v);

/* Compares all bytes, whatever the first ones say. */
bool vault_same(const uint8_t a[VAULT_DIGEST_LEN], const uint8_t b[VAULT_DIGEST_LEN]);

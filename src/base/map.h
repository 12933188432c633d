/*
 * map.h: text keys to pointers. Open addressing with linear probing over a power-of-two table that
 * is at most 3/4 full; removal leaves no tombstones (backward shift). The hash is keyed with
 * random bytes, so names chosen by others cannot pile up in one place. One owner, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
    char *key; /* owned copy; NULL = free */
    uint64_t hash;
    void *value;
};

struct map {
    struct map_slot *slots;
    size_t capacity; /* 0 or a power of two */
    size_t count;
    uint64_t seed;
};

void map_init(struct map *m);
void map_fini(struct map *m);                        /* frees keys; values belong to the caller */
void *map_get(const struct map *m, const char *key); /* NULL: not there */
void map_put(struct map *m, const char *key, void *value); /* replaces; value not NULL */
void *map_remove(struct map *m, const char *key);          /* the value that was there, or NULL */

/* Walks in no order: start with *at = 0; false at the end. The map must not change meanwhile. */
bool map_next(const struct map *m, size_t *at, const char **ret_key, void **ret_value);

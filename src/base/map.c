/* map.c: see map.h. The mixing is FNV-1a over the seed and the key, finished with a 64-bit
 * avalanche so that the low bits, which choose the slot, depend on every byte. */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/mem.h"

static uint64_t map_hash(const struct map *m, const char *key)
{
    uint64_t h = 0xcbf29ce484222325ULL ^ m->seed;
    for (const unsigned char *p = (const unsigned char *)key; *p; p++)
        h = (h ^ *p) * 0x100000001b3ULL;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ULL;
    h ^= h >> 32;
    return h;
}

void map_init(struct map *m)
{
    *m = (struct map){0};
    if (getrandom(&m->seed, sizeof(m->seed), GRND_NONBLOCK) != (ssize_t)sizeof(m->seed))
        m->seed = (uint64_t)(uintptr_t)m; /* early boot: the address is random enough */
}

void map_fini(struct map *m)
{
    for (size_t i = 0; i < m->capacity; i++)
        free(m->slots[i].key);
    free(m->slots);
    *m = (struct map){0};
}

/* The slot that holds key, or the free one where it would go. capacity must not be 0. */
static size_t map_find(const struct map *m, const char *key, uint64_t hash)
{
    size_t mask = m->capacity - 1;
    size_t at = (size_t)hash & mask;
    while (m->slots[at].key && (m->slots[at].hash != hash || strcmp(m->slots[at].key, key) != 0))
        at = (at + 1) & mask;
    return at;
}

static void map_grow(struct map *m)
{
    struct map old = *m;
    m->capacity = old.capacity ? old.capacity * 2 : 16;
    m->slots = mem_array(m->capacity, sizeof(*m->slots));
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].key)
            m->slots[map_find(m, old.slots[i].key, old.slots[i].hash)] = old.slots[i];
    }
    free(old.slots);
}

void *map_get(const struct map *m, const char *key)
{
    if (!m->capacity)
        return NULL;
    return m->slots[map_find(m, key, map_hash(m, key))].value;
}

void map_put(struct map *m, const char *key, void *value)
{
    CHECK(value);
    if ((m->count + 1) * 4 > m->capacity * 3)
        map_grow(m);
    uint64_t hash = map_hash(m, key);
    struct map_slot *slot = &m->slots[map_find(m, key, hash)];
    if (!slot->key) {
        slot->key = mem_string(key);
        slot->hash = hash;
        m->count++;
    }
    slot->value = value;
}

void *map_remove(struct map *m, const char *key)
{
    if (!m->capacity)
        return NULL;
    size_t mask = m->capacity - 1;
    size_t hole = map_find(m, key, map_hash(m, key));
    void *value = m->slots[hole].value;
    if (!m->slots[hole].key)
        return NULL;
    free(m->slots[hole].key);
    m->count--;
    /* Pull back every follower whose home is not between the hole and itself. */
    for (size_t at = (hole + 1) & mask; m->slots[at].key; at = (at + 1) & mask) {
        size_t home = (size_t)m->slots[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            m->slots[hole] = m->slots[at];
            hole = at;
        }
    }
    m->slots[hole] = (struct map_slot){0};
    return value;
}

bool map_next(const struct map *m, size_t *at, const char **ret_key, void **ret_value)
{
    for (; *at < m->capacity; (*at)++) {
        if (m->slots[*at].key) {
            *ret_key = m->slots[*at].key;
            *ret_value = m->slots[*at].value;
            (*at)++;
            return true;
        }
    }
    return false;
}

/*
 * fragments.c: see fragments.h. Sets of four: a packet's set is found by its hash, and a new one
 * takes the place of the oldest there. A wrong match would need the same addresses, protocol and
 * identification within 30 s, which IP itself would put together wrongly.
 */
#include "collect/packet/fragments.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/defs.h"
#include "base/load.h"
#include "base/mem.h"

#define SETS 512 /* a power of two */
#define WAYS 4
#define KEEP_NS (30 * NS_PER_S) /* RFC 1122 asks for 60 to 120 s; most systems keep 30 */

struct entry {
    uint8_t address[2][16];
    uint32_t id;
    uint8_t family, protocol; /* family 0: free */
    uint16_t ports[2];
    int64_t t_ns;
};

struct fragments {
    struct entry set[SETS][WAYS];
    uint64_t seed;
};

struct fragments *fragments_new(void)
{
    struct fragments *t = mem_alloc(sizeof(*t));
    if (getrandom(&t->seed, sizeof(t->seed), GRND_NONBLOCK) != (ssize_t)sizeof(t->seed))
        t->seed = (uint64_t)(uintptr_t)t;
    return t;
}

void fragments_free(struct fragments *t)
{
    free(t);
}

static size_t set_of(const struct fragments *t, const struct packet_layer *l)
{
    uint64_t h = t->seed ^ l->fragment_id ^ (uint64_t)l->protocol << 40;
    for (size_t side = 0; side < 2; side++) {
        for (size_t i = 0; i < (l->family == 4 ? 4U : 16U); i += 4) {
            h = (h ^ load_be32(l->address[side] + i)) * 0xd6e8feb86659fd93ULL;
            h ^= h >> 32;
        }
    }
    return (size_t)(h & (SETS - 1));
}

static bool same(const struct entry *e, const struct packet_layer *l)
{
    size_t bytes = l->family == 4 ? 4 : 16;
    return e->family == l->family && e->protocol == l->protocol && e->id == l->fragment_id &&
           memcmp(e->address[0], l->address[0], bytes) == 0 &&
           memcmp(e->address[1], l->address[1], bytes) == 0;
}

void fragments_put(struct fragments *t, const struct packet_layer *first, int64_t t_ns)
{
    struct entry *set = t->set[set_of(t, first)], *into = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (!set[i].family || same(&set[i], first)) {
            into = &set[i];
            break;
        }
        if (set[i].t_ns < into->t_ns)
            into = &set[i];
    }
    *into = (struct entry){.id = first->fragment_id,
                           .family = first->family,
                           .protocol = first->protocol,
                           .ports = {first->ports[0], first->ports[1]},
                           .t_ns = t_ns};
    for (size_t side = 0; side < 2; side++)
        memcpy(into->address[side], first->address[side], first->family == 4 ? 4 : 16);
}

bool fragments_get(const struct fragments *t, const struct packet_layer *later, int64_t t_ns,
                   uint16_t ret_ports[2])
{
    const struct entry *set = t->set[set_of(t, later)];
    for (size_t i = 0; i < WAYS; i++) {
        if (same(&set[i], later) && t_ns - set[i].t_ns < KEEP_NS && t_ns >= set[i].t_ns) {
            ret_ports[0] = set[i].ports[0];
            ret_ports[1] = set[i].ports[1];
            return true;
        }
    }
    return false;
}

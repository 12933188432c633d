/*
 * processes.c: see processes.h. An array of what was told, found through a lookup by key; places of
 * processes that were not in the map any more are given to others. The map's bound is ours.
 *
 * A process that ended is deleted from the map in the round that tells its last bytes: nothing is
 * added after its end (bpf/ends.h), so none can be lost in between. What another program deleted
 * would begin at zero again: sums that went backwards count from there.
 */
#include "collect/ebpf/processes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/lookup.h"
#include "base/mem.h"
#include "collect/ebpf/maps.h"

#define PORTION 256

struct told {
    struct bpf_process_key key;
    uint64_t rx_bytes, tx_bytes, rx_local_bytes, tx_local_bytes;
    uint32_t round; /* in which it was last in the map; 0: a free place */
    uint32_t next_free;
};

struct processes {
    struct lookup index;
    struct told *told;
    uint32_t top, room;
    uint32_t free; /* the first free place plus one; 0: none */
    uint32_t round;
    uint64_t seed;
    struct bpf_process_key keys[PORTION];
    struct bpf_process values[PORTION];
};

struct processes *processes_new(void)
{
    struct processes *p = mem_alloc(sizeof(*p));
    p->seed = lookup_seed();
    return p;
}

void processes_free(struct processes *p)
{
    if (!p)
        return;
    lookup_fini(&p->index);
    free(p->told);
    free(p);
}

size_t processes_count(const struct processes *p)
{
    return p->index.count;
}

static uint32_t key_hash(const struct processes *p, const struct bpf_process_key *key)
{
    return lookup_hash(lookup_mix(lookup_mix(p->seed, key->start_boot_ns), key->pid));
}

static struct told *find(struct processes *p, const struct bpf_process_key *key)
{
    struct lookup_walk w = lookup_walk(&p->index, key_hash(p, key));
    for (uint32_t n; lookup_next(&w, &n);) {
        if (p->told[n].key.pid == key->pid && p->told[n].key.start_boot_ns == key->start_boot_ns)
            return &p->told[n];
    }
    return NULL;
}

/* NULL: more than the map can have, or no memory: then nothing is told of it in this round. */
static struct told *add(struct processes *p, const struct bpf_process_key *key)
{
    uint32_t n = p->free ? p->free - 1 : p->top;
    if (n >= 2 * BPF_PROCESSES_MAX)
        return NULL;
    if (n == p->room) {
        p->room = p->room ? 2 * p->room : 64;
        p->told = mem_resize(p->told, p->room, sizeof(*p->told));
    }
    if (!lookup_add(&p->index, key_hash(p, key), n))
        return NULL;
    if (p->free)
        p->free = p->told[n].next_free;
    else
        p->top++;
    p->told[n] = (struct told){.key = *key};
    return &p->told[n];
}

static void drop(struct processes *p, uint32_t n)
{
    lookup_remove(&p->index, key_hash(p, &p->told[n].key), n);
    p->told[n] = (struct told){.next_free = p->free};
    p->free = n + 1;
}

/* How much a sum has grown, and remembers it. Sums only grow, unless the entry is another one under
 * the same key. */
static uint64_t grown(uint64_t now, uint64_t *told)
{
    uint64_t by = now >= *told ? now - *told : now;
    *told = now;
    return by;
}

void processes_begin(struct processes *p)
{
    if (++p->round == 0)
        p->round = 1;
}

void processes_take(struct processes *p, const struct bpf_process_key *key,
                    const struct bpf_process *now, const struct processes_sink *sink)
{
    struct told *t = find(p, key);
    if (!t)
        t = add(p, key);
    if (!t || t->round == p->round)
        return;
    t->round = p->round;
    struct bpf_process increment = *now;
    increment.command[sizeof(increment.command) - 1] = '\0';
    increment.rx_bytes = grown(now->rx_bytes, &t->rx_bytes);
    increment.tx_bytes = grown(now->tx_bytes, &t->tx_bytes);
    increment.rx_local_bytes = grown(now->rx_local_bytes, &t->rx_local_bytes);
    increment.tx_local_bytes = grown(now->tx_local_bytes, &t->tx_local_bytes);
    if (increment.rx_bytes || increment.tx_bytes || increment.rx_local_bytes ||
        increment.tx_local_bytes || increment.ended)
        sink->traffic(sink->user, key, &increment);
}

void processes_end(struct processes *p)
{
    for (uint32_t n = 0; n < p->top; n++) {
        if (p->told[n].round && p->told[n].round != p->round)
            drop(p, n);
    }
}

int processes_read(struct processes *p, int map, const struct processes_sink *sink)
{
    struct bpf_walk walk = BPF_WALK_INIT(map);
    processes_begin(p);
    while (!walk.done) {
        uint32_t count;
        int err = bpf_walk_next(&walk, p->keys, p->values, PORTION, &count);
        if (err)
            return err; /* those that were not seen are still told from where they were */
        for (uint32_t i = 0; i < count; i++) {
            /* The kernel copies field by field: its last bytes may have come after they were read
             * and before its end was. */
            bool ended = p->values[i].ended != 0;
            if (ended)
                bpf_map_look_up(map, &p->keys[i], &p->values[i]);
            processes_take(p, &p->keys[i], &p->values[i], sink);
            if (ended)
                bpf_map_delete(map, &p->keys[i]);
        }
    }
    processes_end(p);
    return 0;
}

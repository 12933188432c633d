/*
 * join.c: see join.h. Nearly always both sides have the same label names (a device here, a device
 * there): those are found by a hash of their labels, so that a thousand interfaces cost a thousand
 * look-ups. Only where names differ is one compared with many, of which there is a limit.
 */
#include "alert/join.h"

#include <stdlib.h>
#include <string.h>

#include "base/lookup.h"
#include "base/mem.h"

bool join_agrees(const struct label *a, size_t a_count, const struct label *b, size_t b_count)
{
    for (size_t i = 0, k = 0; i < a_count && k < b_count;) {
        int order = strcmp(a[i].name, b[k].name);
        if (order == 0 && strcmp(a[i].value, b[k].value) != 0)
            return false;
        i += order <= 0;
        k += order >= 0;
    }
    return true;
}

struct side {
    struct slots slots; /* series of the metric */
    uint64_t seed;
    struct lookup index; /* by all labels */
    uint64_t names;      /* hash of the label names, when all have the same ones */
    bool uniform;
};

static uint64_t hash_names(uint64_t seed, const struct series *s)
{
    for (size_t i = 0; i < s->labels_count; i++)
        seed = lookup_mix_bytes(seed, s->labels[i].name, strlen(s->labels[i].name) + 1);
    return seed;
}

static uint32_t hash_labels(uint64_t seed, const struct series *s)
{
    for (size_t i = 0; i < s->labels_count; i++)
        seed = lookup_mix_bytes(seed, s->labels[i].value, strlen(s->labels[i].value) + 1);
    return lookup_hash(hash_names(seed, s));
}

static void side_init(struct side *side, const struct series_set *set, const char *metric)
{
    *side = (struct side){.seed = lookup_seed(), .uniform = true};
    uint32_t capacity = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct series *s = set->slots[i];
        if (!s || strcmp(s->name, metric) != 0)
            continue;
        uint64_t names = hash_names(side->seed, s);
        if (!side->slots.count)
            side->names = names;
        side->uniform &= names == side->names;
        if (side->slots.count == capacity) {
            capacity = MAX(2 * capacity, 16U);
            side->slots.items =
                mem_resize(side->slots.items, capacity, sizeof(side->slots.items[0]));
        }
        side->slots.items[side->slots.count++] = i;
        side->uniform &= lookup_add(&side->index, hash_labels(side->seed, s), i);
    }
}

static void side_fini(struct side *side)
{
    free(side->slots.items);
    lookup_fini(&side->index);
}

/* False: not all that there are. */
static bool slots_add(struct slots *slots, uint32_t slot)
{
    if (slots->count == WATCHLIST_JOIN_MAX)
        return false;
    slots->items = mem_resize(slots->items, slots->count + 1, sizeof(slots->items[0]));
    slots->items[slots->count++] = slot;
    return true;
}

static bool series_agree(const struct series *a, const struct series *b)
{
    return join_agrees(a->labels, a->labels_count, b->labels, b->labels_count);
}

/* False: not all that there are. */
static bool join_one(const struct side *side, const struct series_set *set, const struct series *s,
                     struct slots *ret)
{
    free(ret->items);
    *ret = (struct slots){0};
    if (side->uniform && side->slots.count && hash_names(side->seed, s) == side->names) {
        struct lookup_walk walk = lookup_walk(&side->index, hash_labels(side->seed, s));
        for (uint32_t slot; lookup_next(&walk, &slot);) {
            if (series_agree(s, set->slots[slot]))
                return slots_add(ret, slot);
        }
        return true;
    }
    bool all = side->slots.count <= WATCHLIST_SCAN_MAX;
    for (uint32_t i = 0; i < MIN(side->slots.count, (uint32_t)WATCHLIST_SCAN_MAX); i++) {
        uint32_t slot = side->slots.items[i];
        if (series_agree(s, set->slots[slot]))
            all &= slots_add(ret, slot);
    }
    return all;
}

static void join_rule(struct watchlist *w, struct watch_rule *r)
{
    struct side per, where;
    side_init(&per, w->seen, r->rule->per);
    side_init(&where, w->seen, r->rule->where);
    r->joins_cut = false;
    for (size_t i = 0; i < r->count; i++) {
        struct watched *p = r->items[i];
        r->joins_cut |= !join_one(&per, w->seen, p->series, &p->per);
        r->joins_cut |= !join_one(&where, w->seen, p->series, &p->where);
    }
    side_fini(&per);
    side_fini(&where);
}

void join_all(struct watchlist *w)
{
    for (size_t i = 0; w->seen && i < w->rules_count; i++) {
        struct watch_rule *r = w->rules[i];
        if (r->joins_stale && (*r->rule->per || *r->rule->where))
            join_rule(w, r);
        r->joins_stale = false;
    }
}

/*
 * registry.c: which series exist, and which of them are live.
 *
 * `known` maps the canonical key to every series that is live or remembered. A live one sits in
 * slots[series->live.slot], one that is only remembered in the list `silent`, in the order in which
 * they fell silent. Slots are reused, ids never are. The published series_set is a snapshot of
 * slots, rebuilt on the first request after a change.
 *
 * Both kinds are bounded, for a host may have new names for ever (each container brings a device
 * with a name that never comes again). Live series are at most `limit`: when it is near, those that
 * have been silent longest leave before their time, or the devices of yesterday would keep out
 * those of today. Remembered ones are at most registry_memory: past it the oldest is forgotten. One
 * that somebody refers to (an engine, a tick in a ring) cannot be: its turn comes when it has been
 * let go. A forgotten series that comes back gets a new id; the store shows both ids as one line.
 *
 * Invariants: slots[i] is NULL or its live.slot == i; a series is in `silent` if and only if it has
 * no slot; it holds one reference for `known`, each set holds one more for each of its slots. Core
 * thread only.
 */
#include "model/registry_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"
#include "model/series_internal.h"

#define MEMORY_LEAST 1024
#define FORGET_MOST 1024 /* series looked at in one go */
#define WARM_MOST 4096   /* series: 256 KiB, which a second-level cache has room for */
#define ROOM_SHARE 16    /* one of so many slots is kept free */

struct registry {
    struct map known;
    struct list silent; /* not live, the one that was live last at the end */
    size_t silent_count;
    struct buf key; /* scratch for building keys */
    size_t limit;
    uint32_t next_id;
    struct series **slots;
    uint32_t slots_count, slots_capacity;
    uint32_t free_from; /* no slot below is free */
    uint32_t live;
    bool held; /* a draft is open: its columns are indexed by slot, so no slot may change hands */
    uint64_t refused, evicted;
    uint64_t generation;
    struct series_set *set; /* NULL: must be rebuilt */
};

struct registry *registry_new(size_t limit, uint32_t next_id)
{
    struct registry *r = mem_alloc(sizeof(*r));
    map_init(&r->known);
    list_init(&r->silent);
    r->limit = limit;
    r->next_id = MAX(next_id, 1U);
    return r;
}

void registry_free(struct registry *r)
{
    if (!r)
        return;
    size_t at = 0;
    const char *key;
    void *value;
    while (map_next(&r->known, &at, &key, &value))
        series_unref(value);
    map_fini(&r->known);
    series_set_unref(r->set);
    buf_fini(&r->key);
    free(r->slots);
    free(r);
}

static const char *registry_key(struct registry *r, const char *name, const struct label_set *set)
{
    buf_clear(&r->key);
    series_key_write(&r->key, name, set->labels, set->count);
    return buf_string(&r->key);
}

static bool registry_is_live(const struct series *s)
{
    return s->live.slot != SERIES_NO_SLOT;
}

/* Whether the numbers of the two can stand in one line. They cannot when a series comes from a
 * database of an earlier version, where its name meant something else. */
static bool series_measures(const struct series *s, const struct metric *m)
{
    return s->kind == m->kind && s->scale == m->scale;
}

static void registry_remember(struct registry *r, struct series *s)
{
    s->live.slot = SERIES_NO_SLOT;
    list_append(&r->silent, &s->silent);
    r->silent_count++;
}

static void registry_recall(struct registry *r, struct series *s)
{
    list_remove(&s->silent);
    r->silent_count--;
}

static void registry_forget(struct registry *r, struct series *s)
{
    CHECK(!registry_is_live(s));
    registry_recall(r, s);
    map_remove(&r->known, s->key);
    series_unref(s);
}

size_t registry_memory(const struct registry *r)
{
    return MAX(r->limit, (size_t)MEMORY_LEAST);
}

size_t registry_silent(const struct registry *r)
{
    return r->silent_count;
}

/* Forgets the oldest of those that are too many. Nobody can come by a reference to a series that
 * only the registry refers to, so the count is reliable. */
static void registry_trim(struct registry *r)
{
    for (size_t i = 0; i < FORGET_MOST && r->silent_count > registry_memory(r); i++) {
        struct series *s = LIST_ENTRY(r->silent.next, struct series, silent);
        if (atomic_load_explicit(&s->refs, memory_order_acquire) == 1) {
            registry_forget(r, s);
        } else {
            list_remove(&s->silent);
            list_append(&r->silent, &s->silent);
        }
    }
}

int registry_restore(struct registry *r, uint32_t id, const struct metric *m,
                     const struct label *labels, size_t labels_count, const char *method,
                     bool same_boot, uint64_t absolute, uint64_t source)
{
    struct label_set set;
    int err = label_set_make(&set, labels, labels_count);
    if (err)
        return err;
    const char *key = registry_key(r, m->name, &set);
    struct series *other = map_get(&r->known, key);
    if (other && (registry_is_live(other) || other->id >= id)) {
        err = -EEXIST;
    } else {
        if (other)
            registry_forget(r, other);
        struct series *s = series_make(id, m, &set, key, method);
        s->live.sampled = same_boot;
        s->live.absolute = absolute;
        s->live.source = source;
        map_put(&r->known, key, s);
        registry_remember(r, s);
        registry_trim(r);
    }
    r->next_id = MAX(r->next_id, id + 1);
    label_set_fini(&set);
    return err;
}

static void registry_changed(struct registry *r)
{
    series_set_unref(r->set);
    r->set = NULL;
    r->generation++;
}

bool registry_make_live(struct registry *r, struct series *s)
{
    if (registry_is_live(s))
        return true;
    if (r->live >= r->limit) {
        r->refused++;
        return false;
    }
    uint32_t slot = r->free_from;
    while (slot < r->slots_count && r->slots[slot])
        slot++;
    if (slot == r->slots_capacity) {
        r->slots_capacity = MAX(r->slots_capacity * 2, 256U);
        r->slots = mem_resize(r->slots, r->slots_capacity, sizeof(*r->slots));
    }
    registry_recall(r, s);
    r->slots[slot] = s;
    r->slots_count = MAX(r->slots_count, slot + 1);
    r->free_from = slot + 1;
    r->live++;
    s->live.slot = slot;
    registry_changed(r);
    return true;
}

struct series *registry_get(struct registry *r, const struct metric *m, const struct label *labels,
                            size_t labels_count, const char *method)
{
    struct label_set set;
    if (label_set_make(&set, labels, labels_count) < 0) {
        r->refused++;
        return NULL;
    }
    const char *key = registry_key(r, m->name, &set);
    struct series *s = map_get(&r->known, key);
    bool differs = s && !series_measures(s, m);
    if (differs && !registry_is_live(s)) {
        registry_forget(r, s);
        s = NULL;
    }
    if (!s && r->live < r->limit) {
        s = series_make(r->next_id++, m, &set, key, method);
        map_put(&r->known, key, s);
        registry_remember(r, s); /* until it gets its slot below */
    } else if (differs) {
        s = NULL;
    }
    label_set_fini(&set);
    if (!s) {
        r->refused++;
        return NULL;
    }
    if (!registry_make_live(r, s))
        return NULL;
    atomic_store_explicit(&s->method, method, memory_order_relaxed);
    return s;
}

uint64_t registry_refused(const struct registry *r)
{
    return r->refused;
}

uint64_t registry_evicted(const struct registry *r)
{
    return r->evicted;
}

size_t registry_live(const struct registry *r)
{
    return r->live;
}

uint32_t registry_next_id(const struct registry *r)
{
    return r->next_id;
}

/* Between two ticks other programs have had the caches. All lines at once take about as long as two
 * or three that are waited for one by one. Read, not prefetched: a processor may drop a prefetch
 * whose page it does not know, and most of the waiting is for pages. */
void registry_warm(const struct registry *r)
{
    uint32_t count = MIN(r->slots_count, (uint32_t)WARM_MOST);
    for (uint32_t i = 0; i < count; i++) {
        if (r->slots[i])
            (void)*(volatile const uint32_t *)&r->slots[i]->live.slot;
    }
}

void registry_hold(struct registry *r, bool held)
{
    r->held = held;
}

static void registry_release(struct registry *r, struct series *s)
{
    r->slots[s->live.slot] = NULL;
    r->free_from = MIN(r->free_from, s->live.slot);
    r->live--;
    registry_remember(r, s);
}

/* After series have been released. */
static void registry_released(struct registry *r)
{
    while (r->slots_count && !r->slots[r->slots_count - 1])
        r->slots_count--;
    registry_changed(r);
    registry_trim(r);
}

size_t registry_sweep(struct registry *r, int64_t before_ms)
{
    CHECK(!r->held);
    size_t gone = 0;
    for (uint32_t i = 0; i < r->slots_count; i++) {
        struct series *s = r->slots[i];
        if (!s || s->live.last_ms >= before_ms)
            continue;
        registry_release(r, s);
        gone++;
    }
    if (gone)
        registry_released(r);
    return gone;
}

static int by_silence(const void *a, const void *b)
{
    const struct series *x = *(struct series *const *)a, *y = *(struct series *const *)b;
    if (x->live.last_seq != y->live.last_seq)
        return x->live.last_seq < y->live.last_seq ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* Live series without a sample since the tick; how many. `out` may be NULL. */
static size_t registry_list_silent(const struct registry *r, uint64_t before_seq,
                                   struct series **out)
{
    size_t count = 0;
    for (uint32_t i = 0; i < r->slots_count; i++) {
        struct series *s = r->slots[i];
        if (!s || s->live.last_seq >= before_seq)
            continue;
        if (out)
            out[count] = s;
        count++;
    }
    return count;
}

size_t registry_make_room(struct registry *r, uint64_t before_seq)
{
    CHECK(!r->held);
    size_t wanted = MAX(r->limit / ROOM_SHARE, (size_t)1), free_slots = r->limit - r->live;
    registry_trim(r);
    if (free_slots >= wanted)
        return 0;
    size_t count = registry_list_silent(r, before_seq, NULL);
    if (count == 0)
        return 0;
    struct series **silent = mem_array(count, sizeof(struct series *));
    registry_list_silent(r, before_seq, silent);
    qsort(silent, count, sizeof(struct series *), by_silence);
    count = MIN(count, wanted - free_slots);
    for (size_t i = 0; i < count; i++)
        registry_release(r, silent[i]);
    free(silent);
    registry_released(r);
    r->evicted += count;
    return count;
}

static void series_set_destroy(struct message *msg)
{
    struct series_set *set = CONTAINER_OF(msg, struct series_set, msg);
    for (uint32_t i = 0; i < set->count; i++)
        series_unref(set->slots[i]);
    free(set);
}

struct series_set *series_set_ref(struct series_set *set)
{
    message_ref(&set->msg);
    return set;
}

void series_set_unref(struct series_set *set)
{
    if (set)
        message_unref(&set->msg);
}

struct series_set *registry_set(struct registry *r)
{
    if (r->set)
        return r->set;
    struct series_set *set = mem_alloc(sizeof(*set) + r->slots_count * sizeof(set->slots[0]));
    message_init(&set->msg, series_set_destroy);
    set->generation = r->generation;
    set->count = r->slots_count;
    for (uint32_t i = 0; i < r->slots_count; i++)
        set->slots[i] = r->slots[i] ? series_ref(r->slots[i]) : NULL;
    r->set = set;
    return set;
}

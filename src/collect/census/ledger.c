/*
 * ledger.c: see ledger.h.
 *
 * A group is one name: (process, unit). Processes join and leave it; whether it has a series is
 * decided when its first byte is counted, first come, first served, and stays: moving bytes of the
 * past from one counter to another would make one of them go backwards. A process that gets another
 * name (exec) leaves what it has counted behind and counts for the new name from then on.
 *
 * A group is forgotten when it has no members, no series and no row for its ended; so there are at
 * most as many as processes, series and rows together.
 *
 * The wire counts frames, the rest payload, and both are read at slightly different moments: in one
 * round payload may be more than the wire has seen. What is missing then is taken from the rounds
 * that follow ("carried on"), so that the sum is right and the counter never goes backwards.
 */
#include "collect/census/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/lookup.h"
#include "base/mem.h"

struct wire_side {
    uint64_t last;     /* absolute */
    uint64_t passed;   /* since the last settling */
    uint64_t attached; /* payload counted since then that went over the wire */
    int64_t carry;     /* not positive */
};

struct ledger {
    size_t series_max, folds_max;
    size_t series_count, folds_count;
    uint64_t seed;
    struct lookup by_name;
    struct group *groups;
    size_t groups_count, groups_capacity;
    uint32_t free_from; /* no free place below */
    bool wire_known, wire_read;
    struct wire_side rx, tx;
    struct unattributed unattributed;
};

struct ledger *ledger_new(size_t series_max, size_t folds_max, uint64_t seed)
{
    struct ledger *l = mem_alloc(sizeof(*l));
    l->series_max = series_max;
    l->folds_max = folds_max;
    l->seed = seed;
    uint32_t other = ledger_join(l, "other", "");
    CHECK(other == LEDGER_OTHER);
    return l;
}

void ledger_free(struct ledger *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->groups_count; i++) {
        free(l->groups[i].process);
        free(l->groups[i].unit);
    }
    free(l->groups);
    lookup_fini(&l->by_name);
    free(l);
}

/* ---- names --------------------------------------------------------------------------------- */

static uint32_t name_hash(const struct ledger *l, const char *process, const char *unit)
{
    uint64_t h = lookup_mix_bytes(l->seed, process, strlen(process));
    return lookup_hash(lookup_mix_bytes(h, unit, strlen(unit)));
}

static uint32_t ledger_place(struct ledger *l)
{
    uint32_t at = l->free_from;
    while (at < l->groups_count && l->groups[at].process)
        at++;
    if (at == l->groups_capacity) {
        l->groups_capacity = MAX(l->groups_capacity * 2, (size_t)16);
        l->groups = mem_resize(l->groups, l->groups_capacity, sizeof(*l->groups));
    }
    l->groups_count = MAX(l->groups_count, (size_t)at + 1);
    l->free_from = at + 1;
    return at;
}

uint32_t ledger_join(struct ledger *l, const char *process, const char *unit)
{
    uint32_t hash = name_hash(l, process, unit), number;
    struct lookup_walk walk = lookup_walk(&l->by_name, hash);
    while (lookup_next(&walk, &number)) {
        struct group *g = &l->groups[number];
        if (strcmp(g->process, process) == 0 && strcmp(g->unit, unit) == 0) {
            g->members++;
            return number;
        }
    }
    number = ledger_place(l);
    if (!lookup_add(&l->by_name, hash, number)) {
        /* No memory: the place stays free, and the bytes are not lost. */
        l->groups[number] = (struct group){0};
        l->free_from = MIN(l->free_from, number);
        l->groups[LEDGER_OTHER].members++;
        return LEDGER_OTHER;
    }
    l->groups[number] = (struct group){
        .process = mem_string(process),
        .unit = mem_string(unit),
        .members = 1,
        .hash = hash,
        .series = -1,
    };
    return number;
}

void ledger_leave(struct ledger *l, uint32_t group)
{
    struct group *g = &l->groups[group];
    CHECK(group < l->groups_count && g->members > 0);
    g->members--;
    if (g->members || g->series >= 0 || g->fold_id || group == LEDGER_OTHER)
        return;
    lookup_remove(&l->by_name, g->hash, group);
    free(g->process);
    free(g->unit);
    *g = (struct group){0};
    l->free_from = MIN(l->free_from, group);
}

size_t ledger_groups(const struct ledger *l)
{
    return l->groups_count;
}

const struct group *ledger_group(const struct ledger *l, size_t index)
{
    CHECK(index < l->groups_count);
    return l->groups[index].process ? &l->groups[index] : NULL;
}

size_t ledger_series(const struct ledger *l)
{
    return l->series_count;
}

/* ---- bytes --------------------------------------------------------------------------------- */

/*
 * How much of rx stayed on loopback, where only the sum of both directions is known: at least what
 * tx cannot account for, at most all of it, and the middle of that. Over all processes together the
 * errors cancel, because what one end sends on loopback another one receives.
 */
static uint64_t local_part_of_rx(const struct amounts *a)
{
    uint64_t least = a->local > a->tx ? a->local - a->tx : 0;
    uint64_t most = MIN(a->rx, a->local);
    least = MIN(least, most);
    return least + (most - least) / 2;
}

void ledger_count(struct ledger *l, uint32_t group, const struct amounts *increment)
{
    CHECK(group < l->groups_count && l->groups[group].process);
    if (!increment->rx && !increment->tx && !increment->resent)
        return;
    struct group *g = &l->groups[group];
    if (g->series < 0 && group != LEDGER_OTHER && l->series_count <= l->series_max) {
        /* One number more than series_max is for "other". */
        bool other_has = l->groups[LEDGER_OTHER].series >= 0;
        if (l->series_count - other_has < l->series_max)
            g->series = (int32_t)l->series_count++;
    }
    if (g->series < 0) {
        g = &l->groups[LEDGER_OTHER];
        if (g->series < 0)
            g->series = (int32_t)l->series_count++;
    }
    g->rx += increment->rx;
    g->tx += increment->tx;
    g->resent += increment->resent;

    uint64_t rx_local = local_part_of_rx(increment);
    uint64_t tx_local = MIN(increment->local - MIN(rx_local, increment->local), increment->tx);
    l->rx.attached += increment->rx - rx_local;
    l->tx.attached += increment->tx - tx_local;
}

void ledger_fold(struct ledger *l, uint32_t group, const struct amounts *all, const char *method,
                 uint64_t *next_id)
{
    CHECK(group < l->groups_count && l->groups[group].process);
    if (!all->rx && !all->tx && !all->resent)
        return;
    struct group *g = &l->groups[group];
    if (!g->fold_id && l->folds_count >= l->folds_max)
        g = &l->groups[LEDGER_OTHER];
    if (!g->fold_id) {
        g->fold_id = (*next_id)++;
        l->folds_count += g != &l->groups[LEDGER_OTHER];
    }
    g->fold.rx += all->rx;
    g->fold.tx += all->tx;
    g->fold.local += all->local;
    g->fold.resent += all->resent;
    g->method = method;
}

/* ---- the wire ------------------------------------------------------------------------------ */

static void side_pass(struct wire_side *side, uint64_t now)
{
    if (now > side->last)
        side->passed += now - side->last;
    side->last = now;
}

void ledger_wire(struct ledger *l, uint64_t rx, uint64_t tx)
{
    if (!l->wire_known) {
        l->rx = (struct wire_side){.last = rx};
        l->tx = (struct wire_side){.last = tx};
        l->wire_known = true;
        return;
    }
    side_pass(&l->rx, rx);
    side_pass(&l->tx, tx);
    l->wire_read = true;
}

static uint64_t side_settle(struct wire_side *side)
{
    int64_t rest = (int64_t)(side->passed - side->attached) + side->carry;
    side->passed = side->attached = 0;
    side->carry = MIN(rest, (int64_t)0);
    return rest > 0 ? (uint64_t)rest : 0;
}

void ledger_settle(struct ledger *l)
{
    if (!l->wire_read)
        return; /* what was counted waits for the wire */
    l->wire_read = false;
    l->unattributed.known = true;
    l->unattributed.rx += side_settle(&l->rx);
    l->unattributed.tx += side_settle(&l->tx);
}

const struct unattributed *ledger_unattributed(const struct ledger *l)
{
    return &l->unattributed;
}

/*
 * others.h: a page of metrics that has room for `limit` samples when there are more: families with
 * many series keep their largest, and the rest of each is summed up into one series (a histogram:
 * into one of each part) whose labels all have the value "other".
 *
 * The core thread keeps the books, tick by tick, so that every page shows the same whichever thread
 * makes it. A counter of others grows by what its members counted in a tick, whoever is a member
 * then, so it never falls while the program runs. It begins as the sum of its first members.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/message.h"
#include "model/tick.h"

/* Who is folded into what: frozen, shared by ticks. */
struct others_plan {
    struct message msg;
    uint32_t slots;
    bool *folded; /* by slot */
    size_t sums_count;
    struct others_sum {
        char *key;    /* name{label="other"} */
        char *family; /* a histogram's: without _bucket, _sum, _count */
    } * sums;         /* in the order of families.h */
};

/* Of one tick, which owns it. */
struct tick_others {
    struct message msg;
    struct others_plan *plan; /* a reference */
    size_t folded_count;      /* samples of this tick */
    double values[];          /* by sum; NAN: no member was sampled */
};

static inline bool others_has(const struct tick_others *o, uint32_t slot)
{
    return o && slot < o->plan->slots && o->plan->folded[slot];
}

/* The rest on the core thread. */
struct others;

struct others *others_new(size_t limit);
void others_free(struct others *o); /* NULL allowed */

/* Every tick once, before it is shared; sets its `others` when it has too many samples. */
void others_fold(struct others *o, struct tick *t);

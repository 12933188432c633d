/*
 * timings.c: see timings.h. Every series costs each tick something, and history some bytes for
 * ever, so the bounds are few: those of performance.c, which tell good from bad. Quantiles that are
 * exact to 3 % are in the channel `performance`.
 */
#include "daemon/timings.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

enum part { PART_BUCKET, PART_SUM, PART_COUNT, PARTS };
enum family { FAMILY_STAGE, FAMILY_DELIVERY, FAMILIES };

#define STAGE_HELP "Time that a stage of a tick took."
#define DELIVERY_HELP                                                                              \
    "Time from reading a tick to a viewer's word that it has it, the way back included."

static const struct metric metrics[FAMILIES][PARTS] = {
    [FAMILY_STAGE] = {{"netsonde_stage_seconds_bucket", "times", STAGE_HELP, METRIC_COUNTER, 1},
                      {"netsonde_stage_seconds_sum", "seconds", STAGE_HELP, METRIC_COUNTER, 1e-9},
                      {"netsonde_stage_seconds_count", "times", STAGE_HELP, METRIC_COUNTER, 1}},
    [FAMILY_DELIVERY] =
        {{"netsonde_server_delivery_seconds_bucket", "times", DELIVERY_HELP, METRIC_COUNTER, 1},
         {"netsonde_server_delivery_seconds_sum", "seconds", DELIVERY_HELP, METRIC_COUNTER, 1e-9},
         {"netsonde_server_delivery_seconds_count", "times", DELIVERY_HELP, METRIC_COUNTER, 1}},
};

const struct metric *timings_metric_at(size_t index, const char **ret_labels)
{
    static const char *const labels[FAMILIES][PARTS] = {{"le,stage", "stage", "stage"},
                                                        {"le", "", ""}};
    if (index >= FAMILIES * PARTS)
        return NULL;
    *ret_labels = labels[index / PARTS][index % PARTS];
    return &metrics[index / PARTS][index % PARTS];
}

/* The series of one histogram; NULL while the registry is full. */
struct one {
    const struct timing *timing;
    enum family family;
    const char *stage; /* NULL: no such label */
    struct series *buckets[TIMING_BOUNDS_MAX + 1];
    struct series *sum, *count;
};

struct timings {
    struct one all[STAGES + 1];
};

struct timings *timings_new(const struct performance *performance)
{
    struct timings *t = mem_alloc(sizeof(*t));
    for (int s = 0; s < STAGES; s++)
        t->all[s] = (struct one){.timing = &performance->stages[s],
                                 .family = FAMILY_STAGE,
                                 .stage = stage_name((enum stage)s)};
    t->all[STAGES] = (struct one){.timing = &performance->delivery, .family = FAMILY_DELIVERY};
    return t;
}

/* Gets what is missing; le: NULL for the parts that have none. */
static void one_find(struct registry *registry, const struct one *o, enum part part, const char *le,
                     struct series **series)
{
    struct label labels[2];
    size_t count = 0;
    if (*series)
        return;
    if (le)
        labels[count++] = (struct label){"le", le};
    if (o->stage)
        labels[count++] = (struct label){"stage", o->stage};
    *series = registry_get(registry, &metrics[o->family][part], labels, count, "self");
    if (*series)
        series_ref(*series);
}

static void one_find_all(struct registry *registry, struct one *o)
{
    const struct timing_bounds *bounds = o->timing->bounds;
    for (size_t i = 0; i < bounds->count; i++) {
        char le[32];
        snprintf(le, sizeof(le), "%g", (double)bounds->ns[i] / (double)NS_PER_S);
        one_find(registry, o, PART_BUCKET, le, &o->buckets[i]);
    }
    one_find(registry, o, PART_BUCKET, "+Inf", &o->buckets[bounds->count]);
    one_find(registry, o, PART_SUM, NULL, &o->sum);
    one_find(registry, o, PART_COUNT, NULL, &o->count);
}

void timings_sample(struct timings *t, struct registry *registry, struct draft *draft)
{
    uint64_t source = (uint64_t)getpid(); /* counts of one run, as in self.c */
    for (size_t k = 0; k < ARRAY_LEN(t->all); k++) {
        struct one *o = &t->all[k];
        uint64_t within = 0;
        size_t i = 0;
        if (!o->count)
            one_find_all(registry, o);
        for (; i < o->timing->bounds->count; i++) {
            within += o->timing->within[i];
            draft_counter(draft, o->buckets[i], within, source);
        }
        draft_counter(draft, o->buckets[i], o->timing->count, source);
        draft_counter(draft, o->sum, o->timing->sum_ns, source);
        draft_counter(draft, o->count, o->timing->count, source);
    }
}

void timings_free(struct timings *t)
{
    if (!t)
        return;
    for (size_t k = 0; k < ARRAY_LEN(t->all); k++) {
        for (size_t i = 0; i < ARRAY_LEN(t->all[k].buckets); i++)
            series_unref(t->all[k].buckets[i]);
        series_unref(t->all[k].sum);
        series_unref(t->all[k].count);
    }
    free(t);
}

/*
 * bank.c: a detector for every slot of the ticks.
 *
 * One array, a struct of four cache lines per slot, walked in order once a tick, so that the memory
 * of the next one is on its way while this one is being looked at. A slot knows the id of its
 * series: when the registry gives the slot to another, the detector begins anew. The seasonal part
 * is an allocation of its own and only there for series whose past somebody taught.
 *
 * What all series share (struct detector_tuning) is made again when the interval or the number of
 * watched series changes; what the detectors have learned stays.
 */
#include "detect/bank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "detect/detector.h"

#define ANOMALOUS 0.99f

struct bank_slot {
    struct detector_state state;
    struct seasonal *seasonal; /* NULL: none */
};

_Static_assert(sizeof(struct bank_slot) <= BANK_BYTES_MAX, "memory per series");
_Static_assert(sizeof(struct bank_slot) + sizeof(struct seasonal) <= BANK_SEASONAL_BYTES_MAX,
               "memory per series with seasonality");

struct bank {
    struct bank_settings settings;
    struct detector_tuning tuning;
    int64_t interval_ms; /* of the tuning */
    size_t watched, anomalous;
    uint32_t count;
    struct bank_slot *slots;
};

size_t bank_bytes(bool seasonal)
{
    return sizeof(struct bank_slot) + (seasonal ? sizeof(struct seasonal) : 0);
}

struct bank *bank_new(const struct bank_settings *settings)
{
    struct bank *b = mem_alloc(sizeof(*b));
    b->settings = *settings;
    b->watched = 1;
    return b;
}

void bank_free(struct bank *b)
{
    if (!b)
        return;
    for (uint32_t i = 0; i < b->count; i++)
        free(b->slots[i].seasonal);
    free(b->slots);
    free(b);
}

void bank_watch(struct bank *b, size_t series)
{
    if (series == b->watched)
        return;
    b->watched = series;
    b->interval_ms = 0; /* tunes at the next tick */
}

static void slot_begin(struct bank_slot *slot, uint32_t id)
{
    free(TAKE(slot->seasonal));
    detector_begin(&slot->state);
    slot->state.id = id;
}

static void bank_make_room(struct bank *b, uint32_t count)
{
    if (count <= b->count)
        return;
    b->slots = mem_resize(b->slots, count, sizeof(*b->slots));
    memset(b->slots + b->count, 0, (count - b->count) * sizeof(*b->slots));
    for (uint32_t i = b->count; i < count; i++)
        detector_begin(&b->slots[i].state);
    b->count = count;
}

void bank_step(struct bank *b, const struct tick *t)
{
    if (t->interval_ms != b->interval_ms) {
        b->interval_ms = t->interval_ms;
        detector_tune(&b->tuning, &b->settings, t->interval_ms, b->watched);
    }
    bank_make_room(b, t->count);
    double per_s = t->elapsed_ns > 0 ? (double)NS_PER_S / (double)t->elapsed_ns : 0;
    b->anomalous = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        const struct series *s = t->set->slots[i];
        struct bank_slot *slot = &b->slots[i];
        if (!s) {
            if (slot->state.id)
                slot_begin(slot, 0);
            continue;
        }
        if (s->id != slot->state.id)
            slot_begin(slot, s->id);
        double x = NAN, quantum = 0;
        if (s->kind == METRIC_COUNTER) {
            quantum = s->scale * per_s;
            if (t->state[i] == SAMPLE_OK && per_s > 0)
                x = (double)t->value[i].increment * quantum;
        } else if (t->state[i] == SAMPLE_OK) {
            x = t->value[i].gauge;
        }
        detector_advance(&slot->state, &b->tuning, x, quantum, slot->seasonal, t->t_ms);
        b->anomalous += slot->state.score > ANOMALOUS || slot->state.alarm != 0;
    }
}

struct verdict bank_verdict(const struct bank *b, uint32_t slot)
{
    if (slot >= b->count || !b->slots[slot].state.id)
        return (struct verdict){NAN, NAN, NAN, NAN, 0};
    return detector_verdict(&b->slots[slot].state, b->slots[slot].seasonal);
}

size_t bank_anomalous(const struct bank *b)
{
    return b->anomalous;
}

void bank_learn_hour(struct bank *b, uint32_t slot, int64_t hour_ms, double mean, double sigma)
{
    if (slot >= b->count || !b->slots[slot].state.id)
        return;
    struct bank_slot *s = &b->slots[slot];
    if (!s->seasonal) {
        s->seasonal = mem_alloc(sizeof(*s->seasonal));
        seasonal_begin(s->seasonal);
    }
    seasonal_learn(s->seasonal, hour_ms, mean, sigma);
}

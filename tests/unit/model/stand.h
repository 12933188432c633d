/*
 * stand.h: a registry, a draft and a clock that moves only when told to. One tick at a time:
 * stand_begin, sample, stand_seal; the tick stays readable until the next stand_seal.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "model/tick.h"

#define STAND_T0_MS INT64_C(1764000000000)

static const struct metric stand_counter = {"test_bytes_total", "bytes", "Counts what a test says.",
                                            METRIC_COUNTER, 1};
static const struct metric stand_gauge = {"test_level", "", "Is what a test says.", METRIC_GAUGE,
                                          1};

struct stand {
    struct registry *registry;
    struct draft *draft;
    uint64_t seq, next_event;
    int64_t t_ms;
    struct tick *tick; /* the last one sealed */
};

static inline struct stand stand_new(size_t limit)
{
    struct stand s = {.t_ms = STAND_T0_MS, .next_event = 1};
    s.registry = registry_new(limit, 1);
    s.draft = draft_new(s.registry);
    return s;
}

static inline void stand_free(struct stand *s)
{
    tick_unref(s->tick);
    draft_free(s->draft);
    registry_free(s->registry);
}

/* The next tick, `elapsed_ms` after the one before. */
static inline void stand_begin_after(struct stand *s, int64_t elapsed_ms)
{
    s->seq++;
    s->t_ms += elapsed_ms;
    draft_begin(s->draft, s->seq, s->t_ms, s->seq == 1 ? 0 : elapsed_ms * NS_PER_MS,
                s->t_ms * NS_PER_MS, 1000);
}

static inline void stand_begin(struct stand *s)
{
    stand_begin_after(s, 1000);
}

static inline const struct tick *stand_seal(struct stand *s)
{
    tick_unref(s->tick);
    s->tick = draft_seal(s->draft, s->t_ms * NS_PER_MS + 5, &s->next_event);
    assert_non_null(s->tick);
    return s->tick;
}

/* The series of `metric` with the one label device. Borrowed from the registry. */
static inline struct series *stand_series(struct stand *s, const struct metric *metric,
                                          const char *device)
{
    const struct label label = {"device", device};
    return registry_get(s->registry, metric, &label, 1, "test");
}

static inline struct series *stand_numbered(struct stand *s, const struct metric *metric,
                                            unsigned number)
{
    char device[16];
    snprintf(device, sizeof(device), "dev%u", number);
    return stand_series(s, metric, device);
}

/* One whole tick in which one counter is sampled. */
static inline const struct tick *stand_count(struct stand *s, struct series *series,
                                             uint64_t absolute, uint64_t source)
{
    stand_begin(s);
    draft_counter(s->draft, series, absolute, source);
    return stand_seal(s);
}

#define assert_sample(sealed, series, want_state, want_increment)                                  \
    do {                                                                                           \
        const struct tick *tick_ = (sealed);                                                       \
        uint32_t slot_ = (series)->live.slot;                                                      \
        assert_true(slot_ < tick_->count);                                                         \
        assert_ptr_equal(tick_->set->slots[slot_], series);                                        \
        assert_int_equal(tick_->state[slot_], want_state);                                         \
        assert_int_equal(tick_->value[slot_].increment, want_increment);                           \
    } while (0)

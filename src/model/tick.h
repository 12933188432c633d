/*
 * tick.h: everything that one interval brought, sealed and shared.
 *
 * Collectors fill a draft (core thread); tick_seal turns it into an immutable, counted tick that
 * store, hub and readers hold for as long as they like. Columns are indexed by series slot.
 *
 *   state[slot]  ABSENT   not sampled in this tick
 *                OK       value is the increment over elapsed_ns (counter) or the gauge
 *                GAP      counter sampled, but no honest rate: first sample, after an absence, a
 *                         reset or a restart. Its increment (often 0) still counts in sums.
 */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/defs.h"
#include "model/event.h"
#include "model/message.h"
#include "model/series.h"
#include "model/table.h"

enum sample_state { SAMPLE_ABSENT = 0, SAMPLE_OK = 1, SAMPLE_GAP = 2 };

union sample {
    uint64_t increment; /* counters, in counts (multiply by series->scale) */
    double gauge;
};

struct tick {
    struct message msg;
    uint64_t seq;         /* grows by one or more per tick, across restarts; never 0 */
    int64_t t_ms;         /* wall time of the grid point */
    int64_t elapsed_ns;   /* monotonic time since the tick before; 0 for the first of a run */
    int64_t read_mono_ns; /* when collecting began: the age of the data */
    int64_t sealed_mono_ns;
    int64_t interval_ms; /* configured */
    struct series_set *set;
    uint32_t count; /* = set->count */
    uint8_t *state; /* enum sample_state */
    union sample *value;
    uint64_t *absolute; /* counters only: the kernel's number */
    uint64_t *source;   /* counters only: who counted, see draft_counter */
    size_t events_count;
    struct event **events;
    struct table *tables[TABLE_KINDS]; /* NULL: not collected in this tick */
    struct tick *bare;                 /* this tick without tables; NULL: it has none */
    struct tick_others *others;        /* what a page folds; NULL: nothing. The bare tick owns it */
};

struct tick *tick_ref(struct tick *t);
void tick_unref(struct tick *t); /* NULL allowed */

/* The tick without its tables, for whoever keeps more than one: a table may have 25 MB, and only
 * the newest of each kind is of use. The tick itself when it has none. Borrowed. */
struct tick *tick_bare(struct tick *t);

/* Once, before it is shared; takes the reference. */
void tick_set_others(struct tick *t, struct tick_others *others);

/* A table and the tick that brought it, for whoever keeps the newest. */
struct tick_table {
    struct message msg;
    struct table *table;
    uint64_t seq;
    int64_t t_ms;
};

struct tick_table *tick_table_new(const struct tick *t, enum table_kind kind); /* one reference */
struct tick_table *tick_table_ref(struct tick_table *t);
void tick_table_unref(struct tick_table *t); /* NULL allowed */

/* Memory of a tick without its tables and the events' texts. */
size_t tick_bytes(uint32_t series_count, size_t events_count);

/* A counter's mean rate per second in its unit, a gauge's value; NAN when there is none. */
static inline double tick_shown(const struct tick *t, uint32_t slot)
{
    const struct series *s = t->set->slots[slot];
    if (t->state[slot] != SAMPLE_OK)
        return NAN;
    if (s->kind == METRIC_GAUGE)
        return t->value[slot].gauge;
    return t->elapsed_ns > 0 ? (double)t->value[slot].increment * s->scale * (double)NS_PER_S /
                                   (double)t->elapsed_ns
                             : NAN;
}

/* The kernel's absolute value (counter * scale) or the gauge; NAN when not sampled. */
static inline double tick_absolute(const struct tick *t, uint32_t slot)
{
    const struct series *s = t->set->slots[slot];
    if (t->state[slot] == SAMPLE_ABSENT)
        return NAN;
    return s->kind == METRIC_GAUGE ? t->value[slot].gauge : (double)t->absolute[slot] * s->scale;
}

/* ---- the draft: core thread only -------------------------------------------------------- */

struct draft;

struct draft *draft_new(struct registry *r); /* borrows the registry */
void draft_free(struct draft *d);

/* Begins a tick. seq must be larger than the one before. */
void draft_begin(struct draft *d, uint64_t seq, int64_t t_ms, int64_t elapsed_ns,
                 int64_t read_mono_ns, int64_t interval_ms);

/*
 * `source` names the object that counts (e.g. an interface index): when it differs from the last
 * sample's, the numbers are not comparable and a gap is marked. A counter that went backwards is
 * a wrap at 32 bits, and counts on, when that makes an increment in line with the one before (at
 * most four times as large); anything else is a reset: gap, increment 0. s may be NULL (registry
 * full): nothing happens. A series sampled twice in a tick keeps the last value; a counter's
 * increments add up.
 */
void draft_counter(struct draft *d, struct series *s, uint64_t absolute, uint64_t source);
void draft_gauge(struct draft *d, struct series *s, double value); /* NaN and infinities: absent */
void draft_event(struct draft *d, struct event *e);                /* takes the reference */
void draft_table(struct draft *d, struct table *t); /* takes; replaces one of the same kind */

/* Ends it and numbers its events from *next_event_seq on. One reference to the caller; NULL when
 * memory is refused (the tick is lost, counted by the caller). */
struct tick *draft_seal(struct draft *d, int64_t now_mono_ns, uint64_t *next_event_seq);

/* ---- a bounded ring of recent ticks: one owner thread ------------------------------------ */

struct tick_ring;

/* Holds at most `ticks` ticks and about `bytes` of them, without their tables; of these, the newest
 * of each kind. */
struct tick_ring *tick_ring_new(size_t ticks, size_t bytes);
void tick_ring_free(struct tick_ring *ring);
void tick_ring_push(struct tick_ring *ring, struct tick *t); /* takes its own reference */
size_t tick_ring_count(const struct tick_ring *ring);
/* index 0 is the oldest; borrowed. */
struct tick *tick_ring_at(const struct tick_ring *ring, size_t index);
struct tick *tick_ring_newest(const struct tick_ring *ring); /* NULL when empty */
/* The newest table of a kind that a tick brought; NULL: none yet. Borrowed until the next push. */
struct tick_table *tick_ring_table(const struct tick_ring *ring, enum table_kind kind);
/* Index of the first tick with seq > after; tick_ring_count when none. */
size_t tick_ring_after(const struct tick_ring *ring, uint64_t after);

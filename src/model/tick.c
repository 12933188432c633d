/*
 * tick.c: from samples to a sealed tick.
 *
 * The draft keeps one row of columns that lives as long as the draft and grows with the registry,
 * so sampling allocates nothing once every series has been seen. Sealing copies the columns into
 * one block of memory: header, values, absolutes, sources, states. What a counter counted last is
 * kept in the series itself (series->live), which is why a draft and its registry belong to one
 * thread.
 *
 * A tick with tables is a second, small struct in front of the one that has the columns (`bare`):
 * rings keep hundreds of the latter, while tables go as soon as nobody reads them.
 */
#include "model/tick.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "model/others.h"
#include "model/registry_internal.h"

#define DRAFT_EVENTS_MAX 1024 /* a tick's events; more are counted in one loss event */

struct draft {
    struct registry *registry;
    uint64_t seq, previous_seq;
    int64_t t_ms, elapsed_ns, read_mono_ns, interval_ms;
    uint32_t capacity;
    uint8_t *state;
    union sample *value;
    uint64_t *absolute, *source;
    size_t events_count, events_dropped;
    struct event *events[DRAFT_EVENTS_MAX];
    struct table *tables[TABLE_KINDS];
};

struct draft *draft_new(struct registry *r)
{
    struct draft *d = mem_alloc(sizeof(*d));
    d->registry = r;
    return d;
}

static void draft_drop_attachments(struct draft *d)
{
    for (size_t i = 0; i < d->events_count; i++)
        event_unref(d->events[i]);
    for (size_t i = 0; i < TABLE_KINDS; i++)
        table_unref(TAKE(d->tables[i]));
    d->events_count = 0;
    d->events_dropped = 0;
}

void draft_free(struct draft *d)
{
    if (!d)
        return;
    draft_drop_attachments(d);
    free(d->state);
    free(d->value);
    free(d->absolute);
    free(d->source);
    free(d);
}

void draft_begin(struct draft *d, uint64_t seq, int64_t t_ms, int64_t elapsed_ns,
                 int64_t read_mono_ns, int64_t interval_ms)
{
    CHECK(seq > d->seq);
    registry_hold(d->registry, true);
    registry_warm(d->registry);
    d->previous_seq = d->seq;
    d->seq = seq;
    d->t_ms = t_ms;
    d->elapsed_ns = elapsed_ns;
    d->read_mono_ns = read_mono_ns;
    d->interval_ms = interval_ms;
    if (d->capacity)
        memset(d->state, SAMPLE_ABSENT, d->capacity);
}

static bool draft_make_room(struct draft *d, struct series *s)
{
    if (!s || !registry_make_live(d->registry, s))
        return false;
    uint32_t slot = s->live.slot;
    if (slot < d->capacity)
        return true;
    uint32_t capacity = MAX(slot + 1, d->capacity + d->capacity / 2 + 64);
    d->state = mem_resize(d->state, capacity, sizeof(*d->state));
    d->value = mem_resize(d->value, capacity, sizeof(*d->value));
    d->absolute = mem_resize(d->absolute, capacity, sizeof(*d->absolute));
    d->source = mem_resize(d->source, capacity, sizeof(*d->source));
    memset(d->state + d->capacity, SAMPLE_ABSENT, capacity - d->capacity);
    d->capacity = capacity;
    return true;
}

/* Whether the series has a slot with room in the columns. False: the registry is full. */
static inline bool draft_has_slot(struct draft *d, struct series *s)
{
    /* No slot at all is a slot beyond any capacity. */
    return (s && s->live.slot < d->capacity) || draft_make_room(d, s);
}

/* The increment from one absolute value to the next. False: the counter started over. */
static bool counter_step(uint64_t before, uint64_t now, uint64_t last_increment, uint64_t *ret)
{
    const uint64_t wrap = UINT64_C(1) << 32;
    if (now >= before) {
        *ret = now - before;
        return true;
    }
    if (before < wrap && now + (wrap - before) <= 4 * MIN(last_increment, wrap)) {
        *ret = now + (wrap - before);
        return true;
    }
    *ret = 0;
    return false;
}

void draft_counter(struct draft *d, struct series *s, uint64_t absolute, uint64_t source)
{
    if (!draft_has_slot(d, s))
        return;
    CHECK(s->kind == METRIC_COUNTER);

    const uint32_t slot = s->live.slot;
    bool again = s->live.last_seq == d->seq && d->state[slot] != SAMPLE_ABSENT;
    uint64_t increment = 0;
    bool comparable = s->live.sampled && s->live.source == source &&
                      counter_step(s->live.absolute, absolute, s->live.increment, &increment);
    /* Only an unbroken run of ticks of this run has an honest time to divide by. */
    bool follows = again ? d->state[slot] == SAMPLE_OK
                         : d->previous_seq != 0 && s->live.last_seq == d->previous_seq;

    d->value[slot].increment = (again ? d->value[slot].increment : 0) + increment;
    d->state[slot] = comparable && follows ? SAMPLE_OK : SAMPLE_GAP;
    d->absolute[slot] = absolute;
    d->source[slot] = source;

    s->live.sampled = true;
    s->live.absolute = absolute;
    s->live.increment = d->value[slot].increment; /* the whole tick's */
    s->live.source = source;
    s->live.last_seq = d->seq;
    s->live.last_ms = d->t_ms;
}

void draft_gauge(struct draft *d, struct series *s, double value)
{
    if (!isfinite(value) || !draft_has_slot(d, s))
        return;
    CHECK(s->kind == METRIC_GAUGE);
    const uint32_t slot = s->live.slot;
    d->value[slot].gauge = value;
    d->absolute[slot] = 0;
    d->source[slot] = 0;
    d->state[slot] = SAMPLE_OK;
    s->live.last_seq = d->seq;
    s->live.last_ms = d->t_ms;
}

void draft_event(struct draft *d, struct event *e)
{
    /* The last place is kept for the event that tells how many found no place. */
    if (d->events_count >= DRAFT_EVENTS_MAX - 1) {
        d->events_dropped++;
        event_unref(e);
        return;
    }
    d->events[d->events_count++] = e;
}

void draft_table(struct draft *d, struct table *t)
{
    enum table_kind kind = t->schema->kind;
    table_unref(d->tables[kind]);
    d->tables[kind] = t;
}

static void tick_destroy(struct message *msg)
{
    struct tick *t = CONTAINER_OF(msg, struct tick, msg);
    for (size_t i = 0; i < TABLE_KINDS; i++)
        table_unref(t->tables[i]);
    if (t->bare) { /* which owns all the rest */
        tick_unref(t->bare);
    } else {
        for (size_t i = 0; i < t->events_count; i++)
            event_unref(t->events[i]);
        series_set_unref(t->set);
        message_unref(t->others ? &t->others->msg : NULL);
    }
    free(t);
}

size_t tick_bytes(uint32_t series_count, size_t events_count)
{
    return sizeof(struct tick) + events_count * sizeof(struct event *) +
           series_count * (sizeof(union sample) + 2 * sizeof(uint64_t) + sizeof(uint8_t));
}

static bool draft_has_tables(const struct draft *d)
{
    for (size_t i = 0; i < TABLE_KINDS; i++) {
        if (d->tables[i])
            return true;
    }
    return false;
}

/* Moves the draft's tables into a tick around `bare`, which it takes. */
static struct tick *draft_attach(struct draft *d, struct tick *t, struct tick *bare)
{
    *t = *bare;
    message_init(&t->msg, tick_destroy);
    t->bare = bare;
    memcpy(t->tables, d->tables, sizeof(t->tables));
    memset(d->tables, 0, sizeof(d->tables));
    return t;
}

struct tick *draft_seal(struct draft *d, int64_t now_mono_ns, uint64_t *next_event_seq)
{
    if (d->events_dropped) {
        struct event *e = event_new(EVENT_LOSS, d->t_ms);
        event_text(e, "what", "events");
        event_number(e, "count", (double)d->events_dropped);
        d->events[d->events_count++] = e;
    }
    registry_hold(d->registry, false);
    struct series_set *set = registry_set(d->registry);
    uint32_t count = set->count;
    struct tick *t = malloc(tick_bytes(count, d->events_count));
    struct tick *with_tables = t && draft_has_tables(d) ? malloc(sizeof(*t)) : NULL;
    if (!t || (draft_has_tables(d) && !with_tables)) {
        free(t);
        draft_drop_attachments(d);
        return NULL;
    }
    for (size_t i = 0; i < d->events_count; i++)
        d->events[i]->seq = (*next_event_seq)++;
    *t = (struct tick){
        .seq = d->seq,
        .t_ms = d->t_ms,
        .elapsed_ns = d->elapsed_ns,
        .read_mono_ns = d->read_mono_ns,
        .sealed_mono_ns = now_mono_ns,
        .interval_ms = d->interval_ms,
        .set = series_set_ref(set),
        .count = count,
        .events_count = d->events_count,
    };
    message_init(&t->msg, tick_destroy);
    /* Widest first, so every column is aligned. */
    t->value = (union sample *)(t + 1);
    t->absolute = (uint64_t *)(t->value + count);
    t->source = t->absolute + count;
    t->events = (struct event **)(t->source + count);
    t->state = (uint8_t *)(t->events + d->events_count);
    uint32_t known = MIN(count, d->capacity);
    if (known) {
        memcpy(t->value, d->value, known * sizeof(*t->value));
        memcpy(t->absolute, d->absolute, known * sizeof(*t->absolute));
        memcpy(t->source, d->source, known * sizeof(*t->source));
        memcpy(t->state, d->state, known);
    }
    memset(t->state + known, SAMPLE_ABSENT, count - known);
    if (d->events_count)
        memcpy(t->events, d->events, d->events_count * sizeof(struct event *));
    d->events_count = 0;
    d->events_dropped = 0;
    return with_tables ? draft_attach(d, with_tables, t) : t;
}

struct tick *tick_ref(struct tick *t)
{
    message_ref(&t->msg);
    return t;
}

void tick_unref(struct tick *t)
{
    if (t)
        message_unref(&t->msg);
}

void tick_set_others(struct tick *t, struct tick_others *others)
{
    CHECK(!t->others);
    tick_bare(t)->others = t->others = others;
}

struct tick *tick_bare(struct tick *t)
{
    return t->bare ? t->bare : t;
}

/* ---- a table and its tick ---------------------------------------------------------------- */

static void tick_table_destroy(struct message *msg)
{
    struct tick_table *t = CONTAINER_OF(msg, struct tick_table, msg);
    table_unref(t->table);
    free(t);
}

struct tick_table *tick_table_new(const struct tick *t, enum table_kind kind)
{
    CHECK(t->tables[kind]);
    struct tick_table *tt = mem_alloc(sizeof(*tt));
    message_init(&tt->msg, tick_table_destroy);
    tt->table = table_ref(t->tables[kind]);
    tt->seq = t->seq;
    tt->t_ms = t->t_ms;
    return tt;
}

struct tick_table *tick_table_ref(struct tick_table *t)
{
    message_ref(&t->msg);
    return t;
}

void tick_table_unref(struct tick_table *t)
{
    if (t)
        message_unref(&t->msg);
}

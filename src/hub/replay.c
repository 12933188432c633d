/*
 * replay.c: what a feed repeats for viewers who come back with `since`.
 *
 * When a network comes back a thousand browsers do so at once, and each from another message. All
 * their replays are made of the same frames: the message of a tick does not depend on where the
 * replay begins. So frames are made when somebody needs them, kept by the tick's place in the ring,
 * and given to all who come before the next tick: for all but the first a replay is references and
 * one gap message. With the next tick all is dropped, for most of the time nobody comes back.
 *
 *   since ──► gap? │ head: all series of the first tick │ fresh? metrics? │ … │ fresh? metrics │
 *                    one a generation                     one a tick
 *
 * What does depend on the beginning: a slow feed that is joined in the middle of its pace has one
 * mean over less time. `from` of a frame says which tick its mean begins with; the frame is made
 * again when that does not fit.
 *
 * A replay may take REPLAY_BYTES of messages, the newest. What is kept by all feeds together is
 * bounded by their replay_room; what does not fit serves the viewer that it was made for.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hub/feed_internal.h"

/* About the most that one replay takes. */
#define REPLAY_BYTES (256 * 1024)

struct replay_item {
    bool compared;      /* with the tick before: `fresh` is known */
    struct frame fresh; /* announces what the tick before did not have; empty: nothing */
    struct frame frame; /* empty: not made yet, or none is due */
    size_t from;        /* ring's index of the first tick that the frame speaks of */
};

struct replay_head {
    uint64_t generation;
    struct frame frame; /* announces all series of a tick of this generation */
};

struct replay {
    uint64_t newest_seq; /* of the ring that all of this belongs to */
    size_t bytes;        /* taken from the room */

    /* Metrics. */
    size_t first, count; /* items are for the ring's indexes [first, first + count) */
    struct replay_item *items;
    struct replay_head *heads;
    size_t heads_count;
    struct frame present; /* the newest tick's own values, where no message is due */

    /* Events: the newest, as many as one replay may take. */
    bool events_made;
    struct parcels events;
};

static void replay_free(struct replay *r)
{
    for (size_t i = 0; i < r->count; i++) {
        frame_fini(&r->items[i].fresh);
        frame_fini(&r->items[i].frame);
    }
    for (size_t i = 0; i < r->heads_count; i++)
        frame_fini(&r->heads[i].frame);
    frame_fini(&r->present);
    parcels_fini(&r->events);
    free(r->items);
    free(r->heads);
    free(r);
}

void feed_drop_replay(struct feed *f)
{
    struct replay *r = TAKE(f->replay);
    if (!r)
        return;
    if (f->room)
        f->room->used_bytes -= r->bytes;
    replay_free(r);
}

void feed_keep_replays(struct feed *f, struct replay_room *room)
{
    feed_drop_replay(f);
    f->room = room;
}

static size_t frame_bytes(const struct frame *frame)
{
    size_t bytes = frame->plain ? sizeof(*frame->plain) + frame->plain->len : 0;
    return bytes + (frame->packed ? sizeof(*frame->packed) + frame->packed->len : 0);
}

static size_t replay_bytes(const struct replay *r)
{
    size_t bytes = sizeof(*r) + r->count * sizeof(r->items[0]) +
                   r->heads_count * sizeof(r->heads[0]) +
                   r->events.capacity * sizeof(r->events.items[0]) + frame_bytes(&r->present);
    for (size_t i = 0; i < r->count; i++)
        bytes += frame_bytes(&r->items[i].fresh) + frame_bytes(&r->items[i].frame);
    for (size_t i = 0; i < r->heads_count; i++)
        bytes += frame_bytes(&r->heads[i].frame);
    for (size_t i = 0; i < r->events.count; i++)
        bytes += frame_bytes(&r->events.items[i].frame);
    return bytes;
}

static struct replay *feed_open_replay(struct feed *f, const struct tick_ring *ring)
{
    uint64_t newest_seq = tick_ring_newest(ring)->seq;
    if (f->replay && f->replay->newest_seq != newest_seq)
        feed_drop_replay(f);
    if (!f->replay) {
        f->replay = mem_alloc(sizeof(*f->replay));
        f->replay->newest_seq = newest_seq;
    }
    return f->replay;
}

/* Keeps what was made for the viewers to come, if there is room. */
static void feed_keep_replay(struct feed *f)
{
    struct replay *r = f->replay;
    if (!f->room) {
        feed_drop_replay(f);
        return;
    }
    size_t bytes = replay_bytes(r);
    f->room->used_bytes += bytes - r->bytes;
    r->bytes = bytes;
    if (f->room->used_bytes > f->room->most_bytes)
        feed_drop_replay(f);
}

/* Counts the frame as made for `out`, which will refer to it. */
static struct bytes *replay_made(struct parcels *out, struct bytes *frame)
{
    out->made += frame != NULL;
    out->made_bytes += frame ? frame->len : 0;
    return frame;
}

static void replay_give(struct parcels *out, struct frame *frame, uint64_t seq)
{
    /* What was asked for is not conflated away. */
    parcels_refer(out, frame, seq, PARCEL_KEEP, true);
}

/* Tells of what lies between the last message received and `first`, the first one repeated. */
static void replay_gap(const struct feed *f, uint64_t since, uint64_t first, uint64_t run_first,
                       struct parcels *out)
{
    if (first <= since + 1)
        return;
    parcels_add(out,
                encode_gap(channel_name(f->spec.channel), since + 1, first - 1,
                           since + 1 < run_first ? "restart" : "ring"),
                0, PARCEL_KEEP, true);
}

/* ---- events ------------------------------------------------------------------------------ */

/* About what the event's message takes. */
static size_t event_bytes(const struct event *e)
{
    size_t bytes = 64;
    for (size_t i = 0; i < e->fields_count; i++)
        bytes += strlen(e->fields[i].name) + (e->fields[i].text ? strlen(e->fields[i].text) : 20);
    return bytes;
}

/* The number of the first event from which on all fit into REPLAY_BYTES; UINT64_MAX: no event. */
static uint64_t events_start(const struct tick_ring *ring)
{
    uint64_t start = UINT64_MAX;
    size_t bytes = 0;
    for (size_t i = tick_ring_count(ring); i-- > 0;) {
        const struct tick *t = tick_ring_at(ring, i);
        for (size_t k = t->events_count; k-- > 0;) {
            bytes += event_bytes(t->events[k]);
            if (bytes > REPLAY_BYTES)
                return start;
            start = t->events[k]->seq;
        }
    }
    return start;
}

static void events_make(struct replay *r, const struct tick_ring *ring, struct parcels *out)
{
    uint64_t start = events_start(ring);
    for (size_t i = 0; i < tick_ring_count(ring); i++) {
        struct tick *t = tick_ring_at(ring, i);
        for (size_t k = 0; k < t->events_count; k++) {
            struct event *e = t->events[k];
            if (e->seq >= start)
                parcels_add(&r->events, replay_made(out, encode_event(e)), e->seq, PARCEL_KEEP,
                            true);
        }
    }
    r->events_made = true;
}

static void replay_events(struct feed *f, struct replay *r, const struct tick_ring *ring,
                          uint64_t since, const struct feed_run *run, struct parcels *out)
{
    if (!r->events_made)
        events_make(r, ring, out);
    size_t at = 0;
    while (at < r->events.count && r->events.items[at].seq <= since)
        at++;
    /* Even when none is left to repeat, the numbers tell that some are missed. */
    uint64_t first = at < r->events.count ? r->events.items[at].seq : UINT64_MAX;
    replay_gap(f, since, MIN(first, run->last_event + 1), run->first_event, out);
    for (; at < r->events.count; at++)
        replay_give(out, &r->events.items[at].frame, r->events.items[at].seq);
    out->failed += r->events.failed;
}

/* ---- metrics ----------------------------------------------------------------------------- */

/* The ring's index of the first tick that REPLAY_BYTES reach. */
static size_t metrics_reach(const struct feed *f, const struct tick_ring *ring)
{
    size_t count = tick_ring_count(ring);
    int64_t interval_ms = MAX(tick_ring_newest(ring)->interval_ms, INT64_C(1));
    size_t ticks_per_message = (size_t)MAX(f->spec.interval_ms / interval_ms, INT64_C(1));
    size_t messages = REPLAY_BYTES / ((f->picks_count + 1) * ENCODE_VALUE_BYTES);
    size_t most = MAX(messages, (size_t)1) * ticks_per_message;
    return count - MIN(count, most);
}

/* A walk over the ring from where a replay begins. */
struct metrics_walk {
    const struct feed *feed;
    const struct tick_ring *ring;
    size_t start, at;
    struct tick *tick; /* at `at` */
    bool slow, due;
    bool changed; /* other series than at the tick before; at the start: no tick before */
    size_t from;  /* the first tick that a message of this one speaks of */
    size_t next_from;
};

static struct metrics_walk walk_begin(const struct feed *f, const struct tick_ring *ring,
                                      size_t start)
{
    return (struct metrics_walk){
        .feed = f, .ring = ring, .start = start, .at = start - 1, .next_from = start};
}

static bool walk_next(struct metrics_walk *w)
{
    if (++w->at == tick_ring_count(w->ring))
        return false;
    const struct tick *before = w->at ? tick_ring_at(w->ring, w->at - 1) : NULL;
    w->tick = tick_ring_at(w->ring, w->at);
    w->slow = feed_is_slow(w->feed, w->tick);
    w->due = feed_due_after(w->feed, before ? before->t_ms : w->tick->t_ms - w->tick->interval_ms,
                            w->tick);
    w->changed =
        !before || w->at == w->start || before->set->generation != w->tick->set->generation;
    w->from = w->slow ? w->next_from : w->at;
    if (w->due)
        w->next_from = w->at + 1;
    return true;
}

static struct replay_item *walk_item(const struct metrics_walk *w, struct replay *r)
{
    return &r->items[w->at - r->first];
}

static bool item_is_said(const struct replay_item *item, const struct metrics_walk *w)
{
    return item->frame.plain && item->from == w->from;
}

static struct frame *replay_head(struct replay *r, uint64_t generation)
{
    for (size_t i = 0; i < r->heads_count; i++) {
        if (r->heads[i].generation == generation && r->heads[i].frame.plain)
            return &r->heads[i].frame;
    }
    return NULL;
}

/* Whether all that a replay from `start` needs has been made. */
static bool metrics_complete(const struct feed *f, struct replay *r, const struct tick_ring *ring,
                             size_t start)
{
    if (!replay_head(r, tick_ring_at(ring, start)->set->generation))
        return false;
    struct metrics_walk w = walk_begin(f, ring, start);
    while (walk_next(&w)) {
        const struct replay_item *item = walk_item(&w, r);
        if ((w.due && !item_is_said(item, &w)) || (w.changed && w.at != w.start && !item->compared))
            return false;
    }
    return w.due || r->present.plain;
}

/* The series that are new at this tick of the walk: the head at its start. */
static void metrics_announce(struct feed *past, struct replay *r, const struct metrics_walk *w,
                             struct parcels *out)
{
    struct replay_item *item = walk_item(w, r);
    const struct series_set *set = w->tick->set;
    const struct series **fresh = mem_array(set->count, sizeof(struct series *));
    size_t count = feed_pick(past, set, fresh);
    if (w->at == w->start) {
        if (!replay_head(r, set->generation)) {
            r->heads = mem_resize(r->heads, r->heads_count + 1, sizeof(*r->heads));
            r->heads[r->heads_count++] = (struct replay_head){
                .generation = set->generation,
                .frame.plain = replay_made(out, encode_series(fresh, count)),
            };
        }
    } else if (!item->compared) {
        item->fresh.plain = count ? replay_made(out, encode_series(fresh, count)) : NULL;
        item->compared = count == 0 || item->fresh.plain;
    }
    free(fresh);
}

/* Makes what is missing. A second feed of the same spec lives through the ring, so pace and sums
 * come out as a viewer who had stayed would have seen them. */
static void metrics_make(const struct feed *f, struct replay *r, const struct tick_ring *ring,
                         size_t start, struct parcels *out)
{
    struct feed past = {.spec = f->spec};
    struct metrics_walk w = walk_begin(f, ring, start);
    while (walk_next(&w)) {
        struct replay_item *item = walk_item(&w, r);
        if (w.changed)
            metrics_announce(&past, r, &w, out);
        if (w.slow)
            feed_accumulate(&past, w.tick);
        if (!w.due)
            continue;
        if (past.summed)
            feed_take_means(&past, w.tick);
        if (item_is_said(item, &w))
            continue;
        frame_fini(&item->frame);
        item->frame.plain = replay_made(out, w.slow ? feed_means_frame(&past, w.tick)
                                                    : feed_metrics_frame(&past, w.tick));
        item->from = w.from;
    }
    if (!w.due && !r->present.plain)
        r->present.plain = replay_made(out, feed_metrics_frame(&past, w.tick));
    free(past.picks);
    free(past.values);
}

static void replay_metrics(struct feed *f, struct replay *r, const struct tick_ring *ring,
                           uint64_t since, const struct feed_run *run, struct parcels *out)
{
    if (!r->items) {
        r->first = metrics_reach(f, ring);
        r->count = tick_ring_count(ring) - r->first;
        r->items = mem_array(r->count, sizeof(*r->items));
    }
    size_t start = MAX(tick_ring_after(ring, since), r->first);
    struct tick *first = tick_ring_at(ring, start);
    replay_gap(f, since, first->seq, run->first_tick, out);
    if (!metrics_complete(f, r, ring, start))
        metrics_make(f, r, ring, start, out);

    struct metrics_walk w = walk_begin(f, ring, start);
    struct frame none = {0}; /* memory was refused: counts as failed */
    struct frame *head = replay_head(r, first->set->generation);
    replay_give(out, head ? head : &none, 0);
    while (walk_next(&w)) {
        struct replay_item *item = walk_item(&w, r);
        if (w.changed && w.at != w.start && (item->fresh.plain || !item->compared))
            replay_give(out, &item->fresh, 0);
        if (w.due)
            replay_give(out, &item->frame, w.tick->seq);
    }
    if (!w.due)
        replay_give(out, &r->present, r->newest_seq);
}

/* ---- all --------------------------------------------------------------------------------- */

/* Before the first tick: nothing of this run is missed, but what an earlier one had after `since`
 * is, and nobody could tell later. */
static void replay_before(const struct feed *f, uint64_t since, const struct feed_run *run,
                          struct parcels *out)
{
    if (f->spec.channel == CHANNEL_METRICS)
        replay_gap(f, since, run->first_tick, run->first_tick, out);
    else if (f->spec.channel == CHANNEL_EVENTS)
        replay_gap(f, since, run->first_event, run->first_event, out);
}

bool feed_repeats(const struct feed *f, const struct tick_ring *ring, uint64_t since,
                  const struct feed_run *run)
{
    const struct tick *newest = tick_ring_newest(ring);
    if (f->spec.channel == CHANNEL_EVENTS)
        return newest || since + 1 < run->first_event;
    if (f->spec.channel == CHANNEL_METRICS)
        return newest ? since < newest->seq : since + 1 < run->first_tick;
    return false;
}

void feed_replay(struct feed *f, const struct tick_ring *ring, uint64_t since,
                 const struct feed_run *run, struct parcels *out)
{
    struct tick *newest = tick_ring_newest(ring);
    if (!newest || !feed_repeats(f, ring, since, run)) {
        if (newest)
            feed_snapshot(f, newest, out);
        else
            replay_before(f, since, run, out);
        return;
    }
    struct replay *r = feed_open_replay(f, ring);
    if (f->spec.channel == CHANNEL_EVENTS)
        replay_events(f, r, ring, since, run, out);
    else
        replay_metrics(f, r, ring, since, run, out);
    feed_keep_replay(f);
}

/*
 * station.c: the loop side of the hub: the viewers of one loop thread.
 *
 * `members[feed]` is the list of viewers that listen to a feed; feed ids are small numbers that
 * the hub hands out, so it is an array. `viewers` finds a viewer by its id, slot and serial: a
 * delivery for a viewer that is gone finds nobody, even when its slot has a new owner.
 *
 * The greeting is kept ready for whoever comes next. It names the interval in force, which the
 * ticks tell: when a tick has another one than the ticks before, the greeting is made anew.
 *
 * Once a second the station tells the hub how it is doing: a copy of its counters, what was timed
 * since the last time, and, when the next message of `performance` is near, a row for each viewer.
 * A report that the hub's mailbox refuses is made again a second later, with all of it.
 *
 * Leaving must never get lost, or a feed would be encoded for nobody for ever: a LEAVE that the
 * hub's mailbox refuses waits in `leaves` and is posted again with the next beat.
 */
#include "hub/hub_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/performance.h"
#include "hub/viewer.h"
#include "net/conn.h"
#include "net/fanout.h"
#include "wire/websocket.h"

#define STATION_INBOX 16384
#define FANOUT_BATCH 256
#define REPORT_EVERY_MS 1000
#define NEW_PINGS 64 /* a second, to viewers that have just come: a crowd gets them in turns */

struct viewer_slot {
    struct viewer *viewer; /* NULL: free */
    uint32_t serial;
};

/* A membership that is given back. */
struct leave {
    uint32_t feed;
    bool deflate;
};

struct station {
    struct hub *hub;
    uint32_t index;
    uv_loop_t *uv;
    struct mailbox *inbox;
    uv_timer_t beat;
    struct bytes *ping, *hello;
    int64_t hello_interval_ms; /* that `hello` names */
    struct tick_ring *ring;
    struct list *members;
    uint32_t members_count;
    struct viewer_slot *viewers;
    uint32_t viewers_count;
    struct leave *leaves; /* still to be posted */
    size_t leaves_count;
    struct inflater *inflater; /* of all its viewers */
    bool closing;
    struct station_stats stats;
    struct station_timings timings; /* since the last report */
    int64_t fanout_ns;              /* on the frames of the tick that is being handed out */
    uv_timer_t report;
    uint64_t round;            /* of reports, from 1 on */
    int64_t performance_at_ms; /* when the newest message of it came; 0: none yet */
    struct bytes *performance[2];
};

/* ---- what viewers ask for ---------------------------------------------------------------- */

int station_request(struct station *st, struct request *r)
{
    r->station = st->index;
    int err = mailbox_post(hub_inbox(st->hub), r);
    if (err)
        hub_request_free(r);
    return err;
}

static int station_post_leave(struct station *st, struct leave leave)
{
    struct request *r = mem_alloc(sizeof(*r));
    r->kind = REQUEST_LEAVE;
    r->feed = leave.feed;
    r->deflate = leave.deflate;
    return station_request(st, r);
}

void station_leave(struct station *st, uint32_t feed, bool deflate)
{
    struct leave leave = {feed, deflate};
    if (station_post_leave(st, leave) != -ENOBUFS)
        return;
    st->leaves = mem_resize(st->leaves, st->leaves_count + 1, sizeof(*st->leaves));
    st->leaves[st->leaves_count++] = leave;
}

static void station_retry_leaves(struct station *st)
{
    while (st->leaves_count && station_post_leave(st, st->leaves[st->leaves_count - 1]) != -ENOBUFS)
        st->leaves_count--;
}

struct list *station_members(struct station *st, uint32_t feed)
{
    if (feed >= st->members_count) {
        /* The heads are part of their rings: moving them means hanging them in anew. */
        uint32_t count = feed + 16;
        struct list *grown = mem_array(count, sizeof(*grown));
        for (uint32_t i = 0; i < count; i++) {
            list_init(&grown[i]);
            if (i < st->members_count && !list_empty(&st->members[i])) {
                grown[i] = st->members[i];
                grown[i].next->prev = grown[i].prev->next = &grown[i];
            }
        }
        free(st->members);
        st->members = grown;
        st->members_count = count;
    }
    return &st->members[feed];
}

struct station_stats *station_counters(struct station *st)
{
    return &st->stats;
}

const struct hub_settings *station_settings(const struct station *st)
{
    return hub_settings(st->hub);
}

struct station_timings *station_timings(struct station *st)
{
    return &st->timings;
}

int64_t station_now_ms(const struct station *st)
{
    return (int64_t)uv_now(st->uv);
}

/* ---- viewers ----------------------------------------------------------------------------- */

static struct viewer *station_find(const struct station *st, uint64_t id)
{
    uint32_t slot = (uint32_t)id;
    if (slot >= st->viewers_count || st->viewers[slot].serial != id >> 32)
        return NULL;
    return st->viewers[slot].viewer;
}

static uint32_t station_free_slot(struct station *st)
{
    for (uint32_t i = 0; i < st->viewers_count; i++) {
        if (!st->viewers[i].viewer)
            return i;
    }
    uint32_t first = st->viewers_count;
    st->viewers_count = MAX(16U, st->viewers_count * 2);
    st->viewers = mem_resize(st->viewers, st->viewers_count, sizeof(*st->viewers));
    memset(st->viewers + first, 0, (st->viewers_count - first) * sizeof(*st->viewers));
    return first;
}

uint64_t station_open(struct station *st, struct conn *conn, const char *subscribe,
                      struct viewer_terms terms)
{
    uint32_t slot = station_free_slot(st);
    struct viewer_slot *place = &st->viewers[slot];
    uint64_t id = (uint64_t)++place->serial << 32 | slot;
    st->stats.viewers++;
    st->stats.opened++;
    uint64_t number = (st->stats.opened - 1) * hub_stations(st->hub) + st->index + 1;
    place->viewer =
        viewer_new(st, id, conn, number, terms.admin, terms.deflate ? st->inflater : NULL);
    viewer_greet(place->viewer, st->hello, subscribe);
    if (st->closing)
        viewer_close(st->viewers[slot].viewer, WS_CLOSE_GOING_AWAY, "the server is stopping");
    return id;
}

bool station_has_viewer(const struct station *st, uint64_t viewer)
{
    return station_find(st, viewer);
}

bool station_close_viewer(struct station *st, uint64_t viewer, uint16_t code, const char *reason)
{
    struct viewer *v = station_find(st, viewer);
    if (v)
        viewer_close(v, code, reason);
    return v;
}

void station_viewer_gone(struct station *st, uint64_t id)
{
    CHECK(station_find(st, id));
    st->viewers[(uint32_t)id].viewer = NULL;
    st->stats.viewers--;
}

/* ---- deliveries -------------------------------------------------------------------------- */

/* Viewers that are ready for the same form of a parcel. */
struct batch {
    struct bytes *frame;
    struct conn *conns[FANOUT_BATCH];
    struct viewer *viewers[FANOUT_BATCH];
    size_t count;
};

static void batch_send(struct batch *batch)
{
    int results[FANOUT_BATCH];
    fanout_send(batch->conns, batch->count, batch->frame, results);
    for (size_t i = 0; i < batch->count; i++)
        viewer_sent(batch->viewers[i], results[i], batch->frame);
    batch->count = 0;
}

static void station_broadcast(struct station *st, uint32_t feed, enum channel channel,
                              const struct parcel *p)
{
    struct batch plain, packed;
    plain.count = packed.count = 0;
    plain.frame = parcel_frame(p, false);
    packed.frame = parcel_frame(p, true);
    LIST_EACH(node, station_members(st, feed))
    {
        struct viewer *v = viewer_of_member(node);
        if (!viewer_ready(v, channel, p)) {
            viewer_take(v, channel, p);
            continue;
        }
        struct batch *batch = viewer_deflates(v) && packed.frame != plain.frame ? &packed : &plain;
        batch->conns[batch->count] = viewer_conn(v);
        batch->viewers[batch->count++] = v;
        if (batch->count == FANOUT_BATCH)
            batch_send(batch);
    }
    if (plain.count)
        batch_send(&plain);
    if (packed.count)
        batch_send(&packed);
}

/* Without memory for the new greeting the old one stays until the next tick. */
static void station_make_hello(struct station *st, int64_t interval_ms)
{
    if (st->hello && st->hello_interval_ms == interval_ms)
        return;
    struct bytes *hello = hub_hello(st->hub, interval_ms);
    if (!hello)
        return;
    bytes_unref(st->hello);
    st->hello = hello;
    st->hello_interval_ms = interval_ms;
}

static void station_close_viewers(struct station *st, uint16_t code, const char *reason)
{
    for (uint32_t i = 0; i < st->viewers_count; i++) {
        if (st->viewers[i].viewer)
            viewer_close(st->viewers[i].viewer, code, reason);
    }
}

static void station_hand_out(struct station *st, const struct delivery *d)
{
    int64_t began_ns = clock_mono_ns();
    for (size_t i = 0; i < d->parcels.count; i++)
        station_broadcast(st, d->feed, d->channel, &d->parcels.items[i]);
    if (d->channel != CHANNEL_PERFORMANCE && !channel_is_journal(d->channel)) /* of no tick */
        st->fanout_ns += clock_mono_ns() - began_ns;
}

static void station_receive(void *item, void *user)
{
    struct station *st = user;
    struct delivery *d = item;
    struct viewer *v;
    switch (d->kind) {
    case DELIVERY_TICK:
        tick_ring_push(st->ring, d->tick);
        if (st->fanout_ns) /* the tick's frames came before it */
            timing_record(&st->timings.fanout, st->fanout_ns);
        st->fanout_ns = 0;
        station_make_hello(st, d->tick->interval_ms);
        if (d->overrun) {
            st->stats.closed_slow += st->stats.viewers;
            station_close_viewers(st, WS_CLOSE_TRY_LATER, "the server could not keep up");
        }
        break;
    case DELIVERY_FEED:
        station_hand_out(st, d);
        break;
    case DELIVERY_PERFORMANCE:
        for (int admin = 0; admin < 2; admin++) {
            bytes_unref(st->performance[admin]);
            st->performance[admin] = TAKE(d->bodies[admin]);
        }
        st->performance_at_ms = station_now_ms(st);
        break;
    case DELIVERY_JOIN:
        v = station_find(st, d->viewer);
        if (v)
            viewer_join(v, d);
        else
            station_leave(st, d->feed, d->deflate);
        break;
    case DELIVERY_REFUSAL:
        v = station_find(st, d->viewer);
        if (v)
            viewer_send(v, d->answer);
        break;
    case DELIVERY_VIEWER:
        v = station_find(st, d->viewer);
        if (v)
            viewer_deliver(v, d);
        break;
    }
    delivery_free(d);
}

static void station_drop(void *item)
{
    delivery_free(item);
}

static const struct mailbox_ops station_mailbox_ops = {station_receive, station_drop};

static void station_on_beat(uv_timer_t *timer)
{
    struct station *st = timer->data;
    station_retry_leaves(st);
    for (uint32_t i = 0; i < st->viewers_count; i++) {
        if (st->viewers[i].viewer)
            viewer_beat(st->viewers[i].viewer, station_now_ms(st), st->ping);
    }
}

/* ---- reports ----------------------------------------------------------------------------- */

/* Each viewer once a heartbeat, so many of them in each round; new ones as soon as possible. */
static void station_ping(struct station *st, int64_t every_ms)
{
    uint32_t rounds = (uint32_t)MAX(hub_settings(st->hub)->heartbeat_ms / every_ms, INT64_C(1));
    struct bytes *frame = ws_frame(WS_PING, &st->round, sizeof(st->round));
    unsigned fresh = 0;
    for (uint32_t i = 0; frame && i < st->viewers_count; i++) {
        struct viewer *v = st->viewers[i].viewer;
        if (!v)
            continue;
        if (i % rounds == st->round % rounds)
            viewer_ping(v, frame, st->round);
        else if (!viewer_was_pinged(v) && fresh < NEW_PINGS)
            fresh += viewer_ping(v, frame, st->round);
    }
    bytes_unref(frame);
}

static void station_put_rows(const struct station *st, struct buf *rows)
{
    size_t count = 0, most = MAX(PERFORMANCE_ROWS_MAX / hub_stations(st->hub), (size_t)1);
    struct viewer **viewers = mem_array(st->viewers_count, sizeof(struct viewer *));
    for (uint32_t i = 0; i < st->viewers_count; i++) {
        if (st->viewers[i].viewer)
            viewers[count++] = st->viewers[i].viewer;
    }
    if (count > most)
        qsort(viewers, count, sizeof(struct viewer *), viewer_compare_trouble);
    for (size_t i = 0; i < MIN(count, most); i++)
        viewer_put_row(viewers[i], rows);
    free(viewers);
}

static void station_on_report(uv_timer_t *timer)
{
    struct station *st = timer->data;
    int64_t every_ms = (int64_t)uv_timer_get_repeat(timer), now_ms = station_now_ms(st);
    int64_t next_ms = hub_settings(st->hub)->performance_interval_ms;
    st->round++;
    station_ping(st, every_ms);
    struct report *report = mem_alloc(sizeof(*report));
    report->stats = st->stats;
    report->timings = st->timings;
    /* No rows that the next message would not tell: two reports have them, since timers wander, and
     * all when it is late. */
    report->has_rows = now_ms + every_ms + every_ms / 2 >= st->performance_at_ms + next_ms;
    if (report->has_rows)
        station_put_rows(st, &report->rows);
    struct request *r = mem_alloc(sizeof(*r));
    r->kind = REQUEST_REPORT;
    r->report = report;
    if (station_request(st, r) == 0)
        station_timings_init(&st->timings);
}

const struct bytes *station_performance(const struct station *st, bool admin)
{
    return st->performance[admin];
}

void station_stats_add(struct station_stats *sum, const struct station_stats *more)
{
    sum->viewers += more->viewers;
    sum->opened += more->opened;
    sum->messages += more->messages;
    sum->bytes += more->bytes;
    sum->received += more->received;
    sum->limited += more->limited;
    sum->conflated += more->conflated;
    sum->dropped += more->dropped;
    sum->closed_slow += more->closed_slow;
    sum->closed_idle += more->closed_idle;
    sum->protocol_errors += more->protocol_errors;
}

/* ---- life -------------------------------------------------------------------------------- */

struct station *station_new(struct hub *hub, uint32_t index, uv_loop_t *uv)
{
    const struct hub_settings *settings = hub_settings(hub);
    struct station *st = mem_alloc(sizeof(*st));
    st->hub = hub;
    st->index = index;
    st->uv = uv;
    st->ping = ws_frame(WS_PING, "", 0);
    station_make_hello(st, settings->interval_ms);
    if (st->ping && st->hello) /* last: an open mailbox could not be freed here */
        st->inbox = mailbox_new(uv, STATION_INBOX, &station_mailbox_ops, st);
    if (!st->inbox) {
        bytes_unref(st->ping);
        bytes_unref(st->hello);
        free(st);
        return NULL;
    }
    st->inflater = inflater_new();
    st->ring = tick_ring_new(settings->ring_ticks, settings->ring_bytes);
    station_timings_init(&st->timings);
    int err = uv_timer_init(uv, &st->beat);
    CHECK(err == 0);
    st->beat.data = st;
    uint64_t every_ms = (uint64_t)MAX(settings->heartbeat_ms / STATION_BEATS, INT64_C(1));
    err = uv_timer_start(&st->beat, station_on_beat, every_ms, every_ms);
    CHECK(err == 0);
    err = uv_timer_init(uv, &st->report);
    CHECK(err == 0);
    st->report.data = st;
    every_ms = (uint64_t)MIN(settings->performance_interval_ms, REPORT_EVERY_MS);
    err = every_ms ? uv_timer_start(&st->report, station_on_report, every_ms, every_ms) : 0;
    CHECK(err == 0);
    return st;
}

struct mailbox *station_inbox(struct station *st)
{
    return st->inbox;
}

const struct tick_ring *station_ring(const struct station *st)
{
    return st->ring;
}

struct tick_table *station_table(const struct station *st, enum table_kind kind)
{
    return hub_table(st->hub, kind);
}

void station_stats(const struct station *st, struct station_stats *ret)
{
    *ret = st->stats;
}

void station_close(struct station *st)
{
    if (st->closing)
        return;
    st->closing = true;
    station_close_viewers(st, WS_CLOSE_GOING_AWAY, "the server is stopping");
    mailbox_close(st->inbox);
    uv_close((uv_handle_t *)&st->beat, NULL);
    uv_close((uv_handle_t *)&st->report, NULL);
}

void station_free(struct station *st)
{
    CHECK(st->stats.viewers == 0);
    mailbox_free(st->inbox);
    tick_ring_free(st->ring);
    inflater_free(st->inflater);
    bytes_unref(st->ping);
    bytes_unref(st->hello);
    bytes_unref(st->performance[0]);
    bytes_unref(st->performance[1]);
    free(st->members);
    free(st->viewers);
    free(st->leaves);
    free(st);
}

/*
 * backlog.c: what becomes of messages when a viewer does not read as fast as they come.
 *
 * A parcel that must arrive is queued, up to the connection's limit; past it the viewer is closed
 * with 1013. A parcel of which only the newest matters goes out while the queue is empty; otherwise
 * it waits in the subscription (`held`), where a newer one replaces it and the loss is told by a
 * gap message.
 *
 * A change to a table cannot replace another: once one is lost, the viewer waits for the whole
 * table
 * (`stale`), which is asked for when the queue has drained. A whole table that has to wait is sent
 * even when changes to it are lost meanwhile (`late`), or who is always behind would never see one.
 */
#include "hub/viewer_internal.h"

#include <stdlib.h>

#include "base/mem.h"
#include "hub/encode.h"
#include "net/conn.h"

static void loss_add(struct loss *loss, uint64_t seq)
{
    if (!loss->from)
        loss->from = seq;
    loss->to = seq;
}

static struct backlog *subscription_backlog(struct subscription *sub)
{
    if (!sub->backlog)
        sub->backlog = mem_alloc(sizeof(*sub->backlog));
    return sub->backlog;
}

/* Gives the backlog back when nothing is in it any more. */
static void subscription_tidy(struct subscription *sub)
{
    struct backlog *b = sub->backlog;
    if (b && !b->held && !b->lost.from && !b->late.from)
        free(TAKE(sub->backlog));
}

static void viewer_count_conflated(struct viewer *v)
{
    station_counters(v->station)->conflated++;
    v->conflated++;
}

static void subscription_lose(struct viewer *v, struct subscription *sub, uint64_t seq)
{
    viewer_count_conflated(v);
    struct backlog *b = subscription_backlog(sub);
    loss_add(b->held ? &b->late : &b->lost, seq);
}

static void subscription_tell_loss(struct viewer *v, enum channel channel)
{
    struct subscription *sub = v->subs[channel];
    if (!sub->backlog || !sub->backlog->lost.from)
        return;
    struct loss lost = sub->backlog->lost;
    sub->backlog->lost = (struct loss){0};
    subscription_tidy(sub);
    viewer_say(v, encode_gap(channel_name(channel), lost.from, lost.to, "conflated"));
}

void subscription_clear(struct subscription *sub)
{
    if (sub->backlog)
        bytes_unref(sub->backlog->held);
    free(TAKE(sub->backlog));
    sub->stale = sub->asked = false;
}

bool viewer_ready(const struct viewer *v, enum channel channel, const struct parcel *p)
{
    const struct subscription *sub = v->subs[channel];
    return !viewer_is_ending(v) && !sub->backlog && !sub->stale &&
           (p->urgency == PARCEL_KEEP || conn_queued_bytes(v->conn) == 0);
}

/* Keeps a complete parcel until the queue has drained; it replaces the one kept before. */
static void subscription_hold(struct viewer *v, struct subscription *sub, const struct parcel *p)
{
    struct backlog *b = subscription_backlog(sub);
    if (b->held) {
        viewer_count_conflated(v);
        loss_add(&b->lost, b->held_seq);
        if (b->late.from)
            loss_add(&b->lost, b->late.to);
        b->late = (struct loss){0};
        bytes_unref(b->held);
    }
    b->held = bytes_ref(parcel_frame(p, viewer_deflates(v)));
    b->held_seq = p->seq;
}

void subscription_recover(struct viewer *v, struct subscription *sub)
{
    if (!sub || !sub->stale || sub->asked || viewer_is_ending(v) || conn_queued_bytes(v->conn) > 0)
        return;
    struct request *r = mem_alloc(sizeof(*r));
    r->kind = REQUEST_RESEND;
    r->viewer = v->id;
    r->feed = sub->feed;
    r->deflate = viewer_deflates(v);
    sub->asked = station_request(v->station, r) == 0;
}

void viewer_take(struct viewer *v, enum channel channel, const struct parcel *p)
{
    struct subscription *sub = v->subs[channel];
    if (viewer_is_ending(v))
        return;
    if (p->urgency == PARCEL_KEEP) {
        viewer_send(v, parcel_frame(p, viewer_deflates(v)));
        return;
    }
    if (p->complete) {
        sub->stale = sub->asked = false;
    } else if (sub->stale || conn_queued_bytes(v->conn) > 0) {
        /* A change alone says nothing once the one before it is lost: ask for all, later. */
        sub->stale = true;
        subscription_lose(v, sub, p->seq);
        subscription_recover(v, sub);
        return;
    }
    if (conn_queued_bytes(v->conn) == 0)
        subscription_tell_loss(v, channel);
    if (conn_queued_bytes(v->conn) > 0) /* the telling may have filled the socket */
        subscription_hold(v, sub, p);
    else
        viewer_send(v, parcel_frame(p, viewer_deflates(v)));
}

/* Sends what was held for this channel, if there is room. */
static void subscription_release(struct viewer *v, enum channel channel)
{
    struct subscription *sub = v->subs[channel];
    if (!sub || !sub->backlog || !sub->backlog->held)
        return;
    if (conn_queued_bytes(v->conn) == 0)
        subscription_tell_loss(v, channel);
    if (conn_queued_bytes(v->conn) > 0)
        return;
    struct backlog *b = sub->backlog;
    viewer_send(v, b->held);
    b->held = bytes_unref(b->held);
    b->lost = b->late;
    b->late = (struct loss){0};
    subscription_tidy(sub);
}

void viewer_limit_queue(struct viewer *v, size_t bytes)
{
    v->queue_limit = bytes;
    conn_set_queue_limit(v->conn, bytes);
}

void viewer_on_drained(struct conn *conn, void *user)
{
    struct viewer *v = user;
    (void)conn;
    viewer_limit_queue(v, station_settings(v->station)->client_queue_bytes);
    for (int c = 0; c < CHANNELS; c++)
        subscription_recover(v, v->subs[c]);
    /* In turns: the first to send may leave no room for the others. */
    v->first_turn = (v->first_turn + 1) % CHANNELS;
    for (unsigned i = 0; i < CHANNELS; i++)
        subscription_release(v, (enum channel)((v->first_turn + i) % CHANNELS));
}

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

#include "base/mem.h"
#include "hub/encode.h"
#include "net/conn.h"

static void loss_add(struct loss *loss, uint64_t seq)
{
    if (!loss->from)
        loss->from = seq;
    loss->to = seq;
}

static void viewer_count_conflated(struct viewer *v)
{
    station_counters(v->station)->conflated++;
    v->conflated++;
}

static void subscription_lose(struct viewer *v, struct subscription *sub, uint64_t seq)
{
    viewer_count_conflated(v);
    loss_add(sub->held ? &sub->late : &sub->lost, seq);
}

static void subscription_tell_loss(struct viewer *v, enum channel channel)
{
    struct loss lost = v->subs[channel].lost;
    if (!lost.from)
        return;
    v->subs[channel].lost = (struct loss){0};
    viewer_say(v, encode_gap(channel_name(channel), lost.from, lost.to, "conflated"));
}

static void subscription_drop_held(struct subscription *sub)
{
    sub->held = bytes_unref(sub->held);
}

void subscription_clear(struct subscription *sub)
{
    subscription_drop_held(sub);
    sub->stale = sub->asked = false;
    sub->lost = sub->late = (struct loss){0};
}

bool viewer_ready(const struct viewer *v, enum channel channel, const struct parcel *p)
{
    const struct subscription *sub = &v->subs[channel];
    return !conn_is_ending(v->conn) && !sub->held && !sub->stale && !sub->lost.from &&
           (p->urgency == PARCEL_KEEP || conn_queued_bytes(v->conn) == 0);
}

/* Keeps a complete parcel until the queue has drained; it replaces the one kept before. */
static void subscription_hold(struct viewer *v, struct subscription *sub, const struct parcel *p)
{
    if (sub->held) {
        viewer_count_conflated(v);
        loss_add(&sub->lost, sub->held_seq);
        if (sub->late.from)
            loss_add(&sub->lost, sub->late.to);
        sub->late = (struct loss){0};
        subscription_drop_held(sub);
    }
    sub->held = bytes_ref(p->frame);
    sub->held_seq = p->seq;
}

void subscription_recover(struct viewer *v, struct subscription *sub)
{
    if (!sub->stale || sub->asked || conn_is_ending(v->conn) || conn_queued_bytes(v->conn) > 0)
        return;
    struct request *r = mem_alloc(sizeof(*r));
    r->kind = REQUEST_RESEND;
    r->viewer = v->id;
    r->feed = sub->feed;
    sub->asked = station_request(v->station, r) == 0;
}

void viewer_take(struct viewer *v, enum channel channel, const struct parcel *p)
{
    struct subscription *sub = &v->subs[channel];
    if (conn_is_ending(v->conn))
        return;
    if (p->urgency == PARCEL_KEEP) {
        viewer_send(v, p->frame);
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
        viewer_send(v, p->frame);
}

/* Sends what was held for this channel, if there is room. */
static void subscription_release(struct viewer *v, enum channel channel)
{
    struct subscription *sub = &v->subs[channel];
    if (conn_queued_bytes(v->conn) == 0 && sub->held)
        subscription_tell_loss(v, channel);
    if (conn_queued_bytes(v->conn) > 0 || !sub->held)
        return;
    viewer_send(v, sub->held);
    subscription_drop_held(sub);
    sub->lost = sub->late;
    sub->late = (struct loss){0};
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
        subscription_recover(v, &v->subs[c]);
    /* In turns: the first to send may leave no room for the others. */
    v->first_turn = (v->first_turn + 1) % CHANNELS;
    for (unsigned i = 0; i < CHANNELS; i++)
        subscription_release(v, (enum channel)((v->first_turn + i) % CHANNELS));
}

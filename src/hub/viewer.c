/*
 * viewer.c: one WebSocket client: its life, what it sends and hears, which feeds it listens to.
 *
 * Incoming: frames to messages (wire/websocket), messages to operations (operations.c); a bad
 * message is answered with an error, a broken frame ends the connection with the RFC's code.
 *
 * The end: whoever says goodbye first waits for the other's close frame. When we do (a slow viewer,
 * a stopping server), nothing more is sent, what comes is thrown away, and the handshake's time-out
 * bounds the wait. A peer's close frame is answered with its own code.
 *
 * A wish for a channel travels to the hub and comes back as a join, while the viewer may wish for
 * something else: the ticket tells which wish a join belongs to. Every membership that the hub has
 * granted is given back exactly once, by viewer_leave or by the join that came too late.
 */
#include "hub/viewer_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/conn.h"

#define CLIENT_MESSAGE_MAX (64 * 1024) /* CONTRACT section 5 */
#define EVENTS_AT_ONCE 16              /* frames that are looked at before others get their turn */

/* ---- sending ----------------------------------------------------------------------------- */

void viewer_sent(struct viewer *v, int result, const struct bytes *frame)
{
    struct station_stats *stats = station_counters(v->station);
    if (result == 0) {
        stats->messages++;
        stats->bytes += frame->len;
        v->messages++;
        v->bytes += frame->len;
    } else if (result == -ENOBUFS) {
        stats->closed_slow++;
        stats->dropped++;
        v->dropped++;
        viewer_complain(v, "closed a viewer that reads too slowly");
        viewer_close(v, WS_CLOSE_TRY_LATER, "too slow: messages that must arrive piled up");
    }
}

bool viewer_is_ending(const struct viewer *v)
{
    return v->closing || conn_is_ending(v->conn);
}

void viewer_send(struct viewer *v, struct bytes *frame)
{
    if (frame && !viewer_is_ending(v))
        viewer_sent(v, conn_send(v->conn, frame), frame);
}

void viewer_say(struct viewer *v, struct bytes *frame)
{
    viewer_send(v, frame);
    bytes_unref(frame);
}

/* Sends the close frame, the last one that is sent. */
static void viewer_say_goodbye(struct viewer *v, unsigned code, const char *reason)
{
    struct bytes *frame = ws_frame_close(code, reason);
    conn_set_queue_limit(v->conn, SIZE_MAX); /* the last word always has room */
    if (frame)
        conn_send(v->conn, frame);
    bytes_unref(frame);
    v->closing = true;
}

void viewer_close(struct viewer *v, uint16_t code, const char *reason)
{
    if (viewer_is_ending(v))
        return;
    viewer_say_goodbye(v, code, reason);
    conn_set_wait(v->conn, CONN_WAIT_HANDSHAKE); /* RFC 6455, 7.1.1: for the peer's */
}

/* The end without a wait: the peer has said goodbye first, or cannot be understood. */
static void viewer_end(struct viewer *v, unsigned code, const char *reason)
{
    viewer_say_goodbye(v, code, reason);
    conn_close(v->conn);
}

/* ---- subscriptions ----------------------------------------------------------------------- */

struct subscription *viewer_subscription(struct viewer *v, enum channel channel)
{
    if (!v->subs[channel]) {
        struct subscription *sub = mem_alloc(sizeof(*sub));
        sub->viewer = v;
        list_init(&sub->member);
        v->subs[channel] = sub;
    }
    return v->subs[channel];
}

void viewer_leave(struct viewer *v, enum channel channel)
{
    struct subscription *sub = v->subs[channel];
    if (!sub)
        return;
    sub->ticket++;
    if (sub->feed == FEED_NONE)
        return;
    list_remove(&sub->member);
    station_leave(v->station, sub->feed, viewer_deflates(v));
    subscription_clear(sub);
    sub->feed = FEED_NONE;
}

/* What a subscription begins with is no sign of slowness, however large: the limit is for what
 * comes on top of it, until it has been sent. Several at once make room for the largest only. */
static void viewer_make_room(struct viewer *v, const struct parcels *beginning)
{
    size_t bytes = station_settings(v->station)->client_queue_bytes;
    for (size_t i = 0; i < beginning->count; i++)
        bytes += parcel_frame(&beginning->items[i], viewer_deflates(v))->len + CONN_ENTRY_BYTES;
    if (bytes > v->queue_limit)
        viewer_limit_queue(v, bytes);
}

void viewer_join(struct viewer *v, const struct delivery *d)
{
    struct subscription *sub = viewer_subscription(v, d->channel);
    viewer_send(v, d->answer);
    if (d->ticket != sub->ticket || viewer_is_ending(v)) {
        station_leave(v->station, d->feed,
                      viewer_deflates(v)); /* the viewer changed its mind meanwhile */
        return;
    }
    uint32_t ticket = sub->ticket;
    viewer_leave(v, d->channel);
    sub->ticket = ticket;
    sub->feed = d->feed;
    list_append(station_members(v->station, d->feed), &sub->member);
    viewer_begin_acks(v);
    viewer_make_room(v, &d->parcels);
    for (size_t i = 0; i < d->parcels.count; i++)
        viewer_take(v, d->channel, &d->parcels.items[i]);
    if (d->parcels.failed && d->channel != CHANNEL_EVENTS && !channel_is_journal(d->channel)) {
        sub->stale = true; /* a part had no memory: changes to it would say nothing */
        subscription_recover(v, sub);
    }
}

void viewer_deliver(struct viewer *v, const struct delivery *d)
{
    const struct subscription *sub = v->subs[d->channel];
    if (!sub || sub->feed != d->feed)
        return;
    for (size_t i = 0; i < d->parcels.count; i++)
        viewer_take(v, d->channel, &d->parcels.items[i]);
}

/* ---- receiving --------------------------------------------------------------------------- */

static void viewer_handle(struct viewer *v, enum ws_event event, const struct ws_received *got)
{
    switch (event) {
    case WS_EVENT_MESSAGE:
        viewer_operate(v, got);
        break;
    case WS_EVENT_PING:
        viewer_say(v, ws_frame(WS_PONG, got->data, got->len));
        break;
    case WS_EVENT_CLOSE:
        viewer_end(v, got->code, "");
        break;
    case WS_EVENT_ERROR:
        station_counters(v->station)->protocol_errors++;
        viewer_complain(v, got->why);
        viewer_end(v, got->code, got->why);
        break;
    case WS_EVENT_PONG:
        viewer_pong(v, got->data, got->len);
        break;
    case WS_EVENT_MORE:
        break;
    }
}

/* After our close frame: whatever comes before the peer's own is thrown away. */
static void viewer_await_goodbye(struct viewer *v, enum ws_event event)
{
    if (event == WS_EVENT_CLOSE || event == WS_EVENT_ERROR)
        conn_close(v->conn);
    ws_parser_release(&v->parser);
}

static size_t viewer_on_data(struct conn *conn, void *user, const uint8_t *data, size_t len)
{
    struct viewer *v = user;
    size_t at = 0;
    v->last_heard_ms = station_now_ms(v->station);
    for (int i = 0; i < EVENTS_AT_ONCE && at < len && !conn_is_ending(conn); i++) {
        struct ws_received got;
        size_t used;
        enum ws_event event = ws_parse(&v->parser, data + at, len - at, &used, &got);
        at += used;
        if (v->closing)
            viewer_await_goodbye(v, event);
        else
            viewer_handle(v, event, &got);
        ws_parser_release(&v->parser);
    }
    return conn_is_ending(conn) ? len : at;
}

static void viewer_on_expired(struct conn *conn, void *user, enum conn_wait wait)
{
    struct viewer *v = user;
    (void)wait;
    if (v->closing) {
        conn_close(conn); /* the peer has not said goodbye in time */
        return;
    }
    station_counters(v->station)->closed_idle++;
    viewer_complain(v, "a viewer did not answer pings any more");
    conn_abort(conn); /* it does not answer pings: no use in a close frame */
}

static void viewer_on_closed(struct conn *conn, void *user, int error)
{
    struct viewer *v = user;
    (void)conn;
    (void)error;
    for (int c = 0; c < CHANNELS; c++)
        viewer_leave(v, (enum channel)c);
    for (int c = 0; c < CHANNELS; c++)
        free(v->subs[c]);
    station_viewer_gone(v->station, v->id);
    ws_parser_fini(&v->parser);
    free(v);
}

static const struct conn_ops viewer_conn_ops = {
    .data = viewer_on_data,
    .drained = viewer_on_drained,
    .expired = viewer_on_expired,
    .closed = viewer_on_closed,
};

/* ---- life -------------------------------------------------------------------------------- */

struct viewer *viewer_new(struct station *st, uint64_t id, struct conn *conn, uint64_t number,
                          bool admin, struct inflater *inflater)
{
    struct viewer *v = mem_alloc(sizeof(*v));
    v->station = st;
    v->conn = conn;
    v->id = id;
    v->last_heard_ms = station_now_ms(st);
    v->number = number;
    v->admin = admin;
    v->connected_ms = clock_wall_ms();
    v->round_trip_ns = v->latency_ns = -1;
    const struct hub_limits *limits = &station_settings(st)->limits;
    allowance_init(&v->operations, limits->operations_burst, limits->operations_per_s,
                   v->last_heard_ms);
    ws_parser_init(&v->parser, WS_SERVER, CLIENT_MESSAGE_MAX);
    ws_parser_inflate(&v->parser, inflater);
    return v;
}

void viewer_greet(struct viewer *v, struct bytes *hello, const char *subscribe)
{
    viewer_limit_queue(v, station_settings(v->station)->client_queue_bytes);
    conn_set_owner(v->conn, &viewer_conn_ops, v);
    conn_set_wait(v->conn, CONN_WAIT_IDLE);
    viewer_send(v, hello);
    if (subscribe)
        viewer_subscribe_list(v, subscribe);
}

void viewer_beat(struct viewer *v, int64_t now_ms, struct bytes *ping)
{
    /* A request or its answer may have been lost on the way. */
    for (int c = 0; c < CHANNELS; c++) {
        if (v->subs[c])
            v->subs[c]->asked = false;
        subscription_recover(v, v->subs[c]);
    }
    /* The next beat would be too late for whom serve.idle_timeout ends soon after. */
    int64_t heartbeat_ms = station_settings(v->station)->heartbeat_ms;
    if (now_ms - v->last_heard_ms >= heartbeat_ms - heartbeat_ms / STATION_BEATS &&
        !viewer_is_ending(v))
        conn_send(v->conn, ping);
}

struct viewer *viewer_of_member(struct list *node)
{
    return CONTAINER_OF(node, struct subscription, member)->viewer;
}

bool viewer_deflates(const struct viewer *v)
{
    return v->parser.inflater != NULL;
}

struct conn *viewer_conn(struct viewer *v)
{
    return v->conn;
}

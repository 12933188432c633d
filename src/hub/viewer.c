/*
 * viewer.c: one WebSocket client.
 *
 * Incoming: frames to messages (wire/websocket), messages to operations; a bad message is answered
 * with an error, a broken frame ends the connection with the RFC's code.
 *
 * Outgoing: a parcel that must arrive is queued, up to the connection's limit; past it the viewer
 * is closed with 1013. A parcel of which only the newest matters goes out while the queue is empty;
 * otherwise it waits in the subscription (`held`), where a newer one replaces it and the loss is
 * told by a gap message. A change to a table cannot replace another: once one is lost, the viewer
 * waits for the whole table (`stale`), which is asked for when the queue has drained. A whole table
 * that has to wait is sent even when changes to it are lost meanwhile (`late`), or who is always
 * behind would never see one.
 */
#include "hub/viewer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "hub/encode.h"
#include "net/conn.h"
#include "wire/json.h"
#include "wire/websocket.h"

#define CLIENT_MESSAGE_MAX (64 * 1024) /* CONTRACT section 5 */
#define INTERVAL_MAX_MS (3600 * MS_PER_S)

/* Messages of a channel that were dropped, first and last. */
struct loss {
    uint64_t from, to; /* 0: none */
};

struct subscription {
    struct list member; /* in the station's list of its feed; alone when there is none */
    uint32_t feed;      /* FEED_NONE: not joined */
    uint32_t ticket;    /* of the newest wish; a join with another one is out of date */
    struct bytes *held; /* complete; waits for the queue to drain */
    uint64_t held_seq;
    struct loss lost; /* told before the next message */
    struct loss late; /* lost after `held`: told after it */
    bool stale;       /* changes were lost: only a complete parcel helps */
    bool asked;       /* for the complete one */
};

struct viewer {
    struct station *station;
    struct conn *conn;
    uint64_t id;
    int64_t last_heard_ms;
    struct ws_parser parser;
    struct subscription subs[CHANNELS];
    size_t queue_limit;  /* bytes; more than client_queue until a beginning has been sent */
    unsigned first_turn; /* the channel that sends first when the queue has drained */
};

/* ---- sending ----------------------------------------------------------------------------- */

static void viewer_send(struct viewer *v, struct bytes *frame)
{
    if (!frame || conn_is_ending(v->conn))
        return;
    struct station_stats *stats = station_counters(v->station);
    int err = conn_send(v->conn, frame);
    if (err == 0) {
        stats->messages++;
        stats->bytes += frame->len;
    } else if (err == -ENOBUFS) {
        stats->closed_slow++;
        viewer_close(v, WS_CLOSE_TRY_LATER, "too slow: messages that must arrive piled up");
    }
}

/* Sends a frame made for this viewer alone. */
static void viewer_say(struct viewer *v, struct bytes *frame)
{
    viewer_send(v, frame);
    bytes_unref(frame);
}

void viewer_close(struct viewer *v, uint16_t code, const char *reason)
{
    if (conn_is_ending(v->conn))
        return;
    struct bytes *frame = ws_frame_close(code, reason);
    conn_set_queue_limit(v->conn, SIZE_MAX); /* the last word always has room */
    if (frame)
        conn_send(v->conn, frame);
    bytes_unref(frame);
    conn_close(v->conn);
}

static void loss_add(struct loss *loss, uint64_t seq)
{
    if (!loss->from)
        loss->from = seq;
    loss->to = seq;
}

static void subscription_lose(struct viewer *v, struct subscription *sub, uint64_t seq)
{
    station_counters(v->station)->conflated++;
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

bool viewer_ready(const struct viewer *v, enum channel channel, const struct parcel *p)
{
    const struct subscription *sub = &v->subs[channel];
    return !conn_is_ending(v->conn) && !sub->held && !sub->stale && !sub->lost.from &&
           (p->urgency == PARCEL_KEEP || conn_queued_bytes(v->conn) == 0);
}

void viewer_sent(struct viewer *v, int result, const struct parcel *p)
{
    if (result == 0) {
        struct station_stats *stats = station_counters(v->station);
        stats->messages++;
        stats->bytes += p->frame->len;
    } else if (result == -ENOBUFS) {
        station_counters(v->station)->closed_slow++;
        viewer_close(v, WS_CLOSE_TRY_LATER, "too slow: messages that must arrive piled up");
    }
}

/* Keeps a complete parcel until the queue has drained; it replaces the one kept before. */
static void subscription_hold(struct viewer *v, struct subscription *sub, const struct parcel *p)
{
    if (sub->held) {
        station_counters(v->station)->conflated++;
        loss_add(&sub->lost, sub->held_seq);
        if (sub->late.from)
            loss_add(&sub->lost, sub->late.to);
        sub->late = (struct loss){0};
        subscription_drop_held(sub);
    }
    sub->held = bytes_ref(p->frame);
    sub->held_seq = p->seq;
}

/* Asks for the complete state as soon as there is room for it. */
static void subscription_recover(struct viewer *v, struct subscription *sub)
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
    if (p->complete)
        sub->stale = sub->asked = false;
    else if (sub->stale || conn_queued_bytes(v->conn) > 0) {
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

static void viewer_limit_queue(struct viewer *v, size_t bytes)
{
    v->queue_limit = bytes;
    conn_set_queue_limit(v->conn, bytes);
}

static void viewer_on_drained(struct conn *conn, void *user)
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

/* ---- subscriptions ----------------------------------------------------------------------- */

static void viewer_leave(struct viewer *v, enum channel channel)
{
    struct subscription *sub = &v->subs[channel];
    sub->ticket++;
    if (sub->feed == FEED_NONE)
        return;
    list_remove(&sub->member);
    station_leave(v->station, sub->feed);
    subscription_drop_held(sub);
    sub->feed = FEED_NONE;
    sub->stale = sub->asked = false;
    sub->lost = sub->late = (struct loss){0};
}

/* What a subscription begins with is no sign of slowness, however large: the limit is for what
 * comes on top of it, until it has been sent. Several at once make room for the largest only. */
static void viewer_make_room(struct viewer *v, const struct parcels *beginning)
{
    size_t bytes = station_settings(v->station)->client_queue_bytes;
    for (size_t i = 0; i < beginning->count; i++)
        bytes += beginning->items[i].frame->len;
    if (bytes > v->queue_limit)
        viewer_limit_queue(v, bytes);
}

void viewer_join(struct viewer *v, const struct delivery *d)
{
    struct subscription *sub = &v->subs[d->channel];
    viewer_send(v, d->answer);
    if (d->ticket != sub->ticket || conn_is_ending(v->conn)) {
        station_leave(v->station, d->feed); /* the viewer changed its mind meanwhile */
        return;
    }
    uint32_t ticket = sub->ticket;
    viewer_leave(v, d->channel);
    sub->ticket = ticket;
    sub->feed = d->feed;
    list_append(station_members(v->station, d->feed), &sub->member);
    viewer_make_room(v, &d->parcels);
    for (size_t i = 0; i < d->parcels.count; i++)
        viewer_take(v, d->channel, &d->parcels.items[i]);
}

void viewer_deliver(struct viewer *v, const struct delivery *d)
{
    if (v->subs[d->channel].feed != d->feed)
        return;
    for (size_t i = 0; i < d->parcels.count; i++)
        viewer_take(v, d->channel, &d->parcels.items[i]);
}

/* ---- operations -------------------------------------------------------------------------- */

struct operation {
    json_t *json;
    bool has_id;
    int64_t id;
};

static void viewer_refuse(struct viewer *v, const struct operation *op, const char *code,
                          const char *message)
{
    viewer_say(v, encode_error(op->has_id, op->id, code, message));
}

/* The member as integer of at least `least`. 0, -ENOENT: absent, -EINVAL. */
static int member_integer(const json_t *json, const char *key, int64_t least, int64_t *ret)
{
    const json_t *value = json_object_get(json, key);
    if (!value || json_is_null(value))
        return -ENOENT;
    if (!json_is_integer(value) || json_integer_value(value) < least)
        return -EINVAL;
    *ret = json_integer_value(value);
    return 0;
}

/* Adds the member, a text or a list of texts, piece by piece. 0 or a negative errno. */
static int member_texts(const json_t *json, const char *key, struct selector *selector,
                        int (*add)(struct selector *selector, const char *text))
{
    const json_t *value = json_object_get(json, key);
    if (!value || json_is_null(value))
        return 0;
    if (json_is_string(value))
        return add(selector, json_string_value(value));
    if (!json_is_array(value))
        return -EINVAL;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *text = json_string_value(json_array_get(value, i));
        int err = text ? add(selector, text) : -EINVAL;
        if (err)
            return err;
    }
    return 0;
}

static bool operation_channel(struct viewer *v, const struct operation *op, enum channel *ret)
{
    const char *name = json_string_value(json_object_get(op->json, "channel"));
    if (name && channel_parse(name, ret) == 0)
        return true;
    viewer_refuse(v, op, name ? "unknown_channel" : "bad_request",
                  name ? "there is no such channel; the hello message lists them"
                       : "\"channel\" must be the name of a channel");
    return false;
}

static void viewer_wish(struct viewer *v, const struct operation *op, struct request *r)
{
    struct subscription *sub = &v->subs[r->spec.channel];
    uint32_t before = sub->ticket;
    r->kind = REQUEST_SUBSCRIBE;
    r->viewer = v->id;
    r->ticket = ++sub->ticket;
    r->has_id = op->has_id;
    r->id = op->id;
    if (station_request(v->station, r) < 0) {
        sub->ticket = before;
        viewer_refuse(v, op, "busy", "too many requests at once; try again");
    }
}

static void operation_subscribe(struct viewer *v, const struct operation *op)
{
    enum channel channel;
    if (!operation_channel(v, op, &channel))
        return;
    struct request *r = mem_alloc(sizeof(*r));
    r->spec.channel = channel;
    const char *wrong = NULL;
    int64_t since = 0;
    int err = member_integer(op->json, "interval_ms", 0, &r->spec.interval_ms);
    if (err == -EINVAL || r->spec.interval_ms > INTERVAL_MAX_MS)
        wrong = "\"interval_ms\" must be a whole number of milliseconds, at most an hour";
    err = member_integer(op->json, "since", 0, &since);
    if (err == -EINVAL)
        wrong = "\"since\" must be the seq of the last message received";
    r->has_since = err == 0;
    r->since = (uint64_t)since;
    if (member_texts(op->json, "metric", &r->spec.selector, selector_add_glob) < 0)
        wrong = "\"metric\" must be a list of at most 64 name patterns";
    if (member_texts(op->json, "match", &r->spec.selector, selector_add_match) < 0)
        wrong = "\"match\" must be a list of at most 16 texts of the form label=pattern";
    if (!wrong && channel != CHANNEL_METRICS &&
        (r->spec.selector.globs_count || r->spec.selector.matches_count))
        wrong = "\"metric\" and \"match\" go with the channel metrics only";
    if (wrong) {
        hub_request_free(r);
        viewer_refuse(v, op, "bad_request", wrong);
        return;
    }
    viewer_wish(v, op, r);
}

static void operation_unsubscribe(struct viewer *v, const struct operation *op)
{
    enum channel channel;
    if (!operation_channel(v, op, &channel))
        return;
    viewer_leave(v, channel);
    if (op->has_id)
        viewer_say(v, encode_ok(op->id));
}

static void operation_ping(struct viewer *v, const struct operation *op)
{
    viewer_say(v, encode_pong(op->has_id, op->id));
}

static void operation_ack(struct viewer *v, const struct operation *op)
{
    int64_t seq;
    if (member_integer(op->json, "seq", 0, &seq) < 0)
        viewer_refuse(v, op, "bad_request", "\"seq\" must be the seq of a message");
}

static const struct {
    const char *name;
    void (*run)(struct viewer *v, const struct operation *op);
} operations[] = {
    {"subscribe", operation_subscribe},
    {"unsubscribe", operation_unsubscribe},
    {"ping", operation_ping},
    {"ack", operation_ack},
};

static void viewer_operate(struct viewer *v, const struct ws_received *message)
{
    char why[160];
    struct operation op = {0};
    station_counters(v->station)->received++;
    if (message->opcode != WS_TEXT) {
        viewer_refuse(v, &op, "bad_request", "messages must be JSON text");
        return;
    }
    op.json = json_parse((const char *)message->data, message->len, why, sizeof(why));
    if (!op.json || !json_is_object(op.json)) {
        viewer_refuse(v, &op, "bad_request", op.json ? "a message must be a JSON object" : why);
        json_decref(op.json);
        return;
    }
    int err = member_integer(op.json, "id", INT64_MIN, &op.id);
    op.has_id = err == 0;
    const char *name = json_string_value(json_object_get(op.json, "op"));
    size_t i = 0;
    while (name && i < ARRAY_LEN(operations) && strcmp(name, operations[i].name) != 0)
        i++;
    if (err == -EINVAL)
        viewer_refuse(v, &op, "bad_request", "\"id\" must be a whole number");
    else if (!name || i == ARRAY_LEN(operations))
        viewer_refuse(v, &op, "unknown_op", "\"op\" must be subscribe, unsubscribe, ping or ack");
    else
        operations[i].run(v, &op);
    json_decref(op.json);
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
        viewer_close(v, (uint16_t)got->code, "");
        break;
    case WS_EVENT_ERROR:
        station_counters(v->station)->protocol_errors++;
        viewer_close(v, (uint16_t)got->code, got->why);
        break;
    case WS_EVENT_PONG:
    case WS_EVENT_MORE:
        break;
    }
}

static size_t viewer_on_data(struct conn *conn, void *user, const uint8_t *data, size_t len)
{
    struct viewer *v = user;
    size_t at = 0;
    v->last_heard_ms = station_now_ms(v->station);
    while (at < len && !conn_is_ending(conn)) {
        struct ws_received got;
        size_t used;
        enum ws_event event = ws_parse(&v->parser, data + at, len - at, &used, &got);
        at += used;
        if (event == WS_EVENT_MORE)
            break;
        viewer_handle(v, event, &got);
    }
    return len;
}

static void viewer_on_expired(struct conn *conn, void *user, enum conn_wait wait)
{
    struct viewer *v = user;
    (void)wait;
    station_counters(v->station)->closed_idle++;
    conn_abort(conn); /* it does not answer pings: no use in a close frame */
}

static void viewer_on_closed(struct conn *conn, void *user, int error)
{
    struct viewer *v = user;
    (void)conn;
    (void)error;
    for (int c = 0; c < CHANNELS; c++)
        viewer_leave(v, (enum channel)c);
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

static void viewer_subscribe_list(struct viewer *v, const char *names)
{
    char *copy = mem_string(names), *rest = copy;
    for (char *name; (name = strsep(&rest, ",")) != NULL;) {
        struct operation op = {0};
        enum channel channel;
        if (!*name)
            continue;
        if (channel_parse(name, &channel) < 0) {
            viewer_refuse(v, &op, "unknown_channel",
                          "there is no such channel; the hello message lists them");
            continue;
        }
        struct request *r = mem_alloc(sizeof(*r));
        r->spec.channel = channel;
        viewer_wish(v, &op, r);
    }
    free(copy);
}

struct viewer *viewer_new(struct station *st, uint64_t id, struct conn *conn)
{
    struct viewer *v = mem_alloc(sizeof(*v));
    v->station = st;
    v->conn = conn;
    v->id = id;
    v->last_heard_ms = station_now_ms(st);
    ws_parser_init(&v->parser, WS_SERVER, CLIENT_MESSAGE_MAX);
    for (int c = 0; c < CHANNELS; c++)
        list_init(&v->subs[c].member);
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
        v->subs[c].asked = false;
        subscription_recover(v, &v->subs[c]);
    }
    if (now_ms - v->last_heard_ms >= station_settings(v->station)->heartbeat_ms &&
        !conn_is_ending(v->conn))
        conn_send(v->conn, ping);
}

struct viewer *viewer_of_member(struct list *node, enum channel channel)
{
    return CONTAINER_OF(node, struct viewer, subs[channel].member);
}

struct conn *viewer_conn(struct viewer *v)
{
    return v->conn;
}

/*
 * rig.h: a hub with its stations on one loop and one thread, and clients on socket pairs: every
 * step happens when the test says so. rig_turn lets everything under way arrive.
 */
#pragma once

#include "maker.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "hub/hub.h"
#include "net/conn.h"
#include "wire/deflate.h"

#define RIG_PATIENCE_NS                                                                            \
    (20 * NS_PER_S) /* for sanitizers and valgrind; never reached when right                       \
                     */

struct rig {
    uv_loop_t loop;
    struct hub *hub;
    struct station *stations[2];
    struct net *net;
    struct maker maker;
    bool admin; /* the role of who comes from now on */
    bool closed;
};

struct rig_options {
    size_t client_queue_bytes, ring_ticks;
    int64_t heartbeat_ms;
    uint32_t idle_ms;
    int64_t performance_interval_ms; /* 0: the channel is silent */
    const struct hub_limits *limits;
    uint64_t next_tick_seq, next_event_seq, next_alert_seq;
    struct verdicts verdicts;
};

static inline void rig_process(void *user, uint64_t *ret_cpu_ns, double *ret_rss_bytes)
{
    (void)user;
    *ret_cpu_ns = (uint64_t)clock_mono_ns() / 2; /* half a processor, since the beginning */
    *ret_rss_bytes = 4096;
}

static inline struct rig *rig_new(struct rig_options o)
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    struct hub_settings settings = {
        .version = "1.2.3",
        .host = "test",
        .interval_ms = 1000,
        .next_tick_seq = o.next_tick_seq,
        .next_event_seq = o.next_event_seq,
        .next_alert_seq = o.next_alert_seq,
        .verdicts = o.verdicts,
        .client_queue_bytes = o.client_queue_bytes ? o.client_queue_bytes : 1U << 20,
        .heartbeat_ms = o.heartbeat_ms ? o.heartbeat_ms : 3600 * MS_PER_S,
        .ring_ticks = o.ring_ticks ? o.ring_ticks : 600,
        .ring_bytes = 64U << 20,
        .limits = o.limits ? *o.limits : HUB_LIMITS_DEFAULT,
        .performance_interval_ms = o.performance_interval_ms,
        .process = rig_process,
    };
    struct net_limits limits = NET_LIMITS_DEFAULT;
    limits.idle_ms = o.idle_ms ? o.idle_ms : 3600 * 1000;
    limits.linger_ms = 200;
    limits.handshake_ms = 1000; /* for a close frame's answer, too */
    rig->hub = hub_new(&settings, &rig->loop);
    assert_non_null(rig->hub);
    for (size_t i = 0; i < ARRAY_LEN(rig->stations); i++)
        assert_non_null(rig->stations[i] = hub_add_station(rig->hub, &rig->loop));
    rig->net = net_new(&rig->loop, &limits);
    rig->maker = maker_new(1000);
    return rig;
}

/* Enough turns of the loop for every letter to arrive and its answer to come back. */
static inline void rig_turn(struct rig *rig)
{
    for (int i = 0; i < 12; i++)
        uv_run(&rig->loop, UV_RUN_NOWAIT);
}

/* Publishes the tick and releases it. */
static inline void rig_publish(struct rig *rig, struct tick *t)
{
    hub_publish(rig->hub, t);
    tick_unref(t);
}

static inline void rig_tick(struct rig *rig)
{
    rig_publish(rig, maker_tick(&rig->maker));
}

static inline void rig_table(struct rig *rig, struct table *table)
{
    maker_begin(&rig->maker);
    draft_table(rig->maker.draft, table);
    rig_publish(rig, maker_end(&rig->maker));
}

static inline void rig_events(struct rig *rig, unsigned count)
{
    maker_begin(&rig->maker);
    for (unsigned i = 0; i < count; i++)
        maker_event(&rig->maker, "eth0");
    rig_publish(rig, maker_end(&rig->maker));
}

static inline size_t rig_feeds(struct rig *rig)
{
    struct hub_stats stats;
    hub_stats(rig->hub, &stats);
    return stats.feeds;
}

static inline struct station_stats rig_station(struct rig *rig, size_t index)
{
    struct station_stats stats;
    station_stats(rig->stations[index], &stats);
    return stats;
}

/* The daemon's order of ending: stations, connections, the core. */
static inline void rig_close(struct rig *rig)
{
    if (rig->closed)
        return;
    rig->closed = true;
    for (size_t i = 0; i < ARRAY_LEN(rig->stations); i++)
        station_close(rig->stations[i]);
    net_stop(rig->net, 100);
    hub_close(rig->hub);
}

static inline void rig_free(struct rig *rig)
{
    rig_close(rig);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    net_free(rig->net);
    hub_free(rig->hub);
    maker_free(&rig->maker);
    free(rig);
}

/* ---- a client ---------------------------------------------------------------------------- */

struct client {
    struct rig *rig;
    int fd;
    struct ws_parser parser;
    json_t *inbox; /* an array: messages not looked at yet */
    unsigned pings, pongs;
    uint8_t ping[125]; /* of the newest: what it carries */
    size_t ping_len;
    unsigned close_code;       /* 0: no close frame has come */
    bool ended;                /* the server's end of the stream */
    bool rude;                 /* does not answer a close frame */
    struct inflater *inflater; /* NULL: does not take compressed messages */
    uint64_t bytes;            /* received */
};

/* send_bytes: of the server's side of the pair; 0: as the kernel has it. */
static inline struct client *client_connect(struct rig *rig, size_t station, const char *subscribe,
                                            int send_bytes, bool deflate)
{
    struct client *c = mem_alloc(sizeof(*c));
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    if (send_bytes)
        setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
    c->rig = rig;
    c->fd = pair[1];
    c->inbox = json_array();
    ws_parser_init(&c->parser, WS_CLIENT, 64U << 20);
    c->inflater = deflate ? inflater_new() : NULL;
    ws_parser_inflate(&c->parser, c->inflater);
    struct conn *conn = conn_new(rig->net, pair[0]);
    assert_non_null(conn);
    station_open(rig->stations[station], conn, subscribe,
                 (struct viewer_terms){.admin = rig->admin, .deflate = deflate});
    return c;
}

static inline struct client *client_open(struct rig *rig, size_t station, const char *subscribe,
                                         int send_bytes)
{
    return client_connect(rig, station, subscribe, send_bytes, false);
}

static inline void client_take(struct client *c, enum ws_event event, const struct ws_received *got)
{
    json_error_t error;
    json_t *json;
    switch (event) {
    case WS_EVENT_MESSAGE:
        assert_int_equal(got->opcode, WS_TEXT);
        assert_int_equal(c->close_code, 0); /* nothing follows a close frame */
        json = json_loadb((const char *)got->data, got->len, JSON_REJECT_DUPLICATES, &error);
        if (!json)
            fail_msg("%s: %.*s", error.text, (int)got->len, (const char *)got->data);
        json_array_append_new(c->inbox, json);
        break;
    case WS_EVENT_PING:
        c->pings++;
        c->ping_len = got->len;
        memcpy(c->ping, got->data, got->len);
        break;
    case WS_EVENT_PONG:
        c->pongs++;
        break;
    case WS_EVENT_CLOSE:
        c->close_code = got->code;
        if (!c->rude) { /* an empty close frame; when the server has ended already, never mind */
            ssize_t n = send(c->fd, "\x88\x80mask", 6, MSG_NOSIGNAL);
            (void)n;
        }
        break;
    case WS_EVENT_ERROR:
        fail_msg("the server broke the protocol: %s", got->why);
        break;
    case WS_EVENT_MORE:
        break;
    }
}

/* Reads what is there, `most` bytes of it. */
static inline void client_read(struct client *c, size_t most)
{
    uint8_t data[16384];
    while (most) {
        ssize_t n = recv(c->fd, data, MIN(sizeof(data), most), 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            c->ended = true;
            return;
        }
        most -= (size_t)n;
        c->bytes += (uint64_t)n;
        size_t at = 0;
        while (at < (size_t)n) {
            struct ws_received got;
            size_t used;
            enum ws_event event = ws_parse(&c->parser, data + at, (size_t)n - at, &used, &got);
            client_take(c, event, &got);
            at += used;
        }
    }
}

static inline void client_turn(struct client *c)
{
    rig_turn(c->rig);
    client_read(c, SIZE_MAX);
}

/* The next message of any type; waits for it. Release with json_decref. */
static inline json_t *client_next(struct client *c)
{
    int64_t until_ns = clock_mono_ns() + RIG_PATIENCE_NS;
    while (json_array_size(c->inbox) == 0) {
        client_turn(c);
        if (c->ended && json_array_size(c->inbox) == 0)
            fail_msg("the connection ended (close code %u)", c->close_code);
        if (clock_mono_ns() > until_ns)
            fail_msg("no message came");
    }
    json_t *json = json_incref(json_array_get(c->inbox, 0));
    json_array_remove(c->inbox, 0);
    return json;
}

static inline json_t *client_expect(struct client *c, const char *type)
{
    json_t *json = client_next(c);
    if (strcmp(json_text(json, "type"), type) != 0) {
        char *text = json_dumps(json, 0);
        fail_msg("expected %s, got %.300s", type, text);
    }
    return json;
}

static inline void client_expect_ok(struct client *c, int64_t id)
{
    json_t *ok = client_expect(c, "ok");
    assert_int_equal(json_whole(ok, "id"), id);
    json_decref(ok);
}

/* The next message is an error with this code, and with this id, or without one when id is 0. */
static inline void client_expect_error(struct client *c, int64_t id, const char *code)
{
    json_t *error = client_expect(c, "error");
    assert_string_equal(json_text(error, "code"), code);
    assert_true(strlen(json_text(error, "message")) > 5);
    if (id)
        assert_int_equal(json_whole(error, "id"), id);
    else
        assert_null(json_object_get(error, "id"));
    json_decref(error);
}

/* Skips the next message, which has to be of this type. */
static inline void client_skip(struct client *c, const char *type)
{
    json_decref(client_expect(c, type));
}

static inline void client_expect_seq(struct client *c, const char *type, uint64_t seq)
{
    json_t *json = client_expect(c, type);
    assert_int_equal(json_whole(json, "seq"), seq);
    json_decref(json);
}

static inline void client_expect_gap(struct client *c, const char *channel, uint64_t from,
                                     uint64_t to, const char *reason)
{
    json_t *gap = client_expect(c, "gap");
    assert_string_equal(json_text(gap, "channel"), channel);
    assert_string_equal(json_text(gap, "reason"), reason);
    assert_int_equal(json_whole(gap, "from"), from);
    assert_int_equal(json_whole(gap, "to"), to);
    json_decref(gap);
}

/* Nothing has come and nothing is under way. */
static inline void client_expect_nothing(struct client *c)
{
    client_turn(c);
    if (json_array_size(c->inbox)) {
        char *text = json_dumps(json_array_get(c->inbox, 0), 0);
        fail_msg("expected nothing, got %.300s", text);
    }
}

/* Waits for the end of the stream; returns how many messages came before it, unread. */
static inline size_t client_read_all(struct client *c)
{
    int64_t until_ns = clock_mono_ns() + RIG_PATIENCE_NS;
    while (!c->ended && clock_mono_ns() < until_ns)
        client_turn(c);
    assert_true(c->ended);
    return json_array_size(c->inbox);
}

/* Waits for the close frame with this code and the end of the stream; drops messages before it. */
static inline void client_expect_close(struct client *c, unsigned code)
{
    client_read_all(c);
    assert_int_equal(c->close_code, code);
    json_array_clear(c->inbox);
}

static inline void client_send_bytes(struct client *c, const void *data, size_t len)
{
    const char *at = data;
    int64_t until_ns = clock_mono_ns() + RIG_PATIENCE_NS;
    while (len) {
        ssize_t n = send(c->fd, at, len, MSG_NOSIGNAL);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        } else if (errno != EAGAIN) {
            return; /* the server has closed: the test will see it by what it expects */
        } else {
            rig_turn(c->rig);
        }
        assert_true(clock_mono_ns() < until_ns);
    }
}

static inline void client_send_frame(struct client *c, enum ws_opcode opcode, const void *data,
                                     size_t len)
{
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    struct buf b = BUF_INIT;
    ws_client_frame(&b, true, opcode, mask, data, len);
    client_send_bytes(c, b.data, b.len);
    buf_fini(&b);
}

static inline void client_say(struct client *c, const char *text)
{
    client_send_frame(c, WS_TEXT, text, strlen(text));
}

/* The client goes without a word. */
static inline void client_drop(struct client *c)
{
    close(c->fd);
    ws_parser_fini(&c->parser);
    inflater_free(c->inflater);
    json_decref(c->inbox);
    free(c);
}

/* A client that was greeted. */
static inline struct client *client_new(struct rig *rig, size_t station, int send_bytes)
{
    struct client *c = client_open(rig, station, NULL, send_bytes);
    client_skip(c, "hello");
    return c;
}

/* Subscribes and waits for the answer; what comes behind it is not looked at. */
static inline void client_subscribe(struct client *c, const char *channel)
{
    char *text = mem_printf("{\"op\":\"subscribe\",\"id\":77,\"channel\":\"%s\"}", channel);
    client_say(c, text);
    free(text);
    client_expect_ok(c, 77);
}

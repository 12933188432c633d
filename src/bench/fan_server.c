/*
 * fan_server.c: listens on 127.0.0.1 on a port that the kernel chooses; every client that upgrades,
 * whatever the path, gets every message from then on. The first text from any of them starts the
 * sending. Connections are kept as an array, which is what the fan-out takes.
 *
 * With deflate all clients have agreed, so that there is one frame for all of them, packed once.
 *
 * A client that is too slow misses messages; the daemon would send it the newest state later.
 */
#include "bench/fan_server.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "bench/certificate.h"
#include "bench/message.h"
#include "bench/usage.h"
#include "net/fanout.h"
#include "net/listener.h"
#include "net/ring.h"
#include "net/tls.h"
#include "wire/deflate.h"
#include "wire/extension.h"
#include "wire/http.h"
#include "wire/websocket.h"

#define BATCH 256 /* connections in one call of the fan-out, as in the daemon */
#define LOOK_MS 50
#define CLIENT_MESSAGE_MAX 1024
#define IDLE_MS (60 * 60 * 1000) /* the crowd only listens, and some of it not even that */
#define PLAIN_REFUSAL "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"

struct fan_server {
    const struct fan_server_settings *settings;
    struct fan_server_state *state;
    uv_loop_t loop;
    struct net *net;
    uv_timer_t look, tick;
    uv_idle_t turn;      /* without a rate */
    struct conn **conns; /* that have upgraded */
    struct fan_client **clients;
    size_t count;
    struct deflater *deflater; /* these two NULL: no compression */
    struct inflater *inflater;
    uint64_t seq;
    int64_t due_ns; /* of the message sent last, by the monotonic clock */
};

struct fan_client {
    struct fan_server *server;
    struct conn *conn;
    struct http_parser *http; /* until the upgrade */
    size_t index;             /* in the server's arrays, after it */
    struct ws_parser parser;
};

/* ---- sending ----------------------------------------------------------------------------- */

/* The next message. NULL: no memory. */
static struct bytes *server_frame(struct fan_server *s)
{
    size_t size = s->settings->size_bytes;
    int64_t now_ns = clock_mono_ns();
    s->seq++;
    if (!s->deflater)
        return message_frame(size, s->seq, now_ns);
    struct bytes *plain = message_metrics_frame(size, s->seq, now_ns);
    struct bytes *packed = plain ? deflater_pack(s->deflater, plain) : NULL;
    if (!packed)
        return plain; /* it does not pay */
    bytes_unref(plain);
    return packed;
}

static void server_send(struct fan_server *s)
{
    int results[BATCH];
    struct bytes *frame = server_frame(s);
    if (!frame)
        return; /* the crowd sees that a number is missing */
    for (size_t at = 0; at < s->count; at += BATCH) {
        size_t count = MIN(s->count - at, (size_t)BATCH);
        size_t taken = fanout_send(s->conns + at, count, frame, results);
        if (taken < count)
            atomic_fetch_add_explicit(&s->state->dropped, count - taken, memory_order_relaxed);
    }
    bytes_unref(frame);
}

/* On a grid, so that what is late does not make the rest later. At least a millisecond: a timer of
 * none would be due again before anything else has its turn. */
static void on_tick(uv_timer_t *timer)
{
    struct fan_server *s = timer->data;
    server_send(s);
    s->due_ns += NS_PER_S / s->settings->rate_hz;
    int64_t wait_ms = (s->due_ns - clock_mono_ns()) / NS_PER_MS;
    uv_update_time(&s->loop);
    CHECK(uv_timer_start(timer, on_tick, (uint64_t)MAX(wait_ms, INT64_C(1)), 0) == 0);
}

/* In every turn of the loop, when everything has left. */
static void on_turn(uv_idle_t *idle)
{
    struct fan_server *s = idle->data;
    if (!net_counters(s->net)->queued_bytes)
        server_send(s);
}

static void server_go(struct fan_server *s)
{
    uv_timer_stop(&s->look); /* nothing but the sending from now on */
    if (s->seq)
        return;
    s->due_ns = clock_mono_ns();
    if (s->settings->rate_hz)
        on_tick(&s->tick);
    else
        CHECK(uv_idle_start(&s->turn, on_turn) == 0);
}

/* ---- clients ----------------------------------------------------------------------------- */

/* The answer to what the client offers; NULL: nothing that we take. */
static const char *answer_offers(const struct http_head *head)
{
    struct ws_offers offers = {0};
    const char *list = http_header(head, "sec-websocket-extensions");
    return list && ws_offers_read(&offers, list) == 0 ? ws_offers_answer(&offers) : NULL;
}

static void client_upgrade(struct fan_client *c)
{
    const struct http_head *head = http_parser_head(c->http);
    const char *key = http_header(head, "sec-websocket-key");
    char accept[WS_ACCEPT_LEN + 1];
    struct buf answer = BUF_INIT;
    const char *extensions = c->server->deflater ? answer_offers(head) : NULL;
    if (!head->upgrade || !key || !ws_key_valid(key) || (c->server->deflater && !extensions)) {
        conn_close(c->conn);
        return;
    }
    ws_accept(key, accept);
    http_put_status(&answer, 101);
    http_put_header(&answer, "Connection", "Upgrade");
    http_put_header(&answer, "Upgrade", "websocket");
    http_put_header(&answer, "Sec-WebSocket-Accept", accept);
    if (extensions)
        http_put_header(&answer, "Sec-WebSocket-Extensions", extensions);
    buf_text(&answer, "\r\n");
    struct bytes *message = buf_ok(&answer) ? bytes_copy(answer.data, answer.len) : NULL;
    buf_fini(&answer);
    http_parser_free(c->http);
    c->http = NULL;
    if (message && conn_send(c->conn, message) == 0) {
        c->index = c->server->count;
        c->server->conns[c->index] = c->conn;
        c->server->clients[c->index] = c;
        c->server->count++;
    } else {
        conn_abort(c->conn);
    }
    bytes_unref(message);
    conn_set_wait(c->conn, CONN_WAIT_IDLE);
}

static size_t client_http(struct fan_client *c, const uint8_t *data, size_t len)
{
    size_t used;
    switch (http_parse(c->http, data, len, &used)) {
    case HTTP_EVENT_DONE:
        if (c->server->count < c->server->settings->clients)
            client_upgrade(c);
        else
            conn_close(c->conn);
        break;
    case HTTP_EVENT_BAD:
        conn_close(c->conn);
        break;
    case HTTP_EVENT_HEAD:
    case HTTP_EVENT_MORE:
        break;
    }
    return used;
}

static size_t client_data(struct conn *conn, void *user, const uint8_t *data, size_t len)
{
    struct fan_client *c = user;
    size_t at = 0;
    if (c->http)
        return client_http(c, data, len);
    while (at < len && !conn_is_ending(conn)) {
        struct ws_received got;
        size_t used;
        enum ws_event event = ws_parse(&c->parser, data + at, len - at, &used, &got);
        at += used;
        if (event == WS_EVENT_MESSAGE)
            server_go(c->server);
        else if (event == WS_EVENT_CLOSE || event == WS_EVENT_ERROR)
            conn_close(conn);
    }
    return len;
}

static void client_closed(struct conn *conn, void *user, int error)
{
    struct fan_client *c = user;
    struct fan_server *s = c->server;
    (void)error;
    if (s->count && c->index < s->count && s->conns[c->index] == conn) {
        s->count--;
        s->conns[c->index] = s->conns[s->count];
        s->clients[c->index] = s->clients[s->count];
        s->clients[c->index]->index = c->index;
    }
    http_parser_free(c->http);
    ws_parser_fini(&c->parser);
    free(c);
}

static const struct conn_ops client_ops = {.data = client_data, .closed = client_closed};

static void on_accepted(struct conn *conn, void *user)
{
    struct fan_client *c = mem_alloc(sizeof(*c));
    c->server = user;
    c->conn = conn;
    c->http = http_parser_new(&HTTP_LIMITS_DEFAULT);
    ws_parser_init(&c->parser, WS_SERVER, CLIENT_MESSAGE_MAX);
    if (c->server->inflater)
        ws_parser_inflate(&c->parser, c->server->inflater);
    conn_set_wait(conn, CONN_WAIT_HANDSHAKE);
    conn_set_owner(conn, &client_ops, c);
}

/* ---- life -------------------------------------------------------------------------------- */

static void on_look(uv_timer_t *timer)
{
    struct fan_server *s = timer->data;
#ifdef __GLIBC__
    struct mallinfo2 info = mallinfo2();
    atomic_store_explicit(&s->state->allocated, info.uordblks + info.hblkhd, memory_order_relaxed);
#endif
}

/* What the settings ask beside plain connections. False: it is not to be had, as state->why says.
 */
static bool server_equip(struct fan_server *s)
{
    struct fan_server_state *state = s->state;
    if (s->settings->io_uring) {
        struct ring *ring;
        int err = ring_open(&ring);
        if (err) {
            snprintf(state->why, sizeof(state->why), "io_uring cannot be used here: %s",
                     strerror(-err));
            return false;
        }
        net_set_ring(s->net, ring);
    }
    if (s->settings->tls) {
        struct tls *tls;
        signal(SIGPIPE, SIG_IGN);
        if (certificate_make(&tls, state->why, sizeof(state->why)) < 0)
            return false;
        net_set_tls(s->net, tls, PLAIN_REFUSAL);
        tls_unref(tls);
    }
    if (s->settings->deflate) {
        s->deflater = deflater_new();
        s->inflater = inflater_new();
    }
    return true;
}

void fan_server_run(const struct fan_server_settings *settings, struct fan_server_state *state)
{
    struct fan_server s = {.settings = settings, .state = state};
    struct net_limits limits = NET_LIMITS_DEFAULT;
    uint64_t descriptors = usage_want_descriptors((uint64_t)settings->clients + 64);
    if (descriptors < (uint64_t)settings->clients + 64) {
        snprintf(state->why, sizeof(state->why), "only %llu descriptors",
                 (unsigned long long)descriptors);
        return;
    }
    mem_setup();
    s.conns = mem_array(settings->clients, sizeof(struct conn *));
    s.clients = mem_array(settings->clients, sizeof(struct fan_client *));
    CHECK(uv_loop_init(&s.loop) == 0);
    limits.max_clients = settings->clients + 1;
    limits.idle_ms = limits.stall_ms = IDLE_MS;
    s.net = net_new(&s.loop, &limits);
    if (!server_equip(&s))
        return;
    struct listeners *listeners = listeners_new(false);
    if (listeners_add(listeners, "127.0.0.1:0", state->why, sizeof(state->why)) != 0)
        return;
    CHECK(listeners_start(listeners, s.net, on_accepted, &s) == 0);
    CHECK(uv_timer_init(&s.loop, &s.look) == 0 && uv_timer_init(&s.loop, &s.tick) == 0 &&
          uv_idle_init(&s.loop, &s.turn) == 0);
    s.look.data = s.tick.data = s.turn.data = &s;
    CHECK(uv_timer_start(&s.look, on_look, 0, LOOK_MS) == 0);
    atomic_store(&state->port, listeners_address(listeners, 0)->port);
    if (settings->listening)
        settings->listening(listeners_address(listeners, 0)->port);
    uv_run(&s.loop, UV_RUN_DEFAULT);
    snprintf(state->why, sizeof(state->why), "its loop ended");
}

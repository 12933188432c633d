/*
 * echo.c: a WebSocket echo server out of the parts that the daemon is made of (src/net, src/http's
 * upgrade, src/wire), for the conformance suite: what a message looked like when it came must be
 * seen from outside, and up to 16 MiB of it. Never part of what is shipped.
 *
 *     echo          listens on a port of 127.0.0.1 that the kernel chooses, prints it, serves
 *                   until standard input ends
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/check.h"
#include "base/mem.h"
#include "http/server.h"
#include "net/conn.h"
#include "net/listener.h"
#include "net/net.h"
#include "wire/deflate.h"
#include "wire/websocket.h"

#define MESSAGE_MAX (16U << 20)
#define QUEUE_MAX (64U << 20)

struct echo {
    uv_loop_t loop;
    struct net *net;
    struct listeners *listeners;
    struct http_server *http;
    struct inflater *inflater;
    struct deflater *deflater;
};

struct peer {
    struct echo *echo;
    bool deflate;
    struct ws_parser parser;
};

static void send_and_drop(struct conn *conn, struct bytes *frame)
{
    CHECK(frame);
    int result = conn_send(conn, frame); /* a peer that went is told by `closed` */
    CHECK(result == 0 || conn_is_ending(conn));
    bytes_unref(frame);
}

static void send_message(struct conn *conn, const struct peer *peer, const struct ws_received *got)
{
    struct bytes *frame = ws_frame(got->opcode, got->data, got->len);
    CHECK(frame);
    struct bytes *packed = peer->deflate ? deflater_pack(peer->echo->deflater, frame) : NULL;
    if (packed) {
        bytes_unref(frame);
        frame = packed;
    }
    send_and_drop(conn, frame);
}

static void handle(struct conn *conn, struct peer *peer, enum ws_event event,
                   const struct ws_received *got)
{
    switch (event) {
    case WS_EVENT_MESSAGE:
        send_message(conn, peer, got);
        ws_parser_release(&peer->parser);
        break;
    case WS_EVENT_PING:
        send_and_drop(conn, ws_frame(WS_PONG, got->data, got->len));
        break;
    case WS_EVENT_CLOSE:
    case WS_EVENT_ERROR:
        send_and_drop(conn, ws_frame_close(got->code, got->why));
        conn_close(conn);
        break;
    case WS_EVENT_PONG:
    case WS_EVENT_MORE:
        break;
    }
}

static size_t on_data(struct conn *conn, void *user, const uint8_t *data, size_t len)
{
    struct peer *peer = user;
    size_t at = 0;
    while (at < len && !conn_is_ending(conn)) {
        struct ws_received got;
        size_t used;
        enum ws_event event = ws_parse(&peer->parser, data + at, len - at, &used, &got);
        at += used;
        handle(conn, peer, event, &got);
    }
    return len;
}

static void on_closed(struct conn *conn, void *user, int error)
{
    struct peer *peer = user;
    (void)conn;
    (void)error;
    ws_parser_fini(&peer->parser);
    free(peer);
}

static const struct conn_ops peer_ops = {.data = on_data, .closed = on_closed};

static void on_upgrade(struct http_request *request, void *user)
{
    struct echo *echo = user;
    bool deflate;
    struct conn *conn = http_upgrade(request, NULL, &deflate);
    if (!conn)
        return;
    struct peer *peer = mem_alloc(sizeof(*peer));
    peer->echo = echo;
    peer->deflate = deflate;
    ws_parser_init(&peer->parser, WS_SERVER, MESSAGE_MAX);
    ws_parser_inflate(&peer->parser, deflate ? echo->inflater : NULL);
    conn_set_queue_limit(conn, QUEUE_MAX);
    conn_set_owner(conn, &peer_ops, peer);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    static char room[64];
    (void)handle;
    (void)size;
    *buf = uv_buf_init(room, sizeof(room));
}

/* Standard input ends: so does everything. */
static void on_input(uv_stream_t *input, ssize_t n, const uv_buf_t *buf)
{
    struct echo *echo = input->data;
    (void)buf;
    if (n >= 0)
        return;
    listeners_stop(echo->listeners);
    http_server_stop(echo->http);
    net_stop(echo->net, 100);
    uv_close((uv_handle_t *)input, NULL);
}

int main(void)
{
    static const char *const hosts[] = {"127.0.0.1"};
    struct echo echo = {0};
    uv_pipe_t input;
    char why[256];

    CHECK(uv_loop_init(&echo.loop) == 0);
    echo.net = net_new(&echo.loop, &NET_LIMITS_DEFAULT);
    echo.inflater = inflater_new();
    echo.deflater = deflater_new();
    struct access *access = access_new(&(struct access_config){.hosts = hosts, .host_count = 1});
    echo.http = http_server_new(echo.net, &(struct http_config){.base_path = "/",
                                                                .access = access,
                                                                .limits = HTTP_LIMITS_DEFAULT,
                                                                .compress = true});
    http_server_route(
        echo.http, &(struct http_route){HTTP_METHOD_GET, "/", ACCESS_ANYONE, on_upgrade, &echo, 0});
    echo.listeners = listeners_new(false);
    if (listeners_add(echo.listeners, "127.0.0.1:0", why, sizeof(why)) < 0) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    CHECK(listeners_start(echo.listeners, echo.net, http_server_accept, echo.http) == 0);
    CHECK(uv_pipe_init(&echo.loop, &input, 0) == 0 && uv_pipe_open(&input, 0) == 0);
    input.data = &echo;
    CHECK(uv_read_start((uv_stream_t *)&input, on_alloc, on_input) == 0);
    printf("%u\n", listeners_address(echo.listeners, 0)->port);
    fflush(stdout);

    uv_run(&echo.loop, UV_RUN_DEFAULT);
    http_server_free(echo.http);
    net_free(echo.net);
    listeners_free(echo.listeners);
    access_free(access);
    deflater_free(echo.deflater);
    inflater_free(echo.inflater);
    CHECK(uv_loop_close(&echo.loop) == 0);
    return 0;
}

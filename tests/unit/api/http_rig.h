/*
 * http_rig.h: the api as browsers and scripts meet it: a real HTTP server with a hub and a station
 * on one loop, and clients on TCP connections of 127.0.0.1. Every step happens when the test says
 * so; only the history's answers come from threads.
 */
#pragma once

#include "../hub/maker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "alert/board.h"
#include "api/api.h"
#include "api/command.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "http/server.h"
#include "hub/hub.h"

#define PATIENCE_NS (20 * NS_PER_S)

struct rig {
    uv_loop_t loop;
    struct hub *hub;
    struct station *station;
    struct net *net;
    struct access *access;
    struct http_server *server;
    struct api *api;
    struct maker maker;
    struct board *board;
    struct api_command *commands[COMMANDS_MAX + 1]; /* that were asked for, the oldest first */
    size_t commands_count;
    bool deaf;             /* takes no commands */
    struct bytes *told[8]; /* on a channel of documents: members, the newest last */
    size_t told_count;
    bool mute;        /* tells nothing */
    unsigned damaged; /* times that api told of a damaged database */
    bool closed;
};

static inline void rig_damaged(void *user, struct store_reader *reader, int error)
{
    (void)error;
    (void)reader;
    struct rig *rig = user;
    rig->damaged++;
}

/* Learns fast. */
static const struct bank_settings rig_detect = {.sigma = 2.5,
                                                .window_ms = 30 * MS_PER_S,
                                                .min_samples = 10,
                                                .confirm = 3,
                                                .out_of = 5,
                                                .learning_ms = 20 * MS_PER_S,
                                                .false_alarms_per_s = 1e-5};

static inline int rig_command(void *user, struct api_command *cmd)
{
    struct rig *rig = user;
    if (rig->deaf)
        return -ENOBUFS;
    assert_true(rig->commands_count < ARRAY_LEN(rig->commands));
    rig->commands[rig->commands_count++] = cmd;
    return 0;
}

static inline int rig_tell(void *user, enum channel channel, struct bytes *members)
{
    struct rig *rig = user;
    assert_true(channel_is_journal(channel));
    if (rig->mute) {
        bytes_unref(members);
        return -ENOBUFS;
    }
    assert_true(rig->told_count < ARRAY_LEN(rig->told));
    rig->told[rig->told_count++] = members;
    return 0;
}

static inline void rig_forget_told(struct rig *rig)
{
    while (rig->told_count)
        bytes_unref(rig->told[--rig->told_count]);
}

/* Who connects is admin, or a viewer. */
static inline struct rig *rig_of_role(const char *data_dir, size_t metrics_series_limit, bool admin)
{
    static const char *const hosts[] = {"127.0.0.1"};
    struct rig *rig = mem_alloc(sizeof(*rig));
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    struct hub_settings hub = {.version = "1.2.3",
                               .limits = HUB_LIMITS_DEFAULT,
                               .host = "test",
                               .interval_ms = 1000,
                               .client_queue_bytes = 1U << 20,
                               .heartbeat_ms = 3600 * MS_PER_S,
                               .ring_ticks = 100,
                               .ring_bytes = 16U << 20,
                               .performance_interval_ms = 50};
    assert_non_null(rig->hub = hub_new(&hub, &rig->loop));
    assert_non_null(rig->station = hub_add_station(rig->hub, &rig->loop));
    struct net_limits limits = NET_LIMITS_DEFAULT;
    limits.linger_ms = 100;
    rig->net = net_new(&rig->loop, &limits);
    rig->access = access_new(&(struct access_config){
        .mode = admin ? ACCESS_MODE_NONE : ACCESS_MODE_AUTO,
        .hosts = hosts,
        .host_count = 1,
        .own_uid = getuid(),
    });
    rig->board = board_new();
    rig->server = http_server_new(rig->net, &(struct http_config){.base_path = "/",
                                                                  .access = rig->access,
                                                                  .limits = HTTP_LIMITS_DEFAULT,
                                                                  .compress = true});
    rig->api = api_new(&(struct api_settings){.version = "1.2.3",
                                              .host = "test",
                                              .data_dir = data_dir,
                                              .interval_ms = 1000,
                                              .started_ms = clock_wall_ms() - 5000,
                                              .metrics_series_limit = metrics_series_limit,
                                              .history_damaged = rig_damaged,
                                              .user = rig,
                                              .board = rig->board,
                                              .command = rig_command,
                                              .command_user = rig,
                                              .publish = rig_tell,
                                              .publish_user = rig,
                                              .detect = rig_detect},
                       rig->station, &rig->loop);
    api_routes(rig->api, rig->server);
    rig->maker = maker_new(1000);
    return rig;
}

static inline struct rig *rig_new(const char *data_dir, size_t metrics_series_limit)
{
    return rig_of_role(data_dir, metrics_series_limit, false);
}

static inline void rig_turn(struct rig *rig)
{
    for (int i = 0; i < 8; i++)
        uv_run(&rig->loop, UV_RUN_NOWAIT);
}

static inline void rig_publish(struct rig *rig, struct tick *t)
{
    hub_publish(rig->hub, t);
    tick_unref(t);
    rig_turn(rig);
}

/* In the daemon's order (daemon/server.c). */
static inline void rig_close(struct rig *rig)
{
    if (rig->closed)
        return;
    rig->closed = true;
    station_close(rig->station);
    api_close(rig->api);
    http_server_stop(rig->server);
    net_stop(rig->net, 1000);
    hub_close(rig->hub);
}

static inline void rig_free(struct rig *rig)
{
    rig_close(rig);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    api_free(rig->api);
    http_server_free(rig->server);
    net_free(rig->net);
    access_free(rig->access);
    board_free(rig->board);
    hub_free(rig->hub);
    maker_free(&rig->maker);
    rig_forget_told(rig);
    free(rig);
}

/* ---- clients ----------------------------------------------------------------------------- */

/* A connection to the server; returns the client's end. */
static inline int rig_connect(struct rig *rig)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(accepted >= 0);
    close(listener);
    assert_int_equal(fcntl(client, F_SETFL, O_NONBLOCK), 0);
    struct conn *conn = conn_new(rig->net, accepted);
    assert_non_null(conn);
    http_server_accept(conn, rig->server);
    return client;
}

struct answer_text {
    unsigned status;
    char *head, *body;
    size_t body_len;
};

static inline void answer_text_free(struct answer_text *a)
{
    free(a->head);
    free(a->body);
    *a = (struct answer_text){0};
}

/* Reads one answer from the connection; `has_body` is false for HEAD. */
static inline struct answer_text client_read(struct rig *rig, int fd, bool has_body)
{
    struct answer_text a = {0};
    struct buf b = BUF_INIT;
    int64_t until_ns = clock_mono_ns() + PATIENCE_NS;
    size_t head_len = 0, need = SIZE_MAX;
    while (b.len < need) {
        char *to = buf_reserve(&b, 65536);
        ssize_t n = recv(fd, to, 65536, 0);
        if (n > 0)
            b.len += (size_t)n;
        else if (n == 0)
            fail_msg("the connection ended");
        else
            uv_run(&rig->loop, UV_RUN_NOWAIT);
        if (clock_mono_ns() > until_ns)
            fail_msg("no answer came");
        const char *text = buf_string(&b), *end = strstr(text, "\r\n\r\n");
        if (!end || need != SIZE_MAX)
            continue;
        const char *length = strcasestr(text, "\r\ncontent-length: ");
        head_len = (size_t)(end - text) + 4;
        need = head_len;
        if (has_body && length && length < end)
            need += strtoul(length + 18, NULL, 10);
    }
    assert_int_equal(sscanf(buf_string(&b), "HTTP/1.1 %u", &a.status), 1);
    a.head = mem_string_n(b.data, head_len);
    a.body_len = need - head_len;
    a.body = mem_alloc(a.body_len + 1);
    memcpy(a.body, b.data + head_len, a.body_len);
    buf_fini(&b);
    return a;
}

static inline void client_ask(int fd, const char *method, const char *target, const char *headers)
{
    char *text = mem_printf("%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n", method, target,
                            headers ? headers : "");
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    free(text);
}

static inline struct answer_text rig_ask(struct rig *rig, const char *method, const char *target,
                                         const char *headers)
{
    int fd = rig_connect(rig);
    client_ask(fd, method, target, headers);
    struct answer_text a = client_read(rig, fd, strcmp(method, "HEAD") != 0);
    close(fd);
    return a;
}

/* A request with a body of JSON; NULL: without one. */
static inline void client_send(int fd, const char *method, const char *target, const char *body)
{
    char *headers =
        body ? mem_printf("Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body))
             : NULL;
    client_ask(fd, method, target, headers);
    if (body)
        assert_int_equal(send(fd, body, strlen(body), MSG_NOSIGNAL), strlen(body));
    free(headers);
}

/* The body of a GET that is answered with this status and JSON. Release with json_decref. */
static inline json_t *rig_get(struct rig *rig, const char *target, unsigned status)
{
    struct answer_text a = rig_ask(rig, "GET", target, NULL);
    if (a.status != status)
        fail_msg("%s: %u instead of %u: %s", target, a.status, status, a.body);
    assert_non_null(strcasestr(a.head, "\r\nContent-Type: application/json\r\n"));
    json_error_t error;
    json_t *json = json_loadb(a.body, a.body_len, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        fail_msg("%s: %s: %s", target, error.text, a.body);
    answer_text_free(&a);
    return json;
}

/* The GET is refused: an error in the common form, which names the parameter (NULL: none). */
static inline void rig_refused(struct rig *rig, const char *target, unsigned status,
                               const char *code, const char *field)
{
    json_t *json = rig_get(rig, target, status);
    const json_t *error = json_object_get(json, "error");
    assert_true(json_is_object(error));
    if (strcmp(json_text(error, "code"), code) != 0)
        fail_msg("%s: %s instead of %s", target, json_text(error, "code"), code);
    assert_true(strlen(json_text(error, "message")) > 5);
    const char *named = json_string_value(json_object_get(error, "field"));
    if (!field != !named || (field && strcmp(field, named) != 0))
        fail_msg("%s: field %s instead of %s", target, named ? named : "none",
                 field ? field : "none");
    json_decref(json);
}

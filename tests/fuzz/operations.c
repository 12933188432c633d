/*
 * operations.c: what clients of the stream ask for: each line of the input is a text message of one
 * viewer of a hub that has ticks, a table, events, alerts and verdicts, with a tick after each.
 * Every frame that comes back is a JSON object with a type, no message has more than one answer,
 * only a client that is too slow or too long is sent away, and nothing is left of it when it has
 * gone: not a feed, not a membership.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "hub/hub.h"
#include "model/tick.h"
#include "net/conn.h"
#include "wire/json.h"
#include "wire/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_MAX 24
#define T0_MS INT64_C(1764000000000)

struct world {
    uv_loop_t loop;
    struct hub *hub;
    struct station *station;
    struct net *net;
    struct registry *registry;
    struct draft *draft;
    uint64_t seq, next_event;
    uint64_t change;
};

static const struct metric bytes_metric = {"node_network_receive_bytes_total", "bytes", "Bytes.",
                                           METRIC_COUNTER, 1};
static const struct metric carrier_metric = {"node_network_carrier", "", "Carrier.", METRIC_GAUGE,
                                             1};

static bool verdict_of(void *user, uint32_t slot, double ret[3])
{
    (void)user;
    ret[0] = slot ? 0.25 : NAN;
    ret[1] = 100;
    ret[2] = 1;
    return slot != 3;
}

static void publish_tick(struct world *w)
{
    static const char *const devices[] = {"eth0", "eth1"};
    int64_t t_ms = T0_MS + (int64_t)++w->seq * 1000;
    draft_begin(w->draft, w->seq, t_ms, NS_PER_S, t_ms * NS_PER_MS, 1000);
    for (size_t i = 0; i < ARRAY_LEN(devices); i++) {
        struct label label = {"device", devices[i]};
        draft_counter(w->draft, registry_get(w->registry, &bytes_metric, &label, 1, "procfs"),
                      w->seq * 1000, 1);
        draft_gauge(w->draft, registry_get(w->registry, &carrier_metric, &label, 1, "procfs"), 1);
    }
    struct event *e = event_new(EVENT_LINK, t_ms);
    event_text(e, "device", "eth0");
    draft_event(w->draft, e);
    struct table *t = table_new(TABLE_INTERFACES, 2);
    for (size_t i = 0; i < 2; i++) {
        struct cell *row = table_row(t, i + 1);
        cell_text(t, &row[IF_DEVICE], devices[i]);
        cell_uint(&row[IF_RX_BYTES], w->seq);
    }
    draft_table(w->draft, t);
    struct tick *tick = draft_seal(w->draft, t_ms * NS_PER_MS + 1, &w->next_event);
    CHECK(tick);
    hub_publish(w->hub, tick);
    tick_unref(tick);
}

static void publish_alert(struct world *w)
{
    struct alert *a = alert_new();
    a->id = 1;
    a->seq = ++w->change;
    a->state = ALERT_FIRING;
    alert_text(&a->rule, "link_down");
    struct notice *n = notice_new();
    notice_add(n, a);
    hub_publish_notice(w->hub, n);
    notice_unref(n);
    struct alert_set *set = alert_set_new(1);
    set->seq = a->seq;
    set->alerts[set->count++] = a;
    hub_publish_alert_state(w->hub, set);
    alert_set_unref(set);
}

/* Once for all inputs: what they may do to each other is part of what is looked for. */
static struct world *world_get(void)
{
    static struct world *world;
    if (world)
        return world;
    struct world *w = world = mem_alloc(sizeof(*world));
    CHECK(uv_loop_init(&w->loop) == 0);
    struct hub_settings settings = {
        .version = "1",
        .host = "fuzz",
        .interval_ms = 1000,
        .next_tick_seq = 5,
        .next_event_seq = 5,
        .next_alert_seq = 5,
        .client_queue_bytes = 1U << 20,
        .heartbeat_ms = 3600 * MS_PER_S,
        .ring_ticks = 20,
        .ring_bytes = 1U << 20,
        .limits = HUB_LIMITS_DEFAULT,
        .verdicts = {verdict_of, NULL},
    };
    settings.limits.opening_burst = settings.limits.opening_per_s = INT64_C(1) << 40;
    struct net_limits limits = NET_LIMITS_DEFAULT;
    w->net = net_new(&w->loop, &limits);
    w->hub = hub_new(&settings, &w->loop);
    CHECK(w->net && w->hub);
    w->station = hub_add_station(w->hub, &w->loop);
    CHECK(w->station);
    w->registry = registry_new(100, 1);
    w->draft = draft_new(w->registry);
    w->seq = 4;
    w->next_event = 5;
    w->change = 4;
    return w;
}

struct client {
    int fd;
    struct ws_parser parser;
    size_t sent, answers;
    unsigned closed; /* the code */
};

static void look_at(struct client *c, const struct ws_received *got)
{
    char why[160];
    json_t *json = json_parse((const char *)got->data, got->len, why, sizeof(why));
    const char *type = json_string_value(json_object_get(json, "type"));
    CHECK(type);
    if (strcmp(type, "ok") == 0 || strcmp(type, "pong") == 0 || strcmp(type, "error") == 0)
        c->answers++;
    CHECK(c->answers <= c->sent);
    json_decref(json);
}

static void receive(struct world *w, struct client *c)
{
    static uint8_t data[65536];
    for (int i = 0; i < 4; i++)
        uv_run(&w->loop, UV_RUN_NOWAIT);
    for (;;) {
        ssize_t n = recv(c->fd, data, sizeof(data), 0);
        if (n <= 0)
            return;
        for (size_t at = 0, used; at < (size_t)n; at += used) {
            struct ws_received got;
            enum ws_event event = ws_parse(&c->parser, data + at, (size_t)n - at, &used, &got);
            CHECK(event != WS_EVENT_ERROR);
            if (event == WS_EVENT_MESSAGE)
                look_at(c, &got);
            else if (event == WS_EVENT_CLOSE)
                c->closed = got.code;
        }
    }
}

static void say(struct world *w, struct client *c, const uint8_t *text, size_t len)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    struct buf frame = BUF_INIT;
    ws_client_frame(&frame, true, WS_TEXT, mask, text, len);
    c->sent++;
    for (size_t at = 0; at < frame.len;) {
        ssize_t n = send(c->fd, frame.data + at, frame.len - at, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            break;
        at += n > 0 ? (size_t)n : 0;
        receive(w, c);
    }
    buf_fini(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world *w = world_get();
    struct client c = {0};
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    c.fd = pair[1];
    ws_parser_init(&c.parser, WS_CLIENT, 64U << 20);
    struct conn *conn = conn_new(w->net, pair[0]);
    CHECK(conn);
    station_open(w->station, conn, NULL, (struct viewer_terms){.admin = size & 1});
    for (size_t at = 0, lines = 0; at < size && lines < LINES_MAX && !c.closed; lines++) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t len = end ? (size_t)(end - data) - at : size - at;
        say(w, &c, data + at, len);
        publish_tick(w);
        publish_alert(w);
        receive(w, &c);
        at += len + 1;
    }
    CHECK(c.closed == 0 || c.closed == 1007 || c.closed == 1009 || c.closed == 1013);
    ws_parser_fini(&c.parser);
    close(c.fd);
    struct hub_stats stats;
    int64_t until_ns = clock_mono_ns() + 5 * NS_PER_S;
    do {
        uv_run(&w->loop, UV_RUN_NOWAIT);
        hub_stats(w->hub, &stats);
        CHECK(clock_mono_ns() < until_ns);
    } while (stats.feeds > 0 || net_counters(w->net)->open > 0);
    return 0;
}

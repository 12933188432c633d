/*
 * load.c: many viewers at once, for benches and the soak run.
 *
 *   load --port N [--clients 100] [--seconds 10] [--metric GLOB] [--churn MS] [--slow N]
 *
 * Opens the WebSocket connections, subscribes each to metrics, and notes for every message how long
 * after its grid time it was received. A tick's kernel read begins at or after the grid time, so
 * this is an upper bound of "kernel read to message received". With --churn each viewer leaves
 * after a random time around MS and a new one takes its place; every other one says goodbye first.
 * With --slow the first N viewers have a small receive buffer and take a few KiB twice a second:
 * less than they are sent, so the server has to leave messages out for them. Prints one JSON
 * object.
 *
 * One thread, epoll; talks to 127.0.0.1 only; ends by itself, or on SIGTERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "wire/websocket.h"

#define SLOW_BUFFER 4096
#define SLOW_PAUSE_NS (500 * NS_PER_MS)

enum phase { PHASE_CONNECTING, PHASE_HANDSHAKE, PHASE_OPEN, PHASE_LEAVING };

struct client {
    int fd; /* -1: not connected */
    enum phase phase;
    struct buf head;
    struct ws_parser parser;
    int64_t leave_ns;  /* 0: stays */
    int64_t resume_ns; /* slow: reads again then; 0: reads now */
    bool slow, got_metrics;
};

struct load {
    unsigned port, clients_count, slow_count;
    double seconds;
    int64_t churn_ms;
    const char *metric;
    int epoll;
    struct client *clients;
    int64_t start_ns;
    uint64_t messages, bytes, opened, closed, failed;
    uint64_t gaps, slow_gaps; /* gap messages that viewers got, and that slow viewers got */
    double first_metrics_ms;  /* of the first client, since the start; NAN: none yet */
    double *latencies_ms;
    size_t latencies_count, latencies_capacity;
    unsigned seed;
};

static double wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void client_close(struct load *l, struct client *c)
{
    if (c->fd < 0)
        return;
    close(c->fd);
    c->fd = -1;
    buf_fini(&c->head);
    ws_parser_fini(&c->parser);
    l->closed++;
}

static void client_fail(struct load *l, struct client *c, const char *what)
{
    if (l->failed++ < 5)
        fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    client_close(l, c);
}

static void client_open(struct load *l, struct client *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)l->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *c = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                         .slow = c < l->clients + l->slow_count};
    ws_parser_init(&c->parser, WS_CLIENT, 64 << 20);
    l->opened++;
    const int small = SLOW_BUFFER;
    if (c->slow && c->fd >= 0 &&
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) < 0) {
        client_fail(l, c, "setsockopt");
        return;
    }
    if (c->fd < 0 ||
        (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)) {
        client_fail(l, c, "connect");
        return;
    }
    if (l->churn_ms) {
        double factor = 0.5 + (double)rand_r(&l->seed) / (double)RAND_MAX;
        c->leave_ns = clock_mono_ns() + (int64_t)((double)l->churn_ms * factor) * NS_PER_MS;
    }
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &ev) < 0)
        client_fail(l, c, "epoll_ctl");
}

static void client_send(struct load *l, struct client *c, const void *data, size_t len)
{
    if (send(c->fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
        client_fail(l, c, "send");
}

/* Asks epoll for what comes in, or for nothing. */
static void client_watch(struct load *l, struct client *c, bool reads)
{
    struct epoll_event ev = {.events = reads ? EPOLLIN : 0, .data.ptr = c};
    epoll_ctl(l->epoll, EPOLL_CTL_MOD, c->fd, &ev);
}

static void client_writable(struct load *l, struct client *c)
{
    if (c->phase != PHASE_CONNECTING)
        return;
    char request[512];
    int len = snprintf(request, sizeof(request),
                       "GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                       "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                       "Sec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                       l->port);
    c->phase = PHASE_HANDSHAKE;
    client_watch(l, c, true);
    client_send(l, c, request, (size_t)len);
}

static void client_subscribe(struct load *l, struct client *c)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    struct buf text = BUF_INIT, frame = BUF_INIT;
    buf_text(&text, "{\"op\":\"subscribe\",\"channel\":\"metrics\"");
    if (l->metric)
        buf_printf(&text, ",\"metric\":[\"%s\"]", l->metric);
    buf_text(&text, "}");
    ws_client_frame(&frame, true, WS_TEXT, mask, text.data, text.len);
    client_send(l, c, frame.data, frame.len);
    buf_fini(&text);
    buf_fini(&frame);
}

static void note_latency(struct load *l, double ms)
{
    if (l->latencies_count == l->latencies_capacity) {
        l->latencies_capacity = MAX(l->latencies_capacity * 2, (size_t)4096);
        l->latencies_ms =
            mem_resize(l->latencies_ms, l->latencies_capacity, sizeof(*l->latencies_ms));
    }
    l->latencies_ms[l->latencies_count++] = ms;
}

static void client_message(struct load *l, struct client *c, const struct ws_received *got,
                           double now_ms)
{
    static const char type[] = "{\"type\":\"metrics\"", key[] = "\"t\":";
    static const char gap[] = "{\"type\":\"gap\"";
    l->messages++;
    l->bytes += got->len;
    if (got->len >= sizeof(gap) && memcmp(got->data, gap, sizeof(gap) - 1) == 0) {
        l->gaps += !c->slow;
        l->slow_gaps += c->slow;
    }
    if (got->len < sizeof(type) || memcmp(got->data, type, sizeof(type) - 1) != 0)
        return;
    const char *at = memmem(got->data, MIN(got->len, (size_t)128), key, sizeof(key) - 1);
    if (!at)
        return;
    if (isnan(l->first_metrics_ms))
        l->first_metrics_ms = (double)(clock_mono_ns() - l->start_ns) / 1e6;
    /* The first message is the newest state and may be old; all later ones are fresh. */
    if (c->got_metrics && !c->slow)
        note_latency(l, now_ms - strtod(at + sizeof(key) - 1, NULL));
    c->got_metrics = true;
}

static void client_frames(struct load *l, struct client *c, const uint8_t *data, size_t len,
                          double now_ms)
{
    for (size_t at = 0; at < len && c->fd >= 0;) {
        struct ws_received got;
        size_t used;
        enum ws_event event = ws_parse(&c->parser, data + at, len - at, &used, &got);
        at += used;
        if (event == WS_EVENT_MESSAGE)
            client_message(l, c, &got, now_ms);
        if (event == WS_EVENT_PING) {
            static const uint8_t mask[4] = {5, 6, 7, 8};
            struct buf pong = BUF_INIT;
            ws_client_frame(&pong, true, WS_PONG, mask, got.data, got.len);
            client_send(l, c, pong.data, pong.len);
            buf_fini(&pong);
        }
        if (event == WS_EVENT_ERROR)
            client_fail(l, c, got.why);
        if (event == WS_EVENT_CLOSE && c->phase == PHASE_LEAVING)
            client_close(l, c);
        else if (event == WS_EVENT_CLOSE)
            client_fail(l, c, "sent away by the server");
    }
}

static void client_readable(struct load *l, struct client *c)
{
    static uint8_t data[256 * 1024];
    ssize_t len = recv(c->fd, data, c->slow ? SLOW_BUFFER : sizeof(data), 0);
    double now_ms = wall_ms();
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0 && c->phase == PHASE_LEAVING) {
        client_close(l, c);
        return;
    }
    if (len <= 0) {
        client_fail(l, c, len ? "recv" : "closed by the server");
        return;
    }
    if (c->phase >= PHASE_OPEN) {
        client_frames(l, c, data, (size_t)len, now_ms);
        if (c->fd >= 0 && c->slow && c->phase == PHASE_OPEN) {
            c->resume_ns = clock_mono_ns() + SLOW_PAUSE_NS;
            client_watch(l, c, false);
        }
        return;
    }
    buf_append(&c->head, data, (size_t)len);
    char *end = strstr(buf_string(&c->head), "\r\n\r\n");
    if (!end)
        return;
    if (strncmp(c->head.data, "HTTP/1.1 101", 12) != 0) {
        errno = EPROTO;
        client_fail(l, c, "upgrade refused");
        return;
    }
    c->phase = PHASE_OPEN;
    client_subscribe(l, c);
    size_t used = (size_t)(end + 4 - c->head.data);
    if (c->fd >= 0)
        client_frames(l, c, (uint8_t *)c->head.data + used, c->head.len - used, now_ms);
}

/* The polite way to go: a close frame, then whatever is still on its way until the server ends the
 * connection. Returns false when this one just hangs up. */
static bool client_leave(struct load *l, struct client *c, int64_t now_ns)
{
    static const uint8_t mask[4] = {9, 9, 9, 9}, going_away[2] = {1001 >> 8, 1001 & 0xff};
    if (c->phase != PHASE_OPEN || c->slow || rand_r(&l->seed) % 2)
        return false;
    struct buf frame = BUF_INIT;
    ws_client_frame(&frame, true, WS_CLOSE, mask, going_away, sizeof(going_away));
    c->phase = PHASE_LEAVING;
    c->leave_ns = now_ns + 5 * NS_PER_S; /* the server's time to answer */
    client_send(l, c, frame.data, frame.len);
    buf_fini(&frame);
    return true;
}

/* Who is paused reads again, who has stayed long enough goes, who is gone is followed by another.
 */
static void load_churn(struct load *l)
{
    int64_t now_ns = clock_mono_ns();
    for (unsigned i = 0; i < l->clients_count; i++) {
        struct client *c = &l->clients[i];
        if (c->fd >= 0 && c->resume_ns && now_ns >= c->resume_ns) {
            c->resume_ns = 0;
            client_watch(l, c, true);
        }
        if (c->fd >= 0 && (!c->leave_ns || now_ns < c->leave_ns))
            continue;
        if (c->fd < 0 && !l->churn_ms)
            continue;
        if (c->fd >= 0 && c->phase == PHASE_LEAVING) {
            errno = ETIMEDOUT;
            client_fail(l, c, "the server did not end the connection");
        }
        if (c->fd >= 0 && client_leave(l, c, now_ns))
            continue;
        client_close(l, c);
        client_open(l, c);
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const struct load *l, double q)
{
    if (!l->latencies_count)
        return NAN;
    size_t at = (size_t)ceil(q * (double)l->latencies_count);
    return l->latencies_ms[at ? at - 1 : 0];
}

static void load_report(struct load *l)
{
    qsort(l->latencies_ms, l->latencies_count, sizeof(double), compare_doubles);
    unsigned open = 0;
    for (unsigned i = 0; i < l->clients_count; i++)
        open += l->clients[i].fd >= 0;
    printf("{\"clients\":%u,\"open\":%u,\"opened\":%llu,\"failed\":%llu,\"messages\":%llu,"
           "\"bytes\":%llu,\"gaps\":%llu,\"slow_gaps\":%llu,\"samples\":%zu",
           l->clients_count, open, (unsigned long long)l->opened, (unsigned long long)l->failed,
           (unsigned long long)l->messages, (unsigned long long)l->bytes,
           (unsigned long long)l->gaps, (unsigned long long)l->slow_gaps, l->latencies_count);
    if (!isnan(l->first_metrics_ms))
        printf(",\"first_metrics_ms\":%.1f", l->first_metrics_ms);
    if (l->latencies_count)
        printf(",\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f", quantile(l, 0.5),
               quantile(l, 0.99), quantile(l, 1));
    printf("}\n");
}

static volatile sig_atomic_t load_stopped;

static void load_stop(int sig)
{
    (void)sig;
    load_stopped = 1;
}

static bool load_options(struct load *l, int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"clients", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 's'},
        {"metric", required_argument, NULL, 'm'},
        {"churn", required_argument, NULL, 'x'},
        {"slow", required_argument, NULL, 'l'},
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'p':
            l->port = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'c':
            l->clients_count = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 's':
            l->seconds = strtod(optarg, NULL);
            break;
        case 'm':
            l->metric = optarg;
            break;
        case 'x':
            l->churn_ms = strtoll(optarg, NULL, 10);
            break;
        case 'l':
            l->slow_count = (unsigned)strtoul(optarg, NULL, 10);
            break;
        default:
            return false;
        }
    }
    return l->port > 0 && l->port < 65536 && l->clients_count > 0 && optind == argc;
}

int main(int argc, char **argv)
{
    struct load l = {.clients_count = 100, .seconds = 10, .first_metrics_ms = NAN, .seed = 1};
    if (!load_options(&l, argc, argv)) {
        fprintf(stderr, "usage: load --port N [--clients N] [--seconds S] [--metric GLOB] "
                        "[--churn MS] [--slow N]\n");
        return 2;
    }
    signal(SIGTERM, load_stop);
    l.epoll = epoll_create1(EPOLL_CLOEXEC);
    l.clients = mem_array(l.clients_count, sizeof(*l.clients));
    l.start_ns = clock_mono_ns();
    for (unsigned i = 0; i < l.clients_count; i++)
        client_open(&l, &l.clients[i]);
    int64_t end_ns = l.start_ns + (int64_t)(l.seconds * 1e9);
    int64_t churned_ns = l.start_ns;
    while (!load_stopped && clock_mono_ns() < end_ns) {
        struct epoll_event events[256];
        int count = epoll_wait(l.epoll, events, (int)ARRAY_LEN(events), 20);
        for (int i = 0; i < count; i++) {
            struct client *c = events[i].data.ptr;
            if (c->fd >= 0 && events[i].events & EPOLLOUT)
                client_writable(&l, c);
            if (c->fd >= 0 && events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))
                client_readable(&l, c);
        }
        if ((l.churn_ms || l.slow_count) && clock_mono_ns() - churned_ns > 10 * NS_PER_MS) {
            churned_ns = clock_mono_ns();
            load_churn(&l);
        }
    }
    load_report(&l);
    for (unsigned i = 0; i < l.clients_count; i++)
        client_close(&l, &l.clients[i]);
    free(l.clients);
    free(l.latencies_ms);
    close(l.epoll);
    return l.failed ? 1 : 0;
}

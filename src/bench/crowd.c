/*
 * crowd.c: one epoll, a few words for each client, one read buffer for all.
 *
 * What is measured begins and ends when a message has reached everybody: at these moments the
 * server has nothing to do, so the CPU it has used belongs to the messages that were counted in
 * between.
 *
 *     CONNECT ──all open──► IDLE ──memory read──► WARM ──some ticks──► WINDOW ──seconds──► DONE
 *
 * A client keeps bytes only while a frame is incomplete. Compressed frames are the same for all:
 * the last one and what it holds are kept, so one in a thousand is really inflated.
 */
#include "bench/crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "bench/usage.h"
#include "wire/websocket.h"

#define READ_BYTES (256 * 1024)
#define STALLED_BUFFER 4096
#define HANDSHAKES_MAX 128 /* under way at the same time */
#define HEAD_MAX 8192
#define PATIENCE_NS (30 * NS_PER_S) /* for whatever is waited for */
#define IDLE_NS (250 * NS_PER_MS)   /* for the server to come to rest */
#define WARM_NS (300 * NS_PER_MS)
#define WARM_TICKS 2
#define SEEN_MAX (1U << 22)

enum phase { CONNECT, IDLE, WARM, WINDOW, DONE };

struct client {
    SSL *tls; /* NULL: plain */
    int fd;
    bool connected, open, stalled;
    uint64_t seq;    /* of its newest message, 0: none */
    struct buf rest; /* of a head or frame that is not complete */
};

/* One message on its way to everybody. */
struct seen {
    uint32_t clients; /* that have it */
    int64_t first_ns, last_ns;
};

struct crowd {
    const struct crowd_settings *settings;
    struct crowd_result *result;
    int epoll;
    SSL_CTX *tls;
    struct client *clients;
    unsigned opened, connected;
    enum phase phase;
    bool failed;
    struct seen *seen; /* by number - seen_first */
    size_t seen_count, seen_capacity;
    uint64_t seen_first; /* 0: none yet */
    uint64_t complete;   /* messages that reached everybody, since "go" */
    int64_t phase_ns;    /* when the phase began */
    uint64_t window_seq; /* the message that opened the window */
    int64_t cpu_ns;      /* of the server then */
    struct spread first, last, all;
    z_stream inflate;
    struct buf packed, unpacked; /* the last compressed payload and what it holds */
    uint8_t buffer[READ_BYTES];
};

static void fail(struct crowd *c, const char *format, ...) PRINTF_LIKE(2, 3);

static void fail(struct crowd *c, const char *format, ...)
{
    va_list args;
    if (c->failed) /* the first cause is the one to tell */
        return;
    c->failed = true;
    va_start(args, format);
    vsnprintf(c->result->why, sizeof(c->result->why), format, args);
    va_end(args);
}

static int64_t now_of(enum message_kind kind)
{
    struct timespec now;
    clock_gettime(kind == MESSAGE_METRICS ? CLOCK_REALTIME : CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* ---- one client -------------------------------------------------------------------------- */

static void client_send(struct crowd *c, struct client *client, const void *data, size_t len)
{
    ssize_t sent = client->tls ? SSL_write(client->tls, data, (int)len)
                               : send(client->fd, data, len, MSG_NOSIGNAL);
    if (sent != (ssize_t)len)
        fail(c, "client %zu of %u cannot send: %s", client - c->clients + 1, c->settings->clients,
             strerror(errno));
}

static void client_say(struct crowd *c, struct client *client, enum ws_opcode opcode,
                       const void *payload, size_t len)
{
    static const uint8_t mask[4] = {0x1f, 0x2e, 0x3d, 0x4c};
    struct buf frame = BUF_INIT;
    ws_client_frame(&frame, true, opcode, mask, payload, len);
    if (buf_ok(&frame))
        client_send(c, client, frame.data, frame.len);
    buf_fini(&frame);
}

static void client_open(struct crowd *c, struct client *client)
{
    static const int small = STALLED_BUFFER;
    /* Ends with a reset: ten thousand connections in TIME_WAIT would leave no port for the next
     * ten thousand. */
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(c->settings->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->stalled = client < c->clients + c->settings->stalled;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = client};
    if (client->fd < 0 ||
        setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) < 0 ||
        (client->stalled &&
         setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) < 0) ||
        (connect(client->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS) ||
        epoll_ctl(c->epoll, EPOLL_CTL_ADD, client->fd, &event) < 0)
        fail(c, "client %u of %u cannot connect: %s", c->opened + 1, c->settings->clients,
             strerror(errno));
    c->opened++;
}

static void client_watch(struct crowd *c, struct client *client, bool reads)
{
    struct epoll_event event = {.events = reads ? EPOLLIN : 0, .data.ptr = client};
    if (epoll_ctl(c->epoll, EPOLL_CTL_MOD, client->fd, &event) < 0)
        fail(c, "epoll: %s", strerror(errno));
}

/* True when it is done, which takes some calls. */
static bool client_handshake(struct crowd *c, struct client *client)
{
    if (!client->tls) {
        client->tls = SSL_new(c->tls);
        if (!client->tls || SSL_set_fd(client->tls, client->fd) != 1) {
            fail(c, "TLS: no memory");
            return false;
        }
        SSL_set_connect_state(client->tls);
        client_watch(c, client, true); /* the hello fits into any socket's buffer */
    }
    int result = SSL_do_handshake(client->tls);
    if (result != 1 && SSL_get_error(client->tls, result) != SSL_ERROR_WANT_READ)
        fail(c, "client %zu of %u: the TLS handshake failed", client - c->clients + 1,
             c->settings->clients);
    return result == 1;
}

static void client_request(struct crowd *c, struct client *client)
{
    char request[1024];
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        fail(c, "client %zu of %u cannot connect: %s", client - c->clients + 1,
             c->settings->clients, strerror(error));
        return;
    }
    if (c->tls && !client_handshake(c, client))
        return;
    int len =
        snprintf(request, sizeof(request),
                 "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: Upgrade\r\n"
                 "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
                 c->settings->path, c->settings->port,
                 c->settings->deflate ? "Sec-WebSocket-Extensions: permessage-deflate; "
                                        "server_no_context_takeover; client_no_context_takeover\r\n"
                                      : "");
    client->connected = true;
    client_watch(c, client, true);
    client_send(c, client, request, (size_t)len);
}

/* ---- what comes in ----------------------------------------------------------------------- */

static void window_open(struct crowd *c, uint64_t seq)
{
    c->phase = WINDOW;
    c->phase_ns = clock_mono_ns();
    c->window_seq = seq;
    c->cpu_ns = usage_cpu_ns(c->settings->server);
    c->result->delivered = c->result->wire_bytes = c->result->payload_bytes = 0;
}

static void window_close(struct crowd *c, uint64_t seq)
{
    struct crowd_result *r = c->result;
    int64_t cpu_ns = usage_cpu_ns(c->settings->server);
    r->seconds = (double)(clock_mono_ns() - c->phase_ns) / (double)NS_PER_S;
    r->cpu_ns = cpu_ns < 0 || c->cpu_ns < 0 ? NAN : (double)(cpu_ns - c->cpu_ns);
    for (uint64_t s = c->window_seq + 1; s <= seq; s++) {
        const struct seen *seen = &c->seen[s - c->seen_first];
        if (seen->clients < c->settings->clients - c->settings->stalled)
            continue;
        spread_add(&c->first, seen->first_ns);
        spread_add(&c->last, seen->last_ns);
        r->ticks++;
    }
    r->first = spread_summary(&c->first);
    r->last = spread_summary(&c->last);
    r->all = spread_summary(&c->all);
    c->phase = DONE;
}

/* Everybody has the message. */
static void crowd_complete(struct crowd *c, uint64_t seq)
{
    int64_t since_ns = clock_mono_ns() - c->phase_ns;
    c->complete++;
    if (c->phase == WARM && c->complete >= WARM_TICKS && since_ns >= WARM_NS)
        window_open(c, seq);
    else if (c->phase == WINDOW && (double)since_ns >= c->settings->seconds * (double)NS_PER_S)
        window_close(c, seq);
}

/* The place where the message's receivers are counted; NULL: too old or too many. */
static struct seen *seen_at(struct crowd *c, uint64_t seq)
{
    if (!c->seen_first)
        c->seen_first = seq;
    if (seq < c->seen_first)
        return NULL;
    size_t index = (size_t)(seq - c->seen_first);
    if (index >= SEEN_MAX) {
        fail(c, "message %llu after %llu", (unsigned long long)seq,
             (unsigned long long)c->seen_first);
        return NULL;
    }
    if (index >= c->seen_capacity) {
        size_t capacity = MAX(index + 1, MAX(c->seen_capacity * 2, (size_t)256));
        c->seen = mem_resize(c->seen, capacity, sizeof(*c->seen));
        c->seen_capacity = capacity;
    }
    for (; c->seen_count <= index; c->seen_count++)
        c->seen[c->seen_count] = (struct seen){0};
    return &c->seen[index];
}

static void client_message(struct crowd *c, struct client *client, const uint8_t *payload,
                           size_t len, size_t wire, int64_t now_ns)
{
    uint64_t seq;
    int64_t t_ns;
    if (!message_read(c->settings->kind, payload, len, &seq, &t_ns)) {
        if (c->settings->kind == MESSAGE_FANOUT)
            fail(c, "a message of %zu bytes that is none of the bench's", len);
        return; /* of the daemon: another channel */
    }
    if (c->settings->size_bytes && len != c->settings->size_bytes)
        fail(c, "a message of %zu bytes instead of %zu", len, c->settings->size_bytes);
    if (client->seq && seq <= client->seq)
        fail(c, "message %llu after %llu", (unsigned long long)seq,
             (unsigned long long)client->seq);
    if (client->seq && seq > client->seq + 1)
        c->result->lost += seq - client->seq - 1;
    client->seq = seq;
    if (c->phase < WARM)
        return;
    c->result->delivered++;
    c->result->wire_bytes += wire;
    c->result->payload_bytes += len;
    if (c->settings->progress)
        atomic_fetch_add_explicit(&c->settings->progress->delivered, 1, memory_order_relaxed);
    struct seen *seen = seen_at(c, seq);
    if (!seen)
        return;
    int64_t late_ns = now_ns - t_ns;
    if (c->phase == WINDOW && seq > c->window_seq)
        spread_add(&c->all, late_ns);
    seen->first_ns = seen->clients ? MIN(seen->first_ns, late_ns) : late_ns;
    seen->last_ns = seen->clients ? MAX(seen->last_ns, late_ns) : late_ns;
    if (++seen->clients == c->settings->clients - c->settings->stalled)
        crowd_complete(c, seq);
}

/* Inflates a payload into c->unpacked, unless it is the one that is there. */
static bool crowd_unpack(struct crowd *c, const uint8_t *payload, size_t len)
{
    static const uint8_t tail[4] = {0, 0, 0xff, 0xff}; /* RFC 7692 section 7.2.2 */
    if (len && len == c->packed.len && memcmp(payload, c->packed.data, len) == 0)
        return true;
    buf_clear(&c->packed);
    buf_clear(&c->unpacked);
    buf_append(&c->packed, payload, len);
    buf_append(&c->packed, tail, sizeof(tail));
    c->inflate.next_in = (uint8_t *)c->packed.data;
    c->inflate.avail_in = (unsigned)c->packed.len;
    int err = inflateReset(&c->inflate);
    while (err == Z_OK && c->unpacked.len < MESSAGE_FRAME_MAX) {
        char *room = buf_reserve(&c->unpacked, READ_BYTES);
        if (!room)
            return false;
        c->inflate.next_out = (uint8_t *)room;
        c->inflate.avail_out = READ_BYTES;
        err = inflate(&c->inflate, Z_SYNC_FLUSH);
        c->unpacked.len += READ_BYTES - c->inflate.avail_out;
        if (c->inflate.avail_out)
            break;
    }
    c->packed.len = len; /* without the tail, to be compared */
    return (err == Z_OK || err == Z_BUF_ERROR || err == Z_STREAM_END) && !c->inflate.avail_in;
}

static void client_frame(struct crowd *c, struct client *client, const struct message_frame *frame,
                         size_t wire, int64_t now_ns)
{
    const uint8_t *payload = frame->payload;
    size_t len = frame->len;
    switch (frame->opcode) {
    case WS_TEXT:
    case WS_BINARY:
        if (frame->compressed) {
            if (!c->settings->deflate || !crowd_unpack(c, payload, len)) {
                fail(c, "a compressed message that cannot be read");
                return;
            }
            payload = (const uint8_t *)c->unpacked.data;
            len = c->unpacked.len;
        }
        client_message(c, client, payload, len, wire, now_ns);
        break;
    case WS_PING:
        client_say(c, client, WS_PONG, payload, len);
        break;
    case WS_PONG:
        break;
    default:
        fail(c, "the server ended a connection (frame %u%s%.*s)", frame->opcode,
             len > 2 ? ": " : "", (int)(len > 2 ? len - 2 : 0), (const char *)payload + 2);
        break;
    }
}

/* All frames that are complete; returns the bytes that they are. */
static size_t client_frames(struct crowd *c, struct client *client, const uint8_t *data, size_t len,
                            int64_t now_ns)
{
    size_t at = 0;
    while (!c->failed && c->phase != DONE) {
        struct message_frame frame;
        int64_t used = message_next(data + at, len - at, &frame);
        if (used < 0)
            fail(c, "a frame that is none");
        if (used <= 0)
            break;
        client_frame(c, client, &frame, (size_t)used, now_ns);
        at += (size_t)used;
    }
    return at;
}

/* The answer to the upgrade; returns its bytes, 0: not all is there. */
static size_t client_head(struct crowd *c, struct client *client, const uint8_t *data, size_t len)
{
    static const char good[] = "HTTP/1.1 101 ";
    const uint8_t *end = memmem(data, len, "\r\n\r\n", 4);
    if (!end && len > HEAD_MAX)
        fail(c, "an endless answer to the upgrade");
    if (!end)
        return 0;
    size_t used = (size_t)(end - data) + 4;
    if (used < sizeof(good) || memcmp(data, good, sizeof(good) - 1) != 0)
        fail(c, "the upgrade was answered with %.*s", (int)strcspn((const char *)data, "\r"), data);
    else if (c->settings->deflate && !memmem(data, used, "permessage-deflate", 18))
        fail(c, "the server does not compress");
    client->open = true;
    c->connected++;
    if (client->stalled)
        client_watch(c, client, false);
    if (c->settings->progress)
        atomic_store_explicit(&c->settings->progress->connected, c->connected,
                              memory_order_relaxed);
    return used;
}

/* As recv(). The buffer is larger than a TLS record: nothing of one stays behind in `tls`, where
 * epoll would not see it. */
static ssize_t client_read(struct crowd *c, struct client *client)
{
    if (!client->tls)
        return recv(client->fd, c->buffer, sizeof(c->buffer), 0);
    errno = 0;
    int got = SSL_read(client->tls, c->buffer, sizeof(c->buffer));
    if (got > 0)
        return got;
    switch (SSL_get_error(client->tls, got)) {
    case SSL_ERROR_WANT_READ: /* it was no application data, say a session ticket */
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        errno = errno ? errno : EPROTO;
        return -1;
    }
}

static void client_receive(struct crowd *c, struct client *client)
{
    ssize_t got = client_read(c, client);
    int64_t now_ns = now_of(c->settings->kind);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        fail(c, "the server ended a connection%s%s", got ? ": " : "", got ? strerror(errno) : "");
        return;
    }
    struct buf rest = client->rest;
    const uint8_t *data = c->buffer;
    client->rest = BUF_INIT;
    size_t len = (size_t)got;
    if (rest.len) {
        buf_append(&rest, c->buffer, len);
        data = (const uint8_t *)rest.data;
        len = rest.len;
    }
    size_t at = client->open ? 0 : client_head(c, client, data, len);
    bool reads = !client->open || !client->stalled; /* one that stalls has heard enough */
    if (client->open && reads)
        at += client_frames(c, client, data + at, len - at, now_ns);
    if (at < len && reads)
        buf_append(&client->rest, data + at, len - at);
    buf_fini(&rest);
}

/* ---- the course of it -------------------------------------------------------------------- */

static void crowd_turn(struct crowd *c, int timeout_ms)
{
    struct epoll_event events[256];
    int count = epoll_wait(c->epoll, events, (int)ARRAY_LEN(events), timeout_ms);
    for (int i = 0; i < count && !c->failed && c->phase != DONE; i++) {
        struct client *client = events[i].data.ptr;
        if (!client->connected)
            client_request(c, client);
        else
            client_receive(c, client);
    }
}

/* Opens clients until `wanted` have been let in. */
static void crowd_connect(struct crowd *c, unsigned wanted)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (c->connected < wanted && !c->failed) {
        while (c->opened < wanted && c->opened - c->connected < HANDSHAKES_MAX && !c->failed)
            client_open(c, &c->clients[c->opened]);
        crowd_turn(c, 100);
        if (clock_mono_ns() > end_ns)
            fail(c, "only %u of %u clients were let in within %d s", c->connected, wanted,
                 (int)(PATIENCE_NS / NS_PER_S));
    }
}

static void crowd_rest(struct crowd *c)
{
    int64_t end_ns = clock_mono_ns() + IDLE_NS;
    for (int64_t now_ns; (now_ns = clock_mono_ns()) < end_ns && !c->failed;)
        crowd_turn(c, (int)((end_ns - now_ns) / NS_PER_MS) + 1);
}

/* What the server's process has now, in the two ways of counting it. */
static void crowd_look(const struct crowd *c, double *ret_memory, double *ret_malloc)
{
    int64_t memory = usage_memory_bytes(c->settings->server);
    unsigned long long allocated =
        c->settings->server_malloc
            ? atomic_load_explicit(c->settings->server_malloc, memory_order_relaxed)
            : 0;
    *ret_memory = memory < 0 ? NAN : (double)memory;
    *ret_malloc = allocated ? (double)allocated : NAN;
}

static void crowd_arrive(struct crowd *c)
{
    unsigned clients = c->settings->clients;
    double memory, memory_then, allocated, allocated_then;
    /* What the first client brings is the server's warming up and not the client's. */
    crowd_connect(c, 1);
    crowd_rest(c);
    crowd_look(c, &memory, &allocated);
    crowd_connect(c, clients);
    crowd_rest(c);
    crowd_look(c, &memory_then, &allocated_then);
    c->result->memory_bytes = clients > 1 ? (memory_then - memory) / (clients - 1) : NAN;
    c->result->malloc_bytes = clients > 1 ? (allocated_then - allocated) / (clients - 1) : NAN;
}

static void crowd_measure(struct crowd *c)
{
    c->phase = WARM;
    c->phase_ns = clock_mono_ns();
    if (c->settings->kind == MESSAGE_FANOUT)
        client_say(c, &c->clients[c->settings->clients - 1], WS_TEXT, "go", 2);
    int64_t end_ns =
        c->phase_ns + PATIENCE_NS + (int64_t)(c->settings->seconds * 2 * (double)NS_PER_S);
    while (c->phase != DONE && !c->failed) {
        crowd_turn(c, 100);
        if (clock_mono_ns() > end_ns)
            fail(c, "the server does not keep up: %llu messages reached everybody, %llu were lost",
                 (unsigned long long)c->complete, (unsigned long long)c->result->lost);
    }
}

static void crowd_free(struct crowd *c)
{
    for (unsigned i = 0; i < c->opened; i++) {
        buf_fini(&c->clients[i].rest);
        SSL_free(c->clients[i].tls);
        if (c->clients[i].fd >= 0)
            close(c->clients[i].fd);
    }
    SSL_CTX_free(c->tls);
    inflateEnd(&c->inflate);
    buf_fini(&c->packed);
    buf_fini(&c->unpacked);
    close(c->epoll);
    free(c->seen);
    free(c->clients);
    free(c);
}

int crowd_run(const struct crowd_settings *settings, struct crowd_result *ret)
{
    struct crowd *c = mem_alloc(sizeof(*c));
    *ret = (struct crowd_result){.cpu_ns = NAN, .memory_bytes = NAN, .malloc_bytes = NAN};
    ret->first = ret->last = ret->all = spread_summary(&c->all);
    c->settings = settings;
    c->result = ret;
    c->clients = mem_array(settings->clients, sizeof(*c->clients));
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (c->epoll < 0)
        fail(c, "epoll: %s", strerror(errno));
    if (inflateInit2(&c->inflate, -MAX_WBITS) != Z_OK)
        fail(c, "zlib: no memory");
    c->tls = settings->tls ? SSL_CTX_new(TLS_client_method()) : NULL;
    if (c->tls) {
        SSL_CTX_set_mode(c->tls, SSL_MODE_RELEASE_BUFFERS);
        signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    } else if (settings->tls)
        fail(c, "TLS: no memory");
    usage_want_descriptors((uint64_t)settings->clients + 64);
    crowd_arrive(c);
    if (!c->failed && settings->seconds > 0)
        crowd_measure(c);
    int result = c->failed ? -1 : 0;
    crowd_free(c);
    return result;
}

/*
 * conn.c: one socket, watched by uv_poll.
 *
 * States, always forward:
 *     OPEN ──conn_close──► FLUSHING ──queue empty──► LINGERING ──peer's end, time──► CLOSED
 *       └───────────────────────────conn_abort, error────────────────────────────────► CLOSED
 * CLOSED means: descriptor closed, memory of the queue released, uv_close under way; its callback
 * tells the owner and frees the conn. So the owner is never told from inside a call he made.
 *
 * Out: a ring of (reference, offset) pairs that exists only while the kernel takes less than we
 * have. conn_send tries the socket first when the ring is empty: in the normal case a message costs
 * one system call and no memory.
 *
 * In: everything is read into the one buffer of the loop, so a quiet conn has no buffer. What the
 * owner leaves (at most one buffer full) is kept in `kept` and nothing more is read until it is
 * gone; the socket's own window then holds the peer back. Unless the owner has paused, `kept` is
 * offered in the next turn of the loop: the socket is watched for writing, which tells soon. A
 * buffer can hold a thousand requests; in between everybody else is served.
 *
 * TLS sits in transport_read and transport_write, behind which a conn cannot tell. Only what it
 * waits for shows: a read may need room to write (and then the socket is watched for that), and a
 * write that the session has taken but not sent is repeated with the same bytes, which are at the
 * head of the queue.
 */
#include "net/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "net/net_internal.h"
#include "net/tls.h"

#define QUEUE_START 8 /* entries; doubled when full */
#define BATCH 64      /* messages in one system call */
#define FLUSH_CALLS 4 /* in one turn of the loop, so that others get theirs */

enum state { OPEN, FLUSHING, LINGERING, CLOSED };

struct queued {
    struct bytes *bytes;
    size_t offset; /* bytes of it that are sent */
};

struct conn {
    uv_poll_t poll;
    /* What a send to an empty queue looks at: together, since in a broadcast each conn costs the
     * cache lines that it takes. */
    struct net *net;
    int fd;
    uint8_t state;  /* enum state */
    uint8_t events; /* what the loop watches for */
    bool paused;    /* by the owner */
    bool waiting;   /* something has come meanwhile */
    bool offering;  /* inside ops->data */
    bool reset;     /* conn_set_reset */
    bool abrupt;    /* the socket's part of it: closing is a reset */
    unsigned queue_count;
    unsigned queue_head, queue_cap; /* cap is a power of two */
    int error;                      /* what `closed` will say */
    struct tls_session *tls;        /* NULL: plain */
    struct queued *queue;           /* a ring; NULL while empty */
    size_t queued_bytes;
    size_t queue_limit;
    const struct conn_ops *ops; /* NULL until the first owner */
    void *user;
    struct list node; /* in net->conns */
    struct wait wait;
    struct wait stall;
    struct bytes *kept; /* read, not yet used by the owner; NULL: nothing */
    struct net_address peer, local;
};

struct conn *conn_of_wait(struct wait *wait)
{
    if (wait->list == WAIT_STALL)
        return CONTAINER_OF(wait, struct conn, stall);
    return CONTAINER_OF(wait, struct conn, wait);
}

struct conn *conn_of_node(struct list *node)
{
    return LIST_ENTRY(node, struct conn, node);
}

/* ---- the socket ---- */

static bool is_transient(ssize_t error)
{
    return error == -EAGAIN || error == -EWOULDBLOCK || error == -EINTR;
}

/* As many records as the socket takes. */
static ssize_t tls_write_parts(struct tls_session *tls, const struct iovec *parts, size_t count)
{
    size_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < parts[i].iov_len;) {
            ssize_t n = tls_write(tls, (const char *)parts[i].iov_base + at, parts[i].iov_len - at);
            if (n < 0)
                return taken && is_transient(n) ? (ssize_t)taken : n;
            at += (size_t)n;
            taken += (size_t)n;
        }
    }
    return (ssize_t)taken;
}

_Static_assert(READ_BUFFER_BYTES >= TLS_RECORD_BYTES, "a read takes whole records");

static ssize_t transport_read(struct conn *conn, void *data, size_t len)
{
    if (conn->tls)
        return tls_read(conn->tls, data, len);
    ssize_t n = recv(conn->fd, data, len, 0);
    return n < 0 ? -errno : n;
}

static ssize_t transport_write(struct conn *conn, struct iovec *parts, size_t count)
{
    if (conn->tls)
        return tls_write_parts(conn->tls, parts, count);
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    /* A broadcast is one part, and send() spares the kernel the copies of header and vector: 3 % of
     * a delivery of 1 KiB on loopback. */
    ssize_t n = count == 1 ? send(conn->fd, parts->iov_base, parts->iov_len, flags)
                           : sendmsg(conn->fd, &message, flags);
    return n < 0 ? -errno : n;
}

/* ---- the queue ---- */

static struct queued *queue_at(struct conn *conn, unsigned index)
{
    return &conn->queue[(conn->queue_head + index) & (conn->queue_cap - 1)];
}

static bool queue_grow(struct conn *conn)
{
    unsigned cap = conn->queue_cap ? conn->queue_cap * 2 : QUEUE_START;
    struct queued *queue = mem_try_array(cap, sizeof(*queue));
    if (!queue)
        return false;
    for (unsigned i = 0; i < conn->queue_count; i++)
        queue[i] = *queue_at(conn, i);
    free(conn->queue);
    conn->queue = queue;
    conn->queue_head = 0;
    conn->queue_cap = cap;
    return true;
}

static bool queue_push(struct conn *conn, struct bytes *message, size_t offset)
{
    if (conn->queue_count == conn->queue_cap && !queue_grow(conn))
        return false;
    conn->queue_count++;
    *queue_at(conn, conn->queue_count - 1) = (struct queued){bytes_ref(message), offset};
    conn->queued_bytes += message->len - offset;
    conn->net->counters.queued_bytes += message->len - offset;
    return true;
}

/* `len` bytes from the front have been sent. */
static void queue_drop(struct conn *conn, size_t len)
{
    conn->queued_bytes -= len;
    conn->net->counters.queued_bytes -= len;
    while (conn->queue_count) {
        struct queued *first = queue_at(conn, 0);
        size_t left = first->bytes->len - first->offset;
        if (len < left) {
            first->offset += len;
            return;
        }
        len -= left;
        bytes_unref(first->bytes);
        conn->queue_head = (conn->queue_head + 1) & (conn->queue_cap - 1);
        conn->queue_count--;
    }
}

static void queue_free(struct conn *conn)
{
    queue_drop(conn, conn->queued_bytes);
    free(conn->queue);
    conn->queue = NULL;
    conn->queue_cap = conn->queue_head = 0;
}

/* ---- watching ---- */

static void on_poll(uv_poll_t *poll, int status, int events);

/* What is read is not wanted now, but the peer's end is. Most owners go on before anything has
 * come, and to watch for something else takes two system calls there and two back: so that is done
 * when something comes. */
static int events_of_paused(const struct conn *conn)
{
    if (conn->queue_count)
        return 0;
    return (conn->events & UV_READABLE) && !conn->waiting ? UV_READABLE : UV_DISCONNECT;
}

/* Tells the loop what the state asks for. */
static void watch(struct conn *conn)
{
    int events = 0;
    if (conn->state == CLOSED)
        return;
    if (conn->queue_count || (conn->tls && tls_wants_write(conn->tls)))
        events |= UV_WRITABLE;
    if (conn->state == LINGERING) {
        events |= UV_READABLE;
    } else if (conn->state == OPEN && conn->ops) {
        if (conn->paused)
            events |= events_of_paused(conn);
        else
            events |= conn->kept ? UV_WRITABLE : UV_READABLE;
    }
    if (events == conn->events)
        return;
    conn->events = (uint8_t)events;
    if (events)
        CHECK(uv_poll_start(&conn->poll, events, on_poll) == 0);
    else
        CHECK(uv_poll_stop(&conn->poll) == 0);
}

/* ---- the end ---- */

/* There may be a token in it. */
static void wipe_kept(struct conn *conn)
{
    if (conn->kept)
        explicit_bzero(conn->kept->data, conn->kept->len);
    conn->kept = bytes_unref(conn->kept);
}

static void on_closed(uv_handle_t *handle)
{
    struct conn *conn = CONTAINER_OF((uv_poll_t *)(void *)handle, struct conn, poll);
    if (conn->ops && conn->ops->closed)
        conn->ops->closed(conn, conn->user, conn->error);
    net_release(conn->net, &conn->peer);
    free(conn);
}

static void finish(struct conn *conn, int error)
{
    if (conn->state == CLOSED)
        return;
    conn->state = CLOSED;
    conn->error = error;
    if (error)
        conn->net->counters.errors++;
    wait_end(&conn->wait);
    wait_end(&conn->stall);
    queue_free(conn);
    wipe_kept(conn);
    list_remove(&conn->node);
    uv_close((uv_handle_t *)&conn->poll, on_closed);
    tls_session_free(TAKE(conn->tls));
    close(conn->fd);
    net_conn_gone(conn->net);
}

void conn_abort(struct conn *conn)
{
    finish(conn, 0);
}

static void set_abrupt(struct conn *conn, bool on)
{
    const struct linger at_once = {.l_onoff = on};
    if (conn->abrupt != on)
        (void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    conn->abrupt = on;
}

void conn_set_reset(struct conn *conn, bool on)
{
    conn->reset = on;
    if (on || conn->queue_count == 0) /* else when all of it has left: see linger */
        set_abrupt(conn, on);
}

/* All is said. Without its goodbye the peer would take the end for a cut, so that one waits for
 * room like the queue before it. */
static void linger(struct conn *conn)
{
    if (conn->tls && !tls_goodbye(conn->tls)) {
        wait_start(conn->net, &conn->stall, WAIT_STALL);
        return;
    }
    set_abrupt(conn, false);
    wait_end(&conn->stall);
    conn->state = LINGERING;
    wait_start(conn->net, &conn->wait, WAIT_LINGER);
    if (shutdown(conn->fd, SHUT_WR) != 0)
        finish(conn, 0);
}

void conn_close(struct conn *conn)
{
    if (conn->state != OPEN)
        return;
    if (conn->reset) {
        finish(conn, 0);
        return;
    }
    conn->state = FLUSHING;
    wipe_kept(conn);
    wait_end(&conn->wait); /* as long as bytes leave: `stall` watches over that */
    if (conn->queue_count == 0)
        linger(conn);
    watch(conn);
}

bool conn_is_ending(const struct conn *conn)
{
    return conn->state != OPEN;
}

/* ---- out ---- */

void conn_expect_send(const struct conn *conn)
{
    __builtin_prefetch(&conn->net);
}

static int enqueue(struct conn *conn, struct bytes *message, size_t sent)
{
    if (!queue_push(conn, message, sent)) {
        finish(conn, -ENOMEM); /* half a message may be out: nothing else can follow it */
        return -EPIPE;
    }
    watch(conn);
    return 0;
}

int conn_sent(struct conn *conn, struct bytes *message, ssize_t n)
{
    struct net_counters *counters = &conn->net->counters;
    if (n < 0 && !is_transient(n)) {
        finish(conn, (int)n);
        return -EPIPE;
    }
    size_t sent = n > 0 ? (size_t)n : 0;
    counters->bytes_out += sent;
    if (sent == message->len)
        return 0;
    counters->sends_blocked++;
    wait_start(conn->net, &conn->stall, WAIT_STALL);
    return enqueue(conn, message, sent);
}

int conn_send(struct conn *conn, struct bytes *message)
{
    struct net_counters *counters = &conn->net->counters;
    if (conn->state != OPEN)
        return -EPIPE;
    if (message->len == 0)
        return 0;
    if (conn->tls && !tls_is_established(conn->tls)) { /* nothing can be said yet */
        finish(conn, 0);
        return -EPIPE;
    }
    if (conn->queue_count == 0) {
        struct iovec part = {message->data, message->len};
        counters->sends++;
        return conn_sent(conn, message, transport_write(conn, &part, 1));
    }
    size_t waiting = conn->queued_bytes + (size_t)conn->queue_count * CONN_ENTRY_BYTES;
    if (waiting > conn->queue_limit || message->len > conn->queue_limit - waiting) {
        counters->queue_full++;
        return -ENOBUFS;
    }
    return enqueue(conn, message, 0);
}

int conn_direct_fd(const struct conn *conn)
{
    return conn->state == OPEN && conn->queue_count == 0 && !conn->tls ? conn->fd : -1;
}

struct net *conn_net(const struct conn *conn)
{
    return conn->net;
}

/* Sends from the queue what the kernel takes. */
static void flush(struct conn *conn)
{
    struct iovec parts[BATCH];
    for (int call = 0; call < FLUSH_CALLS && conn->queue_count; call++) {
        size_t count = MIN(conn->queue_count, BATCH);
        size_t offered = 0;
        for (unsigned i = 0; i < count; i++) {
            struct queued *q = queue_at(conn, i);
            parts[i] = (struct iovec){q->bytes->data + q->offset, q->bytes->len - q->offset};
            offered += parts[i].iov_len;
        }
        ssize_t n = transport_write(conn, parts, count);
        if (n < 0 && !is_transient(n)) {
            finish(conn, (int)n);
            return;
        }
        if (n <= 0)
            return;
        queue_drop(conn, (size_t)n);
        conn->net->counters.bytes_out += (uint64_t)n;
        conn->net->counters.sends++;
        wait_start(conn->net, &conn->stall, WAIT_STALL);
        if ((size_t)n < offered)
            return;
    }
    if (conn->queue_count)
        return;
    queue_free(conn);
    wait_end(&conn->stall);
    if (conn->state == FLUSHING)
        linger(conn);
    else if (conn->ops && conn->ops->drained)
        conn->ops->drained(conn, conn->user);
}

/* ---- in ---- */

/* Offers bytes to the owner once, and keeps the rest. */
static void offer(struct conn *conn, const uint8_t *data, size_t len)
{
    const struct conn_ops *ops = conn->ops;
    void *user = conn->user;
    CHECK(ops); /* who gives a conn away gives it to somebody */
    conn->offering = true;
    size_t used = ops->data(conn, user, data, len);
    conn->offering = false;
    CHECK(used <= len);
    /* Nothing used, nothing changed: that would go on for ever. */
    CHECK(used || conn->paused || conn->state != OPEN || conn->ops != ops || conn->user != user);
    if (used < len && conn->state == OPEN) {
        CHECK(!conn->kept); /* nothing is read while there is some */
        conn->kept = bytes_copy(data + used, len - used);
        if (!conn->kept)
            finish(conn, -ENOMEM);
    }
    /* It is our own memory, where a token would stay until the next bytes come. */
    explicit_bzero((uint8_t *)data, len);
}

static void offer_kept(struct conn *conn)
{
    struct bytes *kept = TAKE(conn->kept);
    offer(conn, kept->data, kept->len);
    bytes_unref(kept);
}

/* A browser that was given http:// instead of https:// is told, in the language that it speaks. */
static void refuse_plain(struct conn *conn)
{
    const char *text = conn->net->plain_refusal;
    if (text)
        (void)!send(conn->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
    tls_session_free(TAKE(conn->tls));
    conn_close(conn);
}

static void receive_failed(struct conn *conn, int error)
{
    if (error == -EPROTO || error == -EPROTOTYPE)
        conn->net->counters.tls_errors++;
    if (error == -EPROTOTYPE)
        refuse_plain(conn);
    else
        finish(conn, error);
}

static void receive(struct conn *conn)
{
    ssize_t n = transport_read(conn, conn->net->read_buffer, READ_BUFFER_BYTES);
    if (is_transient(n))
        return;
    if (conn->state == LINGERING) { /* the peer's last words: thrown away */
        if (n <= 0)
            finish(conn, 0);
        return;
    }
    if (n < 0) {
        receive_failed(conn, (int)n);
    } else if (n == 0) {
        conn_close(conn);
    } else {
        conn->net->counters.bytes_in += (uint64_t)n;
        if (conn->wait.list == WAIT_IDLE)
            wait_start(conn->net, &conn->wait, WAIT_IDLE);
        offer(conn, conn->net->read_buffer, (size_t)n);
    }
}

static int socket_error(struct conn *conn)
{
    int error = 0;
    socklen_t len = sizeof(error);
    if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error == 0)
        return -EIO;
    return -error;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct conn *conn = CONTAINER_OF(poll, struct conn, poll);
    if (status < 0) { /* libuv says EBADF for whatever went wrong with the socket */
        finish(conn, conn->state == LINGERING ? 0 : socket_error(conn));
        return;
    }
    bool tls_waited = conn->tls && tls_wants_write(conn->tls);
    conn->waiting = conn->paused && (conn->waiting || (events & UV_READABLE));
    if (events & UV_WRITABLE) {
        if (conn->queue_count)
            flush(conn);
        else if (conn->state == FLUSHING)
            linger(conn);
        if (conn->kept && conn->state == OPEN && !conn->paused)
            offer_kept(conn);
    }
    /* What a read waited for may have been room to write. */
    if (tls_waited && (events & UV_WRITABLE) && !conn->kept)
        events |= UV_READABLE;
    if ((events & UV_READABLE) && (conn->events & UV_READABLE) && conn->state != CLOSED &&
        (!conn->paused || conn->state == LINGERING))
        receive(conn);
    else if ((events & UV_DISCONNECT) && conn->paused && conn->state == OPEN)
        conn_close(conn); /* while its request is being answered: nobody waits for it any more */
    watch(conn);
}

void conn_pause(struct conn *conn)
{
    conn->paused = true;
    if (!conn->offering)
        watch(conn);
}

bool conn_is_paused(const struct conn *conn)
{
    return conn->paused;
}

void conn_resume(struct conn *conn)
{
    conn->paused = conn->waiting = false;
    if (!conn->offering)
        watch(conn);
}

/* ---- life ---- */

struct conn *conn_accept(struct net *net, int fd, const struct net_address *remote)
{
    struct conn *conn = net->stopping ? NULL : calloc(1, sizeof(*conn));
    if (conn && net->tls) {
        conn->tls = tls_session_new(net->tls, fd);
        if (!conn->tls)
            free(TAKE(conn));
    }
    if (!conn || uv_poll_init(net->loop, &conn->poll, fd) != 0) {
        net_release(net, remote);
        if (conn)
            tls_session_free(conn->tls);
        free(conn);
        close(fd);
        return NULL;
    }
    struct sockaddr_storage local;
    socklen_t len = sizeof(local);
    if (getsockname(fd, (struct sockaddr *)&local, &len) == 0)
        conn->local = net_address_from(&local);
    conn->net = net;
    conn->fd = fd;
    conn->peer = *remote;
    conn->queue_limit = CONN_QUEUE_LIMIT_BYTES;
    wait_init(&conn->wait);
    wait_init(&conn->stall);
    list_append(&net->conns, &conn->node);
    return conn;
}

struct conn *conn_new(struct net *net, int fd)
{
    struct net_address remote = {0};
    struct sockaddr_storage peer;
    socklen_t len = sizeof(peer);
    if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0)
        remote = net_address_from(&peer);
    if (!net_admit(net, &remote)) {
        close(fd);
        return NULL;
    }
    return conn_accept(net, fd, &remote);
}

void conn_set_owner(struct conn *conn, const struct conn_ops *ops, void *user)
{
    conn->ops = ops;
    conn->user = user;
    if (!conn->offering)
        watch(conn);
}

void conn_set_wait(struct conn *conn, enum conn_wait wait)
{
    if (conn->state == OPEN)
        wait_start(conn->net, &conn->wait, (enum wait_list)wait);
}

void conn_wait_expired(struct conn *conn, enum wait_list list)
{
    struct net_counters *counters = &conn->net->counters;
    switch (list) {
    case WAIT_LINGER:
        finish(conn, 0);
        return;
    case WAIT_STALL:
        counters->expired_stall++;
        finish(conn, -ETIMEDOUT);
        return;
    case WAIT_HANDSHAKE:
        counters->expired_handshake++;
        break;
    case WAIT_KEEPALIVE:
        counters->expired_keepalive++;
        break;
    case WAIT_TAKE:
        counters->expired_stall++;
        break;
    default:
        CHECK(list == WAIT_IDLE);
        counters->expired_idle++;
        break;
    }
    if (conn->ops && conn->ops->expired)
        conn->ops->expired(conn, conn->user, (enum conn_wait)list);
    else
        conn_abort(conn);
}

void conn_set_queue_limit(struct conn *conn, size_t bytes)
{
    conn->queue_limit = bytes;
}

size_t conn_queued_bytes(const struct conn *conn)
{
    return conn->queued_bytes;
}

bool conn_is_secure(const struct conn *conn)
{
    return conn->tls != NULL;
}

const struct net_address *conn_peer(const struct conn *conn)
{
    return &conn->peer;
}

const struct net_address *conn_local(const struct conn *conn)
{
    return &conn->local;
}

bool conn_set_client(struct conn *conn, const struct net_address *client)
{
    if (!net_count_address(conn->net, client))
        return false;
    net_uncount_address(conn->net, &conn->peer);
    conn->peer = *client;
    return true;
}

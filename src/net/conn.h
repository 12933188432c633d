/*
 * conn.h: one connected stream socket on a loop: bytes in by callback, shared bytes out by queue.
 *
 * Owner: whoever was given the conn last with conn_set_owner gets its callbacks. Whatever ends a
 * conn (peer, error, time-out, conn_close, conn_abort), `closed` is called exactly once, straight
 * from the loop and never inside a call of this header; the conn is gone when it returns. After
 * conn_close and conn_abort nothing but `closed` is called any more.
 * Everything on the loop's thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "net/address.h"
#include "net/net.h"

struct conn;

/* What the owner waits for; one at a time, with the durations of struct net_limits. */
enum conn_wait {
    CONN_WAIT_NONE,      /* for as long as it takes */
    CONN_WAIT_HANDSHAKE, /* counted from the call, whatever is received meanwhile */
    CONN_WAIT_KEEPALIVE, /* counted from the call */
    CONN_WAIT_IDLE,      /* counted anew with every byte received */
    CONN_WAIT_TAKE,      /* counted from the call, however slowly the peer takes something */
};

struct conn_ops {
    /* Bytes came; `data` is valid during the call. Returns how many were used. What is not used is
     * kept and offered again: in the next turn of the loop, so that who uses one request or a few
     * messages at a time leaves others their turn, or after conn_resume when the conn was paused.
     * None may be used only together with conn_pause, conn_set_owner, conn_close or conn_abort. */
    size_t (*data)(struct conn *conn, void *user, const uint8_t *data, size_t len);
    /* The write queue went from something to empty. May be NULL. */
    void (*drained)(struct conn *conn, void *user);
    /* The wait is over. NULL: conn_abort. Stalled writes end the conn without asking. */
    void (*expired)(struct conn *conn, void *user, enum conn_wait wait);
    /* Last call. error: 0 = orderly end by either side, else a negative errno. */
    void (*closed)(struct conn *conn, void *user, int error);
};

/* Makes a conn of a connected socket, which it owns from now on (also on failure). Reading starts
 * with conn_set_owner. NULL when the loop cannot watch it. For accepted sockets see listener.h;
 * used directly for socket pairs and by clients. */
struct conn *conn_new(struct net *net, int fd);

#define CONN_QUEUE_LIMIT_BYTES (1U << 20)
#define CONN_ENTRY_BYTES 64 /* what a message in the queue counts beside its own bytes */

void conn_set_owner(struct conn *conn, const struct conn_ops *ops, void *user);
void conn_set_wait(struct conn *conn, enum conn_wait wait);
void conn_set_queue_limit(struct conn *conn, size_t bytes); /* CONN_QUEUE_LIMIT_BYTES before */

/* Sends `message` at once when nothing is queued, with one system call; what the kernel does not
 * take is queued by reference (the conn takes a reference of its own, the caller keeps his).
 * 0: sent or queued. -ENOBUFS: something is queued already and this would pass the limit, for which
 * each message counts CONN_ENTRY_BYTES more than it has; nothing of it was queued and the owner
 * decides. Into an empty queue every message goes, whatever its size. -EPIPE: the conn is ending;
 * `closed` will tell. */
int conn_send(struct conn *conn, struct bytes *message);

size_t conn_queued_bytes(const struct conn *conn);

/* Back-pressure: nothing is read until conn_resume; that the peer went is still noticed. */
void conn_pause(struct conn *conn);
void conn_resume(struct conn *conn);

/* Ends in order: the queue is sent (for as long as the peer takes bytes: stall_ms), then the peer
 * is told, and its last bytes are thrown away for up to linger_ms, so that no reset destroys what
 * it has not read yet. */
void conn_close(struct conn *conn);
/* Ends now. */
void conn_abort(struct conn *conn);
/* While it is on, whatever ends the conn is a reset, conn_close and the end of the process, too:
 * the peer cannot take it for the end of what was said. Turned off, it stays so until what is
 * queued has left. */
void conn_set_reset(struct conn *conn, bool on);
bool conn_is_ending(const struct conn *conn);

bool conn_is_secure(const struct conn *conn); /* TLS */
const struct net_address *conn_peer(const struct conn *conn);
const struct net_address *conn_local(const struct conn *conn);

/* The connection is used by somebody else than who made it: a proxy's client. From now on he is
 * its peer and counts for max_clients_per_address. False: he has as many as he may, nothing has
 * changed. */
bool conn_set_client(struct conn *conn, const struct net_address *client);

/*
 * net.h: what the connections of one loop share: limits, counters, the read buffer, the timer.
 * A struct net and everything made with it belong to the thread of its loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "net/address.h"

struct admission;
struct net;
struct ring;
struct tls;

struct net_limits {
    unsigned max_clients;
    unsigned max_clients_per_address; /* IPv6: per /64; loopback peers are exempt */
    uint32_t handshake_ms;            /* a request's head and body must be there by then */
    uint32_t keepalive_ms;            /* between two requests */
    uint32_t idle_ms;                 /* silence of a peer that must speak (WebSocket pong) */
    uint32_t stall_ms;                /* no byte leaves although there is something to send */
    uint32_t take_ms;                 /* until a piece of a streamed answer has left as a whole */
    uint32_t linger_ms;               /* after conn_close: until the peer ends too */
};
#define NET_LIMITS_DEFAULT                                                                         \
    ((struct net_limits){.max_clients = 20000,                                                     \
                         .max_clients_per_address = 1000,                                          \
                         .handshake_ms = 10000,                                                    \
                         .keepalive_ms = 75000,                                                    \
                         .idle_ms = 75000,                                                         \
                         .stall_ms = 30000,                                                        \
                         .take_ms = 60000,                                                         \
                         .linger_ms = 2000})

struct net_counters {
    uint64_t accepted;
    uint64_t refused_clients;     /* max_clients reached */
    uint64_t refused_address;     /* max_clients_per_address reached */
    uint64_t refused_descriptors; /* the process or the system has no descriptor left */
    uint64_t accept_errors;       /* any other failure of accept */
    uint64_t bytes_in, bytes_out;
    uint64_t sends;         /* system calls that wrote; a batch is one */
    uint64_t sends_blocked; /* messages of which the kernel took not all: the rest was queued */
    uint64_t queue_full;    /* conn_send refused with -ENOBUFS */
    uint64_t expired_handshake, expired_keepalive, expired_idle, expired_stall;
    uint64_t tls_errors; /* peers whose TLS could not be understood, or that speak none */
    uint64_t errors;     /* connections that ended by an error of the socket, e.g. a reset */
    unsigned open;       /* connections now */
    size_t queued_bytes; /* in all write queues now */
};

struct net *net_new(uv_loop_t *loop, const struct net_limits *limits);

/* Who is, beside loopback, not held to max_clients_per_address: proxies, whose clients are, see
 * conn_set_client. Before the first connection; always the same answer for an address. */
void net_set_exempt(struct net *net, bool (*exempt)(void *user, const struct net_address *remote),
                    void *user);

/* Sent, best effort, to a client that is turned away because of a limit; static text. */
void net_set_refusal(struct net *net, const char *text);

/* Shares the limits of max_clients and max_clients_per_address with other loops: those of
 * `admission`, which is borrowed, instead of those of net_new. Before the first connection. */
void net_join(struct net *net, struct admission *admission);

/* For fanout_send; borrowed, of this loop alone. NULL: none. */
void net_set_ring(struct net *net, struct ring *ring);

/* Connections from now on speak TLS with this certificate; NULL: plain. Takes a reference of its
 * own. plain_refusal is sent, best effort, to who speaks HTTP without TLS; static text. */
void net_set_tls(struct net *net, struct tls *tls, const char *plain_refusal);

const struct net_counters *net_counters(const struct net *net); /* borrowed */
const struct net_limits *net_limits(const struct net *net);
uv_loop_t *net_loop(const struct net *net);

/* Lets every connection send what it still has (conn_close), aborts what is left after grace_ms,
 * then closes the timer. Who has paused a connection is at work on what it asked, and closes it
 * when that is answered. The listeners must be stopped by their owner. The loop runs out of handles
 * of this module at the latest after grace_ms. */
void net_stop(struct net *net, uint32_t grace_ms);

/* After the loop has ended, or before net_new's loop ever ran a connection. */
void net_free(struct net *net);

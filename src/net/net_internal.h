/* net_internal.h: what net.c, conn.c and listener.c know of each other; for src/net only. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/list.h"
#include "net/admission.h"
#include "net/conn.h"
#include "net/net.h"

#define READ_BUFFER_BYTES 65536

/* One list per kind of wait, all with a constant duration: what is appended last expires last, so
 * every list is ordered by deadline without any sorting. */
enum wait_list {
    WAIT_NONE,
    WAIT_HANDSHAKE,
    WAIT_KEEPALIVE,
    WAIT_IDLE,
    WAIT_TAKE,
    WAIT_LINGER, /* the end of a conn_close */
    WAIT_STALL,  /* for the next byte to leave */
    WAIT_LISTS,
};
_Static_assert((int)WAIT_TAKE == (int)CONN_WAIT_TAKE, "enum conn_wait is a part of wait_list");

struct wait {
    struct list node;
    uint64_t deadline_ms; /* time of the loop */
    enum wait_list list;
};

struct net {
    uv_loop_t *loop;
    struct net_limits limits;
    struct net_counters counters;
    uint8_t *read_buffer; /* shared: only one conn is read at a time */
    struct list conns;    /* all that are not closed yet */
    struct list waits[WAIT_LISTS];
    uv_timer_t timer; /* runs only while somebody waits */
    uint64_t tick_ms;
    uint64_t stop_ms; /* when stopping: the loop's time at which the rest is aborted */
    bool stopping, timer_closed;
    struct admission *admission;     /* who is counted against the limits: all loops' clients */
    struct admission *own_admission; /* of this loop alone, until net_join */
    const char *refusal;
    bool (*exempt)(void *user, const struct net_address *remote); /* may be NULL */
    void *exempt_user;
    const char *plain_refusal;
    struct tls *tls;   /* one reference; NULL: plain */
    struct ring *ring; /* borrowed; NULL: one system call for each send */
};

/* May a client of this address connect? True: it is counted until net_release. */
bool net_admit(struct net *net, const struct net_address *remote);
void net_release(struct net *net, const struct net_address *remote);

/* One more, one less for this address alone. False: it has as many as it may. */
bool net_count_address(struct net *net, const struct net_address *remote);
void net_uncount_address(struct net *net, const struct net_address *remote);

void wait_init(struct wait *wait);
void wait_start(struct net *net, struct wait *wait, enum wait_list list); /* WAIT_NONE ends it */
void wait_end(struct wait *wait);

/* The wait of that list is over; called by the timer. */
void conn_wait_expired(struct conn *conn, enum wait_list list);
struct conn *conn_of_wait(struct wait *wait);
struct conn *conn_of_node(struct list *node);
bool conn_is_paused(const struct conn *conn);
/* A send is near: fetches the memory that it looks at. */
void conn_expect_send(const struct conn *conn);

/* The socket of a conn to which a message may be written past conn_send, which must then hear of it
 * by conn_sent; -1: not now. */
int conn_direct_fd(const struct conn *conn);
/* What came of writing `message` there: the bytes or a negative errno. Returns as conn_send. */
int conn_sent(struct conn *conn, struct bytes *message, ssize_t n);
struct net *conn_net(const struct conn *conn);

/* As conn_new, for a client that net_admit let in. */
struct conn *conn_accept(struct net *net, int fd, const struct net_address *remote);
void net_conn_gone(struct net *net); /* a conn has left net->conns */

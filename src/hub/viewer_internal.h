/*
 * viewer_internal.h: a viewer as its files know it: viewer.c (life, sending, receiving), backlog.c
 * (what waits while it is slow), operations.c (what it asks for). The station's thread only.
 */
#pragma once

#include "hub/allowance.h"
#include "hub/viewer.h"
#include "wire/websocket.h"

/* Messages of a channel that were dropped, first and last. */
struct loss {
    uint64_t from, to; /* 0: none */
};

/* What a subscription is behind with. Nearly nobody ever is, so it is made when it is needed. */
struct backlog {
    struct bytes *held; /* complete; waits for the queue to drain; NULL: nothing does */
    uint64_t held_seq;
    struct loss lost; /* told before the next message */
    struct loss late; /* lost after `held`: told after it */
};

/* Made when a channel is first asked for: few viewers ask for all of them. */
struct subscription {
    struct viewer *viewer;   /* that it is a part of */
    struct list member;      /* in the station's list of its feed; alone when there is none */
    uint32_t feed;           /* FEED_NONE: not joined */
    uint32_t ticket;         /* of the newest wish; a join with another one is out of date */
    struct backlog *backlog; /* NULL: nothing is held or lost */
    bool stale;              /* changes were lost: only a complete parcel helps */
    bool asked;              /* for the complete one */
};

struct viewer {
    struct station *station;
    struct conn *conn;
    uint64_t id;
    int64_t last_heard_ms;
    struct ws_parser parser;
    struct allowance operations;
    struct subscription *subs[CHANNELS]; /* NULL: never asked for */
    size_t queue_limit;  /* bytes; more than client_queue until a beginning has been sent */
    unsigned first_turn; /* the channel that sends first when the queue has drained */
    bool closing;        /* our close frame is on its way: only the peer's is waited for */

    /* What `performance` tells of it. */
    bool admin;
    uint64_t number;
    int64_t connected_ms; /* wall */
    uint64_t messages, bytes, conflated, dropped;
    uint64_t ping_round; /* of the ping under way; 0: none */
    int64_t ping_ns;     /* when the last one left; 0: none has */
    uint64_t acked_seq;  /* ticks up to this one are not measured any more */
    int64_t acked_ns;
    int64_t round_trip_ns, latency_ns; /* the newest; -1: none yet */
};

/* viewer.c */
void viewer_say(struct viewer *v, struct bytes *frame); /* the same, and drops the reference */
void viewer_leave(struct viewer *v, enum channel channel);
struct subscription *viewer_subscription(struct viewer *v, enum channel channel); /* makes it */
bool viewer_is_ending(const struct viewer *v); /* nothing more is said to it */

/* backlog.c */
void viewer_limit_queue(struct viewer *v, size_t bytes);
void viewer_on_drained(struct conn *conn, void *user);
/* Asks for the complete state, when changes were lost and there is room for it. sub: or NULL. */
void subscription_recover(struct viewer *v, struct subscription *sub);
void subscription_clear(struct subscription *sub); /* forgets what waits and what was lost */

/* probe.c */
void viewer_pong(struct viewer *v, const uint8_t *data, size_t len);
void viewer_ack(struct viewer *v, uint64_t seq);
void viewer_begin_acks(struct viewer *v); /* a subscription begins: ticks of before do not count */
/* Says in the log, once in a while, that this went wrong because of such a viewer. */
void viewer_complain(const struct viewer *v, const char *cause);

/* operations.c */
void viewer_operate(struct viewer *v, const struct ws_received *message);
void viewer_subscribe_list(struct viewer *v, const char *names); /* commas between the channels */

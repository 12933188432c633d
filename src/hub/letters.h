/*
 * letters.h: what travels between the hub and its stations. Private to src/hub.
 */
#pragma once

#include <stdint.h>

#include "hub/feed.h"
#include "hub/parcel.h"
#include "hub/performance.h"
#include "model/tick.h"

#define FEED_NONE 0U /* no feed has this id */

/* Station -> hub. */
enum request_kind {
    REQUEST_SUBSCRIBE,
    REQUEST_LEAVE,  /* the station has no more use for one membership */
    REQUEST_RESEND, /* a viewer dropped changes: it needs the whole state again */
    REQUEST_REPORT, /* once a second: what the station has done */
};

struct request {
    enum request_kind kind;
    uint32_t station;
    uint64_t viewer; /* SUBSCRIBE, RESEND */
    uint32_t feed;   /* LEAVE, RESEND */
    bool deflate;    /* the viewer takes compressed frames; in the LEAVE as in the SUBSCRIBE */
    /* SUBSCRIBE only */
    uint32_t ticket; /* comes back with the join */
    struct feed_spec spec;
    bool has_id, has_since;
    int64_t id;
    uint64_t since;
    struct report *report; /* REPORT: owned */
};

void hub_request_free(struct request *r);

/* Hub -> station. */
enum delivery_kind {
    DELIVERY_TICK,        /* a new tick, for the station's ring */
    DELIVERY_FEED,        /* parcels for every member of `feed` */
    DELIVERY_JOIN,        /* parcels for `viewer`, which is from now on a member of `feed` */
    DELIVERY_VIEWER,      /* parcels for `viewer`, a member of `feed` */
    DELIVERY_PERFORMANCE, /* `bodies` are the newest */
    DELIVERY_REFUSAL,     /* `answer` for `viewer`, whose wish was not granted */
};

struct delivery {
    enum delivery_kind kind;
    uint64_t viewer;
    uint32_t feed, ticket;
    enum channel channel;
    struct tick *tick;       /* one reference */
    bool deflate;            /* JOIN: as in the request */
    bool overrun;            /* TICK: deliveries before it were lost */
    struct bytes *answer;    /* JOIN, due even when the viewer has changed its mind; REFUSAL */
    struct parcels parcels;  /* owned */
    struct bytes *bodies[2]; /* PERFORMANCE: for viewers, for admins; one reference each */
};

void delivery_free(struct delivery *d);

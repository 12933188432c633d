/*
 * hub_core.h: the core side as its files know it: hub.c (feeds, requests, ticks, life), hub_news.c
 * (what the hub tells by itself: alerts, documents, performance). Core thread only.
 */
#pragma once

#include "base/map.h"
#include "base/slot.h"
#include "hub/allowance.h"
#include "hub/bulletin.h"
#include "hub/hub_internal.h"
#include "hub/journal.h"
#include "hub/performance.h"

#define HUB_STATIONS_MAX 64
#define SESSION_HEX 16

struct open_feed {
    uint32_t id; /* its index in hub->feeds */
    char *key;
    struct feed *feed;
    uint32_t members[HUB_STATIONS_MAX];
    uint64_t members_total;
    uint64_t members_deflate; /* of them: for these the compressed form is made */
    struct parcels beginning; /* what who joins before the next tick gets; empty: not made yet */
};

struct hub {
    struct hub_settings settings;
    char session[SESSION_HEX + 1];
    struct mailbox *inbox;
    struct station *stations[HUB_STATIONS_MAX];
    uint32_t stations_count;
    bool overrun[HUB_STATIONS_MAX]; /* has lost a delivery and has not been told */
    struct tick_ring *ring;
    struct slot *tables[TABLE_KINDS]; /* newest of each kind, for all stations: see hub_table */
    struct feed_run run;
    struct open_feed **feeds; /* by id; NULL = free */
    uint32_t feeds_count;
    struct map by_key;
    struct replay_room replays;
    struct allowance opening; /* values; see hub_limits */
    struct allowance packing; /* bytes looked at for compression */
    struct deflater *deflater;
    uv_loop_t *uv;
    struct hub_stats stats;
    struct bulletin *bulletin;
    struct journal *journals[CHANNELS]; /* NULL: not a channel of documents */
    struct performance performance;
    struct report *reports[HUB_STATIONS_MAX]; /* the newest; NULL: none yet */
    uv_timer_t performance_timer;
    uint64_t performance_seq;
    int64_t performance_ns;             /* when the last message was made, or the hub */
    uint64_t performance_cpu;           /* ... and what the process had used */
    struct frame performance_frames[2]; /* for viewers, for admins */
};

/* hub.c */
/* Once for every message, however many get it and in how many lists it is. */
void hub_count(struct hub *hub, const struct parcels *made);
/* What a list needs that is to have compressed forms, too; NULL: it goes plain. */
struct deflater *hub_deflater(struct hub *hub, bool wanted);
struct delivery *hub_letter(enum delivery_kind kind, const struct open_feed *of);
/* False: the station's queue is full and the delivery, which is taken, is lost. */
bool hub_deliver(struct hub *hub, uint32_t station, struct delivery *d);
/* To every station that has members of the feed. */
void hub_send(struct hub *hub, const struct open_feed *of, const struct parcels *made);

/* hub_news.c */
void hub_start_performance(struct hub *hub);

/*
 * hub.h: from sealed ticks to viewers.
 *
 *   core thread                              loop threads (stations)
 *   hub_publish(tick) ── feeds: encode ───►  station: members of each feed ──► viewers ──► conns
 *         ▲                  once each              │
 *         └────────── requests (subscribe …) ◄──────┘
 *
 * The hub (core side) knows which feeds exist and encodes every message once. A station (one per
 * loop thread) knows its viewers and which feed each of them listens to. The two talk through
 * mailboxes only; the order of a mailbox is what makes a join exact: a viewer becomes a member when
 * the snapshot arrives, in the same queue as the broadcasts around it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "hub/channel.h"
#include "hub/feed.h"
#include "model/alert.h"
#include "model/notice.h"
#include "model/tick.h"

/* What viewers may ask for, one by one and all together. Work is counted in values: about what a
 * tick costs the core thread at most, see feed_spec_cost. */
struct hub_limits {
    int64_t operations_burst, operations_per_s; /* of one viewer */
    size_t feeds;                               /* different subscriptions */
    size_t feeds_free;                          /* so many whatever they cost */
    int64_t values;                             /* of all feeds in a tick */
    int64_t opening_burst; /* values: selecting series for new feeds, repeating for `since` */
    int64_t opening_per_s;
    /* Bytes of messages that are compressed. It takes some 10 ns a byte, several times what
     * encoding does; what a crowd of different subscriptions needs beyond this goes plain. */
    int64_t packing_burst, packing_per_s;
};

#define HUB_LIMITS_DEFAULT                                                                         \
    ((struct hub_limits){.operations_burst = 100,                                                  \
                         .operations_per_s = 50,                                                   \
                         .feeds = 4096,                                                            \
                         .feeds_free = 8,                                                          \
                         .values = 4 << 20,                                                        \
                         .opening_burst = 2 << 20,                                                 \
                         .opening_per_s = 1 << 20,                                                 \
                         .packing_burst = 4 << 20,                                                 \
                         .packing_per_s = 8 << 20})

struct hub_settings {
    const char *version, *host;
    int64_t interval_ms; /* until ticks tell another one */
    /* Numbers that this run begins with; 0: those of the first tick, event and alert that come. */
    uint64_t next_tick_seq, next_event_seq, next_alert_seq;
    size_t client_queue_bytes;
    int64_t heartbeat_ms; /* ping a viewer that was silent for so long */
    size_t ring_ticks;
    size_t ring_bytes;
    struct hub_limits limits;
    int64_t performance_interval_ms; /* of the channel `performance`; 0: it is silent */
    /* Core thread: what the process has used so far; NAN when not known. May be NULL. */
    void (*process)(void *user, uint64_t *ret_cpu_ns, double *ret_rss_bytes);
    void *process_user;
    /* Core thread: how unusual the samples are of the tick that is being published. */
    struct verdicts verdicts;
    struct complaints *complaints; /* borrowed; where trouble with viewers is said. May be NULL */
};

struct hub_stats {
    uint64_t messages; /* frames encoded */
    uint64_t bytes;    /* of those frames */
    uint64_t packed;   /* of those frames, compressed as well */
    uint64_t lost;     /* deliveries that a station's mailbox refused, frames without memory */
    uint64_t busy;     /* subscriptions turned away because of a limit */
    size_t feeds;
    int64_t values;      /* what they cost, see hub_limits */
    size_t replay_bytes; /* kept for viewers who come back before the next tick */
};

struct hub;
struct performance;
struct station;
struct viewer;
struct conn;

/* ---- core side --------------------------------------------------------------------------- */

/* Settings' texts must outlive the hub. core_uv: the loop that will call hub_publish. Before the
 * threads start. NULL: no memory or descriptors. */
struct hub *hub_new(const struct hub_settings *settings, uv_loop_t *core_uv);

/* Core thread: encodes for every feed and sends it on its way. Takes its own reference. The
 * verdicts are asked for here, and between two ticks for those who join: the detector has seen this
 * tick. */
void hub_publish(struct hub *hub, struct tick *tick);

/* Core thread, the channel `alerts`: a notice that the limits let through (the alerting channel
 * `websocket`), and what is active, once at the start and then whenever it has changed. Sent at
 * once: before hub_publish of the tick they come from, they overtake its metrics. */
void hub_publish_notice(struct hub *hub, const struct notice *n);
void hub_publish_alert_state(struct hub *hub, struct alert_set *set); /* takes a reference */

/* Core thread, the channels `baseline` and `benchmark`: a document for everybody who listens, and
 * for those who come later. `members` are JSON members without braces, e.g. "\"benchmark\":{...}",
 * at most JOURNAL_MESSAGE_BYTES; takes the reference. Sent at once. See journal.h. */
void hub_publish_document(struct hub *hub, enum channel channel, int64_t t_ms,
                          struct bytes *members);

/* Core thread: the first number that the channel `alerts` has not used, for the next run. */
uint64_t hub_next_alert_seq(const struct hub *hub);

void hub_stats(const struct hub *hub, struct hub_stats *ret); /* core thread */

/* Core thread. Durations that the hub cannot measure are recorded there (see performance.h); the
 * stations' are added once a second. Borrowed for the hub's life. */
struct performance *hub_performance(struct hub *hub);

void hub_close(struct hub *hub); /* core thread, at its end */
void hub_free(struct hub *hub);  /* all threads joined; frees the stations too; NULL allowed */

/* ---- loop side --------------------------------------------------------------------------- */

struct station_stats {
    uint64_t viewers;  /* now */
    uint64_t opened;   /* ever */
    uint64_t messages; /* frames handed to connections */
    uint64_t bytes;
    uint64_t received;    /* client messages */
    uint64_t limited;     /* of these, not looked at because there were too many */
    uint64_t conflated;   /* messages replaced by a newer one before they were sent */
    uint64_t dropped;     /* messages that found a viewer's queue full, which closes it */
    uint64_t closed_slow; /* 1013 */
    uint64_t closed_idle;
    uint64_t protocol_errors;
};

/* One per loop thread, before the threads start. Owned by the hub. */
struct station *hub_add_station(struct hub *hub, uv_loop_t *uv);

/* The loop's thread from here on. */

struct viewer_terms {
    bool admin;   /* the role: decides what the channel `performance` tells */
    bool deflate; /* the upgrade agreed on permessage-deflate (wire/extension) */
};

/* Takes a connection that has answered the upgrade. `subscribe` is the query's comma list of
 * channels, or NULL. Unknown channels in it are answered with an error message. Returns the
 * viewer's number, which no other viewer of this station ever has. */
uint64_t station_open(struct station *st, struct conn *conn, const char *subscribe,
                      struct viewer_terms terms);

/* By the number that station_open returned; false: it is gone already. */
bool station_has_viewer(const struct station *st, uint64_t viewer);
bool station_close_viewer(struct station *st, uint64_t viewer, uint16_t code, const char *reason);

/* The newest ticks this loop has heard of: what /metrics and queries read. Without tables.
 * Borrowed. */
const struct tick_ring *station_ring(const struct station *st);
/* The newest table of a kind. One reference; NULL: none yet. */
struct tick_table *station_table(const struct station *st, enum table_kind kind);
void station_stats(const struct station *st, struct station_stats *ret);
void station_stats_add(struct station_stats *sum, const struct station_stats *more); /* pure */

/* The newest message of the channel `performance` as JSON, for this role; NULL: none yet.
 * Borrowed. */
const struct bytes *station_performance(const struct station *st, bool admin);

/* Says 1001 to every viewer, closes the mailbox and timers. Viewers' connections end by
 * themselves (net's time-outs bound it). */
void station_close(struct station *st);

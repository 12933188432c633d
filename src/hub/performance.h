/*
 * performance.h: what the channel `performance` tells: how long the stages of a tick take, how fast
 * it reaches the viewers, what each connection got.
 *
 *   core thread                                   loop threads
 *   struct performance ◄── report, once a second ── station: its counters, timings, rows
 *        ▲   │
 *        │   └── every performance_interval: one message for viewers, one for admins
 *   stages of the core and the store thread
 *
 * The stages in their order. Storing is the writing of a tick to the database, on its own thread;
 * detecting is the detectors, rules and alerts of a tick. A loop adds one
 * duration a tick to the stage fan-out: what handing the tick's frames to the kernel, or to the
 * queues of slow viewers, took altogether.
 *
 * Delivery latency is the time from the moment at which a tick began to be read from the kernel to
 * the arrival of a viewer's `ack` for it: reading, encoding, sending, what the viewer's program
 * needs, and the way back, which is half of the connection's round trip.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/timing.h"
#include "hub/hub.h"

enum stage {
    STAGE_COLLECT,
    STAGE_SEAL,
    STAGE_STORE,
    STAGE_DETECT,
    STAGE_ENCODE,
    STAGE_FANOUT,
    STAGES
};

const char *stage_name(enum stage s); /* "collect", "fan-out": a label's value */

extern const struct timing_bounds stage_bounds;    /* of a tick's stages */
extern const struct timing_bounds delivery_bounds; /* of latencies and round trips */

/* Core thread. The histograms are of the time since the last message, the counts since the start.
 */
struct performance {
    struct timing stages[STAGES];
    struct timing delivery, round_trip;
};

void performance_init(struct performance *p);
void performance_restart(struct performance *p); /* a message has been made */

/* ---- what a station reports -------------------------------------------------------------- */

/* Of all stations together: those with the longest queues first. */
#define PERFORMANCE_ROWS_MAX 1000

struct station_timings {
    struct timing fanout, delivery, round_trip;
};

void station_timings_init(struct station_timings *t);

struct report {
    struct station_stats stats;
    struct station_timings timings; /* since the report before */
    bool has_rows;
    struct buf rows; /* JSON: one array a viewer, commas between them; of the last that had any */
};

void report_free(struct report *r); /* NULL allowed */

struct performance_row {
    uint64_t id;
    int64_t connected_ms; /* wall */
    const char *address;
    bool admin;
    const char *subscriptions[CHANNELS];
    size_t subscriptions_count;
    uint64_t messages, bytes, queue_bytes, conflated, dropped;
    int64_t round_trip_ns, latency_ns; /* -1: not known yet */
};

void performance_put_row(struct buf *rows, const struct performance_row *row);

/* ---- the message ------------------------------------------------------------------------- */

struct performance_message {
    uint64_t seq;
    int64_t t_ms;
    int64_t elapsed_ms; /* of which the histograms are */
    const struct performance *performance;
    const struct report *const *reports; /* by station; NULL: none yet */
    size_t reports_count;
    uint64_t lost;    /* deliveries that no station got */
    double cpu_pct;   /* NAN: not known */
    double rss_bytes; /* likewise */
};

/* The whole message, with a row for each viewer when it is for admins. */
void performance_put_message(struct buf *out, const struct performance_message *m, bool admin);

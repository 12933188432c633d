/*
 * feed.h: one selection of one channel at one pace, encoded once for everybody who asked for it.
 * Pure: ticks in, parcels out; no clock, no socket. Core thread only. The channels
 * `performance`, `alerts`, `baseline` and `benchmark` say nothing about ticks: their feeds are
 * silent here, the hub speaks for them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hub/channel.h"
#include "hub/parcel.h"
#include "model/query.h"
#include "model/tick.h"
#include "model/view.h"

/* Rows of a table that a viewer gets: more would be more than a screen can take once a second, and
 * the answers of HTTP have them all, page by page. */
#define FEED_ROWS_DEFAULT 500
#define FEED_ROWS_MAX 2000

struct feed_spec {
    enum channel channel;
    int64_t interval_ms;      /* 0: every tick */
    struct selector selector; /* metrics and anomalies only */
    struct view_spec *view;   /* tables only; owned; NULL: as it is usually seen */
    size_t rows;              /* tables only: the first of the view; 0: FEED_ROWS_DEFAULT */
    bool admin;               /* performance only: with what is for admins alone */
};

void feed_spec_fini(struct feed_spec *spec);

/* The same text for specs that yield the same messages; what is usual is filled in first. Free with
 * free(). */
char *feed_spec_key(struct feed_spec *spec);

/* What the feed may cost a tick at most, in values: each series is looked at once for its name and
 * once for each match when series come or go, and may be one of those told; each row of a table is
 * held against the words and may be told, too. At least 1. The ring has the ticks before. */
size_t feed_spec_cost(const struct feed_spec *spec, const struct tick_ring *ring);

struct feed;

struct feed *feed_new(struct feed_spec *spec); /* moves selector and view out of *spec */
void feed_free(struct feed *f);                /* NULL allowed */
enum channel feed_channel(const struct feed *f);
bool feed_is_admin(const struct feed *f);
size_t feed_cost(const struct feed *f,
                 const struct tick_ring *ring); /* feed_spec_cost of its spec */

/* Brings a new feed to the present: what is there counts as told. */
void feed_start(struct feed *f, const struct tick_ring *ring);

/* What this tick means for the feed's viewers, appended to *out: new series, then metrics or a
 * table's changes when its pace says so, or events. The ring's newest tick is this one, but for its
 * tables. */
void feed_step(struct feed *f, struct tick *t, struct parcels *out);

/* The newest state for a viewer that joins after feed_step(t) or, in a feed that has just begun,
 * after feed_start: all series and this tick's values, or the whole table. */
void feed_snapshot(struct feed *f, struct tick *t, struct parcels *out);

/* What this run numbers, to tell what the ring lost from what an earlier run had, also before there
 * is anything of this one. 0: not known. */
struct feed_run {
    uint64_t first_tick;
    uint64_t first_event, last_event;
};

/* Whether there may be anything to repeat after message `since`, or to tell that it cannot be;
 * false: the present state says all. */
bool feed_repeats(const struct feed *f, const struct tick_ring *ring, uint64_t since,
                  const struct feed_run *run);

/* What a viewer missed after message `since`: the ring's messages as a viewer of this feed would
 * have received them, at most the newest 256 KiB, with a gap first when they do not reach back
 * that far, and the present state at the end. The ring's newest tick is the one of the last
 * feed_step, or of feed_start; without any a gap is all there is to say. */
void feed_replay(struct feed *f, const struct tick_ring *ring, uint64_t since,
                 const struct feed_run *run, struct parcels *out);

/* Who knows how unusual the newest tick's samples are. In shown units; ret: score, mean and sigma
 * of what is usual. False: nothing is known of this slot. */
struct verdicts {
    bool (*get)(void *user, uint32_t slot, double ret[3]); /* NULL: nobody does */
    void *user;
};

/* For feeds of `anomalies`: before the first tick. */
void feed_ask_verdicts(struct feed *f, const struct verdicts *verdicts);

/* What the replays of several feeds may keep for those who come back before the next tick. */
struct replay_room {
    size_t used_bytes, most_bytes;
};

/* From now on replays are kept; the room outlives the feed. */
void feed_keep_replays(struct feed *f, struct replay_room *room);

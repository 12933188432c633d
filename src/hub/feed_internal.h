/*
 * feed_internal.h: a feed as its files know it: feed.c (what it says of a tick), replay.c (what it
 * repeats of those before). Core thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hub/encode.h"
#include "hub/feed.h"

struct pick {
    uint32_t slot;
    uint32_t id;
    double sum;         /* counter: units counted since the last message */
    int64_t elapsed_ns; /* the time they took; 0: nothing honest to say */
    double last;        /* gauge: newest value, NAN if none; anomalies: the largest score since the
                           last message, NAN if none */
};

struct feed {
    struct feed_spec spec;
    uint64_t generation;
    bool picked; /* picks belong to `generation` */
    struct pick *picks;
    size_t picks_count;
    bool summed;                 /* picks hold what was counted since the last message */
    int64_t last_t_ms;           /* tick of the last step */
    bool table_due;              /* its time has come, but no tick has brought the table since */
    struct table *last_table;    /* the rows that were sent, no others */
    size_t last_total;           /* rows that there were of them */
    int64_t last_table_ms;       /* when they were so last, epoch ms */
    struct encode_value *values; /* scratch, as long as picks */
    struct verdicts verdicts;    /* anomalies only */
    struct replay *replay;       /* NULL: nobody came back since the last tick */
    struct replay_room *room;    /* NULL: replays are not kept */
};

/* feed.c */
bool feed_is_slow(const struct feed *f, const struct tick *t);
/* Whether the feed speaks at this tick, when the tick before it was at last_t_ms (0: none). */
bool feed_due_after(const struct feed *f, int64_t last_t_ms, const struct tick *t);
/* Brings picks in line with the tick's series; fresh[] receives the series not seen before. */
size_t feed_pick(struct feed *f, const struct series_set *set, const struct series **fresh);
void feed_accumulate(struct feed *f, const struct tick *t);
/* The tick's own values. */
struct bytes *feed_metrics_frame(struct feed *f, const struct tick *t);
/* What was accumulated becomes values, and begins anew. */
void feed_take_means(struct feed *f, const struct tick *t);
struct bytes *feed_means_frame(const struct feed *f, const struct tick *t); /* after take_means */

/* replay.c */
void feed_drop_replay(struct feed *f);

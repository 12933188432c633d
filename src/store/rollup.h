/*
 * rollup.h: a row of the minute and hour tiers: what the samples of one series in that time come
 * to, and columns of such rows as they lie in a chunk. Any thread; a codec belongs to one at a
 * time.
 *
 * Sums are exact: `total` has every increment, also those of gaps. Rates (least, greatest, last)
 * are in counts per second, and in a column with the 24 bits of a float, the least rounded down and
 * the greatest up, so that no mean ever lies outside of them. Gauges stay as they are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/metric.h"
#include "model/tick.h"
#include "store/column.h"

enum tier { TIER_RAW, TIER_MINUTE, TIER_HOUR, TIERS };

/* Rows of a tier begin at multiples of this; 0 for raw. */
int64_t tier_interval_ms(enum tier tier);
const char *tier_name(enum tier tier);

struct rollup {
    enum metric_kind kind;
    bool there; /* anything was sampled */

    /* Counters. */
    uint64_t total;   /* all increments */
    uint64_t unrated; /* of these, from samples without an honest rate */
    int64_t rated_ns; /* elapsed time of the others; 0: there is none */

    /* Gauges. */
    uint64_t count;
    double sum;

    /* Rates or values; meaningless where rated_ns or count is 0. */
    double min, max, last;
};

static inline bool rollup_has_values(const struct rollup *r)
{
    return r->kind == METRIC_GAUGE ? r->count > 0 : r->rated_ns > 0;
}

/* In order of time: `last` is the one that was added last. `r` was zeroed but for its kind. */
void rollup_add_sample(struct rollup *r, enum sample_state state, union sample value,
                       int64_t elapsed_ns);
void rollup_add(struct rollup *r, const struct rollup *later);

/* Rows of one series; owns its arrays. */
struct rollup_column {
    enum metric_kind kind;
    size_t room;
    struct field_column fields;
};

void rollup_column_init(struct rollup_column *c, size_t room);
void rollup_column_fini(struct rollup_column *c);

/* All rows absent. */
void rollup_column_begin(struct rollup_column *c, enum metric_kind kind, size_t rows);

/* elapsed_ns: of all ticks of that row, the same for both calls and all series. */
void rollup_column_put(struct rollup_column *c, size_t row, const struct rollup *r,
                       int64_t elapsed_ns);
void rollup_column_get(const struct rollup_column *c, size_t row, int64_t elapsed_ns,
                       struct rollup *ret);

void rollup_column_encode(struct codec *codec, const struct rollup_column *c, size_t rows,
                          struct buf *out); /* appends */

/* How much of its rows is unpacked: each has what those before it have. The rest of what
 * rollup_column_get gives then means nothing. */
enum rollup_part {
    ROLLUP_TOTAL, /* total */
    ROLLUP_MEAN,  /* unrated, rated_ns; count, sum */
    ROLLUP_MIN,
    ROLLUP_MAX,
    ROLLUP_ALL, /* last */
    ROLLUP_PARTS
};

/* rows at most `room`. 0, -EBADMSG or -ENOTSUP. */
int rollup_column_decode(struct codec *codec, const uint8_t *data, size_t len, size_t rows,
                         enum rollup_part part, struct rollup_column *c);

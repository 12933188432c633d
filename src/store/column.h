/*
 * column.h: one series over the ticks of a span as one blob (a chunk), and the times of those
 * ticks, shared by all series. A codec belongs to one thread at a time, so do these calls.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/metric.h"
#include "model/tick.h"
#include "store/codec.h"

/* Index i is the span's i-th tick. Values of SAMPLE_ABSENT are not looked at, nor written. */
struct column {
    enum metric_kind kind;
    uint8_t *state; /* enum sample_state */
    union sample *value;
};

void column_encode(struct codec *codec, const struct column *column, size_t ticks,
                   struct buf *out); /* appends */

/* Fills the arrays of `column`, which hold `ticks` each, and its kind. 0, -EBADMSG (the arrays'
 * content is then undefined) or -ENOTSUP for a codec that this version does not know. */
int column_decode(struct codec *codec, const uint8_t *data, size_t len, size_t ticks,
                  struct column *column);

struct timeline {
    uint64_t *seq;
    int64_t *t_ms;
    int64_t *elapsed_ns;
};

void timeline_encode(struct codec *codec, const struct timeline *times, size_t ticks,
                     int64_t interval_ms, struct buf *out); /* appends */
int timeline_decode(struct codec *codec, const uint8_t *data, size_t len, size_t ticks,
                    int64_t interval_ms, struct timeline *times); /* as column_decode */

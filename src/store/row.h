/*
 * row.h: one tick's samples as one blob: the row of the log. Written once a tick, so it is made
 * for speed: runs of neighbouring series, then one varint a sample. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/tick.h"
#include "store/varint.h"

/* What is known of a sample. KEY: the absolute value is written out because it is not what adding
 * the increment to the series' last absolute gives, or because the source changed. */
enum row_code {
    ROW_NONE, /* absent: not in the row */
    ROW_OK,
    ROW_OK_KEY,
    ROW_GAP,
    ROW_GAP_KEY,
    ROW_GAUGE,
    ROW_CODES
};

struct row_sample {
    uint32_t id;
    enum row_code code;
    union sample value;
    uint64_t absolute, source; /* with KEY only */
};

static inline bool row_is_key(enum row_code code)
{
    return code == ROW_OK_KEY || code == ROW_GAP_KEY;
}

static inline enum sample_state row_state(enum row_code code)
{
    return code == ROW_GAP || code == ROW_GAP_KEY ? SAMPLE_GAP : SAMPLE_OK;
}

/* A gauge: whole numbers as varints, others as their eight bytes. At most GAUGE_MAX bytes. */
#define GAUGE_MAX 10
uint8_t *gauge_put(uint8_t *at, double value);
double gauge_get(struct cursor *c);

/* Columns of `count` slots; slots with ROW_NONE are skipped and need no valid content. */
struct row_columns {
    size_t count;
    const uint8_t *code; /* enum row_code */
    const uint32_t *id;
    const union sample *value;
    const uint64_t *absolute, *source;
};

size_t row_bound(size_t count); /* bytes that row_encode may need */
size_t row_encode(const struct row_columns *columns, uint8_t *out);

/* More than a registry may have series: samples that take no byte are not endless. */
#define ROW_ZEROS_MOST (1 << 20)

struct row_reader {
    struct cursor runs, values;
    uint32_t id;
    uint64_t left; /* samples of the current run */
    enum row_code code;
    bool zeros; /* all of them, and nothing is written of them */
    uint64_t zeros_left;
};

int row_open(struct row_reader *r, const uint8_t *data, size_t len); /* 0 or -EBADMSG */
bool row_next(struct row_reader *r, struct row_sample *ret);         /* false: the end, or damage */
bool row_damaged(const struct row_reader *r);

/* Instead of row_next: which series the row is about, as runs of ids [first, first + count). */
bool row_next_run(struct row_reader *r, uint32_t *ret_first, uint64_t *ret_count);

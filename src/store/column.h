/*
 * column.h: one series over the ticks of a span as one blob (a chunk), and the times of those
 * ticks, shared by all series. A codec belongs to one thread at a time, so do these calls.
 */
#pragma once

#include <stdbool.h>
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

/* The same as small as it gets, for what is written once and kept long: some 0.2 us a sample. */
void column_pack(struct codec *codec, const struct column *column, size_t ticks, struct buf *out);

/* Fills the arrays of `column`, which hold `ticks` each, and its kind. 0, -EBADMSG (the arrays'
 * content is then undefined), -ENOTSUP for a codec that this version does not know, or -ENOLINK
 * for a column that a packer wrote beside another. */
int column_decode(struct codec *codec, const uint8_t *data, size_t len, size_t ticks,
                  struct column *column);

/*
 * The columns of one span, one after the other. Many series count nearly the same (what comes into
 * a host and what of it is delivered, the buckets of a histogram), so a column may be written as
 * what it has more than another one of its span: that one must be read first. At most COLUMN_CHAIN
 * columns are read for one.
 */
#define COLUMN_CHAIN 3

struct packer; /* remembers up to 40 columns: 9 bytes a tick each */

struct packer *packer_new(size_t ticks);
void packer_free(struct packer *packer); /* NULL allowed */

/* column_pack for series `id` (not 0, each only once). What was added and appended to `out` must go
 * to disk together with what comes after it: later columns may be beside it. */
void packer_add(struct packer *packer, struct codec *codec, uint32_t id,
                const struct column *column, struct buf *out);

/* The series of the same span that this column is beside; 0: none. From the first bytes alone. */
uint32_t column_beside(const uint8_t *data, size_t len);

/* The chunk of a series in the same span. 0 or -errno. The bytes are borrowed until the next call,
 * and may take the place of those that column_decode_chain was given. */
typedef int column_fetch(void *context, uint32_t series, const uint8_t **ret_data, size_t *ret_len);

/* column_decode for any column of a span, with those that it is beside. -EBADMSG also when one of
 * these is damaged. */
int column_decode_chain(struct codec *codec, const uint8_t *data, size_t len, size_t ticks,
                        column_fetch *fetch, void *context, struct column *column);

/*
 * Rows with several fields each: what a rolled-up tier stores of a series. A row is there or
 * absent, with all its fields. The types are not stored: who reads must know them.
 */
enum field_type {
    FIELD_COUNT,  /* uint64_t */
    FIELD_SIGNED, /* int64_t, in the same bits */
    FIELD_REAL,   /* double, bit for bit */
};

#define FIELDS_MAX 8

struct field_column {
    size_t fields;
    const enum field_type *types;
    bool *there;                 /* [rows] */
    uint64_t *words[FIELDS_MAX]; /* [rows] each: the field's bits; of absent rows not looked at */
    uint8_t tag;                 /* the caller's, at most 3 bits: comes back as it went in */
};

/* As small as it gets, for what is written once and kept long: several ways are tried for each
 * field. Appends. */
void field_column_encode(struct codec *codec, const struct field_column *column, size_t rows,
                         struct buf *out);
/* `tag` first, then the fields: field_column_tag tells which types there are, from the first bytes
 * alone. The caller sets fields, types and the arrays, which hold `rows` each; their content is
 * undefined after an error. Only the first `wanted` fields (at most all) are unpacked, the arrays
 * of the others are not touched: the checksum is of all, but what it cannot find is only looked for
 * in those that are wanted. 0, -EBADMSG, -ENOTSUP. */
int field_column_tag(const uint8_t *data, size_t len, uint8_t *ret);
int field_column_decode(struct codec *codec, const uint8_t *data, size_t len, size_t rows,
                        size_t wanted, struct field_column *column);

struct timeline {
    uint64_t *seq;
    int64_t *t_ms;
    int64_t *elapsed_ns;
};

void timeline_encode(struct codec *codec, const struct timeline *times, size_t ticks,
                     int64_t interval_ms, struct buf *out); /* appends */
int timeline_decode(struct codec *codec, const uint8_t *data, size_t len, size_t ticks,
                    int64_t interval_ms, struct timeline *times); /* as column_decode */

/*
 * row.c: the row of the log.
 *
 *   byte 0    format, 1
 *   varint    bytes of runs
 *   runs      of neighbouring samples with growing ids and the same code:
 *             varint length << 3 | code, varint zigzag(first id - the id after the run before)
 *             code 6: as 1, but all increments are 0 and have no values
 *   values    one sample after the other: counters a varint increment, and for KEY codes the
 *             absolute value and the source; gauges as gauge_put writes them
 *   4 bytes   checksum
 *
 * A host's series have neighbouring ids in neighbouring slots and change little from tick to tick,
 * and most counters stand still: 500 series are a few dozen runs and half a byte each. A row stands
 * for itself but for the absolute values, which follow from the series' row and all log rows since.
 */
#include "store/row.h"

#include <errno.h>

#include "base/check.h"
#include "store/codec.h"

#define ROW_FORMAT 1

#define RUN_ZEROS 6 /* the code of such a run */
#define ZEROS_FEW 5 /* so many are worth a run */

uint8_t *gauge_put(uint8_t *at, double value)
{
    if (codec_is_whole(value))
        return varint_put(at, zigzag((uint64_t)(int64_t)value) << 1 | 1);
    *at++ = 0;
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

double gauge_get(struct cursor *c)
{
    uint64_t head = cursor_varint(c);
    if (head & 1)
        return (double)(int64_t)unzigzag(head >> 1);
    double value = 0;
    const uint8_t *bytes = head == 0 ? cursor_bytes(c, sizeof(value)) : NULL;
    if (bytes)
        memcpy(&value, bytes, sizeof(value));
    else
        cursor_fail(c);
    return value;
}

size_t row_bound(size_t count)
{
    return 1 + VARINT_MAX + count * (2 * VARINT_MAX + 3 * VARINT_MAX) + CODEC_CHECKSUM_BYTES;
}

static bool is_zero(const struct row_columns *columns, size_t i)
{
    return columns->code[i] == ROW_OK && columns->value[i].increment == 0;
}

/* Where the run ends that begins with `first`, which is not ROW_NONE. */
static size_t run_end(const struct row_columns *columns, size_t first, bool *ret_zeros)
{
    uint8_t code = columns->code[first];
    size_t zeros = 0, i = first; /* zeros: so many before i */
    while (i < columns->count && columns->code[i] == code &&
           (i == first || columns->id[i] == columns->id[i - 1] + 1)) {
        bool zero = is_zero(columns, i);
        bool all = zeros == i - first; /* of this run */
        if (zeros >= ZEROS_FEW && all && !zero)
            break;
        zeros = zero ? zeros + 1 : 0;
        i++;
        if (zeros == ZEROS_FEW && zeros < i - first) { /* a run of their own */
            i -= zeros;
            zeros = 0;
            break;
        }
    }
    *ret_zeros = zeros >= ZEROS_FEW && zeros == i - first;
    return i;
}

static uint8_t *put_runs(const struct row_columns *columns, uint8_t *at)
{
    uint32_t expected = 1;
    for (size_t i = 0; i < columns->count;) {
        uint8_t code = columns->code[i];
        if (code == ROW_NONE) {
            i++;
            continue;
        }
        bool zeros;
        size_t first = i;
        i = run_end(columns, first, &zeros);
        at = varint_put(at, (uint64_t)(i - first) << 3 | (zeros ? RUN_ZEROS : code));
        at = varint_put(at, zigzag((uint64_t)columns->id[first] - expected));
        expected = columns->id[i - 1] + 1;
    }
    return at;
}

static uint8_t *put_values(const struct row_columns *columns, uint8_t *at)
{
    for (size_t i = 0, end; i < columns->count; i = end) {
        enum row_code code = columns->code[i];
        bool zeros = true;
        end = code == ROW_NONE ? i + 1 : run_end(columns, i, &zeros);
        for (; i < end && !zeros; i++) {
            if (code == ROW_GAUGE) {
                at = gauge_put(at, columns->value[i].gauge);
                continue;
            }
            at = varint_put(at, columns->value[i].increment);
            if (row_is_key(code)) {
                at = varint_put(at, columns->absolute[i]);
                at = varint_put(at, columns->source[i]);
            }
        }
    }
    return at;
}

size_t row_encode(const struct row_columns *columns, uint8_t *out)
{
    out[0] = ROW_FORMAT;
    /* The runs are written behind the widest possible length and then moved up to the real one. */
    uint8_t *runs = out + 1 + VARINT_MAX;
    size_t runs_len = (size_t)(put_runs(columns, runs) - runs);
    uint8_t *at = varint_put(out + 1, runs_len);
    memmove(at, runs, runs_len);
    at = put_values(columns, at + runs_len);
    codec_checksum_put(at, codec_checksum(out, (size_t)(at - out)));
    return (size_t)(at - out) + CODEC_CHECKSUM_BYTES;
}

int row_open(struct row_reader *r, const uint8_t *data, size_t len)
{
    *r = (struct row_reader){.id = 1, .zeros_left = ROW_ZEROS_MOST};
    if (len < 2 + CODEC_CHECKSUM_BYTES || data[0] != ROW_FORMAT)
        return -EBADMSG;
    size_t covered = len - CODEC_CHECKSUM_BYTES;
    if (codec_checksum(data, covered) != codec_checksum_get(data + covered))
        return -EBADMSG;
    r->values = cursor_over(data + 1, covered - 1);
    uint64_t runs_len = cursor_varint(&r->values);
    const uint8_t *runs = cursor_bytes(&r->values, runs_len);
    if (!runs)
        return -EBADMSG;
    r->runs = cursor_over(runs, (size_t)runs_len);
    return 0;
}

static bool next_run(struct row_reader *r)
{
    if (r->runs.at == r->runs.end)
        return false;
    uint64_t head = cursor_varint(&r->runs);
    r->id += (uint32_t)unzigzag(cursor_varint(&r->runs));
    r->left = head >> 3;
    r->zeros = (head & 7) == RUN_ZEROS;
    r->code = r->zeros ? ROW_OK : (enum row_code)(head & 7);
    if (r->left == 0 || (r->zeros && r->left > r->zeros_left) || r->code == ROW_NONE ||
        r->code >= ROW_CODES)
        cursor_fail(&r->runs);
    else if (r->zeros)
        r->zeros_left -= r->left;
    return !r->runs.bad;
}

bool row_next(struct row_reader *r, struct row_sample *ret)
{
    if (r->left == 0 && !next_run(r))
        return false;
    r->left--;
    *ret = (struct row_sample){.id = r->id++, .code = r->code};
    if (r->zeros)
        return true;
    if (r->code == ROW_GAUGE) {
        ret->value.gauge = gauge_get(&r->values);
    } else {
        ret->value.increment = cursor_varint(&r->values);
        if (row_is_key(r->code)) {
            ret->absolute = cursor_varint(&r->values);
            ret->source = cursor_varint(&r->values);
        }
    }
    if (r->values.bad)
        r->left = 0;
    return !r->values.bad;
}

bool row_next_run(struct row_reader *r, uint32_t *ret_first, uint64_t *ret_count)
{
    if (!next_run(r))
        return false;
    *ret_first = r->id;
    *ret_count = r->left;
    r->id += (uint32_t)r->left;
    r->left = 0;
    return true;
}

bool row_damaged(const struct row_reader *r)
{
    return r->runs.bad || r->values.bad;
}

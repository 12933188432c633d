/*
 * column_fields.c: rows with several fields each, as one envelope: what a rolled-up tier stores of
 * a series.
 *
 * The body is the rows that are there in runs (varint length << 1 | there), the number of fields,
 * and then field by field the words of the rows that are there, in the way that takes the fewest
 * bytes (one byte says which):
 *
 *   SAME    one varint, for all rows
 *   DELTA   zigzag differences, the first to 0
 *   PLANES  each XOR the one before, as eight planes of bytes, highest first
 *
 * The caller's tag is in the envelope's flags, so it can be read without opening the body.
 */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "store/column.h"
#include "store/varint.h"

enum way { WAY_SAME, WAY_DELTA, WAY_PLANES, WAYS };

#define TAG_MAX 7

static size_t body_bound(size_t fields, size_t rows)
{
    return (rows + 2) * VARINT_MAX + fields * (1 + (rows + 1) * VARINT_MAX);
}

static uint8_t *put_there(const bool *there, size_t rows, uint8_t *at)
{
    for (size_t i = 0; i < rows;) {
        size_t first = i;
        while (i < rows && there[i] == there[first])
            i++;
        at = varint_put(at, (uint64_t)(i - first) << 1 | there[first]);
    }
    return at;
}

static enum way choose_way(const bool *there, const uint64_t *words, size_t rows)
{
    uint64_t before = 0;
    size_t count = 0, delta = 0;
    bool same = true;
    for (size_t i = 0; i < rows; i++) {
        if (!there[i])
            continue;
        same = same && (count == 0 || words[i] == before);
        delta += varint_size(zigzag(words[i] - before));
        before = words[i];
        count++;
    }
    return same ? WAY_SAME : delta < 8 * count ? WAY_DELTA : WAY_PLANES;
}

static uint8_t *put_words(const bool *there, const uint64_t *words, size_t rows, enum way way,
                          uint8_t *at)
{
    size_t count = 0, k = 0;
    for (size_t i = 0; i < rows; i++)
        count += there[i];
    uint64_t before = 0;
    for (size_t i = 0; i < rows; i++) {
        if (!there[i])
            continue;
        uint64_t changed = words[i] ^ before;
        if (way == WAY_DELTA || (way == WAY_SAME && k == 0))
            at = varint_put(at, way == WAY_SAME ? words[i] : zigzag(words[i] - before));
        for (size_t plane = 0; plane < 8 && way == WAY_PLANES; plane++)
            at[plane * count + k] = (uint8_t)(changed >> (56 - 8 * plane));
        before = words[i];
        k++;
    }
    return way == WAY_PLANES ? at + 8 * count : at;
}

void field_column_encode(struct codec *codec, const struct field_column *column, size_t rows,
                         struct buf *out)
{
    CHECK(column->fields <= FIELDS_MAX && column->tag <= TAG_MAX);
    uint8_t *body = codec_scratch(codec, body_bound(column->fields, rows));
    uint8_t *at = put_there(column->there, rows, body);
    *at++ = (uint8_t)column->fields;
    for (size_t field = 0; field < column->fields; field++) {
        enum way way = choose_way(column->there, column->words[field], rows);
        *at++ = (uint8_t)way;
        at = put_words(column->there, column->words[field], rows, way, at);
    }
    codec_wrap(codec, column->tag, body, (size_t)(at - body), out);
}

static bool get_there(struct cursor *c, bool *there, size_t rows, size_t *ret_count)
{
    size_t done = 0, count = 0;
    while (done < rows) {
        uint64_t head = cursor_varint(c);
        uint64_t len = head >> 1;
        bool is = head & 1;
        if (c->bad || len == 0 || len > rows - done)
            return false;
        memset(there + done, is, (size_t)len);
        done += (size_t)len;
        count += is ? (size_t)len : 0;
    }
    *ret_count = count;
    return true;
}

static bool get_words(struct cursor *c, const bool *there, uint64_t *words, size_t rows,
                      size_t count)
{
    uint8_t way = cursor_byte(c);
    const uint8_t *planes = way == WAY_PLANES ? cursor_bytes(c, 8 * (uint64_t)count) : NULL;
    if (way >= WAYS || (way == WAY_PLANES && !planes))
        return false;
    uint64_t word = 0;
    size_t k = 0;
    for (size_t i = 0; i < rows; i++) {
        if (!there[i])
            continue;
        if (way == WAY_SAME)
            word = k == 0 ? cursor_varint(c) : word;
        else if (way == WAY_DELTA)
            word += unzigzag(cursor_varint(c));
        uint64_t changed = 0;
        for (size_t plane = 0; plane < 8 && way == WAY_PLANES; plane++)
            changed = changed << 8 | planes[plane * count + k];
        word ^= changed;
        words[i] = word;
        k++;
    }
    return !c->bad;
}

int field_column_tag(const uint8_t *data, size_t len, uint8_t *ret)
{
    int err = codec_flags(data, len, ret);
    return err ? err : *ret <= TAG_MAX ? 0 : -EBADMSG;
}

int field_column_decode(struct codec *codec, const uint8_t *data, size_t len, size_t rows,
                        struct field_column *column)
{
    uint8_t flags;
    const uint8_t *body;
    size_t body_len, count;
    int err =
        codec_unwrap(codec, data, len, body_bound(column->fields, rows), &flags, &body, &body_len);
    if (err)
        return err;
    struct cursor c = cursor_over(body, body_len);
    if (flags > TAG_MAX || !get_there(&c, column->there, rows, &count) ||
        cursor_byte(&c) != column->fields)
        return -EBADMSG;
    column->tag = flags;
    for (size_t field = 0; field < column->fields; field++) {
        if (!get_words(&c, column->there, column->words[field], rows, count))
            return -EBADMSG;
    }
    return cursor_left(&c) == 0 ? 0 : -EBADMSG;
}

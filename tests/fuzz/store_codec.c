/*
 * store_codec.c: fuzzes what the store reads from disk: log rows, chunks, groups of them, the times
 * of a span, rows of tiers, and series' keys. The first byte says which, the second how many ticks
 * the span claims to have. Checksums are made right, so that the search gets past them. Whatever
 * decodes must encode and decode to the same again, and so must any values at all.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/codec.h"
#include "store/column.h"
#include "store/column_pack.h"
#include "store/group.h"
#include "store/key.h"
#include "store/row.h"

#define TICKS_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_row(const uint8_t *data, size_t size)
{
    struct row_reader row;
    struct row_sample sample;
    size_t samples = 0;
    if (row_open(&row, data, size) < 0)
        return;
    while (row_next(&row, &sample))
        samples++;
    CHECK(samples <= size + ROW_ZEROS_MOST); /* zeros in a run take no byte, others one */
}

struct room {
    uint8_t state[TICKS_MAX];
    union sample value[TICKS_MAX];
};

static void check_same(const struct column *a, const struct column *b, size_t ticks)
{
    CHECK(a->kind == b->kind && memcmp(a->state, b->state, ticks) == 0);
    for (size_t i = 0; i < ticks; i++)
        CHECK(a->state[i] == SAMPLE_ABSENT || a->value[i].increment == b->value[i].increment);
}

/* Both codecs give it back, and a packer does beside itself. */
static void check_column(struct codec *codec, const struct column *column, size_t ticks)
{
    struct room room;
    struct column back = {METRIC_COUNTER, room.state, room.value};
    struct buf plain = BUF_INIT, packed = BUF_INIT, beside = BUF_INIT;
    column_encode(codec, column, ticks, &plain);
    CHECK(column_decode(codec, (const uint8_t *)plain.data, plain.len, ticks, &back) == 0);
    check_same(column, &back, ticks);
    column_pack(codec, column, ticks, &packed);
    CHECK(column_decode(codec, (const uint8_t *)packed.data, packed.len, ticks, &back) == 0);
    check_same(column, &back, ticks);
    if (column_pack_beside(codec, column, ticks, 7, &back, &beside)) {
        struct room again;
        struct column third = {METRIC_COUNTER, again.state, again.value};
        CHECK(column_unpack(codec, (const uint8_t *)beside.data, beside.len, ticks, &back,
                            &third) == 0);
        check_same(column, &third, ticks);
    }
    buf_fini(&plain);
    buf_fini(&packed);
    buf_fini(&beside);
}

static void try_column(struct codec *codec, const uint8_t *data, size_t size, size_t ticks)
{
    struct room room;
    struct column column = {METRIC_COUNTER, room.state, room.value};
    if (column_decode(codec, data, size, ticks, &column) == 0)
        check_column(codec, &column, ticks);
}

/* Beside a column that has a bit of everything. */
static void try_beside(struct codec *codec, const uint8_t *data, size_t size, size_t ticks)
{
    struct room room, other_room;
    struct column column = {METRIC_COUNTER, room.state, room.value};
    struct column other = {size % 2 ? METRIC_COUNTER : METRIC_GAUGE, other_room.state,
                           other_room.value};
    for (size_t i = 0; i < ticks; i++) {
        other.state[i] = i % 10 ? SAMPLE_OK : SAMPLE_ABSENT;
        other.value[i].increment = i % 7 ? i * i : UINT64_MAX << i % 64;
    }
    column_beside(data, size);
    if (codec_is_packed(data, size) &&
        column_unpack(codec, data, size, ticks, &other, &column) == 0)
        check_column(codec, &column, ticks);
}

/* The bytes are values: kind, how many bytes each has, then so many a tick. */
static void try_values(struct codec *codec, const uint8_t *data, size_t size, size_t ticks)
{
    struct room room;
    if (size < 1)
        return;
    struct column column = {data[0] & 1 ? METRIC_GAUGE : METRIC_COUNTER, room.state, room.value};
    size_t width = 1 + data[0] / 2 % 8, at = 1;
    for (size_t i = 0; i < ticks; i++) {
        uint64_t word = 0;
        size_t here = MIN(width, size - at);
        memcpy(&word, data + at, here);
        at += here;
        column.state[i] = data[0] & 32 && word % 5 == 0 ? SAMPLE_ABSENT : SAMPLE_OK;
        column.value[i].increment = word;
        if (data[0] & 64)
            column.value[i].gauge = (double)(int64_t)word / 100;
    }
    check_column(codec, &column, ticks);
}

#define FIELDS 4

struct rows {
    bool there[TICKS_MAX];
    uint64_t words[FIELDS][TICKS_MAX];
};

static struct field_column fields_in(struct rows *rows)
{
    static const enum field_type types[FIELDS] = {FIELD_COUNT, FIELD_SIGNED, FIELD_REAL,
                                                  FIELD_REAL};
    struct field_column column = {.fields = FIELDS, .types = types, .there = rows->there};
    for (size_t i = 0; i < FIELDS; i++)
        column.words[i] = rows->words[i];
    return column;
}

static void try_fields(struct codec *codec, const uint8_t *data, size_t size, size_t rows)
{
    static const size_t room = sizeof(struct rows);
    struct rows *in = mem_alloc(room), *again = mem_alloc(room);
    struct field_column column = fields_in(in), back = fields_in(again);
    uint8_t tag;
    field_column_tag(data, size, &tag);
    if (field_column_decode(codec, data, size, rows, FIELDS, &column) == 0) {
        struct buf out = BUF_INIT;
        field_column_encode(codec, &column, rows, &out);
        CHECK(field_column_decode(codec, (const uint8_t *)out.data, out.len, rows, FIELDS, &back) ==
              0);
        CHECK(back.tag == column.tag);
        for (size_t i = 0; i < rows; i++) {
            CHECK(in->there[i] == again->there[i]);
            for (size_t field = 0; field < FIELDS && in->there[i]; field++)
                CHECK(in->words[field][i] == again->words[field][i]);
        }
        buf_fini(&out);
    }
    free(in);
    free(again);
}

/* Each series is found where the search from the one before says. */
static void try_group(struct codec *codec, const uint8_t *data, size_t size, size_t ticks)
{
    struct room room;
    struct column column = {METRIC_COUNTER, room.state, room.value};
    const uint8_t *found, *again;
    size_t len, again_len;
    struct group_reader reader, fresh;
    if (group_check(data, size, ticks) < 0 || group_open(&reader, data, size) < 0)
        return;
    for (uint32_t at = 1, most = 64; at && most > 0; most--) {
        uint32_t series = group_find(&reader, at, &found, &len);
        if (series == 0)
            return;
        CHECK(series >= at && found > data && found + len <= data + size && len > 0);
        CHECK(group_open(&fresh, data, size) == 0);
        CHECK(group_find(&fresh, series, &again, &again_len) == series && again == found);
        column_beside(found, len);
        if (codec_is_packed(found, len))
            column_decode(codec, found, len, ticks, &column);
        at = series == UINT32_MAX ? 0 : series + 1;
    }
}

static void try_times(struct codec *codec, const uint8_t *data, size_t size, size_t ticks)
{
    uint64_t seq[TICKS_MAX];
    int64_t t_ms[TICKS_MAX], elapsed_ns[TICKS_MAX];
    struct timeline times = {seq, t_ms, elapsed_ns};
    timeline_decode(codec, data, size, ticks, 1000, &times);
}

static void try_key(const uint8_t *data, size_t size)
{
    char *key CLEANUP(mem_freep) = mem_string_n((const char *)data, size);
    struct key_parts parts;
    if (key_parse(key, &parts) < 0)
        return;
    struct buf out = BUF_INIT;
    key_write(&out, parts.name, parts.labels, parts.labels_count, "");
    CHECK(strcmp(buf_string(&out), key) == 0);
    buf_fini(&out);
    key_fini(&parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    unsigned what = data[0] % 8;
    size_t ticks = 1 + data[1] % TICKS_MAX;
    data += 2;
    size -= 2;
    if (what == 3) {
        try_key(data, size);
        return 0;
    }
    struct codec *codec = codec_new();
    if (what == 6) {
        try_values(codec, data, size, ticks);
        codec_free(codec);
        return 0;
    }
    uint8_t *copy = mem_array(size + CODEC_CHECKSUM_BYTES, 1);
    memcpy(copy, data, size);
    codec_checksum_put(copy + size, codec_is_packed(copy, size) || what == 7
                                        ? codec_checksum_packed(copy, size, ticks)
                                        : codec_checksum(copy, size));
    size += CODEC_CHECKSUM_BYTES;
    if (what == 0)
        try_row(copy, size);
    else if (what == 1)
        try_column(codec, copy, size, ticks);
    else if (what == 2)
        try_times(codec, copy, size, ticks);
    else if (what == 4)
        try_fields(codec, copy, size, ticks);
    else if (what == 7)
        try_group(codec, copy, size, ticks);
    else
        try_beside(codec, copy, size, ticks);
    codec_free(codec);
    free(copy);
    return 0;
}

/*
 * store_codec.c: fuzzes what the store reads from disk: log rows, chunks, the times of a span, and
 * series' keys. The first byte says which, the second how many ticks the span claims to have.
 * Checksums are made right, so that the search gets past them. Whatever decodes must encode and
 * decode to the same again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "store/codec.h"
#include "store/column.h"
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
    CHECK(samples <= size);
}

static void try_column(struct codec *codec, const uint8_t *data, size_t size, size_t ticks)
{
    uint8_t state[TICKS_MAX], state_again[TICKS_MAX];
    union sample value[TICKS_MAX], value_again[TICKS_MAX];
    struct column column = {METRIC_COUNTER, state, value};
    if (column_decode(codec, data, size, ticks, &column) < 0)
        return;
    struct buf out = BUF_INIT;
    column_encode(codec, &column, ticks, &out);
    struct column again = {METRIC_COUNTER, state_again, value_again};
    CHECK(column_decode(codec, (const uint8_t *)out.data, out.len, ticks, &again) == 0);
    CHECK(again.kind == column.kind && memcmp(state, state_again, ticks) == 0);
    for (size_t i = 0; i < ticks; i++)
        CHECK(state[i] == SAMPLE_ABSENT || value[i].increment == value_again[i].increment);
    buf_fini(&out);
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
    unsigned what = data[0] % 4;
    size_t ticks = 1 + data[1] % TICKS_MAX;
    data += 2;
    size -= 2;
    if (what == 3) {
        try_key(data, size);
        return 0;
    }
    uint8_t *copy = mem_array(size + CODEC_CHECKSUM_BYTES, 1);
    memcpy(copy, data, size);
    codec_checksum_put(copy + size, codec_checksum(copy, size));
    struct codec *codec = codec_new();
    if (what == 0)
        try_row(copy, size + CODEC_CHECKSUM_BYTES);
    else if (what == 1)
        try_column(codec, copy, size + CODEC_CHECKSUM_BYTES, ticks);
    else
        try_times(codec, copy, size + CODEC_CHECKSUM_BYTES, ticks);
    codec_free(codec);
    free(copy);
    return 0;
}

/*
 * snapshot.c: a stored table, as a damaged or foreign file may have it: under a checksum that is
 * right, because one that is wrong ends everything.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"
#include "store/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct codec *codec = codec_new();
    struct buf wrapped = BUF_INIT, again = BUF_INIT;
    struct table *t = NULL, *back = NULL;
    if (size == 0) {
        codec_free(codec);
        return 0;
    }
    enum table_kind kind = (enum table_kind)(data[0] % TABLE_KINDS);
    codec_wrap(codec, 0, data + 1, size - 1, &wrapped);
    if (snapshot_decode(codec, kind, (const uint8_t *)wrapped.data, wrapped.len, &t) == 0) {
        /* What was read can be written, and is read as the same. */
        size_t *rows = calloc(t->rows_count + 1, sizeof(*rows));
        for (size_t i = 0; i < t->rows_count; i++)
            rows[i] = i;
        snapshot_encode(codec, t, rows, t->rows_count, true, &again);
        CHECK(snapshot_decode(codec, kind, (const uint8_t *)again.data, again.len, &back) == 0);
        CHECK(back->rows_count == t->rows_count);
        for (size_t r = 0; r < t->rows_count; r++) {
            for (size_t c = 0; c < t->schema->columns_count; c++)
                CHECK(cell_compare(table_cell(t, r, c), table_cell(back, r, c)) == 0);
        }
        table_unref(back);
        table_unref(t);
        free(rows);
    }
    buf_fini(&wrapped);
    buf_fini(&again);
    codec_free(codec);
    return 0;
}

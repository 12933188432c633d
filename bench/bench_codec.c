/*
 * bench_codec.c: what a sample takes on disk, by way of packing it.
 *
 *   bench_codec FILE.db [TICKS [ROUNDS]]     (chunks of 3600 ticks, 5 rounds)
 *   bench_codec --series FILE.db [TICKS]     one line a series
 *
 * Reads a database of netsonde (sealed spans and log; a daemon may be at work on it), cuts it into
 * chunks of so many ticks and packs each series of each chunk in every way. Ticks beyond the last
 * full chunk are left out. Beside column_encode, column_pack and packer_add with their times these
 * are ways that were tried for the format (docs/adr/120-codec.md), and two estimates of what others
 * need, made to be too low rather than too high: of the samples alone, without any index,
 *
 *   gorilla       Prometheus' chunks: 120 samples, T. Pelkonen et al., "Gorilla" (VLDB 2015):
 *                 absolute values as doubles XOR the one before, times as differences of
 * differences differences   VictoriaMetrics' blocks: differences of differences of absolute
 * counters, differences of gauges, as zigzag varints, compressed by zstd; times for free
 *
 * Times are quickest of ROUNDS, of the processor. One thread; ends by itself.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

#include "base/mem.h"
#include "codec_data.h"
#include "store/codec.h"
#include "store/column_bits.h"
#include "store/column_forms.h"

#define ROW_BYTES 14 /* what SQLite takes for a row of `chunk` beside its blob */

/* A chunk of one series in all the shapes that ways want. */
struct piece {
    struct column column;
    size_t ticks, count;
    const uint64_t *words; /* what is there: increments, or gauges by form_find */
    bool is_signed;
    ZSTD_CCtx *zstd;
    uint8_t *room, *packed; /* 24 bytes a tick each, and a KiB */
};

static size_t room_bytes(size_t ticks)
{
    return 24 * ticks + 1024;
}

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* ---- ways ----------------------------------------------------------------------------------- */

/* A frame without magic number, size and checksum, or the bytes as they are. */
static size_t zstd_size(const struct piece *p, size_t len, int level)
{
    ZSTD_CCtx_reset(p->zstd, ZSTD_reset_session_and_parameters);
    ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_contentSizeFlag, 0);
    size_t size = ZSTD_compress2(p->zstd, p->packed, room_bytes(p->ticks), p->room, len);
    return 1 + (ZSTD_isError(size) || size > len + 4 ? len : size - 4);
}

static bool all_same(const struct piece *p)
{
    for (size_t i = 1; i < p->count; i++) {
        if (p->words[i] != p->words[0])
            return false;
    }
    return true;
}

static uint64_t as_difference(const struct piece *p, size_t i)
{
    return i ? zigzag(p->words[i] - p->words[i - 1]) : zigzag(p->words[0]);
}

static size_t varints(const struct piece *p, bool differences)
{
    uint8_t *at = p->room;
    for (size_t i = 0; i < p->count; i++)
        at = varint_put(at, differences    ? as_difference(p, i)
                            : p->is_signed ? zigzag(p->words[i])
                                           : p->words[i]);
    return (size_t)(at - p->room);
}

/* The shorter of numbers and differences. */
static size_t varint_zstd(const struct piece *p, int level)
{
    size_t plain = zstd_size(p, varints(p, false), level);
    size_t steps = zstd_size(p, varints(p, true), level);
    return MIN(plain, steps);
}

static size_t varint_zstd_3(const struct piece *p)
{
    return varint_zstd(p, 3);
}

static size_t varint_zstd_19(const struct piece *p)
{
    return varint_zstd(p, 19);
}

/* As many planes of bytes as the widest number has. */
static size_t planes(const struct piece *p, bool differences)
{
    uint64_t all = 0, least = UINT64_MAX;
    for (size_t i = 0; i < p->count; i++)
        least = MIN(least, p->words[i]);
    for (size_t i = 0; i < p->count; i++)
        all |= differences ? as_difference(p, i) : p->words[i] - least;
    size_t width = (bits_length(all) + 7) / 8;
    for (size_t plane = 0; plane < width; plane++) {
        for (size_t i = 0; i < p->count; i++) {
            uint64_t word = differences ? as_difference(p, i) : p->words[i] - least;
            p->room[plane * p->count + i] = (uint8_t)(word >> (8 * plane));
        }
    }
    return width * p->count;
}

static size_t planes_zstd(const struct piece *p, int level)
{
    size_t plain = zstd_size(p, planes(p, false), level);
    size_t steps = zstd_size(p, planes(p, true), level);
    return 2 + MIN(plain, steps);
}

static size_t planes_zstd_3(const struct piece *p)
{
    return planes_zstd(p, 3);
}

static size_t planes_zstd_19(const struct piece *p)
{
    return planes_zstd(p, 19);
}

/* Each number less the least, in as many bits as the widest needs; blocks of 128. */
static size_t bit_packed(const struct piece *p)
{
    size_t bytes = 0;
    for (size_t first = 0; first < p->count; first += 128) {
        size_t count = MIN(p->count - first, (size_t)128);
        uint64_t least = UINT64_MAX, widest = 0;
        for (size_t i = 0; i < count; i++)
            least = MIN(least, p->words[first + i]);
        for (size_t i = 0; i < count; i++)
            widest = MAX(widest, p->words[first + i] - least);
        bytes += 1 + varint_size(least) + (bits_length(widest) * count + 7) / 8;
    }
    return bytes;
}

/* ---- what others do ------------------------------------------------------------------------- */

static uint64_t absolute_bits(const struct piece *p, size_t i, uint64_t *sum)
{
    if (p->column.kind == METRIC_GAUGE) {
        return p->column.value[i].increment;
    }
    *sum += p->column.value[i].increment;
    const union sample as_real = {.gauge = (double)*sum};
    return as_real.increment;
}

static size_t gorilla(const struct piece *p)
{
    size_t bits = 0, in_chunk = 0;
    uint64_t sum = 0, before = 0;
    unsigned leading = 64, trailing = 0;
    for (size_t i = 0; i < p->ticks; i++) {
        if (p->column.state[i] == SAMPLE_ABSENT)
            continue;
        uint64_t word = absolute_bits(p, i, &sum), changed = word ^ before;
        before = word;
        if (in_chunk++ % 120 == 0) {
            bits += 8 * (2 + 6 + 8); /* count, first time, first value */
            leading = 64;
            continue;
        }
        bits += in_chunk % 120 == 2 ? 16 : 1; /* the first step, then its being the same */
        if (changed == 0) {
            bits += 1;
            continue;
        }
        unsigned ahead = MIN(64 - bits_length(changed), 31U);
        unsigned behind = (unsigned)__builtin_ctzll(changed);
        if (leading <= ahead && trailing <= behind) {
            bits += 2 + 64 - leading - trailing;
        } else {
            leading = ahead;
            trailing = behind;
            bits += 2 + 5 + 6 + 64 - ahead - behind;
        }
    }
    return (bits + 7) / 8;
}

static size_t differences(const struct piece *p)
{
    bool counter = p->column.kind == METRIC_COUNTER;
    if (all_same(p)) /* a constant, or a constant difference: in the block's header */
        return varint_size(p->count ? zigzag(p->words[0]) : 0);
    /* Increments are the first differences already. */
    uint8_t *at = p->room;
    for (size_t i = 0; i < p->count; i++)
        at = varint_put(at, counter || !p->is_signed ? as_difference(p, i)
                            : i                      ? zigzag(p->words[i] - p->words[i - 1])
                                                     : 0);
    return zstd_size(p, (size_t)(at - p->room), p->count > 4096 ? 3 : 1);
}

static const struct {
    const char *name;
    size_t (*size)(const struct piece *p); /* the body; SAME is told apart first */
} ways[] = {
    {"varint, zstd 3", varint_zstd_3}, {"varint, zstd 19", varint_zstd_19},
    {"planes, zstd 3", planes_zstd_3}, {"planes, zstd 19", planes_zstd_19},
    {"bit-packed by 128", bit_packed},
};

/* ---- measuring ------------------------------------------------------------------------------ */

enum { ENCODE, PACK, SPAN, ALL_WAYS, GORILLA = ALL_WAYS + ARRAY_LEN(ways), DIFFERENCES, TOTALS };

struct result {
    size_t chunks, samples, bytes[TOTALS];
    size_t busy;                                      /* samples of chunks that are not one value */
    size_t times_bytes, spans;                        /* all spans' times */
    double encode_ns[3], decode_ns[3], longest_ns[3]; /* sums, of busy chunks */
};

/* The chunks of a span as a packer made them: entry i is for series i. */
struct span {
    struct packer *packer;
    const struct data *data;
    struct buf *chunk;
    size_t at; /* the series at hand */
};

static int fetch_chunk(void *context, uint32_t series, const uint8_t **ret_data, size_t *ret_len)
{
    const struct span *span = context;
    for (size_t i = 0; i < span->at; i++) {
        if (span->data->series[i].id != series)
            continue;
        *ret_data = (const uint8_t *)span->chunk[i].data;
        *ret_len = span->chunk[i].len;
        return 0;
    }
    return -ENOENT;
}

static void encode(struct codec *codec, const struct piece *p, unsigned way, struct span *span,
                   struct buf *out)
{
    if (way == ENCODE)
        column_encode(codec, &p->column, p->ticks, out);
    else if (way == PACK)
        column_pack(codec, &p->column, p->ticks, out);
    else
        packer_add(span->packer, codec, span->data->series[span->at].id, &p->column, out);
}

static void time_codec(struct codec *codec, const struct piece *p, unsigned way, unsigned rounds,
                       struct span *span, struct result *r)
{
    struct buf *out = &span->chunk[span->at];
    struct column back = {.state = mem_array(p->ticks, 1),
                          .value = mem_array(p->ticks, sizeof(union sample))};
    int64_t quickest = INT64_MAX, decode = INT64_MAX;
    bool right = true;
    for (unsigned i = 0; i < MAX(rounds, 1U); i++) {
        int64_t start = cpu_ns();
        if (i == 0 || way != SPAN) { /* a packer takes each column once */
            buf_clear(out);
            encode(codec, p, way, span, out);
        }
        int64_t middle = cpu_ns();
        right = right && column_decode_chain(codec, (const uint8_t *)out->data, out->len, p->ticks,
                                             fetch_chunk, span, &back) == 0;
        int64_t end = cpu_ns();
        quickest = i == 0 || way != SPAN ? MIN(quickest, middle - start) : quickest;
        decode = MIN(decode, end - middle);
    }
    for (size_t i = 0; i < p->ticks; i++)
        right = right && back.state[i] == p->column.state[i] &&
                (back.state[i] == SAMPLE_ABSENT ||
                 back.value[i].increment == p->column.value[i].increment);
    if (!right) {
        fprintf(stderr, "a column does not come back as it was\n");
        exit(1);
    }
    r->bytes[way] += out->len;
    if (!all_same(p)) {
        r->encode_ns[way] += (double)quickest;
        r->decode_ns[way] += (double)decode;
        r->longest_ns[way] = MAX(r->longest_ns[way], (double)quickest);
    }
    free(back.state);
    free(back.value);
}

static void measure(struct codec *codec, struct piece *p, uint64_t *words, unsigned rounds,
                    struct span *span, struct result *r)
{
    p->count = 0;
    for (size_t i = 0; i < p->ticks; i++) {
        if (p->column.state[i] != SAMPLE_ABSENT)
            words[p->count++] = p->column.value[i].increment;
    }
    if (p->count == 0)
        return;
    p->words = words;
    p->is_signed = false;
    if (p->column.kind == METRIC_GAUGE) {
        struct form form = form_find(words, p->count);
        form_apply(form, words, p->count);
        p->is_signed = form_is_signed(form);
    }
    r->chunks++;
    r->samples += p->count;
    r->busy += all_same(p) ? 0 : p->count;
    for (unsigned way = ENCODE; way <= SPAN; way++)
        time_codec(codec, p, way, rounds, span, r);
    for (size_t i = 0; i < ARRAY_LEN(ways); i++)
        r->bytes[ALL_WAYS + i] += 8 + (all_same(p) ? 2 : ways[i].size(p)); /* envelope, states */
    r->bytes[GORILLA] += gorilla(p);
    r->bytes[DIFFERENCES] += differences(p);
}

static void measure_times(struct codec *codec, const struct data *data, size_t first, size_t ticks,
                          struct result *r)
{
    const struct timeline part = {data->times.seq + first, data->times.t_ms + first,
                                  data->times.elapsed_ns + first};
    struct buf out = BUF_INIT;
    timeline_encode(codec, &part, ticks, data->interval_ms, &out);
    r->times_bytes += out.len;
    r->spans++;
    buf_fini(&out);
}

static void print_line(const char *name, const struct result *r, size_t bytes)
{
    double all = (double)(bytes + r->chunks * ROW_BYTES + r->times_bytes);
    printf("%-22s %10zu %9.4f %9.4f", name, bytes, (double)bytes / (double)r->samples,
           all / (double)r->samples);
}

static void print_result(const struct result *r)
{
    printf("%zu chunks, %zu samples, %zu of them in chunks that are not one value\n", r->chunks,
           r->samples, r->busy);
    printf("times of %zu spans: %zu bytes\n\n", r->spans, r->times_bytes);
    printf("%-22s %10s %9s %9s %10s %10s %10s\n", "", "bytes", "a sample", "with rows", "encode ns",
           "longest us", "decode ns");
    double busy = (double)MAX(r->busy, 1U);
    static const char *const names[] = {"column_encode", "column_pack", "packer_add"};
    for (unsigned way = ENCODE; way <= SPAN; way++) {
        print_line(names[way], r, r->bytes[way]);
        printf(" %10.1f %10.1f %10.1f\n", r->encode_ns[way] / busy, r->longest_ns[way] / 1000,
               r->decode_ns[way] / busy);
    }
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        print_line(ways[i].name, r, r->bytes[ALL_WAYS + i]);
        printf("\n");
    }
    printf("\nof the samples alone, to compare with:\n");
    print_line("gorilla", r, r->bytes[GORILLA]);
    printf("\n");
    print_line("differences", r, r->bytes[DIFFERENCES]);
    printf("\n");
}

static void print_series(const char *key, const struct result *r)
{
    double samples = (double)MAX(r->samples, 1U);
    printf("%9.4f %9.4f %9.4f %9.4f %9.4f  %s\n", (double)r->bytes[SPAN] / samples,
           (double)r->bytes[PACK] / samples, (double)r->bytes[ENCODE] / samples,
           (double)r->bytes[GORILLA] / samples, (double)r->bytes[DIFFERENCES] / samples, key);
}

static int usage(void)
{
    fprintf(stderr, "usage: bench_codec [--series] FILE.db [TICKS [ROUNDS]]\n");
    return 2;
}

int main(int argc, char **argv)
{
    bool by_series = argc > 1 && strcmp(argv[1], "--series") == 0;
    char **args = argv + 1 + by_series;
    int count = argc - 1 - by_series;
    if (count < 1 || count > 3)
        return usage();
    size_t ticks = count > 1 ? strtoul(args[1], NULL, 10) : 3600;
    unsigned rounds = count > 2 ? (unsigned)strtoul(args[2], NULL, 10) : 5;
    struct data data;
    if (ticks == 0 || ticks > 1000000)
        return usage();
    if (data_load(args[0], &data) < 0)
        return 1;
    fprintf(stderr, "%s: %zu ticks, %zu series, %zu damaged\n", args[0], data.ticks,
            data.series_count, data.damaged);
    if (data.ticks < ticks) {
        fprintf(stderr, "that is less than a chunk of %zu\n", ticks);
        return 1;
    }

    struct codec *codec = codec_new();
    struct piece p = {.ticks = ticks,
                      .zstd = ZSTD_createCCtx(),
                      .room = mem_array(room_bytes(ticks), 1),
                      .packed = mem_array(room_bytes(ticks), 1)};
    uint64_t *words = mem_array(ticks, sizeof(*words));
    struct result all = {0}, *each = mem_array(data.series_count, sizeof(*each));
    for (size_t first = 0; first + ticks <= data.ticks; first += ticks) {
        struct span span = {packer_new(ticks), &data,
                            mem_array(data.series_count, sizeof(struct buf)), 0};
        for (; span.at < data.series_count; span.at++) {
            p.column = data.series[span.at].column;
            p.column.state += first;
            p.column.value += first;
            measure(codec, &p, words, rounds, &span, by_series ? &each[span.at] : &all);
        }
        for (size_t i = 0; i < data.series_count; i++)
            buf_fini(&span.chunk[i]);
        free(span.chunk);
        packer_free(span.packer);
        measure_times(codec, &data, first, ticks, &all);
    }
    if (by_series)
        printf("%9s %9s %9s %9s %9s\n", "packer", "pack", "encode", "gorilla", "differ.");
    for (size_t i = 0; i < data.series_count && by_series; i++)
        print_series(data.series[i].key, &each[i]);
    if (!by_series)
        print_result(&all);
    free(each);
    free(words);
    free(p.room);
    free(p.packed);
    ZSTD_freeCCtx(p.zstd);
    codec_free(codec);
    data_free(&data);
    return 0;
}

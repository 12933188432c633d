/*
 * test_column_pack.c: packed columns and times come back bit for bit; what an earlier version
 * wrote is read as before; damaged and hostile bytes are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/codec.h"
#include "store/column.h"
#include "store/column_pack.h"

#define TICKS 3600

static uint64_t random_state = 4711;

static uint64_t next_random(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return below ? (random_state >> 9) % below : random_state;
}

static double real_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static const uint64_t extremes[] = {
    0, 1, 127, 128, UINT32_MAX, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX};

struct room {
    uint8_t state[TICKS];
    union sample value[TICKS];
};

/* Round trip; returns the length. */
static size_t check_pack(struct codec *codec, enum metric_kind kind, struct room *in, size_t ticks)
{
    struct column column = {kind, in->state, in->value};
    struct buf out = BUF_INIT;
    buf_text(&out, "before"); /* it appends */
    column_pack(codec, &column, ticks, &out);
    assert_memory_equal(out.data, "before", 6);
    size_t len = out.len - 6;
    uint8_t *data = mem_array(len, 1); /* exactly that much, for the sanitizers */
    memcpy(data, out.data + 6, len);
    assert_int_equal(data[0], CODEC_PACKED);
    struct room *back = mem_alloc(sizeof(*back));
    struct column decoded = {(enum metric_kind)(kind + 1), back->state, back->value};
    assert_int_equal(column_decode(codec, data, len, ticks, &decoded), 0);
    assert_int_equal(decoded.kind, kind);
    assert_memory_equal(back->state, in->state, ticks);
    for (size_t i = 0; i < ticks; i++) {
        if (in->state[i] != SAMPLE_ABSENT)
            assert_true(back->value[i].increment == in->value[i].increment);
    }
    /* Told another number of ticks it is refused. */
    assert_int_equal(column_decode(codec, data, len, ticks - 1, &decoded), -EBADMSG);
    if (ticks < TICKS)
        assert_int_equal(column_decode(codec, data, len, ticks + 1, &decoded), -EBADMSG);
    free(back);
    free(data);
    buf_fini(&out);
    return len;
}

#define COUNTER_STYLES 5
#define GAUGE_STYLES 8

static union sample random_sample(enum metric_kind kind, unsigned style, size_t i)
{
    union sample value = {.increment = 0};
    if (kind == METRIC_COUNTER) {
        value.increment = style == 0   ? 0
                          : style == 1 ? next_random(300)
                          : style == 2 ? 1000000 + i * 3
                          : style == 3 ? next_random(20) / 19 * next_random(100000)
                                       : extremes[next_random(ARRAY_LEN(extremes))];
        return value;
    }
    double whole = (double)next_random(1000) - 500;
    static const double odd[] = {
        0.0, -0.0, 1e300, 5e-324, 4503599627370496.0, -9007199254740993.0, INFINITY, -INFINITY};
    switch (style) {
    case 0:
        value.gauge = 1500;
        break;
    case 1:
        value.gauge = whole;
        break;
    case 2:
        value.gauge = whole / 3;
        break;
    case 3:
        value.gauge = whole / 1000; /* decimals */
        break;
    case 4:
        value.gauge = (float)(whole / 7); /* the lower half of the bits is zero */
        break;
    case 5:
        value.gauge = odd[next_random(ARRAY_LEN(odd))];
        break;
    case 6:
        value.increment = next_random(0); /* any bits: NaNs with all payloads, too */
        break;
    default:
        value.gauge = real_of(UINT64_C(0x7ff8000000000000) | next_random(3)); /* NaNs only */
        break;
    }
    return value;
}

static void fill(struct room *in, enum metric_kind kind, unsigned style, unsigned holes,
                 size_t ticks)
{
    uint8_t now = SAMPLE_OK;
    for (size_t i = 0; i < ticks; i++) {
        if (holes == 1) /* at each tick for itself */
            now = next_random(10) ? SAMPLE_OK : SAMPLE_ABSENT;
        else if (holes == 2 && next_random(200) == 0) /* for a while */
            now = now == SAMPLE_OK ? SAMPLE_ABSENT : SAMPLE_OK;
        else if (holes == 3)
            now = SAMPLE_ABSENT;
        in->state[i] = now == SAMPLE_OK && kind == METRIC_COUNTER && holes && next_random(20) == 0
                           ? SAMPLE_GAP
                           : now;
        in->value[i] = random_sample(kind, style, i);
    }
}

static void test_columns(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    struct room *in = mem_alloc(sizeof(*in));
    static const size_t lengths[] = {1, 2, 3, 30, 300, 1024, TICKS};
    for (unsigned holes = 0; holes < 4; holes++) {
        for (size_t l = 0; l < ARRAY_LEN(lengths); l++) {
            for (unsigned style = 0; style < COUNTER_STYLES; style++) {
                fill(in, METRIC_COUNTER, style, holes, lengths[l]);
                check_pack(codec, METRIC_COUNTER, in, lengths[l]);
            }
            for (unsigned style = 0; style < GAUGE_STYLES; style++) {
                fill(in, METRIC_GAUGE, style, holes, lengths[l]);
                check_pack(codec, METRIC_GAUGE, in, lengths[l]);
            }
        }
    }
    free(in);
    codec_free(codec);
}

/* Idle counters, quiet gauges, a start, decimals, sparse events: what most series are. */
static void test_small(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    struct room *in = mem_alloc(sizeof(*in));
    memset(in->state, SAMPLE_OK, TICKS);
    assert_true(check_pack(codec, METRIC_COUNTER, in, TICKS) <= 8);
    in->state[0] = SAMPLE_GAP;
    assert_true(check_pack(codec, METRIC_COUNTER, in, TICKS) <= 11);
    in->state[0] = SAMPLE_OK;
    in->value[1234].increment = 5;
    assert_true(check_pack(codec, METRIC_COUNTER, in, TICKS) <= 24);
    fill(in, METRIC_GAUGE, 0, 0, TICKS);
    assert_true(check_pack(codec, METRIC_GAUGE, in, TICKS) <= 10);
    fill(in, METRIC_GAUGE, 3, 0, TICKS); /* a thousand values: 9.97 bits */
    assert_in_range(check_pack(codec, METRIC_GAUGE, in, TICKS), 4480, 4800);
    fill(in, METRIC_COUNTER, 1, 2, TICKS); /* comes and goes */
    size_t there = 0;
    for (size_t i = 0; i < TICKS; i++)
        there += in->state[i] != SAMPLE_ABSENT;
    assert_true(check_pack(codec, METRIC_COUNTER, in, TICKS) <= there * 12 / 10 + 600);
    free(in);
    codec_free(codec);
}

static void check_times(struct codec *codec, const struct timeline *times, size_t ticks)
{
    struct buf out = BUF_INIT;
    timeline_encode(codec, times, ticks, 1000, &out);
    struct timeline back = {mem_array(ticks, 8), mem_array(ticks, 8), mem_array(ticks, 8)};
    const uint8_t *data = (const uint8_t *)out.data;
    assert_int_equal(timeline_decode(codec, data, out.len, ticks, 1000, &back), 0);
    assert_memory_equal(times->seq, back.seq, ticks * 8);
    assert_memory_equal(times->t_ms, back.t_ms, ticks * 8);
    assert_memory_equal(times->elapsed_ns, back.elapsed_ns, ticks * 8);
    assert_int_equal(timeline_decode(codec, data, out.len, ticks - 1, 1000, &back), -EBADMSG);
    free(back.seq);
    free(back.t_ms);
    free(back.elapsed_ns);
    buf_fini(&out);
}

static void test_times(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    uint64_t seq[500];
    int64_t t[500], elapsed[500];
    const struct timeline times = {seq, t, elapsed};
    for (unsigned round = 0; round < 40; round++) {
        size_t ticks = 1 + next_random(500);
        for (size_t i = 0; i < ticks; i++) {
            seq[i] = (i ? seq[i - 1] : next_random(0) >> 1) + 1 +
                     (next_random(50) ? 0 : next_random(1 << 20));
            t[i] = 1764000000000 + (int64_t)i * 1000 - (round % 3 == 1 && i > 60 ? 5000000 : 0);
            elapsed[i] = 1000000000 + (int64_t)next_random(200000) - 100000;
            if (round % 3 == 2)
                elapsed[i] = t[i] = (int64_t)next_random(0); /* any at all */
        }
        check_times(codec, &times, ticks);
    }
    codec_free(codec);
}

/* ---- as an earlier version wrote it ---------------------------------------------------------- */

/* clang-format off */
static const uint8_t plain_same[] = {
0x01, 0x00, 0x06, 0x8d, 0x03, 0x07, 0x63, 0x77, 0x9b, 0x93};
static const uint8_t plain_numbers[] = {
0x01, 0x08, 0x0d, 0x04, 0x19, 0x00, 0x01, 0xa2, 0x1f, 0xa0, 0x1f, 0xc1, 0x3e, 0xe2, 0x5d, 0xe1, 0x5d, 0x82, 0x7d, 0x81, 0x7d, 0x35, 0x2e, 0x63, 0xa3};
static const uint8_t plain_differences[] = {
0x01, 0x08, 0x0d, 0x04, 0x19, 0x80, 0xa0, 0x94, 0xa5, 0x8d, 0x1d, 0x06, 0x06, 0x0c, 0x06, 0x06, 0x06, 0x06, 0x06, 0x32, 0xd3, 0xa7, 0x7b};
static const uint8_t plain_whole[] = {
0x01, 0x0b, 0x0d, 0x04, 0x19, 0x09, 0x02, 0x02, 0x04, 0x02, 0x02, 0x02, 0x02, 0x02, 0x43, 0x35, 0xa6, 0xb1};
static const uint8_t plain_real[] = {
0x01, 0x8d, 0x4b, 0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x4b, 0xd5, 0x00, 0x00, 0x90, 0x0d, 0x04, 0x19, 0x00, 0x3f, 0xbf, 0xff, 0x40, 0x00, 0xc0, 0xc0, 0xf8, 0x1c, 0x0c, 0x04, 0x1c, 0x02, 0x00, 0x02, 0x00, 0x02, 0x77, 0x56, 0x70, 0x04, 0xe0, 0xc6, 0xbf, 0x9d};
static const uint8_t plain_compressed[] = {
0x01, 0x8b, 0x66, 0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x66, 0x65, 0x00, 0x00, 0x30, 0x91, 0x03, 0x00, 0x02, 0x02, 0x03, 0x01, 0x00, 0xed, 0xe4, 0x8a, 0x5b, 0x8f, 0xa7, 0x12};
static const uint8_t plain_times[] = {
0x01, 0x00, 0xe8, 0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x64, 0x00, 0x00, 0x00, 0x80, 0xa0, 0xbf, 0xe9, 0xd6, 0x66, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x8f, 0x4e, 0x00, 0xff, 0xa7, 0xd6, 0xb9, 0x07, 0xd0, 0x0f, 0xc0, 0x3e, 0xd0, 0x8c, 0x01, 0x80, 0xfa, 0x01, 0xd0, 0x86, 0x03, 0xc0, 0xb2, 0x04, 0xd0, 0xfd, 0x05, 0x80, 0xe8, 0x07, 0xd0, 0xf1, 0x09, 0xb4, 0xcb, 0xd8, 0x55};
/* clang-format on */

static void read_plain(const uint8_t *data, size_t len, size_t ticks, struct column *column)
{
    struct codec *codec = codec_new();
    memset(column->state, 99, 100);
    assert_int_equal(column_decode(codec, data, len, ticks, column), 0);
    codec_free(codec);
}

static void test_plain(void **state)
{
    (void)state;
    uint8_t states[100];
    union sample value[100];
    struct column column = {METRIC_GAUGE, states, value};
    read_plain(plain_same, sizeof(plain_same), 100, &column);
    assert_int_equal(column.kind, METRIC_COUNTER);
    for (size_t i = 0; i < 100; i++)
        assert_true(states[i] == (i ? SAMPLE_OK : SAMPLE_GAP) && value[i].increment == 7);
    read_plain(plain_numbers, sizeof(plain_numbers), 10, &column);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(states[i], i == 3 ? SAMPLE_ABSENT : SAMPLE_OK);
        assert_true(i == 3 || value[i].increment == (i % 2 ? UINT64_MAX : i * 1000));
    }
    read_plain(plain_differences, sizeof(plain_differences), 10, &column);
    for (size_t i = 0; i < 10; i++)
        assert_true(i == 3 || value[i].increment == 1000000000000 + i * 3);
    read_plain(plain_whole, sizeof(plain_whole), 10, &column);
    assert_int_equal(column.kind, METRIC_GAUGE);
    for (size_t i = 0; i < 10; i++)
        assert_true(i == 3 || value[i].gauge == (double)i - 5);
    read_plain(plain_real, sizeof(plain_real), 10, &column);
    for (size_t i = 0; i < 10; i++) {
        const union sample expected = {.gauge = i == 2 ? -0.0 : (double)i / 8};
        assert_true(i == 3 ||
                    (i == 4 ? isnan(value[i].gauge) : value[i].increment == expected.increment));
    }
    read_plain(plain_compressed, sizeof(plain_compressed), 100, &column);
    for (size_t i = 0; i < 100; i++)
        assert_true(states[i] == SAMPLE_OK && value[i].gauge == (double)(i % 3));
}

static void test_plain_times(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    uint64_t seq[10];
    int64_t t[10], elapsed[10];
    struct timeline times = {seq, t, elapsed};
    assert_int_equal(timeline_decode(codec, plain_times, sizeof(plain_times), 10, 1000, &times), 0);
    for (int64_t i = 0; i < 10; i++) {
        assert_int_equal(seq[i], 1000 + i + (i > 5 ? 100 : 0));
        assert_int_equal(t[i], 1764000000000 + i * 1000 - (i > 7 ? 5000 : 0));
        assert_int_equal(elapsed[i], i ? 1000000000 + i * i * 1000 : 0);
    }
    codec_free(codec);
}

/* ---- packed bytes, as they are from now on ----------------------------------------------------
 */

/* clang-format off */
static const uint8_t packed_contexts[] = {
0x02, 0x00, 0x03, 0x00, 0x05, 0x83, 0xaa, 0x12, 0x01, 0x08, 0x38, 0xb0, 0x4b, 0x28, 0x1d, 0x2a, 0x29, 0xa5, 0x32, 0x54, 0x0a, 0x26, 0xa0, 0x03, 0x00, 0x78, 0xba, 0x0f, 0x7b, 0x7f, 0xf5, 0xef, 0xf4, 0xd9, 0x16, 0xd7, 0x0a, 0x00, 0xb8, 0x41, 0xcc, 0x20};
static const uint8_t packed_lag[] = {
0x02, 0x02, 0xc9, 0x01, 0x04, 0x06, 0xd1, 0x04, 0x01, 0x00, 0x8d, 0x46, 0x02, 0xc0, 0xdd, 0xb7, 0x10, 0x28, 0x02, 0xf8, 0x17, 0xc3, 0x7a, 0x82, 0x48, 0x3f, 0x00, 0x31, 0xec, 0x06, 0xff, 0x91, 0x98, 0xb6, 0xa2, 0x5c, 0xbd, 0xd9, 0x96, 0x1a, 0x58, 0x8f, 0x49, 0x48, 0xcd, 0x45, 0x62, 0xda, 0x8a, 0x72, 0xd8, 0xa6, 0x50, 0x53};
static const uint8_t packed_decimals[] = {
0x02, 0x01, 0x01, 0x02, 0x03, 0x00, 0x19, 0x05, 0xc0, 0x41, 0x49, 0xcb, 0xd1, 0xab, 0x3d, 0x30, 0xab, 0x41, 0x8a, 0x39, 0x28, 0x69, 0x39, 0x7a, 0xb5, 0x07, 0x26, 0x76, 0x88, 0xbb, 0x9a};
static const uint8_t packed_reals[] = {
0x02, 0x01, 0x02, 0x01, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0xbf, 0x1a, 0xec, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x60, 0xfe, 0x3f, 0x58, 0xab, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0x6a, 0x83, 0x54, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x07, 0xa9, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0x8e, 0x01, 0xb0, 0xc1, 0x59, 0x55, 0x55, 0x55, 0x55, 0x55, 0xd5, 0xc1, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x3b, 0x28, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0xbd, 0x83, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x60, 0x10, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0x9a, 0xc6, 0x71, 0xe4, 0x00, 0xf3, 0x80, 0xf9, 0x4c, 0xbd, 0x66, 0xa5, 0x7c, 0x02, 0xd6, 0xae, 0x78, 0x37, 0xba, 0x21, 0xd0, 0xcd, 0x7c};
static const uint8_t packed_beside[] = {
0x02, 0x09, 0x4d, 0x00, 0x01, 0x01, 0x85, 0x36, 0x42, 0x48, 0x01, 0x74, 0xcb, 0x01, 0x00, 0xc8, 0xb0, 0x01, 0xf8, 0x04, 0xd9, 0x1a};
/* clang-format on */

/* Tree, contexts, a lag, states, decimals, doubles by their bits, a column beside another. */
static void test_packed(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    uint8_t states[200], other_states[200];
    union sample value[200], other_value[200];
    struct column column = {METRIC_GAUGE, states, value};
    struct column other = {METRIC_GAUGE, other_states, other_value};
    assert_int_equal(column_decode(codec, packed_contexts, sizeof(packed_contexts), 200, &column),
                     0);
    assert_int_equal(column.kind, METRIC_COUNTER);
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(value[i].increment, i / 20 % 2 ? 1 + i * 7 % 3 : 0);
    assert_int_equal(column_decode(codec, packed_lag, sizeof(packed_lag), 200, &column), 0);
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(states[i], i == 50 ? SAMPLE_ABSENT : i == 51 ? SAMPLE_GAP : SAMPLE_OK);
        assert_true(i == 50 || value[i].increment == (i % 10 == 3 ? 5000 + i * i % 300 : 0));
    }
    assert_int_equal(column_decode(codec, packed_decimals, sizeof(packed_decimals), 30, &column),
                     0);
    assert_int_equal(column.kind, METRIC_GAUGE);
    for (int i = 0; i < 30; i++)
        assert_true(value[i].gauge == i * i % 17 / 100.0);
    assert_int_equal(column_decode(codec, packed_reals, sizeof(packed_reals), 30, &column), 0);
    for (int i = 0; i < 30; i++)
        assert_true(value[i].gauge == i * i % 17 / 3.0);

    for (int i = 0; i < 30; i++) {
        other_states[i] = i == 7 ? SAMPLE_ABSENT : SAMPLE_OK;
        other_value[i].gauge = i == 4 ? 1.5 : i * i % 17 + (i == 9);
    }
    assert_int_equal(column_beside(packed_beside, sizeof(packed_beside)), 77);
    assert_int_equal(
        column_unpack(codec, packed_beside, sizeof(packed_beside), 30, &other, &column), 0);
    for (int i = 0; i < 30; i++)
        assert_true(value[i].gauge == i * i % 17);
    /* Only counters and whole gauges can be beside another. */
    struct buf out = BUF_INIT;
    value[3].gauge = 0.25;
    assert_false(column_pack_beside(codec, &column, 30, 77, &other, &out));
    buf_fini(&out);
    codec_free(codec);
}

/* Flags of the future, and bytes that nobody asked for, are refused. */
static void test_strict(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    uint8_t states[200], data[sizeof(packed_contexts) + 1];
    union sample value[200];
    struct column column = {METRIC_GAUGE, states, value};
    for (unsigned bit = 3; bit < 8; bit++) {
        size_t covered = sizeof(packed_contexts) - CODEC_CHECKSUM_BYTES;
        memcpy(data, packed_contexts, covered);
        data[1] |= (uint8_t)(1 << bit);
        codec_checksum_put(data + covered, codec_checksum_packed(data, covered, 200));
        assert_int_not_equal(column_decode(codec, data, covered + 4, 200, &column), 0);
    }
    size_t covered = sizeof(packed_contexts) - CODEC_CHECKSUM_BYTES;
    memcpy(data, packed_contexts, covered);
    data[covered++] = 0;
    codec_checksum_put(data + covered, codec_checksum_packed(data, covered, 200));
    assert_int_equal(column_decode(codec, data, covered + 4, 200, &column), -EBADMSG);
    codec_free(codec);
}

/* ---- damage --------------------------------------------------------------------------------- */

/* Every flipped bit and every cut is found. */
static void test_damage(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    struct room *in = mem_alloc(sizeof(*in));
    struct column column = {METRIC_COUNTER, in->state, in->value};
    fill(in, METRIC_COUNTER, 1, 1, 200);
    struct buf out = BUF_INIT;
    column_pack(codec, &column, 200, &out);
    uint8_t *data = (uint8_t *)out.data;
    for (size_t bit = 0; bit < out.len * 8; bit++) {
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(column_decode(codec, data, out.len, 200, &column), -EBADMSG);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < out.len; cut++)
        assert_int_equal(column_decode(codec, data, cut, 200, &column), -EBADMSG);
    buf_fini(&out);
    free(in);
    codec_free(codec);
}

/* Packed columns with a few bits changed and a right checksum: refused, or states and values of
 * whatever kind, but within bounds. */
static void test_hostile(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    struct room *in = mem_alloc(sizeof(*in));
    struct buf out = BUF_INIT;
    size_t refused = 0;
    for (unsigned round = 0; round < 20000; round++) {
        enum metric_kind kind = round & 1 ? METRIC_GAUGE : METRIC_COUNTER;
        struct column column = {kind, in->state, in->value};
        size_t ticks = 1 + next_random(200);
        fill(in, kind, (unsigned)next_random(COUNTER_STYLES), (unsigned)next_random(4), ticks);
        buf_clear(&out);
        column_pack(codec, &column, ticks, &out);
        size_t len = out.len - CODEC_CHECKSUM_BYTES;
        uint8_t *data = mem_array(out.len, 1);
        memcpy(data, out.data, len);
        for (size_t flips = 1 + next_random(3); flips > 0; flips--)
            data[1 + next_random(len - 1)] ^= (uint8_t)(1 << next_random(8));
        ticks = next_random(3) ? ticks : 1 + next_random(TICKS);
        codec_checksum_put(data + len, codec_checksum_packed(data, len, ticks));
        int err = column_decode(codec, data, out.len, ticks, &column);
        assert_true(err == 0 || err == -EBADMSG || err == -ENOLINK);
        for (size_t i = 0; i < ticks && !err; i++)
            assert_true(in->state[i] <= SAMPLE_GAP);
        refused += err != 0;
        free(data);
    }
    assert_in_range(refused, 5000, 20000);
    buf_fini(&out);
    free(in);
    codec_free(codec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),     cmocka_unit_test(test_small),
        cmocka_unit_test(test_times),       cmocka_unit_test(test_plain),
        cmocka_unit_test(test_plain_times), cmocka_unit_test(test_packed),
        cmocka_unit_test(test_strict),      cmocka_unit_test(test_damage),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

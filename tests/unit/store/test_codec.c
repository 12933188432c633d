/*
 * test_codec.c: rows, columns and times come back bit for bit, over extreme values; damaged and
 * hostile bytes are refused, never crash, never come back as something else unnoticed.
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
#include "store/row.h"
#include "store/varint.h"

static const uint64_t extremes[] = {
    0,
    1,
    2,
    63,
    64,
    127,
    128,
    255,
    256,
    16383,
    16384,
    UINT32_MAX,
    UINT64_C(1) << 32,
    (UINT64_C(1) << 52) - 1,
    UINT64_C(1) << 52,
    UINT64_C(1) << 53,
    INT64_MAX,
    UINT64_C(1) << 63,
    UINT64_MAX - 1,
    UINT64_MAX,
};

static const double gauges[] = {
    0.0,
    -0.0,
    1,
    -1,
    0.1,
    -0.1,
    1e300,
    -1e300,
    5e-324,
    4503599627370495.0,
    4503599627370496.0,
    -4503599627370496.0,
    1.7976931348623157e308,
    9007199254740993.0,
    INFINITY,
    -INFINITY,
    NAN,
};

static uint64_t random_state = 42;

static uint64_t next_random(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return below ? (random_state >> 9) % below : random_state;
}

static void test_varint(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(extremes); i++) {
        uint8_t bytes[VARINT_MAX];
        size_t len = (size_t)(varint_put(bytes, extremes[i]) - bytes);
        assert_int_equal(len, varint_size(extremes[i]));
        struct cursor c = cursor_over(bytes, len);
        assert_true(cursor_varint(&c) == extremes[i] && !c.bad && cursor_left(&c) == 0);
        assert_true(unzigzag(zigzag(extremes[i])) == extremes[i]);
        for (size_t cut = 0; cut < len; cut++) {
            c = cursor_over(bytes, cut);
            assert_int_equal(cursor_varint(&c), 0);
            assert_true(c.bad);
        }
    }
    /* Eleven bytes, and a tenth with bits beyond the 64th. */
    static const uint8_t longer[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0};
    static const uint8_t larger[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2};
    struct cursor c = cursor_over(longer, sizeof(longer));
    cursor_varint(&c);
    assert_true(c.bad);
    c = cursor_over(larger, sizeof(larger));
    cursor_varint(&c);
    assert_true(c.bad);
}

static void test_gauge(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(gauges); i++) {
        uint8_t bytes[GAUGE_MAX];
        size_t len = (size_t)(gauge_put(bytes, gauges[i]) - bytes);
        assert_in_range(len, 1, GAUGE_MAX);
        struct cursor c = cursor_over(bytes, len);
        double back = gauge_get(&c);
        assert_memory_equal(&back, &gauges[i], sizeof(back));
        assert_true(!c.bad && cursor_left(&c) == 0);
    }
}

/* A codec that finds every flipped bit and every cut. */
static void check_envelope(struct codec *codec, const uint8_t *body, size_t len)
{
    struct buf out = BUF_INIT;
    codec_wrap(codec, 5, body, len, &out);
    uint8_t flags;
    const uint8_t *back;
    size_t back_len;
    uint8_t *data = (uint8_t *)out.data;
    assert_int_equal(codec_unwrap(codec, data, out.len, len, &flags, &back, &back_len), 0);
    assert_int_equal(flags, 5);
    assert_int_equal(back_len, len);
    if (len)
        assert_memory_equal(back, body, len);
    if (len)
        assert_int_equal(codec_unwrap(codec, data, out.len, len - 1, &flags, &back, &back_len),
                         -EBADMSG);
    for (size_t bit = 0; bit < out.len * 8; bit++) {
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(codec_unwrap(codec, data, out.len, len, &flags, &back, &back_len),
                         -EBADMSG);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < out.len; cut++)
        assert_int_equal(codec_unwrap(codec, data, cut, len, &flags, &back, &back_len), -EBADMSG);
    buf_fini(&out);
}

static void test_envelope(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    uint8_t body[600];
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (uint8_t)next_random(256);
    static const size_t lengths[] = {0, 1, 7, 8, 47, 48, 49, 600};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
        check_envelope(codec, body, lengths[i]);
    memset(body, 7, sizeof(body)); /* this one is compressed */
    check_envelope(codec, body, sizeof(body));
    codec_free(codec);
}

/* A codec of the future is told apart from damage. */
static void test_other_codec(void **state)
{
    (void)state;
    uint8_t data[] = {CODEC_PLAIN + 1, 0, 1, 2, 3, 0, 0, 0, 0};
    codec_checksum_put(data + 5, codec_checksum(data, 5));
    struct codec *codec = codec_new();
    uint8_t flags;
    const uint8_t *body;
    size_t len;
    assert_int_equal(codec_unwrap(codec, data, sizeof(data), 100, &flags, &body, &len), -ENOTSUP);
    codec_free(codec);
}

/* ---- columns -------------------------------------------------------------------------------- */

#define TICKS 700

struct room {
    uint8_t state[TICKS];
    union sample value[TICKS];
};

static void check_column(struct codec *codec, enum metric_kind kind, struct room *in, size_t ticks)
{
    struct column column = {kind, in->state, in->value};
    struct buf out = BUF_INIT;
    column_encode(codec, &column, ticks, &out);
    struct room *back = mem_alloc(sizeof(*back));
    struct column decoded = {METRIC_COUNTER, back->state, back->value};
    assert_int_equal(column_decode(codec, (uint8_t *)out.data, out.len, ticks, &decoded), 0);
    assert_int_equal(decoded.kind, kind);
    assert_memory_equal(back->state, in->state, ticks);
    for (size_t i = 0; i < ticks; i++) {
        if (in->state[i] != SAMPLE_ABSENT)
            assert_true(back->value[i].increment == in->value[i].increment);
    }
    /* Told another number of ticks it is refused. */
    if (ticks > 1)
        assert_int_equal(column_decode(codec, (uint8_t *)out.data, out.len, ticks - 1, &decoded),
                         -EBADMSG);
    free(back);
    buf_fini(&out);
}

static union sample random_sample(enum metric_kind kind, unsigned style, size_t i)
{
    union sample value = {.increment = 0};
    if (kind == METRIC_GAUGE) {
        double whole = (double)next_random(1000) - 500;
        value.gauge = style == 0   ? 1500
                      : style == 1 ? whole
                      : style == 2 ? whole / 3
                                   : gauges[next_random(ARRAY_LEN(gauges))];
    } else {
        value.increment = style == 0   ? 0
                          : style == 1 ? next_random(300)
                          : style == 2 ? 1000000 + i * 3
                                       : extremes[next_random(ARRAY_LEN(extremes))];
    }
    return value;
}

static void test_columns(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    struct room *in = mem_alloc(sizeof(*in));
    static const size_t lengths[] = {1, 2, 3, 30, 300, TICKS};
    for (unsigned round = 0; round < 400; round++) {
        enum metric_kind kind = round & 1 ? METRIC_GAUGE : METRIC_COUNTER;
        unsigned style = round / 2 % 4;
        unsigned holes = round / 8 % 3; /* none, some, nearly all */
        size_t ticks = lengths[next_random(ARRAY_LEN(lengths))];
        for (size_t i = 0; i < ticks; i++) {
            bool absent = holes == 0 ? false : next_random(10) < (holes == 1 ? 2 : 9);
            in->state[i] = absent                                           ? SAMPLE_ABSENT
                           : kind == METRIC_COUNTER && next_random(20) == 0 ? SAMPLE_GAP
                                                                            : SAMPLE_OK;
            in->value[i] = random_sample(kind, style, i);
        }
        check_column(codec, kind, in, ticks);
    }
    free(in);
    codec_free(codec);
}

/* An idle counter and a quiet gauge cost next to nothing. */
static void test_small(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    struct room *in = mem_alloc(sizeof(*in));
    memset(in->state, SAMPLE_OK, TICKS);
    struct buf out = BUF_INIT;
    column_encode(codec, &(struct column){METRIC_COUNTER, in->state, in->value}, TICKS, &out);
    assert_true(out.len <= 10);
    buf_fini(&out);
    for (size_t i = 0; i < TICKS; i++)
        in->value[i].gauge = 1e9;
    column_encode(codec, &(struct column){METRIC_GAUGE, in->state, in->value}, TICKS, &out);
    assert_true(out.len <= 16);
    buf_fini(&out);
    free(in);
    codec_free(codec);
}

static void test_times(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    uint64_t seq[100], seq_back[100];
    int64_t t[100], t_back[100], elapsed[100], elapsed_back[100];
    for (size_t i = 0; i < 100; i++) {
        seq[i] = (i ? seq[i - 1] : 1000) + 1 + (i == 50 ? UINT64_C(1) << 40 : 0);
        t[i] = 1764000000000 + (int64_t)i * 1000 - (i > 60 ? 5000000 : 0);
        elapsed[i] = i == 0 ? 0 : i == 70 ? INT64_MAX : 1000000000 + (int64_t)next_random(9999);
    }
    const struct timeline times = {seq, t, elapsed};
    struct timeline back = {seq_back, t_back, elapsed_back};
    struct buf out = BUF_INIT;
    timeline_encode(codec, &times, 100, 1000, &out);
    assert_int_equal(timeline_decode(codec, (uint8_t *)out.data, out.len, 100, 1000, &back), 0);
    assert_memory_equal(seq, seq_back, sizeof(seq));
    assert_memory_equal(t, t_back, sizeof(t));
    assert_memory_equal(elapsed, elapsed_back, sizeof(elapsed));
    assert_int_equal(timeline_decode(codec, (uint8_t *)out.data, out.len, 99, 1000, &back),
                     -EBADMSG);
    buf_fini(&out);
    codec_free(codec);
}

/* ---- rows ----------------------------------------------------------------------------------- */

#define SLOTS 120

static void test_rows(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        uint8_t code[SLOTS];
        uint32_t id[SLOTS];
        union sample value[SLOTS];
        uint64_t absolute[SLOTS], source[SLOTS];
        uint32_t at = (uint32_t)next_random(round % 2 ? 100 : UINT32_MAX);
        size_t present = 0;
        for (size_t i = 0; i < SLOTS; i++) {
            at = next_random(10) ? at + 1 : (uint32_t)next_random(UINT32_MAX);
            id[i] = at;
            code[i] = (uint8_t)(next_random(4) ? ROW_OK : next_random(ROW_CODES));
            present += code[i] != ROW_NONE;
            if (code[i] == ROW_GAUGE)
                value[i].gauge = gauges[next_random(ARRAY_LEN(gauges))];
            else if (round % 3) /* runs of counters that stand still */
                value[i].increment =
                    next_random(20) ? 0 : extremes[next_random(ARRAY_LEN(extremes))];
            else
                value[i].increment = extremes[next_random(ARRAY_LEN(extremes))];
            absolute[i] = extremes[next_random(ARRAY_LEN(extremes))];
            source[i] = extremes[next_random(ARRAY_LEN(extremes))];
        }
        const struct row_columns columns = {SLOTS, code, id, value, absolute, source};
        uint8_t *bytes = mem_array(row_bound(SLOTS), 1);
        size_t len = row_encode(&columns, bytes);
        assert_true(len <= row_bound(SLOTS));

        struct row_reader row;
        struct row_sample sample;
        assert_int_equal(row_open(&row, bytes, len), 0);
        for (size_t i = 0; i < SLOTS; i++) {
            if (code[i] == ROW_NONE)
                continue;
            assert_true(row_next(&row, &sample));
            assert_int_equal(sample.id, id[i]);
            assert_int_equal(sample.code, code[i]);
            assert_true(sample.value.increment == value[i].increment);
            if (row_is_key(sample.code))
                assert_true(sample.absolute == absolute[i] && sample.source == source[i]);
            present--;
        }
        assert_int_equal(present, 0);
        assert_false(row_next(&row, &sample));
        assert_false(row_damaged(&row));
        size_t bit = next_random(len * 8);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(row_open(&row, bytes, len), -EBADMSG);
        free(bytes);
    }
}

/* A row with more zeros than there can be series is damaged: a few bytes are not the work of hours.
 */
static void test_endless_zeros(void **state)
{
    (void)state;
    enum { RUNS = 40, RUN = 1 << 15 };
    uint8_t data[8 + RUNS * 6 + CODEC_CHECKSUM_BYTES] = {1};
    uint8_t runs[RUNS * 6], *end = runs;
    for (unsigned i = 0; i < RUNS; i++) {
        end = varint_put(end, (uint64_t)RUN << 3 | 6);
        end = varint_put(end, 0);
    }
    uint8_t *at = varint_put(data + 1, (uint64_t)(end - runs));
    memcpy(at, runs, (size_t)(end - runs));
    at += end - runs;
    codec_checksum_put(at, codec_checksum(data, (size_t)(at - data)));
    struct row_reader row;
    struct row_sample sample;
    size_t samples = 0;
    assert_int_equal(row_open(&row, data, (size_t)(at - data) + CODEC_CHECKSUM_BYTES), 0);
    while (row_next(&row, &sample))
        samples++;
    assert_int_equal(samples, ROW_ZEROS_MOST);
    assert_true(row_damaged(&row));
}

/* Bytes with a right checksum but any content: bounded work, no read outside. */
static void test_hostile(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    struct room *room = mem_alloc(sizeof(*room));
    for (unsigned round = 0; round < 20000; round++) {
        size_t len = 2 + next_random(60);
        uint8_t *data = mem_array(len + CODEC_CHECKSUM_BYTES, 1);
        for (size_t i = 0; i < len; i++)
            data[i] = (uint8_t)(next_random(3) ? next_random(4) : next_random(256));
        data[0] = 1;
        codec_checksum_put(data + len, codec_checksum(data, len));
        len += CODEC_CHECKSUM_BYTES;

        struct column column = {METRIC_COUNTER, room->state, room->value};
        int err = column_decode(codec, data, len, 1 + next_random(20), &column);
        assert_true(err == 0 || err == -EBADMSG);
        struct row_reader row;
        struct row_sample sample;
        size_t samples = 0;
        if (row_open(&row, data, len) == 0) {
            while (row_next(&row, &sample))
                samples++;
        }
        assert_true(samples <= len + ROW_ZEROS_MOST); /* zeros in a run take no byte, others one */
        free(data);
    }
    free(room);
    codec_free(codec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_varint),        cmocka_unit_test(test_gauge),
        cmocka_unit_test(test_envelope),      cmocka_unit_test(test_other_codec),
        cmocka_unit_test(test_columns),       cmocka_unit_test(test_small),
        cmocka_unit_test(test_times),         cmocka_unit_test(test_rows),
        cmocka_unit_test(test_endless_zeros), cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

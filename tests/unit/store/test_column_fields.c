/*
 * test_column_fields.c: rows with several fields come back bit for bit, whatever is absent; what
 * is damaged, hostile or meant for another shape is refused.
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

#define ROWS 1440

static uint64_t random_state = 7;

static uint64_t next_random(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return below ? (random_state >> 9) % below : random_state;
}

static uint64_t real_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static const uint64_t extreme_counts[] = {0, 1, 127, 128, UINT32_MAX, INT64_MAX, UINT64_MAX};
static const int64_t extreme_signed[] = {0, 1, -1, 63, -64, INT64_MAX, INT64_MIN};
static const double extreme_reals[] = {0.0,       -0.0, 0.1,  1e300,    5e-324, 4503599627370496.0,
                                       -INFINITY, NAN,  -1.5, 1e15 + 1, 1e-7,   INFINITY};

/* Styles: constant, small and jumping, drifting, decimals, extremes, any bits at all. */
#define STYLES 6

static uint64_t random_word(enum field_type type, unsigned style, size_t i)
{
    if (style == 5)
        return next_random(0);
    if (type == FIELD_COUNT)
        return style == 0   ? 123456
               : style == 1 ? next_random(300)
               : style == 2 ? 1000000 + i * 3
               : style == 3 ? next_random(50) * 1000
                            : extreme_counts[next_random(ARRAY_LEN(extreme_counts))];
    if (type == FIELD_SIGNED)
        return style == 0   ? (uint64_t)-5
               : style == 1 ? next_random(300) - 150
               : style == 2 ? (uint64_t)-1000000 + i * 3
               : style == 3 ? next_random(50) * 1000
                            : (uint64_t)extreme_signed[next_random(ARRAY_LEN(extreme_signed))];
    double whole = (double)next_random(1000) - 500;
    return real_bits(style == 0   ? 1500
                     : style == 1 ? whole
                     : style == 2 ? whole / 3
                     : style == 3 ? whole / 100
                                  : extreme_reals[next_random(ARRAY_LEN(extreme_reals))]);
}

struct room {
    enum field_type types[FIELDS_MAX];
    bool there[ROWS];
    uint64_t words[FIELDS_MAX][ROWS];
    struct field_column column;
};

static struct room *room_new(size_t fields)
{
    struct room *room = mem_alloc(sizeof(*room));
    room->column.fields = fields;
    room->column.types = room->types;
    room->column.there = room->there;
    for (size_t field = 0; field < fields; field++)
        room->column.words[field] = room->words[field];
    return room;
}

static void fill(struct room *room, size_t rows, unsigned holes, unsigned style)
{
    for (size_t i = 0; i < rows; i++)
        room->there[i] = holes == 0 || next_random(10) >= (holes == 1 ? 2 : 9);
    for (size_t field = 0; field < room->column.fields; field++) {
        room->types[field] = (enum field_type)next_random(3);
        unsigned own = style < STYLES ? style : (unsigned)next_random(STYLES);
        for (size_t i = 0; i < rows; i++)
            room->words[field][i] = random_word(room->types[field], own, i);
    }
    room->column.tag = (uint8_t)next_random(8);
}

static void check_same(const struct room *in, const struct room *back, size_t rows)
{
    assert_int_equal(in->column.tag, back->column.tag);
    for (size_t i = 0; i < rows; i++) {
        assert_int_equal(in->there[i], back->there[i]);
        for (size_t field = 0; field < in->column.fields && in->there[i]; field++)
            assert_true(in->words[field][i] == back->words[field][i]);
    }
}

/* The first fields alone are the same, and nothing is written into the others. */
static void check_wanted(struct codec *codec, struct room *in, const uint8_t *data, size_t len,
                         size_t rows)
{
    struct room *some = room_new(in->column.fields);
    size_t wanted = next_random(in->column.fields + 1);
    memcpy(some->types, in->types, sizeof(in->types));
    memset(some->words, 0x5a, sizeof(some->words));
    assert_int_equal(field_column_decode(codec, data, len, rows, wanted, &some->column), 0);
    for (size_t i = 0; i < rows; i++) {
        assert_int_equal(in->there[i], some->there[i]);
        for (size_t field = 0; field < in->column.fields; field++) {
            if (field >= wanted)
                assert_true(some->words[field][i] == UINT64_C(0x5a5a5a5a5a5a5a5a));
            else if (in->there[i])
                assert_true(some->words[field][i] == in->words[field][i]);
        }
    }
    free(some);
}

static void check_round_trip(struct codec *codec, struct room *in, size_t rows)
{
    struct buf out = BUF_INIT;
    buf_text(&out, "before"); /* it appends */
    field_column_encode(codec, &in->column, rows, &out);
    assert_memory_equal(out.data, "before", 6);
    const uint8_t *data = (const uint8_t *)out.data + 6;
    size_t len = out.len - 6;

    struct room *back = room_new(in->column.fields);
    memcpy(back->types, in->types, sizeof(in->types));
    uint8_t tag;
    assert_int_equal(field_column_tag(data, len, &tag), 0);
    assert_int_equal(tag, in->column.tag);
    assert_int_equal(
        field_column_decode(codec, data, len, rows, back->column.fields, &back->column), 0);
    check_same(in, back, rows);
    check_wanted(codec, in, data, len, rows);

    /* Told another shape it is refused. */
    if (rows > 1)
        assert_int_equal(
            field_column_decode(codec, data, len, rows - 1, back->column.fields, &back->column),
            -EBADMSG);
    if (in->column.fields > 1) {
        size_t fewer = --back->column.fields;
        assert_int_equal(field_column_decode(codec, data, len, rows, fewer, &back->column),
                         -EBADMSG);
    }
    free(back);
    buf_fini(&out);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    static const size_t lengths[] = {1, 2, 3, 24, 60, 300, ROWS};
    for (unsigned round = 0; round < 600; round++) {
        struct room *in = room_new(1 + next_random(FIELDS_MAX));
        size_t rows = lengths[next_random(ARRAY_LEN(lengths))];
        fill(in, rows, round % 3, round / 3 % (STYLES + 1));
        check_round_trip(codec, in, rows);
        free(in);
    }
    codec_free(codec);
}

/* Rows that are all absent are a chunk, too. */
static void test_nothing_there(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    struct room *in = room_new(3);
    fill(in, 60, 0, 5);
    memset(in->there, 0, sizeof(in->there));
    check_round_trip(codec, in, 60);
    free(in);
    codec_free(codec);
}

/* A series where nothing happened costs next to nothing. */
static void test_small(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    struct room *in = room_new(5);
    fill(in, 60, 0, 0);
    struct buf out = BUF_INIT;
    field_column_encode(codec, &in->column, 60, &out);
    assert_true(out.len <= 70);
    buf_fini(&out);
    free(in);
    codec_free(codec);
}

/* Fields that say the same take the room of one. */
static void test_compared(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    size_t len[2];
    for (size_t fields = 1; fields <= 4; fields += 3) {
        struct room *in = room_new(fields);
        fill(in, 600, 0, 1);
        in->types[0] = FIELD_COUNT;
        for (size_t i = 0; i < 600; i++) {
            in->words[0][i] = i * 7919 % 1009;
            for (size_t field = 1; field < fields; field++) {
                in->types[field] = FIELD_REAL;
                in->words[field][i] = real_bits((double)in->words[0][i] + (i % 50 == 0));
            }
        }
        struct buf out = BUF_INIT;
        field_column_encode(codec, &in->column, 600, &out);
        len[fields > 1] = out.len;
        buf_fini(&out);
        check_round_trip(codec, in, 600);
        free(in);
    }
    assert_true(len[1] <= len[0] + 60);
    codec_free(codec);
}

/* Every flipped bit and every cut is found. */
static void test_damage(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    struct room *in = room_new(2);
    fill(in, 60, 1, 1);
    struct buf out = BUF_INIT;
    field_column_encode(codec, &in->column, 60, &out);
    uint8_t *data = (uint8_t *)out.data;
    for (size_t bit = 0; bit < out.len * 8; bit++) {
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_true(field_column_decode(codec, data, out.len, 60, in->column.fields, &in->column) ==
                    -EBADMSG);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    uint8_t tag;
    for (size_t cut = 0; cut < out.len; cut++) {
        assert_int_equal(field_column_decode(codec, data, cut, 60, in->column.fields, &in->column),
                         -EBADMSG);
        if (cut < 2 + CODEC_CHECKSUM_BYTES)
            assert_int_equal(field_column_tag(data, cut, &tag), -EBADMSG);
    }
    data[0] = 99; /* a codec of the future is told apart */
    assert_int_equal(field_column_tag(data, out.len, &tag), -ENOTSUP);
    codec_checksum_put(data + out.len - CODEC_CHECKSUM_BYTES,
                       codec_checksum(data, out.len - CODEC_CHECKSUM_BYTES));
    assert_int_equal(field_column_decode(codec, data, out.len, 60, in->column.fields, &in->column),
                     -ENOTSUP);
    buf_fini(&out);
    free(in);
    codec_free(codec);
}

/* Bytes with a right checksum but any content: bounded work, no access outside. */
static void test_hostile(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    struct room *room = room_new(3);
    for (unsigned round = 0; round < 20000; round++) {
        size_t len = 2 + next_random(60);
        uint8_t *data = mem_array(len + CODEC_CHECKSUM_BYTES, 1);
        for (size_t i = 0; i < len; i++)
            data[i] = (uint8_t)(next_random(3) ? next_random(4) : next_random(256));
        data[0] = CODEC_PACKED;
        size_t rows = 1 + next_random(20);
        codec_checksum_put(data + len, codec_checksum_packed(data, len, rows));
        int err = field_column_decode(codec, data, len + CODEC_CHECKSUM_BYTES, rows,
                                      room->column.fields, &room->column);
        assert_true(err == 0 || err == -EBADMSG);
        free(data);
    }
    free(room);
    codec_free(codec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_nothing_there),
        cmocka_unit_test(test_small),      cmocka_unit_test(test_damage),
        cmocka_unit_test(test_compared),   cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

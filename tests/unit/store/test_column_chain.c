/*
 * test_column_chain.c: the columns of a span, written beside each other, come back bit for bit;
 * like ones cost little; no column needs more than COLUMN_CHAIN to be read; what is missing,
 * damaged or goes in circles is refused.
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

#define TICKS 900
#define SERIES 60

static uint64_t random_state = 31;

static uint64_t next_random(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return below ? (random_state >> 9) % below : random_state;
}

struct room {
    uint8_t state[TICKS];
    union sample value[TICKS];
    struct column column;
};

/* A span on its way: chunk i is of series i + 1. */
struct span {
    struct room *room[SERIES];
    struct buf chunk[SERIES];
    size_t count;
    unsigned fetched;
    int error; /* that fetching gives */
};

static int fetch(void *context, uint32_t series, const uint8_t **ret_data, size_t *ret_len)
{
    struct span *span = context;
    span->fetched++;
    if (span->error)
        return span->error;
    if (series < 1 || series > span->count)
        return -ENOENT;
    *ret_data = (const uint8_t *)span->chunk[series - 1].data;
    *ret_len = span->chunk[series - 1].len;
    return 0;
}

static struct room *room_new(enum metric_kind kind)
{
    struct room *room = mem_alloc(sizeof(*room));
    room->column = (struct column){kind, room->state, room->value};
    memset(room->state, SAMPLE_OK, TICKS);
    return room;
}

static void span_free(struct span *span)
{
    for (size_t i = 0; i < span->count; i++) {
        free(span->room[i]);
        buf_fini(&span->chunk[i]);
    }
    free(span);
}

/* Takes the room; returns the chunk's length. */
static size_t span_add(struct span *span, struct packer *packer, struct codec *codec,
                       struct room *room)
{
    size_t i = span->count++;
    span->room[i] = room;
    packer_add(packer, codec, (uint32_t)i + 1, &room->column, &span->chunk[i]);
    return span->chunk[i].len;
}

static void check_span(struct span *span, struct codec *codec)
{
    struct room *back = room_new(METRIC_COUNTER);
    for (size_t i = 0; i < span->count; i++) {
        const struct room *in = span->room[i];
        const uint8_t *data = (const uint8_t *)span->chunk[i].data;
        size_t len = span->chunk[i].len;
        span->fetched = 0;
        memset(back->value, 0xee, sizeof(back->value));
        assert_int_equal(column_decode_chain(codec, data, len, TICKS, fetch, span, &back->column),
                         0);
        assert_in_range(span->fetched, 0, COLUMN_CHAIN - 1);
        assert_int_equal(back->column.kind, in->column.kind);
        assert_memory_equal(back->state, in->state, TICKS);
        for (size_t t = 0; t < TICKS; t++)
            assert_true(in->state[t] == SAMPLE_ABSENT ||
                        back->value[t].increment == in->value[t].increment);
        bool beside = column_beside(data, len) != 0;
        assert_int_equal(column_decode(codec, data, len, TICKS, &back->column),
                         beside ? -ENOLINK : 0);
        assert_int_equal(span->fetched > 0, beside);
    }
    free(back);
}

static uint64_t burst(void)
{
    return next_random(3) ? 0 : next_random(200000);
}

/* The traffic of a host as several layers count it. */
static void test_alike(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    struct packer *packer = packer_new(TICKS);
    struct span *span = mem_alloc(sizeof(*span));
    struct room *device = room_new(METRIC_COUNTER);
    for (size_t t = 0; t < TICKS; t++)
        device->value[t].increment = burst();
    struct room *same = mem_alloc(sizeof(*same)), *nearly = mem_alloc(sizeof(*nearly));
    *same = *nearly = *device;
    same->column = (struct column){METRIC_COUNTER, same->state, same->value};
    nearly->column = (struct column){METRIC_COUNTER, nearly->state, nearly->value};
    for (size_t t = 0; t < TICKS; t += 10)
        nearly->value[t].increment += next_random(100);
    struct room *like_that = mem_alloc(sizeof(*like_that));
    *like_that = *nearly;
    like_that->column = (struct column){METRIC_COUNTER, like_that->state, like_that->value};

    size_t whole = span_add(span, packer, codec, device);
    assert_true(whole > 700);
    assert_true(span_add(span, packer, codec, same) <= 12);
    assert_in_range(span_add(span, packer, codec, nearly), 80, 200);
    assert_true(span_add(span, packer, codec, like_that) <= 12); /* beside one that is beside */
    check_span(span, codec);
    assert_int_equal(column_beside((uint8_t *)span->chunk[1].data, span->chunk[1].len), 1);
    assert_int_equal(column_beside((uint8_t *)span->chunk[3].data, span->chunk[3].len), 3);
    span_free(span);
    packer_free(packer);
    codec_free(codec);
}

/* A random column, perhaps made from an earlier one. */
static struct room *random_room(const struct span *span)
{
    enum metric_kind kind = next_random(3) ? METRIC_COUNTER : METRIC_GAUGE;
    const struct room *from =
        span->count && next_random(3) ? span->room[next_random(span->count)] : NULL;
    struct room *room = room_new(from && next_random(9) ? from->column.kind : kind);
    uint64_t share = 1 + next_random(30);
    unsigned style = (unsigned)next_random(5);
    for (size_t t = 0; t < TICKS; t++) {
        bool copy = from && next_random(share);
        if (room->column.kind == METRIC_COUNTER)
            room->value[t].increment = style == 4 ? next_random(0) : burst();
        else
            room->value[t].gauge = style == 0   ? (double)next_random(1000) - 500
                                   : style == 1 ? (double)next_random(1000) / 100
                                   : style == 2 ? NAN
                                                : floor((double)t / 9);
        if (copy)
            room->value[t] = from->value[t];
        if (style == 3 && next_random(20) == 0)
            room->state[t] = SAMPLE_ABSENT;
        else if (copy)
            room->state[t] = from->state[t];
        if (room->column.kind == METRIC_GAUGE && room->state[t] == SAMPLE_GAP)
            room->state[t] = SAMPLE_OK;
    }
    return room;
}

static void test_random(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    size_t beside = 0;
    for (unsigned round = 0; round < 15; round++) {
        struct packer *packer = packer_new(TICKS);
        struct span *span = mem_alloc(sizeof(*span));
        while (span->count < SERIES) {
            span_add(span, packer, codec, random_room(span));
            const struct buf *chunk = &span->chunk[span->count - 1];
            beside += column_beside((const uint8_t *)chunk->data, chunk->len) != 0;
        }
        check_span(span, codec);
        span_free(span);
        packer_free(packer);
    }
    assert_in_range(beside, 100, 15 * SERIES); /* or nothing was tested */
    codec_free(codec);
}

/* Values of ticks without a sample do not matter, neither in a column nor in what it is beside. */
static void test_absent(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    struct buf first[2] = {BUF_INIT, BUF_INIT}, second[2] = {BUF_INIT, BUF_INIT};
    for (unsigned run = 0; run < 2; run++) {
        struct packer *packer = packer_new(TICKS);
        struct room *a = room_new(METRIC_COUNTER), *b = room_new(METRIC_COUNTER);
        for (size_t t = 0; t < TICKS; t++) {
            bool here = t < 300 || t >= 400;
            a->state[t] = here ? SAMPLE_OK : SAMPLE_ABSENT;
            a->value[t].increment = here ? t * 7919 % 1000 : run * UINT64_C(0x123456789abcdef);
            b->state[t] = t % 100 ? SAMPLE_OK : SAMPLE_ABSENT;
            b->value[t].increment = t % 100 ? t * 7919 % 1000 : run * 999;
        }
        packer_add(packer, codec, 1, &a->column, &first[run]);
        packer_add(packer, codec, 2, &b->column, &second[run]);
        free(a);
        free(b);
        packer_free(packer);
    }
    assert_int_equal(column_beside((uint8_t *)second[0].data, second[0].len), 1);
    assert_int_equal(first[0].len, first[1].len);
    assert_memory_equal(first[0].data, first[1].data, first[0].len);
    assert_int_equal(second[0].len, second[1].len);
    assert_memory_equal(second[0].data, second[1].data, second[0].len);
    for (unsigned run = 0; run < 2; run++) {
        buf_fini(&first[run]);
        buf_fini(&second[run]);
    }
    codec_free(codec);
}

static int decode(struct span *span, struct codec *codec, size_t i)
{
    struct room *back = room_new(METRIC_COUNTER);
    int err = column_decode_chain(codec, (const uint8_t *)span->chunk[i].data, span->chunk[i].len,
                                  TICKS, fetch, span, &back->column);
    free(back);
    return err;
}

static void test_broken(void **state)
{
    (void)state;
    struct codec *codec = codec_new();
    struct packer *packer = packer_new(TICKS);
    struct span *span = mem_alloc(sizeof(*span));
    for (unsigned i = 0; i < 2; i++) {
        struct room *room = room_new(METRIC_COUNTER);
        for (size_t t = 0; t < TICKS; t++)
            room->value[t].increment = i ? span->room[0]->value[t].increment + t % 2 : burst();
        span_add(span, packer, codec, room);
    }
    assert_int_equal(decode(span, codec, 1), 0);
    span->error = -EIO; /* is not damage */
    assert_int_equal(decode(span, codec, 1), -EIO);
    span->error = -ENOENT; /* the other one is missing: that is */
    assert_int_equal(decode(span, codec, 1), -EBADMSG);
    span->error = 0;
    span->chunk[0].data[20] ^= 1;
    assert_int_equal(decode(span, codec, 1), -EBADMSG);
    span->chunk[0].data[20] ^= 1;

    /* Beside itself. */
    uint8_t *data = (uint8_t *)span->chunk[1].data;
    size_t covered = span->chunk[1].len - CODEC_CHECKSUM_BYTES;
    assert_int_equal(data[2], 1);
    data[2] = 2;
    codec_checksum_put(data + covered, codec_checksum_packed(data, covered, TICKS));
    span->fetched = 0;
    assert_int_equal(decode(span, codec, 1), -EBADMSG);
    assert_in_range(span->fetched, 1, COLUMN_CHAIN);
    /* Beside nobody, although it says so. */
    data[2] = 0;
    codec_checksum_put(data + covered, codec_checksum_packed(data, covered, TICKS));
    assert_int_equal(decode(span, codec, 1), -EBADMSG);
    span_free(span);
    packer_free(packer);
    codec_free(codec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alike),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_group.c: what is put into a group is found in it, series by series and from one to the next;
 * it is of a size that fills pages; one whose bytes are not what was written is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/defs.h"
#include "store/codec.h"
#include "store/group.h"

#define MEMBERS 300
#define ROWS 60

static uint64_t random_state = 11;

static uint64_t next_random(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 9) % below;
}

struct member {
    uint32_t series;
    uint8_t flags;
    struct buf body;
};

/* Some stand still, as most do, some do not; numbers have gaps, once as large as they get. */
static void make_member(struct member *m, uint32_t series)
{
    m->series = series;
    m->flags = (uint8_t)next_random(2);
    m->body = BUF_INIT;
    size_t len = next_random(3) ? 2 : next_random(300);
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = len == 2 ? 0 : (uint8_t)next_random(256);
        buf_append(&m->body, &byte, 1);
    }
}

static void check_member(const struct member *m, const uint8_t *data, size_t len)
{
    uint8_t flags;
    const uint8_t *body;
    size_t body_len;
    assert_int_equal(codec_unwrap_packed(data, len, ROWS, &flags, &body, &body_len), 0);
    assert_int_equal(flags, m->flags);
    assert_int_equal(body_len, m->body.len);
    if (m->body.len)
        assert_memory_equal(body, m->body.data, m->body.len);
}

static void check_all(const struct buf *row, const struct member *members, size_t count)
{
    const uint8_t *data = (const uint8_t *)row->data, *found;
    size_t len;
    assert_int_equal(group_check(data, row->len, ROWS), 0);
    assert_int_equal(group_check(data, row->len, ROWS + 1), -EBADMSG);
    struct group_reader reader;
    assert_int_equal(group_open(&reader, data, row->len), 0);
    uint32_t before = 0;
    for (size_t i = 0; i < count; i++) {
        /* From the number behind the one before, and, where there is a gap, from the middle of it.
         */
        uint32_t from[] = {before + 1, before + (members[i].series - before + 1) / 2,
                           members[i].series};
        for (size_t k = 0; k < ARRAY_LEN(from); k++) {
            assert_int_equal(group_find(&reader, from[k], &found, &len), members[i].series);
            check_member(&members[i], found, len);
        }
        before = members[i].series;
    }
    if (before < UINT32_MAX)
        assert_int_equal(group_find(&reader, before + 1, &found, &len), 0);
    /* And in no order. */
    for (unsigned i = 0; i < 50; i++) {
        const struct member *m = &members[next_random(count)];
        assert_int_equal(group_find(&reader, m->series, &found, &len), m->series);
        check_member(m, found, len);
    }
}

static void test_found(void **state)
{
    (void)state;
    static struct member members[MEMBERS];
    struct group group = {0};
    for (unsigned round = 0; round < 100; round++) {
        size_t count = 1 + next_random(MEMBERS);
        uint32_t series = (uint32_t)next_random(1000);
        for (size_t i = 0; i < count; i++) {
            struct buf envelope CLEANUP(buf_fini) = BUF_INIT;
            bool last = round % 4 == 0 && i + 1 == count;
            series =
                last ? UINT32_MAX : series + 1 + (uint32_t)(next_random(4) ? 0 : next_random(5000));
            make_member(&members[i], series);
            codec_wrap_packed(members[i].flags, (uint8_t *)members[i].body.data,
                              members[i].body.len, ROWS, &envelope);
            group_add(&group, series, (uint8_t *)envelope.data, envelope.len);
        }
        struct buf row CLEANUP(buf_fini) = BUF_INIT;
        group_take(&group, ROWS, &row);
        assert_int_equal(group.last, series);
        assert_int_equal(group.count, 0);
        check_all(&row, members, count);
        for (unsigned i = 0; i < 20; i++) {
            size_t bit = next_random(row.len * 8);
            row.data[bit / 8] ^= (char)(1 << bit % 8);
            assert_int_equal(group_check((uint8_t *)row.data, row.len, ROWS), -EBADMSG);
            row.data[bit / 8] ^= (char)(1 << bit % 8);
        }
        assert_int_equal(group_check((uint8_t *)row.data, row.len - 1, ROWS), -EBADMSG);
        for (size_t i = 0; i < count; i++)
            buf_fini(&members[i].body);
    }
    group_fini(&group);
}

/* Of what stands still hundreds take a byte each. */
static void test_still(void **state)
{
    (void)state;
    struct group group = {0};
    struct buf row CLEANUP(buf_fini) = BUF_INIT;
    for (uint32_t series = 1; series <= 1000; series++) {
        struct buf envelope CLEANUP(buf_fini) = BUF_INIT;
        codec_wrap_packed(0, (const uint8_t *)"\0\0", 2, ROWS, &envelope);
        group_add(&group, series, (uint8_t *)envelope.data, envelope.len);
    }
    group_take(&group, ROWS, &row);
    assert_in_range(row.len, 1000, 1020);
    group_fini(&group);
}

/* Whatever is in it, it ends, and where it ends SQLite has little left over. */
static void test_size(void **state)
{
    (void)state;
    static const size_t lengths[] = {20, 200, 700, 3000, 9000};
    for (size_t l = 0; l < ARRAY_LEN(lengths); l++) {
        struct group group = {0};
        uint32_t series = 0, small = 0;
        for (unsigned rows = 0; rows < 50; rows++) {
            struct buf row CLEANUP(buf_fini) = BUF_INIT;
            do {
                struct buf envelope CLEANUP(buf_fini) = BUF_INIT;
                static uint8_t body[9000];
                body[0] = (uint8_t)series;
                codec_wrap_packed(0, body, 1 + next_random(lengths[l]), ROWS, &envelope);
                group_add(&group, ++series, (uint8_t *)envelope.data, envelope.len);
            } while (!group_is_full(&group));
            group_take(&group, ROWS, &row);
            assert_in_range(row.len, 4000, 20000 + 9100);
            size_t part = (row.len + 4 - 489) % 4092; /* beside others; the largest go elsewhere */
            small += part < 900 || part > 4061 - 489;
        }
        assert_true(lengths[l] > 1000 || small == 50);
        group_fini(&group);
    }
}

/* Numbers and lengths that lead out of it. */
static void test_hostile(void **state)
{
    (void)state;
    static const char *const bytes[] = {
        "\3\1\1\12",                                  /* longer than there is */
        "\3\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\1", /* more than there are */
        "\3\1\1\1",                                   /* cut off */
        "\3\2\1\3\xff\xff\xff\xff\xf\3\1xx",          /* beyond the last number */
        "\3\1\xff\xff\xff\xff\x7f\2x",                /* begins there */
        "\3\1\1",
    };
    for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
        struct buf row CLEANUP(buf_fini) = BUF_INIT;
        const uint8_t *found;
        size_t len;
        buf_append(&row, bytes[i], strlen(bytes[i]));
        uint8_t sum[CODEC_CHECKSUM_BYTES];
        codec_checksum_put(sum, codec_checksum_packed((uint8_t *)row.data, row.len, ROWS));
        buf_append(&row, sum, sizeof(sum));
        assert_int_equal(group_check((uint8_t *)row.data, row.len, ROWS), 0);
        struct group_reader reader;
        if (group_open(&reader, (uint8_t *)row.data, row.len) == 0)
            assert_int_equal(group_find(&reader, 1, &found, &len), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_still),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

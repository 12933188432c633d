/* test_buf.c: what is appended comes out, however the memory grows, and refusal is remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "refusal.h"

static void test_empty(void **state)
{
    struct buf b = BUF_INIT;
    (void)state;
    assert_string_equal(buf_string(&b), "");
    assert_true(buf_ok(&b));
    buf_append(&b, NULL, 0);
    assert_int_equal(b.len, 0);
    buf_fini(&b);
    buf_fini(&b); /* leaves an empty one */
}

static void test_all_ways_to_append(void **state)
{
    struct buf b = BUF_INIT;
    (void)state;
    buf_text(&b, "text ");
    buf_append(&b, "by\0tes", 6);
    buf_char(&b, ' ');
    buf_printf(&b, "%s=%d ", "n", 42);
    buf_u64(&b, 0);
    buf_char(&b, ' ');
    buf_u64(&b, UINT64_MAX);
    buf_char(&b, ' ');
    buf_i64(&b, INT64_MIN);
    buf_char(&b, ' ');
    buf_i64(&b, -1);
    static const char expected[] =
        "text by\0tes n=42 0 18446744073709551615 -9223372036854775808 -1";
    assert_int_equal(b.len, sizeof(expected) - 1);
    assert_memory_equal(buf_string(&b), expected, sizeof(expected)); /* with its end */
    assert_int_equal(b.len, sizeof(expected) - 1);                   /* which does not count */
    buf_fini(&b);
}

/* Pieces of every size around the sizes at which memory grows, against a plain array. */
static void test_growth(void **state)
{
    enum { TOTAL = 20000 };
    char *model = malloc(TOTAL);
    struct buf b = BUF_INIT;
    size_t len = 0;
    (void)state;
    for (size_t piece = 1; len + piece <= TOTAL; piece = piece % 97 + 1) {
        char bytes[97];
        memset(bytes, (int)(piece & 0x7f), piece);
        memcpy(model + len, bytes, piece);
        len += piece;
        buf_append(&b, bytes, piece);
        assert_true(b.len == len && b.cap >= len);
    }
    assert_memory_equal(b.data, model, len);
    size_t cap = b.cap;
    buf_clear(&b);
    assert_int_equal(b.len, 0);
    assert_int_equal(b.cap, cap); /* kept */
    buf_fini(&b);
    free(model);
}

/* A format that ends exactly at, before and behind the end of the memory. */
static void test_printf_at_the_edge(void **state)
{
    (void)state;
    for (int width = 1; width < 200; width++) {
        struct buf b = BUF_INIT;
        buf_char(&b, '<');
        buf_printf(&b, "%*d", width, 7);
        buf_char(&b, '>');
        assert_int_equal(b.len, width + 2);
        assert_int_equal(b.data[width], '7');
        assert_int_equal(b.data[width + 1], '>');
        buf_fini(&b);
    }
}

static void test_reserve_and_consume(void **state)
{
    struct buf b = BUF_INIT;
    (void)state;
    char *room = buf_reserve(&b, 4);
    assert_non_null(room);
    assert_int_equal(b.len, 0); /* not yet counted */
    memcpy(room, "abcd", 4);
    b.len += 4;
    buf_consume(&b, 1);
    assert_string_equal(buf_string(&b), "bcd");
    buf_consume(&b, 3);
    assert_string_equal(buf_string(&b), "");
    buf_fini(&b);
}

static void test_refused_memory(void **state)
{
    struct buf b = BUF_INIT;
    (void)state;
    buf_text(&b, "before");
    assert_null(buf_reserve(&b, SIZE_MAX)); /* would overflow */
    assert_false(buf_ok(&b));
    buf_text(&b, "after");
    buf_char(&b, 'x');
    buf_printf(&b, "%d", 1);
    buf_u64(&b, 1);
    assert_int_equal(b.len, 6); /* nothing was added to what is not to be used */
    assert_string_equal(buf_string(&b), "");
    buf_clear(&b);
    assert_true(buf_ok(&b));
    buf_text(&b, "again");
    assert_string_equal(buf_string(&b), "again");
    buf_fini(&b);
    assert_null(buf_reserve(&b, SIZE_MAX / 4)); /* more than any machine has */
    assert_false(buf_ok(&b));
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_all_ways_to_append),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_printf_at_the_edge),
        cmocka_unit_test(test_reserve_and_consume),
        cmocka_unit_test(test_refused_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

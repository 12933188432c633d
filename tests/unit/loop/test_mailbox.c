/* test_mailbox.c: order, bounds and endings on one thread, where every step can be chosen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "loop/mailbox.h"

#define SEEN_MAX 1000

static struct {
    struct mailbox *box;
    size_t received, dropped;
    int seen[SEEN_MAX], lost[SEEN_MAX];
    int close_at, flush_at; /* the item at which receive does this; 0 = none */
    int repost;             /* receive posts this many items, one per call */
    int numbers[SEEN_MAX];  /* what items point at */
    uv_loop_t uv;
} desk;

static void *item(int number)
{
    desk.numbers[number] = number;
    return &desk.numbers[number];
}

static void receive(void *got, void *user)
{
    assert_ptr_equal(user, &desk);
    int number = *(int *)got;
    desk.seen[desk.received++] = number;
    if (desk.repost > 0) {
        desk.repost--;
        assert_int_equal(mailbox_post(desk.box, got), 0);
    }
    if (number && number == desk.flush_at)
        mailbox_flush(desk.box);
    if (number && number == desk.close_at)
        mailbox_close(desk.box);
}

static void drop(void *got)
{
    desk.lost[desk.dropped++] = *(int *)got;
}

static const struct mailbox_ops ops = {receive, drop};

static void desk_init(size_t capacity)
{
    memset(&desk, 0, sizeof(desk));
    assert_int_equal(uv_loop_init(&desk.uv), 0);
    desk.box = mailbox_new(&desk.uv, capacity, &ops, &desk);
    assert_non_null(desk.box);
}

static void desk_fini(void)
{
    mailbox_close(desk.box);
    uv_run(&desk.uv, UV_RUN_DEFAULT);
    mailbox_free(desk.box);
    assert_int_equal(uv_loop_close(&desk.uv), 0);
}

static void post_range(int from, int to)
{
    for (int i = from; i <= to; i++)
        assert_int_equal(mailbox_post(desk.box, item(i)), 0);
}

static void assert_range(const int *numbers, size_t count, int from, int to)
{
    assert_int_equal(count, to - from + 1);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(numbers[i], from + (int)i);
}

static void test_order(void **state)
{
    (void)state;
    /* Around the ring several times, with more and with less than a batch inside. */
    static const int bursts[] = {1, 2, 63, 64, 65, 100, 1, 99, 64, 37};
    desk_init(100);
    int posted = 0;
    for (size_t i = 0; i < ARRAY_LEN(bursts); i++) {
        post_range(posted + 1, posted + bursts[i]);
        posted += bursts[i];
        for (unsigned turns = 0; turns < 5; turns++)
            uv_run(&desk.uv, UV_RUN_NOWAIT);
        assert_range(desk.seen, desk.received, 1, posted);
    }
    assert_int_equal(desk.dropped, 0);
    assert_int_equal(mailbox_refused(desk.box), 0);
    desk_fini();
    assert_int_equal(desk.dropped, 0);
}

static void test_nothing_is_received_before_the_loop_runs(void **state)
{
    (void)state;
    desk_init(10);
    post_range(1, 10);
    assert_int_equal(desk.received, 0);
    uv_run(&desk.uv, UV_RUN_NOWAIT);
    assert_range(desk.seen, desk.received, 1, 10);
    uv_run(&desk.uv, UV_RUN_NOWAIT);
    assert_int_equal(desk.received, 10);
    desk_fini();
}

static void test_full(void **state)
{
    (void)state;
    static const size_t capacities[] = {1, 2, 64, 65};
    for (size_t c = 0; c < ARRAY_LEN(capacities); c++) {
        int capacity = (int)capacities[c];
        desk_init(capacities[c]);
        for (int round = 0; round < 3; round++) {
            int from = round * capacity + 1;
            post_range(from, from + capacity - 1);
            assert_int_equal(mailbox_post(desk.box, item(999)), -ENOBUFS);
            assert_int_equal(mailbox_post(desk.box, item(999)), -ENOBUFS);
            assert_int_equal(mailbox_refused(desk.box), 2 * (round + 1));
            for (unsigned turns = 0; turns < 5; turns++)
                uv_run(&desk.uv, UV_RUN_NOWAIT);
        }
        assert_range(desk.seen, desk.received, 1, 3 * capacity);
        desk_fini();
        assert_int_equal(desk.dropped, 0); /* a refused one stays with the poster */
    }
}

static void test_post_from_receive(void **state)
{
    (void)state;
    desk_init(10);
    desk.repost = 200;
    post_range(1, 1);
    for (unsigned turns = 0; turns < 1000 && desk.received < 201; turns++)
        uv_run(&desk.uv, UV_RUN_NOWAIT);
    assert_int_equal(desk.received, 201);
    desk_fini();
}

static void test_closed_with_items_inside(void **state)
{
    (void)state;
    desk_init(300);
    post_range(1, 200);
    mailbox_close(desk.box);
    assert_int_equal(desk.received, 0);
    assert_range(desk.lost, desk.dropped, 1, 200);
    assert_int_equal(mailbox_post(desk.box, item(500)), -ESHUTDOWN);
    assert_int_equal(mailbox_refused(desk.box), 0); /* counts the full box only */
    mailbox_close(desk.box);                        /* once more is harmless */
    mailbox_flush(desk.box);
    uv_run(&desk.uv, UV_RUN_DEFAULT);
    assert_int_equal(mailbox_post(desk.box, item(500)), -ESHUTDOWN); /* the loop has ended */
    assert_int_equal(desk.received, 0);
    assert_int_equal(desk.dropped, 200);
    mailbox_free(desk.box);
    assert_int_equal(uv_loop_close(&desk.uv), 0);
    mailbox_free(NULL);
}

/* What receive closes, receive gets no more of: its state may be gone by then. */
static void test_closed_by_receive(void **state)
{
    (void)state;
    static const int close_at[] = {1, 3, 63, 64, 65, 100};
    for (size_t i = 0; i < ARRAY_LEN(close_at); i++) {
        for (unsigned by_flush = 0; by_flush < 2; by_flush++) {
            desk_init(100);
            desk.close_at = close_at[i];
            post_range(1, 100);
            if (by_flush)
                mailbox_flush(desk.box);
            for (unsigned turns = 0; turns < 5; turns++)
                uv_run(&desk.uv, UV_RUN_NOWAIT);
            assert_range(desk.seen, desk.received, 1, close_at[i]);
            /* All the others, each once. What had left the ring already may be dropped last. */
            bool lost[101] = {false};
            assert_int_equal(desk.received + desk.dropped, 100);
            for (size_t k = 0; k < desk.dropped; k++) {
                assert_in_range(desk.lost[k], close_at[i] + 1, 100);
                assert_false(lost[desk.lost[k]]);
                lost[desk.lost[k]] = true;
            }
            desk_fini();
        }
    }
}

static void test_flush(void **state)
{
    (void)state;
    desk_init(200);
    mailbox_flush(desk.box);
    assert_int_equal(desk.received, 0);
    post_range(1, 150);
    mailbox_flush(desk.box);
    assert_range(desk.seen, desk.received, 1, 150);
    uv_run(&desk.uv, UV_RUN_NOWAIT); /* the bell rings for an empty box */
    assert_int_equal(desk.received, 150);
    post_range(151, 151);
    uv_run(&desk.uv, UV_RUN_NOWAIT);
    assert_range(desk.seen, desk.received, 1, 151);
    desk_fini();
}

/* "What is inside now": what arrives meanwhile waits for the bell, or flushing might never end. */
static void test_flush_ends(void **state)
{
    (void)state;
    desk_init(200);
    post_range(1, 100);
    desk.repost = 500;
    mailbox_flush(desk.box);
    assert_range(desk.seen, desk.received, 1, 100);
    desk.repost = 0;
    for (unsigned turns = 0; turns < 5; turns++)
        uv_run(&desk.uv, UV_RUN_NOWAIT);
    assert_int_equal(desk.received, 200);
    assert_range(desk.seen + 100, 100, 1, 100);
    desk_fini();
}

static void test_flush_from_receive(void **state)
{
    (void)state;
    desk_init(100);
    desk.flush_at = 1;
    post_range(1, 100);
    for (unsigned turns = 0; turns < 5; turns++)
        uv_run(&desk.uv, UV_RUN_NOWAIT);
    assert_int_equal(desk.received, 100); /* each once */
    int sum = 0;
    for (size_t i = 0; i < desk.received; i++)
        sum += desk.seen[i];
    assert_int_equal(sum, 5050);
    desk_fini();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_nothing_is_received_before_the_loop_runs),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_post_from_receive),
        cmocka_unit_test(test_closed_with_items_inside),
        cmocka_unit_test(test_closed_by_receive),
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_flush_ends),
        cmocka_unit_test(test_flush_from_receive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_board.c: what was put is what is seen; references come out even (under ASan, valgrind). */
#include "alert/board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_empty(void **state)
{
    (void)state;
    struct board *b = board_new();
    struct alert_set *alerts = board_alerts(b);
    struct silence_set *silences = board_silences(b);
    struct channel_set *channels = board_channels(b);
    assert_int_equal(alerts->count, 0);
    assert_int_equal(silences->count, 0);
    assert_int_equal(channels->count, 0);
    alert_set_unref(alerts);
    silence_set_unref(silences);
    message_unref(&channels->msg);
    board_free(b);
}

static void test_newest(void **state)
{
    (void)state;
    struct board *b = board_new();
    struct alert_set *old = board_alerts(b);
    struct alert_set *set = alert_set_new(1);
    set->alerts[set->count++] = alert_new();
    set->seq = 7;
    board_put_alerts(b, set);
    struct alert_set *seen = board_alerts(b);
    assert_ptr_equal(seen, set);
    assert_int_equal(old->count, 0); /* who looked before keeps what he saw */
    alert_set_unref(old);
    alert_set_unref(seen);
    board_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_clock.c: the clocks tell the kernel's time, in the units they claim. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/defs.h"

static void test_wall(void **state)
{
    (void)state;
    int64_t before_s = time(NULL), now_ms = clock_wall_ms(), after_s = time(NULL);
    /* time() may read a clock that lags by one tick of the kernel. */
    assert_true(now_ms >= before_s * MS_PER_S && now_ms <= (after_s + 2) * MS_PER_S);
}

static void test_mono(void **state)
{
    (void)state;
    struct timespec kernel;
    clock_gettime(CLOCK_MONOTONIC, &kernel);
    int64_t last = clock_mono_ns();
    assert_true(last >= (int64_t)kernel.tv_sec * NS_PER_S + kernel.tv_nsec);
    for (int i = 0; i < 10000; i++) {
        int64_t now = clock_mono_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void test_boot_id(void **state)
{
    char one[CLOCK_BOOT_ID_LEN + 1], two[CLOCK_BOOT_ID_LEN + 1];
    (void)state;
    clock_boot_id(one);
    clock_boot_id(two);
    assert_string_equal(one, two);
    assert_int_equal(strlen(one), CLOCK_BOOT_ID_LEN);
    assert_int_equal(strspn(one, "0123456789abcdef-"), CLOCK_BOOT_ID_LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wall),
        cmocka_unit_test(test_mono),
        cmocka_unit_test(test_boot_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

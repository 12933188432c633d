/* test_ledger.c: the ledger against a naive array, with entries that come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/defs.h"
#include "store/ledger.h"

#define IDS 3000

static void test_comes_and_goes(void **state)
{
    static uint32_t index[IDS];
    static uint64_t absolute[IDS];
    struct ledger l = {0};
    uint32_t seed = 1, used = 0;
    (void)state;
    for (size_t i = 0; i < IDS; i++)
        index[i] = LEDGER_NONE;
    for (uint32_t step = 0; step < 200000; step++) {
        seed = seed * 1664525 + 1013904223;
        /* Few at first, then many, then few: the chain of free places gets long and short. */
        uint32_t reach = step < 50000 ? 100 : IDS;
        uint32_t i = (seed >> 8) % reach, id = i + 1;
        bool add = (seed >> 24) % 100 < (step / 40000 % 2 ? 70U : 35U);
        if (add) {
            uint32_t at = ledger_add(&l, id);
            if (index[i] == LEDGER_NONE) {
                used++;
                assert_int_equal(l.entries[at].id, id);
                assert_int_equal(l.entries[at].seq, 0);
                assert_false(l.entries[at].on_disk);
                absolute[i] = seed;
                l.entries[at].absolute = seed;
            } else {
                assert_int_equal(at, index[i]);
            }
            index[i] = at;
        } else {
            ledger_remove(&l, id);
            used -= index[i] != LEDGER_NONE;
            index[i] = LEDGER_NONE;
        }
        assert_int_equal(l.used, used);
        if (step % 500)
            continue;
        for (uint32_t k = 0; k < IDS; k++) {
            assert_int_equal(ledger_find(&l, k + 1), index[k]);
            if (index[k] != LEDGER_NONE)
                assert_int_equal(l.entries[index[k]].absolute, absolute[k]);
        }
    }
    assert_true(l.count <= IDS); /* places are used again */
    ledger_fini(&l);
}

static void test_empty(void **state)
{
    struct ledger l = {0};
    (void)state;
    ledger_remove(&l, 5);
    assert_int_equal(ledger_find(&l, 5), LEDGER_NONE);
    ledger_add(&l, 5);
    ledger_remove(&l, 6);
    ledger_remove(&l, 5);
    ledger_remove(&l, 5);
    assert_int_equal(l.used, 0);
    assert_int_equal(ledger_add(&l, 7), 0);
    ledger_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_and_goes),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests_name("store/ledger", tests, NULL, NULL);
}

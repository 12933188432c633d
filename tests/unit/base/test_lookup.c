/* A lookup against a plain array of pairs: random additions and removals, all of them found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/lookup.h"

#define NUMBERS 600

static size_t times_found(const struct lookup *l, uint32_t hash, uint32_t number)
{
    size_t found = 0;
    struct lookup_walk w = lookup_walk(l, hash);
    for (uint32_t n; lookup_next(&w, &n);)
        found += n == number;
    return found;
}

/* Few hashes, so that many share one and runs of neighbours wrap around the end. */
static void test_against_array(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 8; seed++) {
        struct lookup l = LOOKUP_INIT;
        bool there[NUMBERS] = {false};
        size_t count = 0;
        srandom(seed);
        for (int step = 0; step < 6000; step++) {
            uint32_t number = (uint32_t)random() % NUMBERS;
            uint32_t hash = (number % 97) * (seed % 2 ? UINT32_MAX / 97 : 1);
            assert_int_equal(times_found(&l, hash, number), there[number]);
            if (there[number])
                assert_true(lookup_remove(&l, hash, number));
            else
                assert_true(lookup_add(&l, hash, number));
            there[number] = !there[number];
            count = there[number] ? count + 1 : count - 1;
            assert_int_equal(l.count, count);
            assert_true(l.capacity <= 16 || l.count * 8 >= l.capacity);
        }
        for (uint32_t n = 0; n < NUMBERS; n++) {
            uint32_t hash = (n % 97) * (seed % 2 ? UINT32_MAX / 97 : 1);
            assert_int_equal(times_found(&l, hash, n), there[n]);
            assert_int_equal(lookup_remove(&l, hash, n), there[n]);
        }
        assert_int_equal(l.count, 0);
        assert_int_equal(l.capacity, 16);
        lookup_fini(&l);
        assert_null(l.slots);
    }
}

static void test_empty(void **state)
{
    (void)state;
    struct lookup l = LOOKUP_INIT;
    assert_int_equal(times_found(&l, 1, 1), 0);
    assert_false(lookup_remove(&l, 1, 1));
    lookup_fini(&l);
}

/* Neighbouring keys spread, another seed spreads them otherwise, every byte counts. */
static void test_hash(void **state)
{
    (void)state;
    size_t used[256] = {0}, most = 0;
    for (uint64_t i = 0; i < 25600; i++)
        used[lookup_hash(lookup_mix(7, i)) % 256]++;
    for (size_t i = 0; i < 256; i++)
        most = used[i] > most ? used[i] : most;
    assert_true(most < 200); /* 100 on average */
    assert_true(lookup_mix(1, 5) != lookup_mix(2, 5));
    char text[24] = "what the hash is made of";
    for (size_t len = 0; len < sizeof(text); len++) {
        uint64_t before = lookup_mix_bytes(3, text, len + 1);
        assert_true(before != lookup_mix_bytes(3, text, len));
        text[len] ^= 1;
        assert_true(before != lookup_mix_bytes(3, text, len + 1));
        text[len] ^= 1;
        assert_true(before == lookup_mix_bytes(3, text, len + 1));
    }
    (void)lookup_seed();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_array),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests_name("lookup", tests, NULL, NULL);
}

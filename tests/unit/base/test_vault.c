/* test_vault.c: what a bounded table of secrets keeps, and whom it lets go first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/slot.h"
#include "base/vault.h"

static struct vault_entry entry(unsigned number, const char *owner, int64_t expires_ms)
{
    struct vault_entry e = {.role = number, .expires_ms = expires_ms};
    memcpy(e.digest, &number, sizeof(number));
    snprintf(e.owner, sizeof(e.owner), "%s", owner);
    return e;
}

static void put(struct vault *v, unsigned number, const char *owner, int64_t now_ms)
{
    struct vault_entry e = entry(number, owner, 1000);
    vault_put(v, &e, now_ms);
}

static bool has(struct vault *v, unsigned number, int64_t now_ms)
{
    struct vault_entry e = entry(number, "", 0);
    return vault_has(v, e.digest, now_ms);
}

static void test_entries(void **state)
{
    (void)state;
    struct vault *v = vault_new(10, 10);
    struct vault_entry e = entry(7, "a", 100), got;
    assert_false(vault_get(v, e.digest, 0, &got));
    vault_put(v, &e, 1);
    assert_true(vault_get(v, e.digest, 99, &got));
    assert_string_equal(got.owner, "a");
    assert_int_equal(got.role, 7);
    assert_int_equal(got.used_ms, 99);
    assert_false(vault_get(v, e.digest, 100, &got)); /* expired */
    assert_false(has(v, 7, 100));
    e.digest[31] = 1; /* any byte counts */
    assert_false(vault_get(v, e.digest, 1, &got));

    assert_int_equal(vault_departures(v), 0);
    e.digest[31] = 0;
    assert_true(vault_remove(v, e.digest));
    assert_false(vault_remove(v, e.digest));
    assert_int_equal(vault_departures(v), 1);
    assert_int_equal(vault_count(v), 0);
    vault_free(v);
}

static void test_claim(void **state)
{
    (void)state;
    struct vault *v = vault_new(4, 4);
    struct vault_entry e = entry(1, "", 1000);
    assert_true(vault_claim(v, &e, 0));
    assert_false(vault_claim(v, &e, 1));
    vault_free(v);
}

static void test_bounds(void **state)
{
    (void)state;
    struct vault *v = vault_new(5, 3);
    struct vault_entry got, used = entry(1, "a", 0);
    for (unsigned i = 1; i <= 3; i++)
        put(v, i, "a", i);
    assert_true(vault_get(v, used.digest, 10, &got)); /* 1 is the newest in use */
    put(v, 4, "a", 11); /* the share of "a" is used up: 2 was used longest ago */
    assert_true(has(v, 1, 11));
    assert_false(has(v, 2, 11));
    assert_true(has(v, 3, 11));
    put(v, 5, "b", 12);
    put(v, 6, "c", 13);
    assert_int_equal(vault_count(v), 5);
    put(v, 7, "d", 14); /* no room at all: 3 goes */
    assert_int_equal(vault_count(v), 5);
    assert_false(has(v, 3, 14));
    assert_true(has(v, 7, 14));
    assert_int_equal(vault_departures(v), 2);

    put(v, 8, "e", 1000); /* all have expired: nobody is driven out */
    assert_int_equal(vault_count(v), 1);
    assert_int_equal(vault_departures(v), 2);
    vault_free(v);
}

static int freed;

static void *ref(void *item)
{
    ++*(int *)item;
    return item;
}

static void unref(void *item)
{
    if (--*(int *)item == 0)
        freed++;
}

static void test_slot(void **state)
{
    (void)state;
    int one = 1, two = 1;
    struct slot *s = slot_new(&one, ref, unref);
    int *held = slot_get(s);
    assert_ptr_equal(held, &one);
    slot_set(s, &two);
    assert_int_equal(freed, 0); /* one is still held */
    unref(held);
    assert_int_equal(freed, 1);
    slot_free(s);
    assert_int_equal(freed, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_claim),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

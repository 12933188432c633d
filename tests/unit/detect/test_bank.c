/* test_bank.c: a detector for every slot of real ticks: which numbers it gets, and whose they are.
 */
#include "detect/bank.h"

#include "../model/stand.h"
#include "noise.h"

static const struct bank_settings defaults = BANK_SETTINGS_DEFAULT;

struct bed {
    struct stand stand;
    struct bank *bank;
    struct noise noise;
    struct series *counter, *gauge;
    uint64_t absolute;
};

static void bed_open(struct bed *b)
{
    b->stand = stand_new(100);
    b->bank = bank_new(&defaults);
    bank_watch(b->bank, 2);
    b->noise = noise_new(1, 2);
    b->counter = stand_series(&b->stand, &stand_counter, "eth0");
    b->gauge = stand_series(&b->stand, &stand_gauge, "eth0");
    b->absolute = 1000;
}

static void bed_close(struct bed *b)
{
    bank_free(b->bank);
    stand_free(&b->stand);
}

/* One tick: the counter grows by about `rate` a second, the gauge is about `level`. */
static void bed_tick(struct bed *b, int64_t elapsed_ms, double rate, double level)
{
    stand_begin_after(&b->stand, elapsed_ms);
    double grown = (rate + 10 * noise_gaussian(&b->noise)) * (double)elapsed_ms / 1000;
    b->absolute += grown > 0 ? (uint64_t)grown : 0;
    draft_counter(b->stand.draft, b->counter, b->absolute, 1);
    draft_gauge(b->stand.draft, b->gauge, level + noise_gaussian(&b->noise));
    bank_step(b->bank, stand_seal(&b->stand));
}

static struct verdict of(const struct bed *b, const struct series *s)
{
    return bank_verdict(b->bank, s->live.slot);
}

static void test_rates(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b);
    assert_true(isnan(of(&b, b.counter).score)); /* before the first tick */
    for (int i = 0; i < 1000; i++) /* ticks come late now and then; a rate stays a rate */
        bed_tick(&b, i % 50 ? 1000 : 3000, 1000, 50);
    assert_float_equal(of(&b, b.counter).mean, 1000, 10);
    assert_float_equal(of(&b, b.counter).sigma, 10, 4);
    assert_float_equal(of(&b, b.gauge).mean, 50, 1);
    assert_int_equal(of(&b, b.counter).alarm, 0);
    assert_int_equal(bank_anomalous(b.bank), 0);
    for (int i = 0; i < 8; i++)
        bed_tick(&b, 1000, 2000, 50);
    assert_int_equal(of(&b, b.counter).alarm, 1);
    assert_int_equal(of(&b, b.gauge).alarm, 0);
    assert_int_equal(bank_anomalous(b.bank), 1);
    assert_true(isnan(bank_verdict(b.bank, 12345).score));
    bed_close(&b);
}

static void test_resets_and_absences(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b);
    for (int i = 0; i < 3000; i++) {
        if (i % 100 == 99) { /* the counter starts over, or is not there */
            b.absolute = i % 200 == 99 ? 5 : b.absolute;
            stand_begin(&b.stand);
            if (i % 200 == 99)
                draft_counter(b.stand.draft, b.counter, b.absolute, 1);
            bank_step(b.bank, stand_seal(&b.stand));
            assert_true(isnan(of(&b, b.counter).score));
            assert_true(isnan(of(&b, b.gauge).mean));
        }
        bed_tick(&b, 1000, 1000, 50);
        assert_int_equal(of(&b, b.counter).alarm, 0);
        assert_int_equal(of(&b, b.gauge).alarm, 0);
    }
    bed_close(&b);
}

/* A clock set back an hour, and forward: nothing, for ticks carry the time that really passed. */
static void test_clock_steps(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b);
    for (int i = 0; i < 3000; i++) {
        if (i == 1000)
            b.stand.t_ms -= 3600000;
        if (i == 2000)
            b.stand.t_ms += 86400000;
        bed_tick(&b, 1000, 1000, 50);
        assert_int_equal(of(&b, b.counter).alarm, 0);
        assert_int_equal(isnan(of(&b, b.counter).z), i < 61);
    }
    bed_close(&b);
}

/* The slot of one series goes to another: nothing of the first one is left. */
static void test_slot_changes_hands(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b);
    for (int i = 0; i < 700; i++)
        bed_tick(&b, 1000, 1000, 50);
    uint32_t slot = b.gauge->live.slot;
    assert_true(!isnan(bank_verdict(b.bank, slot).mean));
    for (int64_t h = 0; h < 400; h++)
        bank_learn_hour(b.bank, slot, h * 3600000, 50, 1);
    bank_learn_hour(b.bank, 999, 0, 50, 1); /* a slot that is not there: nothing */
    b.stand.t_ms += 86400000;
    registry_sweep(b.stand.registry, b.stand.t_ms - 1);
    stand_begin(&b.stand);
    struct series *other = NULL;
    for (unsigned i = 0; i < 4 && (!other || other->live.slot != slot); i++)
        other = stand_numbered(&b.stand, &stand_gauge, i);
    assert_int_equal(other->live.slot, slot);
    draft_gauge(b.stand.draft, other, 9000);
    bank_step(b.bank, stand_seal(&b.stand));
    assert_true(isnan(bank_verdict(b.bank, slot).mean));
    bed_close(&b);
}

/* The hours of history explain what the minutes do not. */
static void test_hours(void **state)
{
    (void)state;
    for (int learned = 0; learned < 2; learned++) {
        struct bed b;
        bed_open(&b);
        bed_tick(&b, 1000, 1000, 50);
        for (int64_t h = 1; learned && h < 168 * 4; h++)
            bank_learn_hour(b.bank, b.gauge->live.slot, b.stand.t_ms - h * 3600000, 80, 3);
        for (int i = 0; i < 1200; i++)
            bed_tick(&b, 1000, 1000, 50);
        for (int i = 0; i < 20; i++)
            bed_tick(&b, 1000, 1000, 80);
        assert_int_equal(of(&b, b.gauge).alarm, learned ? 0 : 1);
        bed_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),       cmocka_unit_test(test_resets_and_absences),
        cmocka_unit_test(test_clock_steps), cmocka_unit_test(test_slot_changes_hands),
        cmocka_unit_test(test_hours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

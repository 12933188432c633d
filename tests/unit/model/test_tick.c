/* test_tick.c: what a draft makes of samples: increments, gaps, gauges, and what sealing keeps. */
#include "stand.h"

#define U32_WRAP (UINT64_C(1) << 32)

/* ---- counters ---------------------------------------------------------------------------- */

struct step {
    int64_t after_ms; /* since the tick before */
    bool absent;
    enum sample_state want;
    uint64_t absolute, source, increment;
};

static void run_steps(const char *what, const struct step *steps, size_t count)
{
    struct stand s = stand_new(10);
    struct series *series = stand_series(&s, &stand_counter, "eth0");
    for (size_t i = 0; i < count; i++) {
        const struct step *step = &steps[i];
        stand_begin_after(&s, step->after_ms);
        if (!step->absent)
            draft_counter(s.draft, series, step->absolute, step->source);
        const struct tick *t = stand_seal(&s);
        uint32_t slot = series->live.slot;
        if (t->state[slot] != step->want)
            fail_msg("%s, step %zu: state %d", what, i, t->state[slot]);
        if (step->absent)
            continue;
        if (t->value[slot].increment != step->increment)
            fail_msg("%s, step %zu: increment %ju", what, i, (uintmax_t)t->value[slot].increment);
        assert_int_equal(t->absolute[slot], step->absolute);
        assert_int_equal(t->source[slot], step->source);
    }
    stand_free(&s);
}

#define RUN_STEPS(steps) run_steps(#steps, steps, ARRAY_LEN(steps))

static void test_counter_rules(void **state)
{
    (void)state;
    static const struct step steady[] = {
        {1000, false, SAMPLE_GAP, 500, 1, 0}, /* the first sample: no telling what it means */
        {1000, false, SAMPLE_OK, 600, 1, 100},
        {1000, false, SAMPLE_OK, 600, 1, 0},
        {1000, false, SAMPLE_OK, 1600, 1, 1000},
    };
    static const struct step absence[] = {
        {1000, false, SAMPLE_GAP, 500, 1, 0},
        {1000, false, SAMPLE_OK, 600, 1, 100},
        {1000, true, SAMPLE_ABSENT, 0, 0, 0},
        {1000, false, SAMPLE_GAP, 900, 1, 300}, /* counts, but over an unknown time */
        {1000, false, SAMPLE_OK, 950, 1, 50},
    };
    static const struct step reset[] = {
        {1000, false, SAMPLE_GAP, 500, 1, 0}, {1000, false, SAMPLE_OK, 600, 1, 100},
        {1000, false, SAMPLE_GAP, 40, 1, 0},  {1000, false, SAMPLE_OK, 90, 1, 50},
        {1000, false, SAMPLE_GAP, 0, 1, 0},   {1000, false, SAMPLE_OK, 1, 1, 1},
    };
    static const struct step source[] = {
        {1000, false, SAMPLE_GAP, 500, 1, 0},
        {1000, false, SAMPLE_GAP, 600, 2, 0}, /* another object of the same name */
        {1000, false, SAMPLE_OK, 700, 2, 100},
        {1000, false, SAMPLE_GAP, 650, 3, 0},
        {1000, false, SAMPLE_OK, 650, 3, 0},
    };
    static const struct step from_zero[] = {
        {1000, false, SAMPLE_GAP, 0, 0, 0},
        {1000, false, SAMPLE_OK, 0, 0, 0},
        {1000, false, SAMPLE_OK, UINT64_MAX, 0, UINT64_MAX},
        {1000, false, SAMPLE_GAP, 0, 0, 0}, /* 64 bits do not wrap in a lifetime: a reset */
    };
    RUN_STEPS(steady);
    RUN_STEPS(absence);
    RUN_STEPS(reset);
    RUN_STEPS(source);
    RUN_STEPS(from_zero);
}

static void test_wrap_or_reset(void **state)
{
    (void)state;
    static const struct step wrap[] = {
        {1000, false, SAMPLE_GAP, U32_WRAP - 300, 1, 0},
        {1000, false, SAMPLE_OK, U32_WRAP - 100, 1, 200},
        {1000, false, SAMPLE_OK, 50, 1, 150},
        {1000, false, SAMPLE_OK, 60, 1, 10},
    };
    static const struct step four_times_is_a_wrap[] = {
        {1000, false, SAMPLE_GAP, U32_WRAP - 200, 1, 0},
        {1000, false, SAMPLE_OK, U32_WRAP - 100, 1, 100},
        {1000, false, SAMPLE_OK, 300, 1, 400},
    };
    static const struct step more_is_a_reset[] = {
        {1000, false, SAMPLE_GAP, U32_WRAP - 200, 1, 0},
        {1000, false, SAMPLE_OK, U32_WRAP - 100, 1, 100},
        {1000, false, SAMPLE_GAP, 301, 1, 0},
    };
    static const struct step nothing_known[] = {
        {1000, false, SAMPLE_GAP, U32_WRAP - 1, 1, 0},
        {1000, false, SAMPLE_GAP, 0, 1, 0}, /* no increment before: nothing to be in line with */
    };
    static const struct step beyond_32_bits[] = {
        {1000, false, SAMPLE_GAP, U32_WRAP - 100, 1, 0},
        {1000, false, SAMPLE_OK, U32_WRAP, 1, 100}, /* it has shown that it has more bits */
        {1000, false, SAMPLE_GAP, 50, 1, 0},
    };
    static const struct step the_last_value[] = {
        {1000, false, SAMPLE_GAP, U32_WRAP - 2, 1, 0},
        {1000, false, SAMPLE_OK, U32_WRAP - 1, 1, 1},
        {1000, false, SAMPLE_OK, 0, 1, 1},
    };
    static const struct step small_reset_far_from_the_edge[] = {
        {1000, false, SAMPLE_GAP, 1000000, 1, 0},
        {1000, false, SAMPLE_OK, 2000000, 1, 1000000},
        {1000, false, SAMPLE_GAP, 10, 1, 0},
    };
    static const struct step nearly_a_whole_turn[] = {
        {1000, false, SAMPLE_GAP, 0, 1, 0},
        {1000, false, SAMPLE_OK, U32_WRAP - 2, 1, U32_WRAP - 2},
        {1000, false, SAMPLE_OK, U32_WRAP - 3, 1, U32_WRAP - 1},
    };
    static const struct step over_an_absence[] = {
        {1000, false, SAMPLE_GAP, U32_WRAP - 300, 1, 0},
        {1000, false, SAMPLE_OK, U32_WRAP - 100, 1, 200},
        {1000, true, SAMPLE_ABSENT, 0, 0, 0},
        {1000, false, SAMPLE_GAP, 50, 1, 150}, /* the sum goes on across the wrap */
    };
    RUN_STEPS(wrap);
    RUN_STEPS(four_times_is_a_wrap);
    RUN_STEPS(more_is_a_reset);
    RUN_STEPS(nothing_known);
    RUN_STEPS(beyond_32_bits);
    RUN_STEPS(the_last_value);
    RUN_STEPS(small_reset_far_from_the_edge);
    RUN_STEPS(nearly_a_whole_turn);
    RUN_STEPS(over_an_absence);
}

static void test_sampled_twice(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    struct series *c = stand_series(&s, &stand_counter, "eth0");
    struct series *g = stand_series(&s, &stand_gauge, "eth0");

    /* First ever: both samples are known only from one another; the gap stays, the sum counts. */
    stand_begin(&s);
    draft_counter(s.draft, c, 100, 1);
    draft_counter(s.draft, c, 130, 1);
    draft_gauge(s.draft, g, 1);
    draft_gauge(s.draft, g, 2);
    const struct tick *t = stand_seal(&s);
    assert_sample(t, c, SAMPLE_GAP, 30);
    assert_int_equal(t->absolute[c->live.slot], 130);
    assert_true(tick_shown(t, g->live.slot) == 2);

    stand_begin(&s);
    draft_counter(s.draft, c, 150, 1);
    draft_counter(s.draft, c, 180, 1);
    draft_counter(s.draft, c, 180, 1);
    t = stand_seal(&s);
    assert_sample(t, c, SAMPLE_OK, 50);

    /* A reset between the two: what was counted before it still counts. */
    stand_begin(&s);
    draft_counter(s.draft, c, 200, 1);
    draft_counter(s.draft, c, 5, 1);
    draft_counter(s.draft, c, 7, 1);
    t = stand_seal(&s);
    assert_sample(t, c, SAMPLE_GAP, 22);
    assert_int_equal(t->absolute[c->live.slot], 7);

    stand_begin(&s);
    draft_counter(s.draft, c, 17, 1);
    t = stand_seal(&s);
    assert_sample(t, c, SAMPLE_OK, 10);
    stand_free(&s);
}

/* "The increment before" of a wrap is the whole tick's, not that of its second half. */
static void test_wrap_after_sampling_twice(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    struct series *c = stand_series(&s, &stand_counter, "eth0");
    stand_count(&s, c, U32_WRAP - 300, 1);
    stand_begin(&s);
    draft_counter(s.draft, c, U32_WRAP - 100, 1);
    draft_counter(s.draft, c, U32_WRAP - 100, 1);
    assert_sample(stand_seal(&s), c, SAMPLE_OK, 200);
    assert_sample(stand_count(&s, c, 50, 1), c, SAMPLE_OK, 150);
    stand_free(&s);
}

#define assert_near(a, b) assert_true(fabs((a) - (b)) <= 1e-12 * fabs(b))

static void test_rates_divide_by_real_time(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    struct metric nanoseconds = stand_counter;
    nanoseconds.name = "test_seconds_total";
    nanoseconds.scale = 1e-9;
    struct series *c = stand_series(&s, &stand_counter, "eth0");
    struct series *ns = stand_series(&s, &nanoseconds, "eth0");
    static const int64_t elapsed_ms[] = {1000, 1000, 250, 2500, 50, 60000};
    for (size_t i = 0; i < ARRAY_LEN(elapsed_ms); i++) {
        stand_begin_after(&s, elapsed_ms[i]);
        draft_counter(s.draft, c, 1000 * i, 1);
        draft_counter(s.draft, ns, 500000000 * i, 1);
        const struct tick *t = stand_seal(&s);
        assert_true(tick_absolute(t, c->live.slot) == (double)(1000 * i));
        assert_near(tick_absolute(t, ns->live.slot), 0.5 * (double)i);
        if (i == 0) {
            assert_true(isnan(tick_shown(t, c->live.slot)));
            continue;
        }
        double seconds = (double)elapsed_ms[i] / 1000;
        assert_near(tick_shown(t, c->live.slot), 1000 / seconds);
        assert_near(tick_shown(t, ns->live.slot), 0.5 / seconds);
    }
    /* Two ticks at the same instant: no time to divide by. */
    stand_begin_after(&s, 0);
    draft_counter(s.draft, c, 9000, 1);
    assert_true(isnan(tick_shown(stand_seal(&s), c->live.slot)));
    stand_free(&s);
}

/* ---- gauges ------------------------------------------------------------------------------ */

static void test_gauges(void **state)
{
    (void)state;
    static const double values[] = {0, -0.0, 1.5, -1e300, 5e-324, 1e308};
    static const double no_values[] = {NAN, INFINITY, -INFINITY};
    struct stand s = stand_new(10);
    struct series *g = stand_series(&s, &stand_gauge, "eth0");
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        stand_begin(&s);
        draft_gauge(s.draft, g, values[i]);
        const struct tick *t = stand_seal(&s);
        assert_int_equal(t->state[g->live.slot], SAMPLE_OK); /* from the first sample on */
        assert_memory_equal(&t->value[g->live.slot].gauge, &values[i], sizeof(double));
        assert_true(tick_shown(t, g->live.slot) == values[i]);
        assert_true(tick_absolute(t, g->live.slot) == values[i]);
        assert_int_equal(t->absolute[g->live.slot], 0);
        assert_int_equal(t->source[g->live.slot], 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(no_values); i++) {
        stand_begin(&s);
        draft_gauge(s.draft, g, no_values[i]);
        const struct tick *t = stand_seal(&s);
        assert_int_equal(t->state[g->live.slot], SAMPLE_ABSENT);
        assert_true(isnan(tick_shown(t, g->live.slot)));
        assert_true(isnan(tick_absolute(t, g->live.slot)));
    }
    /* A value and then none: the value was good. */
    stand_begin(&s);
    draft_gauge(s.draft, g, 3);
    draft_gauge(s.draft, g, NAN);
    assert_true(tick_shown(stand_seal(&s), g->live.slot) == 3);
    stand_free(&s);
}

/* ---- slots that come and go -------------------------------------------------------------- */

static void test_slots_grow_in_the_middle_of_a_tick(void **state)
{
    (void)state;
    struct stand s = stand_new(1000);
    struct series *first = stand_numbered(&s, &stand_counter, 0);
    stand_count(&s, first, 10, 1);
    assert_int_equal(s.tick->count, 1);

    stand_begin(&s);
    draft_counter(s.draft, first, 17, 1);
    struct series *late[500];
    for (unsigned i = 0; i < ARRAY_LEN(late); i++) {
        late[i] = stand_numbered(&s, &stand_counter, 1 + i);
        if (i % 5)
            draft_counter(s.draft, late[i], 1000 + i, i);
    }
    const struct tick *t = stand_seal(&s);
    assert_int_equal(t->count, 501);
    assert_int_equal(t->set->count, 501);
    assert_sample(t, first, SAMPLE_OK, 7);
    for (unsigned i = 0; i < ARRAY_LEN(late); i++) {
        uint32_t slot = late[i]->live.slot;
        assert_ptr_equal(t->set->slots[slot], late[i]);
        assert_int_equal(t->state[slot], i % 5 ? SAMPLE_GAP : SAMPLE_ABSENT);
        if (i % 5) {
            assert_int_equal(t->absolute[slot], 1000 + i);
            assert_int_equal(t->source[slot], i);
        }
    }
    stand_free(&s);
}

/* More series than the draft has ever had to write to: the rest is absent, not garbage. */
static void test_slots_that_were_never_sampled(void **state)
{
    (void)state;
    struct stand s = stand_new(1000);
    for (unsigned i = 0; i < 900; i++)
        stand_numbered(&s, &stand_gauge, i);
    stand_begin(&s);
    const struct tick *t = stand_seal(&s);
    assert_int_equal(t->count, 900);
    for (uint32_t i = 0; i < t->count; i++)
        assert_int_equal(t->state[i], SAMPLE_ABSENT);

    stand_begin(&s);
    draft_gauge(s.draft, stand_numbered(&s, &stand_gauge, 5), 1);
    t = stand_seal(&s);
    for (uint32_t i = 0; i < t->count; i++)
        assert_int_equal(t->state[i], i == 5 ? SAMPLE_OK : SAMPLE_ABSENT);
    stand_free(&s);
}

static void test_a_swept_slot_tells_nothing_of_its_former_owner(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    struct series *gone = stand_series(&s, &stand_counter, "gone");
    stand_count(&s, gone, 1, 1);
    stand_count(&s, gone, 100, 1);
    struct tick *old = tick_ref(s.tick);

    assert_int_equal(registry_sweep(s.registry, INT64_MAX), 1);
    struct series *heir = stand_series(&s, &stand_gauge, "heir");
    assert_int_equal(heir->live.slot, 0);
    stand_begin(&s);
    const struct tick *t = stand_seal(&s);
    assert_ptr_equal(t->set->slots[0], heir);
    assert_int_equal(t->state[0], SAMPLE_ABSENT);

    stand_begin(&s);
    draft_gauge(s.draft, heir, 2.5);
    draft_counter(s.draft, gone, 160, 1);
    t = stand_seal(&s);
    assert_int_equal(gone->live.slot, 1);
    assert_true(tick_shown(t, 0) == 2.5);
    assert_sample(t, gone, SAMPLE_GAP, 60);

    /* The tick from before speaks of the series it knew. */
    assert_ptr_equal(old->set->slots[0], gone);
    assert_int_equal(old->state[0], SAMPLE_OK);
    assert_true(tick_shown(old, 0) == 99);
    tick_unref(old);
    stand_free(&s);
}

/* A hole between live series stays empty in ticks, whatever was in it. */
static void test_holes(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    struct series *a = stand_numbered(&s, &stand_counter, 0);
    struct series *b = stand_numbered(&s, &stand_counter, 1);
    stand_begin(&s);
    draft_counter(s.draft, a, 1, 0);
    draft_counter(s.draft, b, 1, 0);
    stand_seal(&s);
    stand_count(&s, b, 3, 0);
    assert_int_equal(registry_sweep(s.registry, s.t_ms), 1);
    const struct tick *t = stand_count(&s, b, 8, 0);
    assert_int_equal(t->count, 2);
    assert_int_equal(t->state[0], SAMPLE_ABSENT);
    assert_true(isnan(tick_shown(t, 0)));
    assert_true(isnan(tick_absolute(t, 0)));
    assert_null(t->set->slots[0]);
    assert_sample(t, b, SAMPLE_OK, 5);
    stand_free(&s);
}

/* ---- the tick itself --------------------------------------------------------------------- */

static void test_a_tick_says_when(void **state)
{
    (void)state;
    struct registry *r = registry_new(10, 1);
    struct draft *d = draft_new(r);
    uint64_t next_event = 1;
    draft_begin(d, 41, 5000, 999, 777, 250);
    struct tick *t = draft_seal(d, 888, &next_event);
    assert_int_equal(t->seq, 41);
    assert_int_equal(t->t_ms, 5000);
    assert_int_equal(t->elapsed_ns, 999);
    assert_int_equal(t->read_mono_ns, 777);
    assert_int_equal(t->sealed_mono_ns, 888);
    assert_int_equal(t->interval_ms, 250);
    assert_int_equal(t->count, 0);
    assert_int_equal(t->events_count, 0);
    for (size_t i = 0; i < TABLE_KINDS; i++)
        assert_null(t->tables[i]);
    assert_int_equal(next_event, 1);
    tick_unref(t);
    tick_unref(NULL);
    draft_free(d);
    draft_free(NULL);
    registry_free(r);
    registry_free(NULL);
}

/* Numbers may be skipped (a tick was lost to memory); a series sampled in both neighbours of the
 * hole was still seen by two drafts in a row. */
static void test_numbers_may_skip(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    struct series *c = stand_series(&s, &stand_counter, "eth0");
    stand_count(&s, c, 10, 1);
    s.seq += 1000;
    assert_sample(stand_count(&s, c, 30, 1), c, SAMPLE_OK, 20);
    assert_int_equal(s.tick->seq, 1002);
    stand_free(&s);
}

static void test_ticks_outlive_everything(void **state)
{
    (void)state;
    struct stand s = stand_new(10);
    struct series *c = stand_series(&s, &stand_counter, "eth0");
    stand_count(&s, c, 10, 1);
    struct tick *t = tick_ref((struct tick *)stand_count(&s, c, 30, 1));
    stand_free(&s);
    assert_int_equal(t->value[0].increment, 20);
    assert_string_equal(t->set->slots[0]->key, "test_bytes_total{device=\"eth0\"}");
    tick_unref(t);
}

static void test_tick_bytes(void **state)
{
    (void)state;
    assert_int_equal(tick_bytes(0, 0), sizeof(struct tick));
    assert_int_equal(tick_bytes(1, 0) - tick_bytes(0, 0), 25);
    assert_int_equal(tick_bytes(500, 3) - tick_bytes(500, 2), sizeof(void *));
    assert_int_equal(tick_bytes(UINT32_MAX, 0), sizeof(struct tick) + 25 * (size_t)UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counter_rules),
        cmocka_unit_test(test_wrap_or_reset),
        cmocka_unit_test(test_sampled_twice),
        cmocka_unit_test(test_wrap_after_sampling_twice),
        cmocka_unit_test(test_rates_divide_by_real_time),
        cmocka_unit_test(test_gauges),
        cmocka_unit_test(test_slots_grow_in_the_middle_of_a_tick),
        cmocka_unit_test(test_slots_that_were_never_sampled),
        cmocka_unit_test(test_a_swept_slot_tells_nothing_of_its_former_owner),
        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_a_tick_says_when),
        cmocka_unit_test(test_numbers_may_skip),
        cmocka_unit_test(test_ticks_outlive_everything),
        cmocka_unit_test(test_tick_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

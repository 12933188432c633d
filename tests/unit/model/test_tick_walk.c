/*
 * test_tick_walk.c: random walks of many counters against a model that is too simple to be wrong.
 *
 * The model keeps each counter's whole life as a list of (tick, absolute, source) and works out
 * from it, with the sentences of tick.h and nothing else, what every tick must say. Walks include
 * 32-bit wraps, resets, sources that change, absences, sweeps and revivals. The seed is fixed and
 * printed with a failure.
 */
#include "stand.h"

#define WALKERS 40
#define TICKS 3000

struct random {
    uint64_t state;
};

/* xorshift64*: the same numbers everywhere, which rand() does not promise. */
static uint64_t random_next(struct random *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t random_below(struct random *r, uint64_t limit)
{
    return random_next(r) % limit;
}

struct walker {
    struct series *series;
    uint64_t speed;
    uint64_t absolute, source;
    /* The model: what was seen last, and how much it had grown. */
    uint64_t seen_tick, seen_absolute, seen_source, grown;
    int64_t seen_ms;
    uint64_t total; /* sum of all increments that the ticks have told */
    uint64_t expected_total;
    bool narrow; /* 32 bits wide in the kernel */
    bool seen;   /* the model's seen_* are known */
};

struct expected {
    enum sample_state state;
    uint64_t increment;
};

static struct expected model_sample(struct walker *w, uint64_t tick)
{
    struct expected want = {SAMPLE_GAP, 0};
    if (w->seen && w->seen_source == w->source) {
        bool forward = w->absolute >= w->seen_absolute;
        uint64_t turned = (w->absolute - w->seen_absolute) & UINT32_MAX;
        bool wrapped = !forward && w->seen_absolute <= UINT32_MAX && turned / 4 <= w->grown &&
                       turned <= w->grown * 4;
        if (forward || wrapped) {
            want.increment = forward ? w->absolute - w->seen_absolute : turned;
            want.state = w->seen_tick == tick - 1 ? SAMPLE_OK : SAMPLE_GAP;
        }
    }
    w->seen = true;
    w->seen_tick = tick;
    w->seen_absolute = w->absolute;
    w->seen_source = w->source;
    w->grown = want.increment;
    return want;
}

static void walker_move(struct walker *w, struct random *r)
{
    switch (random_below(r, 50)) {
    case 0: /* the counter starts over */
        w->absolute = random_below(r, 1000);
        break;
    case 1: /* another object takes the name, with whatever number */
        w->source++;
        w->absolute = random_below(r, w->narrow ? UINT32_MAX : UINT64_MAX / 2);
        break;
    case 2: /* near the edge, so that wraps are not rare */
        w->source++;
        w->absolute = UINT32_MAX - random_below(r, 8 * w->speed);
        break;
    case 3:
        w->speed = 1 + random_below(r, UINT64_C(1) << random_below(r, 31));
        break;
    default:
        w->absolute += random_below(r, w->speed + 1);
    }
    if (w->narrow)
        w->absolute &= UINT32_MAX;
}

static void walk(uint64_t seed)
{
    struct random r = {seed};
    struct stand s = stand_new(WALKERS);
    struct walker walkers[WALKERS] = {0};
    unsigned seen[3] = {0}, wraps = 0, swept = 0;
    for (unsigned i = 0; i < WALKERS; i++) {
        walkers[i].series = stand_numbered(&s, &stand_counter, i);
        walkers[i].narrow = i % 2;
        walkers[i].speed = 1 + random_below(&r, 100000);
    }
    for (uint64_t tick = 1; tick <= TICKS; tick++) {
        struct expected want[WALKERS] = {0};
        stand_begin(&s);
        for (unsigned i = 0; i < WALKERS; i++) {
            struct walker *w = &walkers[i];
            walker_move(w, &r);
            /* Each has its own share of absences; some stay away for long. */
            if (random_below(&r, 100) < i || (tick / 64 + i) % 7 == 0)
                continue;
            bool back = w->seen && w->absolute < w->seen_absolute;
            want[i] = model_sample(w, tick);
            w->seen_ms = s.t_ms;
            wraps += back && want[i].state == SAMPLE_OK;
            draft_counter(s.draft, w->series, w->absolute, w->source);
        }
        const struct tick *t = stand_seal(&s);
        for (unsigned i = 0; i < WALKERS; i++) {
            struct walker *w = &walkers[i];
            uint32_t slot = w->series->live.slot;
            seen[want[i].state]++;
            if (slot == SERIES_NO_SLOT) {
                assert_int_equal(want[i].state, SAMPLE_ABSENT);
                continue;
            }
            assert_ptr_equal(t->set->slots[slot], w->series);
            if (t->state[slot] != want[i].state ||
                (want[i].state != SAMPLE_ABSENT &&
                 (t->value[slot].increment != want[i].increment ||
                  t->absolute[slot] != w->absolute || t->source[slot] != w->source)))
                fail_msg("seed %ju, tick %ju, walker %u: state %d for %d, increment %ju for %ju",
                         (uintmax_t)seed, (uintmax_t)tick, i, t->state[slot], want[i].state,
                         (uintmax_t)t->value[slot].increment, (uintmax_t)want[i].increment);
            if (want[i].state != SAMPLE_ABSENT) {
                w->total += t->value[slot].increment;
                w->expected_total += want[i].increment;
            }
        }
        if (tick % 16 == 0) {
            int64_t before_ms = s.t_ms - 20000;
            swept += (unsigned)registry_sweep(s.registry, before_ms);
            for (unsigned i = 0; i < WALKERS; i++) {
                bool live = walkers[i].series->live.slot != SERIES_NO_SLOT;
                assert_int_equal(live, walkers[i].seen_ms >= before_ms);
                assert_int_equal(walkers[i].series->id, i + 1);
            }
        }
    }
    for (unsigned i = 0; i < WALKERS; i++)
        assert_int_equal(walkers[i].total, walkers[i].expected_total);
    /* The walk has been everywhere. */
    assert_true(seen[SAMPLE_OK] > 10000 && seen[SAMPLE_GAP] > 1000 && seen[SAMPLE_ABSENT] > 1000);
    assert_true(wraps > 50);
    assert_true(swept > 50);
    stand_free(&s);
}

static void test_walks(void **state)
{
    (void)state;
    static const uint64_t seeds[] = {1, 0x9e3779b97f4a7c15, 20251123};
    for (size_t i = 0; i < ARRAY_LEN(seeds); i++)
        walk(seeds[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_walks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

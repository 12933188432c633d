/*
 * The ledger held to its two sums, with random processes, bytes, ends and limits against plain
 * additions: nothing is lost, nothing is counted twice, no counter ever goes backwards.
 */
#include "stand.h"

#include "collect/census/ledger.h"

#define MEMBERS 60

struct member {
    bool lives;
    uint32_t group;
    struct amounts all;
};

struct naive {
    uint64_t rx, tx, local;
};

static uint64_t upto(uint64_t most)
{
    return ((uint64_t)random() << 31 | (uint64_t)random()) % (most + 1);
}

/* All series together, and that none of them fell. */
static struct amounts sum_series(const struct ledger *l, uint64_t *last, size_t series_max)
{
    struct amounts sum = {0};
    for (size_t i = 0; i < ledger_groups(l); i++) {
        const struct group *g = ledger_group(l, i);
        if (!g || g->series < 0) {
            assert_true(!g || (g->rx == 0 && g->tx == 0));
            continue;
        }
        assert_true((size_t)g->series < ledger_series(l) && ledger_series(l) <= series_max + 1);
        assert_true(g->rx >= last[2 * g->series] && g->tx >= last[2 * g->series + 1]);
        last[2 * g->series] = g->rx;
        last[2 * g->series + 1] = g->tx;
        sum.rx += g->rx;
        sum.tx += g->tx;
    }
    return sum;
}

static struct amounts sum_processes(const struct ledger *l, const struct member *members)
{
    struct amounts sum = {0};
    for (size_t i = 0; i < MEMBERS; i++) {
        if (members[i].lives) {
            sum.rx += members[i].all.rx;
            sum.tx += members[i].all.tx;
            sum.local += members[i].all.local;
        }
    }
    for (size_t i = 0; i < ledger_groups(l); i++) {
        const struct group *g = ledger_group(l, i);
        if (g) {
            sum.rx += g->fold.rx;
            sum.tx += g->fold.tx;
            sum.local += g->fold.local;
            assert_true(g->fold_id != 0 || (!g->fold.rx && !g->fold.tx));
        }
    }
    return sum;
}

static void step(struct ledger *l, struct member *m, struct naive *naive, uint64_t *next_id)
{
    char process[24], unit[24];
    snprintf(process, sizeof(process), "p%u", (unsigned)upto(20));
    if (upto(3))
        snprintf(unit, sizeof(unit), "u%u", (unsigned)upto(2));
    else
        unit[0] = '\0';
    if (!m->lives) {
        *m = (struct member){.lives = true, .group = ledger_join(l, process, unit)};
    } else if (upto(9) == 0) {
        ledger_fold(l, m->group, &m->all, "ebpf", next_id);
        ledger_leave(l, m->group);
        m->lives = false;
    } else if (upto(9) == 0) { /* exec */
        uint32_t before = m->group;
        m->group = ledger_join(l, process, unit);
        ledger_leave(l, before);
    } else {
        struct amounts a = {.rx = upto(1) ? upto(5000) : 0, .tx = upto(1) ? upto(5000) : 0};
        a.local = upto(1) ? upto(a.rx + a.tx) : 0;
        ledger_count(l, m->group, &a);
        m->all.rx += a.rx;
        m->all.tx += a.tx;
        m->all.local += a.local;
        naive->rx += a.rx;
        naive->tx += a.tx;
        naive->local += a.local;
    }
}

static void test_sums(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 30; seed++) {
        srandom(seed);
        size_t series_max = upto(12), folds_max = upto(12);
        struct ledger *l = ledger_new(series_max, folds_max, seed);
        struct member members[MEMBERS] = {0};
        struct naive naive = {0};
        uint64_t last[2 * 16] = {0}, next_id = 1;
        for (int i = 0; i < 4000; i++) {
            step(l, &members[upto(MEMBERS - 1)], &naive, &next_id);
            if (i % 16)
                continue;
            struct amounts series = sum_series(l, last, series_max);
            struct amounts processes = sum_processes(l, members);
            assert_int_equal(series.rx, naive.rx);
            assert_int_equal(series.tx, naive.tx);
            assert_int_equal(processes.rx, naive.rx);
            assert_int_equal(processes.tx, naive.tx);
            assert_int_equal(processes.local, naive.local);
            assert_true(next_id - 1 <= folds_max + 1);
            assert_true(ledger_groups(l) <= MEMBERS + series_max + folds_max + 2);
        }
        ledger_free(l);
    }
    ledger_free(NULL);
}

/*
 * The wire: frames and payload are noticed in any order. What is unattributed is the most that the
 * wire has been ahead of the payload so far: it never falls, and a lead of the payload is made up
 * for first. Payload comes in one direction a call, so that the local part is exact.
 */
struct side {
    uint64_t wire, payload, unseen; /* unseen: frames that have not passed yet */
    int64_t most;
};

static void side_settled(struct side *s, uint64_t begun, uint64_t unattributed)
{
    s->most = MAX(s->most, (int64_t)(s->wire - begun - s->payload));
    assert_int_equal(unattributed, s->most);
}

static void test_wire(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 30; seed++) {
        srandom(seed);
        struct ledger *l = ledger_new(4, 4, seed);
        uint32_t group = ledger_join(l, "a", "b");
        uint64_t rx0 = upto(1000000), tx0 = upto(1000000);
        struct side rx = {.wire = rx0}, tx = {.wire = tx0};
        ledger_count(l, group, &(struct amounts){.rx = 777, .tx = 7}); /* nothing to compare yet */
        ledger_wire(l, rx0, tx0);
        ledger_settle(l);
        assert_false(ledger_unattributed(l)->known);
        for (int round = 0; round < 300; round++) {
            uint64_t in = upto(10000), out = upto(10000), local = upto(10000);
            ledger_count(l, group, &(struct amounts){.rx = in + local, .local = local});
            ledger_count(l, group, &(struct amounts){.tx = out + local, .local = local});
            rx.payload += in;
            tx.payload += out;
            rx.unseen += in + upto(500);
            tx.unseen += out + upto(500);
            uint64_t in_now = upto(rx.unseen), out_now = upto(tx.unseen);
            rx.unseen -= in_now;
            rx.wire += in_now;
            tx.unseen -= out_now;
            tx.wire += out_now;
            bool seen = upto(3) != 0; /* sometimes the wire cannot be read */
            if (seen)
                ledger_wire(l, rx.wire, tx.wire);
            ledger_settle(l);
            if (seen) {
                side_settled(&rx, rx0, ledger_unattributed(l)->rx);
                side_settled(&tx, tx0, ledger_unattributed(l)->tx);
            }
        }
        ledger_free(l);
    }
}

/* A wire that starts over counts on from there, and takes nothing away. */
static void test_wire_anew(void **state)
{
    (void)state;
    struct ledger *l = ledger_new(4, 4, 1);
    ledger_wire(l, 1000, 1000);
    ledger_wire(l, 1500, 1000);
    ledger_settle(l);
    assert_true(ledger_unattributed(l)->known);
    assert_int_equal(ledger_unattributed(l)->rx, 500);
    ledger_wire(l, 10, 1000);
    ledger_settle(l);
    assert_int_equal(ledger_unattributed(l)->rx, 500);
    ledger_wire(l, 25, 1001);
    ledger_settle(l);
    assert_int_equal(ledger_unattributed(l)->rx, 515);
    assert_int_equal(ledger_unattributed(l)->tx, 1);
    ledger_free(l);
}

/* Both directions in one call: certain where one of them explains all, else the middle. */
static void test_local_estimate(void **state)
{
    (void)state;
    static const struct {
        struct amounts a;
        uint64_t rx, tx; /* over the wire */
    } cases[] = {
        {{100, 50, 0, 0}, 100, 50}, {{100, 50, 150, 0}, 0, 0},    {{0, 50, 50, 0}, 0, 0},
        {{100, 0, 30, 0}, 70, 0},   {{100, 100, 100, 0}, 50, 50}, {{100, 20, 60, 0}, 50, 10},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ledger *l = ledger_new(4, 4, 1);
        uint32_t group = ledger_join(l, "a", "");
        ledger_wire(l, 0, 0);
        ledger_count(l, group, &cases[i].a);
        ledger_wire(l, 1000, 1000);
        ledger_settle(l);
        assert_int_equal(ledger_unattributed(l)->rx, 1000 - cases[i].rx);
        assert_int_equal(ledger_unattributed(l)->tx, 1000 - cases[i].tx);
        ledger_free(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_wire),
        cmocka_unit_test(test_wire_anew),
        cmocka_unit_test(test_local_estimate),
    };
    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}

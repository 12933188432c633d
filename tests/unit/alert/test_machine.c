/* test_machine.c: every way from one state to another, by tables: what a series shows second by
 * second, and what the alert is then. */
#include "rig.h"

/* One letter a second: . nothing, p pending, w warning, c critical. In the samples: a digit is a
 * value, - is a tick without a sample. */
static const struct {
    const char *rule;
    const char *samples, *states;
} cases[] = {
    /* at once */
    {"warning=5", "5654", ".w.."},
    {"warning=5 critical=7", "06789", ".wwcc"},
    {"critical=7", "679", "..c"},
    {"when=below warning=3", "3234", ".w.."},
    {"when=below warning=3 critical=1", "3102", ".wcw"},
    /* for */
    {"warning=5 for=2s", "66666", "ppwww"},
    {"warning=5 for=2s", "66566", "pp.pp"},
    {"warning=5 critical=7 for=2s", "68899", "ppccc"},
    {"warning=5 for=2s", "6-66", "ppww"},
    {"warning=5 for=1ms", "66", "pw"},
    /* keep */
    {"warning=5 keep=2s", "600000", "www..."},
    {"warning=5 keep=2s", "6060600", "wwwwwww"},
    {"warning=5 keep=2s", "60606000", "wwwwwww."},
    {"warning=5 critical=7 keep=2s", "866666", "cccwww"},
    {"warning=5 critical=7 keep=2s", "860666", "cccwww"},
    {"warning=5 critical=7 keep=2s", "80000", "ccc.."},
    {"warning=5 critical=7 keep=2s", "8600000", "cccww.."},
    /* clear */
    {"warning=5 clear=3", "45643", "..ww."},
    {"warning=5 clear=3", "444", "..."},
    {"warning=5 clear=3 for=1s", "6466", "p.pw"},
    {"critical=7 clear=3", "84443", "cccc."},
    {"warning=5 critical=7 clear=3", "8643", "cww."},
    {"when=below warning=3 clear=5", "2456", "ww.."},
    /* gaps say nothing */
    {"warning=5", "6---6", "wwwww"},
    {"warning=5 keep=2s", "60--0", "wwww."},
    /* absent */
    {"absent=2s", "0----0", "..www."},
    {"warning=5 absent=2s severity=critical", "6----0", "wwccc."},
    {"absent=3s for=1s", "0-----", "...pww"},
    /* anomaly: 'M' is a million */
    {"anomaly=on", "0MM0", ".ww."},
    {"anomaly=on severity=critical", "0M0", ".c."},
    {"anomaly=on warning=5", "06M", ".ww"},
    {"anomaly=on warning=5 severity=critical", "06M6", ".wcw"},
    {"anomaly=on keep=1s", "M0M00", "wwww."},
    {"anomaly=on sigma=3", "0M0", ".w."},
    /* edge */
    {"warning=5 edge=on", "666", "..."},
    {"warning=5 edge=on", "6606", "...w"},
    {"warning=5 edge=on", "0606", ".w.w"},
    {"when=below warning=1 edge=on", "0001000", "....www"},
    /* window: at least half of it, then its mean */
    {"warning=5 window=4s", "9999", ".www"},
    {"warning=5 window=4s", "00009999", "......ww"},
    {"warning=5 window=2s", "0900", "...."},
};

static char letter(const struct rig *rig)
{
    struct alert_set *set = board_alerts(rig->board);
    char c = '.';
    if (set->count == 1)
        c = set->alerts[0]->state == ALERT_PENDING       ? 'p'
            : set->alerts[0]->severity == ALERT_CRITICAL ? 'c'
                                                         : 'w';
    alert_set_unref(set);
    return c;
}

static void test_tables(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rig *rig = mem_alloc(sizeof(*rig));
        rig_start(rig);
        char text[256], got[32] = "";
        snprintf(text, sizeof(text), "name=r metric=test_level %s", cases[i].rule);
        rig_rules(rig, text, NULL);
        for (size_t k = 0; cases[i].samples[k]; k++) {
            char c = cases[i].samples[k], sample[32] = "";
            if (c != '-')
                snprintf(sample, sizeof(sample), "a=%g", c == 'M' ? 1e6 : (double)(c - '0'));
            rig_tick(rig, sample);
            got[k] = letter(rig);
        }
        if (strcmp(got, cases[i].states) != 0)
            print_error("%s: %s is %s, not %s\n", cases[i].rule, cases[i].samples, got,
                        cases[i].states);
        wrong += strcmp(got, cases[i].states) != 0;
        rig_end(rig);
        free(rig);
    }
    assert_int_equal(wrong, 0);
}

/* A clock that is set changes no duration. */
static void test_clock(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        struct rig *rig = mem_alloc(sizeof(*rig));
        rig_start(rig);
        rig_rules(rig, "name=r metric=test_level warning=5 for=3s keep=3s", NULL);
        rig_ticks(rig, 2, "a=6");
        assert_int_equal(letter(rig), 'p');
        rig->wall_shift_ms = sign * INT64_C(3600000);
        rig_tick(rig, "a=6");
        assert_int_equal(letter(rig), 'p');
        rig_tick(rig, "a=6");
        assert_int_equal(letter(rig), 'w');
        assert_int_equal(rig_last(rig)->started_ms, rig_now(rig));
        rig_tick(rig, "a=0");
        rig->wall_shift_ms = 0;
        rig_ticks(rig, 2, "a=0");
        assert_int_equal(letter(rig), 'w');
        rig_tick(rig, "a=0");
        assert_int_equal(letter(rig), '.');
        rig_end(rig);
        free(rig);
    }
}

/* One whose series is silent is over after five minutes, not for ever. */
static void test_stale(void **state)
{
    (void)state;
    struct rig *rig = mem_alloc(sizeof(*rig));
    rig_start(rig);
    rig_rules(rig, "name=r metric=test_level warning=5", NULL);
    rig_tick(rig, "a=6");
    rig_ticks(rig, 299, "");
    assert_int_equal(letter(rig), 'w');
    rig_tick(rig, "");
    assert_int_equal(letter(rig), '.');
    assert_int_equal(rig_last(rig)->state, ALERT_RESOLVED);
    rig_end(rig);
    free(rig);
}

/* Ids, seqs, times and texts of one alert's life. */
static void test_life(void **state)
{
    (void)state;
    struct rig *rig = mem_alloc(sizeof(*rig));
    rig_start(rig);
    rig_rules(rig, "name=r metric=test_level warning=5 critical=7 for=1s", NULL);
    rig_ticks(rig, 2, "a=6");
    assert_int_equal(rig->changes_count, 1); /* pending is no change that is kept */
    const struct alert *fired = rig_last(rig);
    assert_int_equal(fired->id, 1);
    assert_int_equal(fired->seq, 1);
    assert_int_equal(fired->pending_ms, rig_now(rig) - 1000);
    assert_int_equal(fired->started_ms, rig_now(rig));
    assert_string_equal(fired->series, "test_level{device=\"a\"}");
    assert_string_equal(fired->summary, "test_level{device=\"a\"} is 6 (above 5)");
    assert_int_equal(fired->series_id, rig->stand.tick->set->slots[0]->id);
    rig_tick(rig, "a=8");
    assert_int_equal(rig_last(rig)->id, 1);
    assert_int_equal(rig_last(rig)->seq, 2);
    assert_int_equal(rig_last(rig)->severity, ALERT_CRITICAL);
    assert_true(rig_last(rig)->threshold == 7);
    rig_tick(rig, "a=6");
    assert_int_equal(rig_last(rig)->severity, ALERT_WARNING);
    rig_tick(rig, "a=1");
    assert_int_equal(rig_last(rig)->state, ALERT_RESOLVED);
    assert_int_equal(rig_last(rig)->severity, ALERT_CRITICAL); /* the worst it had been */
    assert_int_equal(rig_last(rig)->resolved_ms, rig_now(rig));
    assert_true(rig_last(rig)->value == 1);
    rig_ticks(rig, 2, "a=6");
    assert_int_equal(rig_last(rig)->id, 2);
    rig_end(rig);
    free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_stale),
        cmocka_unit_test(test_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

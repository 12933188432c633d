/* test_alerts.c: which series a rule watches and what it makes of them: joins, ratios, absence,
 * rules that come and go, what an earlier run left, how rules fare, bounds. */
#include "fake_bank.h"
#include "rig.h"

static struct rig *start(void)
{
    struct rig *rig = mem_alloc(sizeof(*rig));
    rig_start(rig);
    return rig;
}

static void end(struct rig *rig)
{
    rig_end(rig);
    free(rig);
}

static void expect_note(struct rig *rig, const char *name, uint32_t matched, const char *note)
{
    struct rule_set *set = board_rules(rig->board);
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->rules[i].rule->name, name) != 0)
            continue;
        assert_string_equal(set->rules[i].note, note);
        assert_int_equal(set->rules[i].matched, matched);
        message_unref(&set->msg);
        return;
    }
    fail_msg("no rule %s", name);
}

/* ---- which series -------------------------------------------------------------------------- */

static void test_where(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, "name=r metric=test_level where=real warning=5", NULL);
    rig_tick(rig, "a=6 b=6 c=6");
    assert_int_equal(rig_active(rig), 0);
    expect_note(rig, "r", 0, "none of its series has real here");
    rig_tick(rig, "a=6 b=6 c=6 real/a=1 real/b=0");
    assert_int_equal(rig_active(rig), 1);
    expect_note(rig, "r", 2, "");
    rig_tick(rig, "a=6 b=6 c=6"); /* not sampled: as it was */
    assert_int_equal(rig_active(rig), 1);
    rig_tick(rig, "a=6 b=6 c=6 real/a=0 real/b=1");
    assert_int_equal(rig_active(rig), 1);
    assert_string_equal(rig_last(rig)->series, "test_level{device=\"b\"}");
    end(rig);
}

static void test_ratio(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, "name=r metric=test_level per=size warning=80% per_least=10", NULL);
    rig_tick(rig, "a=9 b=90 c=1 d=9");
    expect_note(rig, "r", 4, "nothing here gives size to divide by");
    assert_int_equal(rig_active(rig), 0);
    rig_tick(rig, "a=9 b=90 c=1 size/a=9 size/b=100 size/c=100 size/x=1");
    assert_int_equal(rig_active(rig), 1); /* of a the divisor is too small */
    assert_true(rig_last(rig)->value == 0.9);
    assert_string_equal(rig_last(rig)->unit, "");
    assert_string_equal(rig_last(rig)->summary, "test_level{device=\"b\"} is 90 % (above 80 %)");
    rig_tick(rig, "b=90 size/b=0"); /* nothing to divide by is nothing wrong */
    assert_int_equal(rig_active(rig), 0);
    end(rig);
}

/* A ratio over a window is that of the sums, not the mean of the ratios. */
static void test_ratio_of_sums(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, "name=r metric=test_level per=size warning=50% window=2s", NULL);
    rig_tick(rig, "a=0 size/a=1000");
    rig_tick(rig, "a=1 size/a=1");
    assert_int_equal(rig_active(rig), 0);
    rig_tick(rig, "a=1000 size/a=1000");
    assert_int_equal(rig_active(rig), 1);
    end(rig);
}

/* A divisor with labels that the series does not have is the sum over them. */
static void test_join_sums(void **state)
{
    (void)state;
    struct rig *rig = start();
    struct metric fast = {"fast", "lookups", "", METRIC_COUNTER, 1};
    struct metric all = {"all", "lookups", "", METRIC_COUNTER, 1};
    const struct label le = {"le", "0.5"}, inf = {"le", "+Inf"}, ok = {"rcode", "ok"},
                       none = {"rcode", "none"};
    rig_rules(rig, "name=r metric=fast match=le=0.5 per=all when=below warning=75%", NULL);
    for (uint64_t i = 0; i < 2; i++) {
        rig_begin(rig, 1000);
        struct draft *d = rig->stand.draft;
        struct registry *r = rig->stand.registry;
        draft_counter(d, registry_get(r, &fast, &le, 1, "t"), 60 * i, 1);
        draft_counter(d, registry_get(r, &fast, &inf, 1, "t"), 90 * i, 1);
        draft_counter(d, registry_get(r, &all, &ok, 1, "t"), 90 * i, 1);
        draft_counter(d, registry_get(r, &all, &none, 1, "t"), 30 * i, 1);
        rig_seal(rig);
    }
    assert_int_equal(rig_active(rig), 1);
    assert_true(rig_last(rig)->value == 0.5);
    end(rig);
}

static void test_counter(void **state)
{
    (void)state;
    struct rig *rig = start();
    const struct label device = {"device", "eth0"};
    rig_rules(rig, "name=r metric=test_bytes_total warning=10Mbit", NULL);
    for (uint64_t i = 0; i < 3; i++) {
        rig_begin(rig, 1000);
        struct series *s = registry_get(rig->stand.registry, &stand_counter, &device, 1, "t");
        draft_counter(rig->stand.draft, s, i * i * 1000000, 1);
        rig_seal(rig);
        assert_int_equal(rig_active(rig), i == 2); /* 1 MB/s, then 3 MB/s; the limit is 1.25 */
    }
    assert_string_equal(rig_last(rig)->unit, "bytes/s");
    assert_string_equal(rig_last(rig)->summary,
                        "test_bytes_total{device=\"eth0\"} is 3 MB/s (above 1.25 MB/s)");
    end(rig);
}

static void test_notes(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, "name=gone metric=node_x_* warning=1",
              "name=other metric=test_level match=device=z warning=1",
              "name=off metric=test_level warning=1 enabled=off",
              "name=fine metric=test_level warning=9", NULL);
    rig_tick(rig, "a=6");
    expect_note(rig, "gone", 0, "nothing here gives node_x_*");
    expect_note(rig, "other", 0, "no series of test_level here matches");
    expect_note(rig, "off", 0, "it is switched off");
    expect_note(rig, "fine", 1, "");
    rig_tick(rig, "a=6 z=0 node_x_1/q=0");
    expect_note(rig, "gone", 1, "");
    expect_note(rig, "other", 1, "");
    end(rig);
}

/* ---- absence ------------------------------------------------------------------------------- */

static void test_absent_whole(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, "name=r metric=node_gone_* absent=3s severity=critical", NULL);
    rig_tick(rig, "a=1");
    rig_ticks(rig, 2, "a=1");
    assert_int_equal(rig_active(rig), 0);
    rig_tick(rig, "a=1");
    assert_int_equal(rig_active(rig), 1);
    assert_int_equal(rig_last(rig)->series_id, 0);
    assert_string_equal(rig_last(rig)->series, "node_gone_*");
    assert_int_equal(rig_last(rig)->reason, ALERT_BY_ABSENCE);
    assert_string_equal(rig_last(rig)->summary, "no sample of node_gone_* for 3s");
    rig_tick(rig, "node_gone_x/a=1");
    assert_int_equal(rig_active(rig), 0);
    end(rig);
}

/* A series that leaves the registry takes its alert along after a while. */
static void test_series_gone(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, "name=r metric=test_level warning=5", "name=s metric=test_level absent=5s",
              NULL);
    rig_tick(rig, "a=6 b=0");
    rig_ticks(rig, 10, "b=0");
    assert_int_equal(rig_active(rig), 2);
    registry_sweep(rig->stand.registry, rig->stand.t_ms - 5000);
    rig_ticks(rig, 300, "b=0");
    assert_int_equal(rig_active(rig), 2);
    rig_tick(rig, "b=0");
    assert_int_equal(rig_active(rig), 1); /* that it is absent is still true */
    rig_tick(rig, "a=0 b=0");
    assert_int_equal(rig_active(rig), 0);
    end(rig);
}

static void test_series_back(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, "name=r metric=test_level warning=5", NULL);
    rig_tick(rig, "a=6 b=0");
    uint64_t id = rig_last(rig)->id;
    rig_ticks(rig, 10, "b=0");
    registry_sweep(rig->stand.registry, rig->stand.t_ms - 5000);
    rig_ticks(rig, 10, "b=0");
    rig_tick(rig, "a=7 b=0");
    assert_int_equal(rig_active(rig), 1);
    assert_int_equal(rig->changes_count, 1); /* the same alert all the time */
    rig_tick(rig, "a=0 b=0");
    assert_int_equal(rig_last(rig)->id, id);
    assert_int_equal(rig_last(rig)->state, ALERT_RESOLVED);
    end(rig);
}

/* ---- rules come and go --------------------------------------------------------------------- */

static void test_rule_deleted(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, "name=r metric=test_level warning=5", NULL);
    rig_tick(rig, "a=6");
    assert_int_equal(rig->notices_count, 1);
    rig_rules(rig, NULL, NULL);
    assert_int_equal(rig_last(rig)->state, ALERT_RESOLVED);
    assert_int_equal(rig_active(rig), 0);
    rig_ticks(rig, 60, "a=6");
    assert_int_equal(rig->notices_count, 2); /* and it is told */
    assert_int_equal(rig_told(rig)->first->state, ALERT_RESOLVED);
    rig_ticks(rig, 61, "a=6");
    assert_int_equal(rig->alerts->incidents_count, 0);
    end(rig);
}

static void test_rule_changed(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, "name=r metric=test_level warning=5", "name=q metric=test_level warning=100",
              NULL);
    rig_tick(rig, "a=6 b=6");
    assert_int_equal(rig_active(rig), 2);
    rig_rules(rig, "name=q metric=test_level warning=100", "name=r metric=test_level warning=5",
              NULL); /* read again: nothing is different */
    rig_tick(rig, "a=6 b=6");
    assert_int_equal(rig->changes_count, 2);
    /* Another threshold: the alert goes on. Another selection: what it leaves out is over. */
    rig_rules(rig, "name=r metric=test_level warning=4 match=device=a channels=ops", NULL);
    assert_int_equal(rig->changes_count, 3);
    assert_string_equal(rig_last(rig)->series, "test_level{device=\"b\"}");
    rig_tick(rig, "a=6 b=6");
    assert_int_equal(rig_active(rig), 1);
    rig_rules(rig, "name=r metric=test_level warning=8", NULL);
    rig_tick(rig, "a=6 b=6");
    assert_int_equal(rig_active(rig), 0);
    end(rig);
}

static void test_api_rules(void **state)
{
    (void)state;
    struct rig *rig = start();
    struct rule *file = rule_of(RULE_FROM_FILE, "name=file metric=test_level warning=5");
    struct rule *plain = rule_of(RULE_DEFAULT, "name=usual metric=test_level warning=5");
    struct rule *both[] = {file, plain};
    alerts_set_rules(rig->alerts, both, 2);
    rig_tick(rig, "a=6");
    assert_int_equal(rig_active(rig), 2);

    struct rule *mine = rule_of(RULE_FROM_API, "name=mine metric=test_level warning=5");
    struct rule *theirs = rule_of(RULE_FROM_API, "name=file metric=test_level warning=5");
    struct rule *off = rule_of(RULE_FROM_API, "name=usual enabled=off");
    assert_int_equal(alerts_put_rule(rig->alerts, mine, false, rig_now(rig)), 0);
    assert_int_equal(alerts_put_rule(rig->alerts, mine, false, rig_now(rig)), -EALREADY);
    assert_int_equal(alerts_put_rule(rig->alerts, mine, true, rig_now(rig)), 0);
    assert_int_equal(alerts_put_rule(rig->alerts, theirs, true, rig_now(rig)), -EPERM);
    assert_int_equal(alerts_put_rule(rig->alerts, off, false, rig_now(rig)), -EALREADY);
    assert_int_equal(alerts_put_rule(rig->alerts, off, true, rig_now(rig)), 0);
    assert_int_equal(rig->kept_rules, 3);
    rig_tick(rig, "a=6");
    assert_int_equal(rig_active(rig), 2); /* file, mine */
    expect_note(rig, "usual", 0, "it is switched off");

    alerts_set_rules(rig->alerts, both, 2); /* SIGHUP leaves the API's alone */
    rig_tick(rig, "a=6");
    assert_int_equal(rig_active(rig), 2);

    assert_int_equal(alerts_delete_rule(rig->alerts, "nothing", rig_now(rig)), -ENOENT);
    assert_int_equal(alerts_delete_rule(rig->alerts, "file", rig_now(rig)), -EPERM);
    assert_int_equal(alerts_delete_rule(rig->alerts, "mine", rig_now(rig)), 0);
    assert_int_equal(alerts_delete_rule(rig->alerts, "usual", rig_now(rig)), 0);
    assert_int_equal(alerts_delete_rule(rig->alerts, "usual", rig_now(rig)), -EPERM);
    assert_int_equal(rig->kept_rules, 5);
    rig_tick(rig, "a=6");
    assert_int_equal(rig_active(rig), 2); /* file, usual again */
    rule_unref(file);
    rule_unref(plain);
    rule_unref(mine);
    rule_unref(theirs);
    rule_unref(off);
    end(rig);
}

static void test_too_many_rules(void **state)
{
    (void)state;
    struct rig *rig = start();
    char text[64];
    for (int i = 0; i < RULES_MAX; i++) {
        snprintf(text, sizeof(text), "name=r%d metric=test_level warning=5", i);
        struct rule *r = rule_of(RULE_FROM_API, text);
        rulebook_put(rig->alerts, r);
        rule_unref(r);
    }
    struct rule *r = rule_of(RULE_FROM_API, "name=one-more metric=test_level warning=5");
    assert_int_equal(alerts_put_rule(rig->alerts, r, false, 1), -ENOSPC);
    rule_unref(r);
    r = rule_of(RULE_FROM_API, "name=r7 metric=test_level warning=6");
    assert_int_equal(alerts_put_rule(rig->alerts, r, true, 1), 0);
    rule_unref(r);
    end(rig);
}

/* Less severe in a moment in which nothing is wrong: the words stay true. */
static void test_less_severe_when_calm(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, "name=r metric=test_level warning=5 critical=7 keep=3s", NULL);
    rig_tick(rig, "a=8");
    rig_ticks(rig, 3, "a=6");
    rig_tick(rig, "a=0");
    assert_int_equal(rig->changes_count, 2);
    assert_int_equal(rig_last(rig)->severity, ALERT_WARNING);
    assert_string_equal(rig_last(rig)->summary, "test_level{device=\"a\"} is 8 (above 7)");
    assert_true(rig_last(rig)->value == 0);
    rig_ticks(rig, 3, "a=0");
    assert_int_equal(rig_last(rig)->state, ALERT_RESOLVED);
    end(rig);
}

/* ---- restarts ------------------------------------------------------------------------------ */

/* Ends the run and begins another one with what is active, as the store would. */
static void restart(struct rig *rig)
{
    struct alert_set *set = board_alerts(rig->board);
    rig->settings.next_seq = rig->alerts->settings.next_seq;
    rig->settings.next_id = rig->alerts->settings.next_id;
    alerts_free(rig->alerts);
    rig_open(rig);
    alerts_restore(rig->alerts, set->alerts, set->count);
    alert_set_unref(set);
}

static void test_restart(void **state)
{
    (void)state;
    struct rig *rig = start();
    const char *rules[] = {"name=r metric=test_level warning=5 critical=7",
                           "name=gone metric=test_level warning=5",
                           "name=edge metric=test_level warning=5 edge=on"};
    rig_rules(rig, rules[0], rules[1], rules[2], NULL);
    rig_tick(rig, "a=0 b=0 c=0");
    rig_tick(rig, "a=6 b=8 c=6");
    size_t told = rig->notices_count, changes = rig->changes_count;
    assert_int_equal(changes, 9);
    assert_int_equal(rig_active(rig), 9);
    struct alert_set *set = board_alerts(rig->board);
    uint64_t known = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->alerts[i]->rule, "r") == 0 && strstr(set->alerts[i]->series, "\"a\""))
            known = set->alerts[i]->id;
    }
    alert_set_unref(set);
    alerts_acknowledge(rig->alerts, known, "me", rig_now(rig));
    changes++;

    restart(rig);
    assert_int_equal(rig_active(rig), 9); /* is shown before the first tick */
    rig_rules(rig, rules[0], rules[2], NULL);
    rig_tick(rig, "a=6 b=8"); /* c is not there yet */
    /* `gone` is gone with its three alerts; the others are as they were, and not told again. */
    assert_int_equal(rig->changes_count, changes + 3);
    assert_int_equal(rig_active(rig), 6);
    assert_int_equal(rig->notices_count, told + 1);
    assert_int_equal(rig_told(rig)->count, 3);
    set = board_alerts(rig->board);
    size_t acknowledged = 0;
    for (size_t i = 0; i < set->count; i++)
        acknowledged += set->alerts[i]->state == ALERT_ACKNOWLEDGED && set->alerts[i]->id == known;
    assert_int_equal(acknowledged, 1);
    alert_set_unref(set);
    rig_tick(rig, "a=6 b=8 c=6");
    assert_int_equal(rig->changes_count, changes + 3);
    rig_tick(rig, "a=6 b=6 c=0");
    assert_int_equal(rig->changes_count, changes + 6); /* b less severe, c over, twice */
    assert_int_equal(rig->notices_count, told + 2);
    /* New ids are new. */
    rig_tick(rig, "a=6 b=6 c=9");
    assert_true(rig_last(rig)->id > 9);
    end(rig);
}

static void test_restart_whole(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, "name=r metric=gone absent=3s", NULL);
    rig_ticks(rig, 5, "a=1");
    assert_int_equal(rig_active(rig), 1);
    restart(rig);
    rig_rules(rig, "name=r metric=gone absent=3s", NULL);
    rig_ticks(rig, 5, "a=1");
    assert_int_equal(rig_active(rig), 1);
    assert_int_equal(rig->changes_count, 1);
    rig_tick(rig, "gone/a=1");
    assert_int_equal(rig_active(rig), 0);
    end(rig);
}

static void test_restart_never_back(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, "name=r metric=test_level warning=5", NULL);
    rig_tick(rig, "a=6");
    registry_sweep(rig->stand.registry, INT64_MAX);
    restart(rig);
    rig_rules(rig, "name=r metric=test_level warning=5", NULL);
    rig_ticks(rig, 299, "b=0");
    assert_int_equal(rig_active(rig), 1);
    rig_ticks(rig, 2, "b=0");
    assert_int_equal(rig_active(rig), 0);
    end(rig);
}

/* What muted an alert may be over when netsonde is back: then nobody has been told yet. */
static void test_restart_unmuted(void **state)
{
    (void)state;
    struct rig *rig = start();
    const char *link = "name=link metric=up when=below critical=1 for=60s mutes=device";
    struct silence s = {.from_ms = rig_now(rig), .to_ms = rig_now(rig) + 5000};
    uint64_t id;
    snprintf(s.rule, sizeof(s.rule), "r");
    snprintf(s.series, sizeof(s.series), "*\"a\"*");
    assert_int_equal(alerts_add_silence(rig->alerts, &s, rig_now(rig), &id), 0);
    rig_rules(rig, "name=r metric=test_level warning=5", link, NULL);
    rig_tick(rig, "a=0 b=0 up/b=0"); /* pending, which mutes, but is not kept */
    rig_tick(rig, "a=6 b=6 up/b=0");
    assert_int_equal(rig->notices_count, 0);
    restart(rig);
    alerts_restore_silence(rig->alerts, &s);
    rig->mono_ms += 10000;
    rig_rules(rig, "name=r metric=test_level warning=5", link, NULL);
    rig_tick(rig, "a=6 b=6 up/b=1");
    struct alert_set *set = board_alerts(rig->board);
    size_t firing = 0, inhibited = 0;
    for (size_t i = 0; i < set->count; i++) {
        firing += set->alerts[i]->state == ALERT_FIRING;
        inhibited += set->alerts[i]->inhibited_by != 0;
    }
    alert_set_unref(set);
    assert_int_equal(firing, 2);
    assert_int_equal(inhibited, 0);
    assert_int_equal(rig->notices_count, 1);
    assert_int_equal(rig_told(rig)->count, 2);
    end(rig);
}

/* What was told before it was silenced has an end that is told, over a restart, too. */
static void test_restart_silenced(void **state)
{
    (void)state;
    struct rig *rig = start();
    const char *link = "name=link metric=up when=below critical=1 mutes=device";
    uint64_t id;
    rig_rules(rig, "name=r metric=test_level warning=5", link, NULL);
    rig_tick(rig, "a=0 b=0 up/b=1");
    rig_tick(rig, "a=6 b=6 up/b=1");
    assert_int_equal(rig->notices_count, 1);
    struct silence s = {.from_ms = rig_now(rig) + 1, .to_ms = rig_now(rig) + 10000};
    snprintf(s.rule, sizeof(s.rule), "r");
    snprintf(s.series, sizeof(s.series), "*");
    assert_int_equal(alerts_add_silence(rig->alerts, &s, rig_now(rig), &id), 0);
    s.id = id;
    rig_tick(rig, "a=6 b=6 c=6 up/b=0"); /* c begins in the silence; b is muted as well */
    assert_int_equal(rig->notices_count, 2);
    restart(rig);
    alerts_restore_silence(rig->alerts, &s);
    rig_rules(rig, "name=r metric=test_level warning=5", link, NULL);
    rig_tick(rig, "a=0 b=0 c=0 up/b=0");
    assert_int_equal(rig->notices_count, 2);
    rig_tick(rig, "a=0 b=0 c=0 up/b=1"); /* the link is back */
    assert_int_equal(rig->notices_count, 3);
    rig_ticks(rig, 10, "a=0 b=0 c=0 up/b=1");
    assert_int_equal(rig->notices_count, 4);
    assert_int_equal(rig_told(rig)->count, 2); /* the end of a and b */
    assert_int_equal(rig_told(rig)->first->state, ALERT_RESOLVED);
    end(rig);
}

/* A detector speaks at once after a restart, a window only when half of it is there: until then
 * nothing can be said about thresholds. */
static void test_restart_window(void **state)
{
    (void)state;
    struct rig *rig = start();
    const char *rule = "name=r metric=test_level warning=5 window=20s anomaly=on";
    rig_rules(rig, rule, NULL);
    rig_ticks(rig, 20, "a=6");
    assert_int_equal(rig_active(rig), 1);
    restart(rig);
    rig_rules(rig, rule, NULL);
    rig_ticks(rig, 20, "a=6");
    assert_int_equal(rig->changes_count, 1); /* neither over nor fired anew */
    rig_ticks(rig, 20, "a=1");
    assert_int_equal(rig_active(rig), 0);
    rig_tick(rig, "a=-2000000"); /* what the detector is sure of waits for no window */
    assert_int_equal(rig_active(rig), 1);
    assert_int_equal(rig_last(rig)->reason, ALERT_BY_ANOMALY);
    restart(rig);
    rig_rules(rig, rule, NULL);
    rig_tick(rig, "a=1");
    rig_tick(rig, "a=-2000000");
    assert_int_equal(rig_active(rig), 1);
    end(rig);
}

static void tick_nameless(struct rig *rig, double value)
{
    struct metric m = {"bare", "", "Is what a test says.", METRIC_GAUGE, 1};
    rig_begin(rig, 1000);
    if (!isnan(value))
        draft_gauge(rig->stand.draft, registry_get(rig->stand.registry, &m, NULL, 0, "test"),
                    value);
    rig_seal(rig);
}

/* A metric without labels: its one series and all of it have the same name, and each its alert. */
static void test_whole_and_its_series(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, "name=r metric=bare absent=3s warning=5", NULL);
    for (int i = 0; i < 5; i++)
        tick_nameless(rig, NAN);
    assert_int_equal(rig_active(rig), 1);
    tick_nameless(rig, 6);
    assert_int_equal(rig_active(rig), 1); /* it is there, and too high */
    assert_int_equal(rig->changes_count, 3);
    for (int i = 0; i < 130; i++) /* what is over is told, and forgotten */
        tick_nameless(rig, 6);
    rig_rules(rig, "name=r metric=bare absent=3s warning=4", NULL);
    tick_nameless(rig, 6);
    assert_int_equal(rig_active(rig), 1); /* the same one */
    assert_int_equal(rig->changes_count, 3);
    tick_nameless(rig, 1);
    assert_int_equal(rig_active(rig), 0);
    end(rig);
}

/* ---- detectors of a rule's own ------------------------------------------------------------- */

static const struct detector *own_detector(const struct rig *rig)
{
    return watchlist_find(&rig->alerts->watchlist, "r")->items[0]->detector;
}

/* They follow the interval and the number of series, as those of the bank do. */
static void test_own_detectors(void **state)
{
    (void)state;
    struct rig *rig = start();
    char device[16];
    rig_rules(rig, "name=r metric=test_level anomaly=on sigma=3", NULL);
    rig_tick(rig, "a=1");
    assert_int_equal(fake_interval(own_detector(rig)), 1000);
    assert_int_equal(fake_watched(own_detector(rig)), 1);
    rig_begin(rig, 1000);
    for (int i = 0; i < 500; i++) {
        snprintf(device, sizeof(device), "d%d", i);
        rig_gauge(rig, "test_level", device, 1);
    }
    rig_seal(rig);
    assert_int_equal(fake_watched(own_detector(rig)), 501);
    rig->mono_ms += 10000;
    rig->stand.t_ms = rig_now(rig);
    draft_begin(rig->stand.draft, ++rig->stand.seq, rig->stand.t_ms, 10 * NS_PER_S,
                rig->mono_ms * NS_PER_MS, 10000);
    rig_gauge(rig, "test_level", "a", 1);
    rig_seal(rig);
    assert_int_equal(fake_interval(own_detector(rig)), 10000);
    end(rig);
}

/* ---- bounds -------------------------------------------------------------------------------- */

/* Series that all go wrong, more than there may be alerts. */
static void test_too_many_alerts(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, "name=r metric=test_level warning=5", NULL);
    char device[16];
    for (int round = 0; round < 3; round++) {
        rig_begin(rig, 1000);
        for (int i = 0; i < ALERTS_MAX + 500; i++) {
            snprintf(device, sizeof(device), "d%d", i);
            rig_gauge(rig, "test_level", device, 6);
        }
        rig_seal(rig);
    }
    struct alerts_stats stats;
    alerts_stats(rig->alerts, &stats);
    assert_int_equal(stats.firing[ALERT_WARNING], ALERTS_MAX);
    assert_int_equal(stats.refused, 500); /* each once */
    assert_int_equal(rig->notices_count, 1);
    assert_int_equal(rig_told(rig)->count + rig_told(rig)->more, ALERTS_MAX);
    assert_int_equal(rig_active(rig), ALERTS_MAX);
    end(rig);
}

/* A hundred thousand alerts in a minute, on and off: few messages, all counted. */
static void test_storm(void **state)
{
    (void)state;
    enum { SERIES = 2000, ROUNDS = 60 };
    struct rig *rig = start();
    rig_rules(rig, "name=r metric=test_level warning=5", NULL);
    char device[16];
    for (int round = 0; round < ROUNDS; round++) {
        rig_begin(rig, 1000);
        for (int i = 0; i < SERIES; i++) {
            snprintf(device, sizeof(device), "d%d", i);
            rig_gauge(rig, "test_level", device, round % 2 ? 0 : 6);
        }
        rig_seal(rig);
    }
    assert_int_equal(rig->changes_count, SERIES * ROUNDS);
    assert_int_equal(rig->notices_count, 1);
    assert_int_equal(rig->alerts->incidents_count, SERIES);
    rig_ticks(rig, 200, "d0=0");
    struct limiter_stats lane;
    limiter_stats(rig->alerts->limiter, 0, &lane);
    assert_int_equal(lane.waiting, 0);
    assert_int_equal(lane.asked, SERIES * ROUNDS);
    assert_int_equal(lane.told + lane.held, lane.asked);
    assert_int_equal(lane.told, 2 * SERIES);
    assert_int_equal(rig->alerts->incidents_count, 0);
    end(rig);
}

/* Names and labels that would like to be something else. */
static void test_hostile(void **state)
{
    (void)state;
    static const char *const devices[] = {
        "%n%n%s%x",
        "a\r\nBcc: x@y",
        "<script>alert(1)</script>",
        "{rule}{value}",
        "\"},{x=\"",
        "\xc2\x85\xe2\x80\xa8",
        "\x1b[31m",
        "\\",
        "\\n",
        "${HOME}`id`",
        "=",
        ",",
        "{",
        "}",
    };
    struct rig *rig = start();
    rig_rules(rig,
              "name=r metric=test_level warning=5 "
              "summary={device}~{unknown}~{~{rule~}~%n~{value}{{metric}}",
              NULL);
    for (size_t i = 0; i < ARRAY_LEN(devices); i++) {
        rig_begin(rig, 1000);
        rig_gauge(rig, "test_level", devices[i], 6);
        rig_seal(rig);
        const struct alert *a = rig_last(rig);
        assert_int_equal(a->id, i + 1);
        for (const unsigned char *c = (const unsigned char *)a->summary; *c; c++)
            assert_true(*c >= 0x20 && *c != 0x7f);
        assert_non_null(strstr(a->summary, " {unknown} { {rule } %n 6{test_level}"));
    }
    assert_non_null(strstr(rig->changes[3]->summary, "{rule}{value} {unknown}"));
    assert_true(strncmp(rig->changes[4]->summary, "\"},{x=\" ", 8) == 0);
    assert_true(strncmp(rig->changes[8]->summary, "\\n ", 3) == 0);
    end(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where),
        cmocka_unit_test(test_ratio),
        cmocka_unit_test(test_ratio_of_sums),
        cmocka_unit_test(test_join_sums),
        cmocka_unit_test(test_counter),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_absent_whole),
        cmocka_unit_test(test_series_gone),
        cmocka_unit_test(test_series_back),
        cmocka_unit_test(test_rule_deleted),
        cmocka_unit_test(test_rule_changed),
        cmocka_unit_test(test_api_rules),
        cmocka_unit_test(test_too_many_rules),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_restart_whole),
        cmocka_unit_test(test_restart_never_back),
        cmocka_unit_test(test_restart_unmuted),
        cmocka_unit_test(test_restart_silenced),
        cmocka_unit_test(test_less_severe_when_calm),
        cmocka_unit_test(test_own_detectors),
        cmocka_unit_test(test_whole_and_its_series),
        cmocka_unit_test(test_restart_window),
        cmocka_unit_test(test_too_many_alerts),
        cmocka_unit_test(test_storm),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

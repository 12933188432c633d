/*
 * test_random.c: whatever happens, in whatever order. Random samples, gaps, clocks that jump,
 * series that leave, silences, acknowledgements, rules that are changed and deleted; then it goes
 * quiet. At any time: no channel has more notices than its rate in any such time, nothing is told
 * twice within its cooldown, sequence numbers have no hole, no alert changes after its end. In the
 * end: what was told last of everything is what is true, and the counts add up.
 */
#include "rig.h"

#include "base/map.h"

#define DEVICES 8
#define CHANNELS 3

/* What a channel was told of a (rule, series). */
struct told {
    bool firing;
    uint64_t id;
    enum alert_severity severity;
    int64_t at_ms;
};

struct world {
    struct rig rig;
    unsigned seed;
    struct map told[CHANNELS];
    int64_t times[CHANNELS][RIG_LOG]; /* of notices */
    size_t times_count[CHANNELS];
    uint64_t last_seq;
    struct map ended; /* ids of alerts that are resolved */
    size_t checked;   /* changes */
};

static unsigned pick(struct world *w, unsigned below)
{
    w->seed = w->seed * 1664525U + 1013904223U;
    return (unsigned)(((uint64_t)(w->seed >> 4) * below) >> 28);
}

/* ---- what must hold at any time ------------------------------------------------------------ */

static void check_rate(struct world *w, size_t channel, bool test)
{
    int64_t now = w->rig.mono_ms;
    size_t *count = &w->times_count[channel], within = 0;
    assert_true(*count < RIG_LOG);
    w->times[channel][(*count)++] = now;
    for (size_t i = *count; i-- > 0 && now - w->times[channel][i] <= 60000;)
        within++;
    assert_true(test || within <= 5);
}

static void on_notice(struct rig *rig, size_t channel, struct notice *n)
{
    struct world *w = rig->user;
    char key[512];
    check_rate(w, channel, n->test);
    assert_int_equal(n->more, 0);
    for (size_t i = 0; i < n->count && !n->test; i++) {
        const struct alert *a = n->alerts[i];
        snprintf(key, sizeof(key), "%s %s", a->rule, a->series);
        struct told *t = map_get(&w->told[channel], key);
        if (!t) {
            t = mem_alloc(sizeof(*t));
            map_put(&w->told[channel], key, t);
        } else {
            if (rig->mono_ms - t->at_ms < 60000)
                fail_msg("channel %zu: %s is told again after %lld ms", channel, key,
                         (long long)(rig->mono_ms - t->at_ms));
        }
        *t = (struct told){alert_is_active(a), a->id, a->severity, rig->mono_ms};
        assert_int_equal(a->inhibited_by, 0);
        assert_true(a->state == ALERT_FIRING || a->state == ALERT_RESOLVED);
    }
}

static void check_changes(struct world *w)
{
    char key[32];
    for (; w->checked < w->rig.changes_count; w->checked++) {
        assert_true(w->rig.changes_count - w->checked < RIG_LOG);
        const struct alert *a = w->rig.changes[w->checked % RIG_LOG];
        assert_int_equal(a->seq, w->last_seq + 1);
        w->last_seq = a->seq;
        snprintf(key, sizeof(key), "%llu", (unsigned long long)a->id);
        assert_null(map_get(&w->ended, key));
        if (a->state == ALERT_RESOLVED)
            map_put(&w->ended, key, w);
    }
}

/* ---- what happens -------------------------------------------------------------------------- */

static const char *const rules[] = {
    "name=level metric=test_level warning=5 critical=7 clear=4 channels=websocket channels=ops",
    "name=slow metric=test_level warning=6 for=2s keep=3s absent=20s",
    "name=odd metric=test_level anomaly=on keep=1s channels=log channels=ops",
    "name=link metric=up when=below critical=1 for=1s mutes=device channels=ops",
    "name=share metric=test_level per=size warning=50% window=4s",
};

static void set_rules(struct world *w, unsigned mask)
{
    struct rule *made[ARRAY_LEN(rules)];
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (mask & 1U << i)
            made[count++] = rule_of(RULE_FROM_FILE, rules[i]);
    }
    alerts_set_rules(w->rig.alerts, made, count);
    for (size_t i = 0; i < count; i++)
        rule_unref(made[i]);
}

static void silence(struct world *w)
{
    static const char *const globs[] = {"*", "*\"d[0-3]\"*", "test_level*", "up*"};
    static const char *const names[] = {"*", "l*", "slow", "odd"};
    struct silence s = {.from_ms = rig_now(&w->rig) + (int64_t)pick(w, 5000)};
    s.to_ms = s.from_ms + 1 + (int64_t)pick(w, 200000);
    snprintf(s.rule, sizeof(s.rule), "%s", names[pick(w, 4)]);
    snprintf(s.series, sizeof(s.series), "%s", globs[pick(w, 4)]);
    uint64_t id;
    assert_int_equal(alerts_add_silence(w->rig.alerts, &s, rig_now(&w->rig), &id), 0);
    if (pick(w, 2))
        alerts_end_silence(w->rig.alerts, 1 + pick(w, (unsigned)id), rig_now(&w->rig));
}

static void acknowledge(struct world *w)
{
    struct alert_set *set = board_alerts(w->rig.board);
    if (set->count) {
        const struct alert *a = set->alerts[pick(w, (unsigned)set->count)];
        int err = alerts_acknowledge(w->rig.alerts, a->id, "somebody", rig_now(&w->rig));
        assert_true(err == 0 || (err == -EALREADY && a->state == ALERT_ACKNOWLEDGED) ||
                    (err == -ENOENT && a->state == ALERT_PENDING));
    }
    alert_set_unref(set);
}

/* calm: nothing is wrong that is not to stay so for ever. */
static void tick(struct world *w, bool calm)
{
    static const double values[] = {0, 0, 0, 4.5, 5.5, 6.5, 8, 1e6};
    char device[16];
    rig_begin(&w->rig, calm ? 1000 : 100 + (int64_t)pick(w, 1900));
    for (unsigned d = 0; d < DEVICES; d++) {
        snprintf(device, sizeof(device), "d%u", d);
        bool bad = d == 5; /* stays wrong in the end */
        if (calm) {
            rig_gauge(&w->rig, "test_level", device, bad ? 8 : 0);
            rig_gauge(&w->rig, "up", device, 1);
            rig_gauge(&w->rig, "size", device, 10);
            continue;
        }
        if (pick(w, 10) && !(w->rig.mono_ms / 40000 % 3 == 1 && d == 2))
            rig_gauge(&w->rig, "test_level", device, values[pick(w, ARRAY_LEN(values))]);
        if (pick(w, 5))
            rig_gauge(&w->rig, "size", device, pick(w, 3) * 10);
        rig_gauge(&w->rig, "up", device, pick(w, 8) != 0);
    }
    rig_seal(&w->rig);
    check_changes(w);
}

static void happen(struct world *w)
{
    switch (pick(w, 40)) {
    case 0:
        silence(w);
        break;
    case 1:
    case 2:
        acknowledge(w);
        break;
    case 3:
        w->rig.wall_shift_ms += (int64_t)pick(w, 7200000) - 3600000;
        break;
    case 4: { /* of two looks: more than half of them */
        unsigned some = pick(w, 1U << ARRAY_LEN(rules)), others = pick(w, 1U << ARRAY_LEN(rules));
        set_rules(w, some | others);
        break;
    }
    case 5:
        registry_sweep(w->rig.stand.registry, w->rig.stand.t_ms - 3000);
        break;
    case 6:
        alerts_test_channel(w->rig.alerts, rig_channels[pick(w, 3)], rig_now(&w->rig));
        break;
    default:
        break;
    }
    check_changes(w);
}

/* ---- the end ------------------------------------------------------------------------------- */

static bool is_channel_of(const struct world *w, size_t channel, const char *rule)
{
    const struct watch_rule *r = watchlist_find(&w->rig.alerts->watchlist, rule);
    for (size_t i = 0; r && i < r->channels_count; i++) {
        if (r->channels[i] == channel)
            return true;
    }
    return false;
}

static void check_truth(struct world *w, size_t channel)
{
    struct alert_set *set = board_alerts(w->rig.board);
    char key[512];
    /* Who fires was told so, as it is now; */
    for (size_t i = 0; i < set->count; i++) {
        const struct alert *a = set->alerts[i];
        snprintf(key, sizeof(key), "%s %s", a->rule, a->series);
        const struct told *t = map_get(&w->told[channel], key);
        assert_true(a->state == ALERT_FIRING || a->state == ALERT_ACKNOWLEDGED);
        if (a->state != ALERT_FIRING || !is_channel_of(w, channel, a->rule))
            continue;
        assert_non_null(t);
        assert_true(t->firing && t->id == a->id && t->severity == a->severity);
    }
    /* … and who was told to fire does. */
    size_t at = 0;
    const char *name;
    void *value;
    while (map_next(&w->told[channel], &at, &name, &value)) {
        const struct told *t = value;
        size_t found = 0;
        for (size_t i = 0; i < set->count; i++) {
            snprintf(key, sizeof(key), "%s %s", set->alerts[i]->rule, set->alerts[i]->series);
            found += strcmp(key, name) == 0;
        }
        if (t->firing && !found)
            fail_msg("channel %zu still believes that %s fires", channel, name);
    }
    alert_set_unref(set);
    struct limiter_stats lane;
    limiter_stats(w->rig.alerts->limiter, channel, &lane);
    assert_int_equal(lane.waiting, 0);
    assert_int_equal(lane.asked, lane.told + lane.held);
    assert_int_equal(lane.notices, w->times_count[channel]);
}

static void free_map(struct map *m, bool values)
{
    size_t at = 0;
    const char *name;
    void *value;
    while (values && map_next(m, &at, &name, &value))
        free(value);
    map_fini(m);
}

static void run(unsigned seed)
{
    struct world *w = mem_alloc(sizeof(*w));
    w->seed = seed;
    rig_start(&w->rig);
    w->rig.on_notice = on_notice;
    w->rig.user = w;
    for (size_t c = 0; c < CHANNELS; c++)
        map_init(&w->told[c]);
    map_init(&w->ended);
    set_rules(w, 31);
    for (int i = 0; i < 600; i++) {
        happen(w);
        tick(w, false);
    }
    set_rules(w, 31);
    struct silence_set *silences = board_silences(w->rig.board);
    for (size_t i = 0; i < silences->count; i++)
        alerts_end_silence(w->rig.alerts, silences->silences[i].id, rig_now(&w->rig));
    silence_set_unref(silences);
    for (int i = 0; i < 260; i++)
        tick(w, true);
    for (size_t c = 0; c < CHANNELS; c++)
        check_truth(w, c);
    assert_int_equal(rig_active(&w->rig), 3); /* level, slow, share of d5 */
    assert_int_equal(w->rig.alerts->incidents_count, 3);
    assert_int_equal(w->rig.alerts->mutes.count, 0);
    for (size_t c = 0; c < CHANNELS; c++)
        free_map(&w->told[c], true);
    free_map(&w->ended, false);
    rig_end(&w->rig);
    free(w);
}

static void test_random(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 60; seed++)
        run(seed * 2654435761U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

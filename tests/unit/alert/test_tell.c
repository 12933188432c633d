/* test_tell.c: what is told when: rate, cooldown, digests, acknowledging, silences, what mutes,
 * repeats, tests of a channel. */
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

#define LEVEL "name=r metric=test_level warning=5 critical=7"

static void test_at_once(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, LEVEL, NULL);
    rig_tick(rig, "a=1");
    assert_int_equal(rig->notices_count, 0);
    rig_tick(rig, "a=6");
    assert_int_equal(rig->notices_count, 1); /* with the tick that crossed it */
    assert_string_equal(rig_told(rig)->title, "test_level{device=\"a\"} is 6 (above 5)");
    rig_ticks(rig, 100, "a=6");
    assert_int_equal(rig->notices_count, 1); /* once */
    rig_tick(rig, "a=0");
    assert_int_equal(rig->notices_count, 2);
    assert_int_equal(rig_told(rig)->first->state, ALERT_RESOLVED);
    end(rig);
}

/* Flapping within the cooldown is not told but counted; its end is. */
static void test_cooldown(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, LEVEL, NULL);
    for (int i = 0; i < 30; i++) {
        rig_tick(rig, "a=6");
        rig_tick(rig, "a=0");
    }
    assert_int_equal(rig->changes_count, 60); /* all of it is kept */
    assert_int_equal(rig->notices_count, 1);
    rig_tick(rig, "a=0"); /* 60 s after the first */
    assert_int_equal(rig->notices_count, 2);
    assert_int_equal(rig_told(rig)->first->state, ALERT_RESOLVED);
    assert_int_equal(rig_told(rig)->held_back, 58);
    rig_ticks(rig, 70, "a=0");
    assert_int_equal(rig->notices_count, 2);
    /* What flaps and is as it was told before is only counted. */
    rig_tick(rig, "a=6");
    rig_tick(rig, "a=8");
    rig_tick(rig, "a=6");
    rig_ticks(rig, 70, "a=6");
    assert_int_equal(rig->notices_count, 3);
    rig_tick(rig, "a=0");
    assert_int_equal(rig->notices_count, 4);
    assert_int_equal(rig_told(rig)->held_back, 2);
    assert_int_equal(alerts_held_back(rig->alerts, 0), 60);
    end(rig);
}

/* Fifty things that fail together are one message, and the sixth message waits for its slot. */
static void test_digest(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, LEVEL, NULL);
    char bad[1024] = "", good[1024] = "";
    for (int i = 0; i < 60; i++) {
        snprintf(bad + strlen(bad), sizeof(bad) - strlen(bad), "d%d=%d ", i, i < 3 ? 9 : 6);
        snprintf(good + strlen(good), sizeof(good) - strlen(good), "d%d=0 ", i);
    }
    rig_tick(rig, bad);
    assert_int_equal(rig->notices_count, 1);
    assert_int_equal(rig_told(rig)->count, 50);
    assert_int_equal(rig_told(rig)->more, 10);
    assert_int_equal(rig_told(rig)->first->severity, ALERT_CRITICAL);
    assert_string_equal(rig_told(rig)->title, "60 alerts: 50 x r");
    rig_ticks(rig, 59, good);
    assert_int_equal(rig->notices_count, 1); /* cooldown */
    rig_tick(rig, good);
    assert_int_equal(rig->notices_count, 2); /* all resolutions in one */
    assert_int_equal(rig_told(rig)->count + rig_told(rig)->more, 60);
    assert_int_equal(rig_told(rig)->held_back, 0);
    rig_ticks(rig, 61, good);
    assert_int_equal(rig->alerts->incidents_count, 0); /* nothing is left of it */
    end(rig);
}

static void test_rate(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, LEVEL, NULL);
    char samples[512] = "";
    for (int i = 0; i < 20; i++) { /* one more every second */
        snprintf(samples + strlen(samples), sizeof(samples) - strlen(samples), "d%d=6 ", i);
        rig_tick(rig, samples);
    }
    assert_int_equal(rig->notices_count, 5);
    struct alerts_stats stats;
    alerts_stats(rig->alerts, &stats);
    assert_int_equal(stats.waiting, 15);
    rig_ticks(rig, 41, samples); /* 61 s after the first */
    assert_int_equal(rig->notices_count, 5);
    rig_tick(rig, samples);
    assert_int_equal(rig->notices_count, 6);
    assert_int_equal(rig_told(rig)->count, 15); /* all that waited */
    end(rig);
}

/* A resolution waits like everything else, and is not dropped. */
static void test_resolved_waits(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig->settings.cooldown_ms = 0;
    alerts_free(rig->alerts);
    rig_open(rig);
    rig_rules(rig, LEVEL, NULL);
    for (int i = 0; i < 3; i++) {
        rig_tick(rig, "a=6");
        rig_tick(rig, "a=0");
    }
    assert_int_equal(rig->notices_count, 5);
    assert_int_equal(rig_told(rig)->first->state, ALERT_FIRING);
    rig_ticks(rig, 54, "a=0");
    assert_int_equal(rig->notices_count, 5);
    rig_ticks(rig, 2, "a=0");
    assert_int_equal(rig->notices_count, 6);
    assert_int_equal(rig_told(rig)->first->state, ALERT_RESOLVED);
    end(rig);
}

static void test_channels(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, "name=x metric=test_level match=device=a warning=5 channels=ops channels=log",
              "name=y metric=test_level match=device=b warning=5",
              "name=z metric=test_level match=device=c warning=5 channels=nowhere", NULL);
    rig_tick(rig, "a=6");
    assert_int_equal(rig->notices_count, 2);
    assert_int_equal(rig->notices[0].channel, 1);
    assert_int_equal(rig->notices[1].channel, 2);
    rig_tick(rig, "a=6 b=6");
    assert_int_equal(rig->notices_count, 3);
    assert_int_equal(rig->notices[2].channel, 0);
    rig_tick(rig, "a=6 b=6 c=6"); /* its channel does not exist: better told somewhere */
    assert_int_equal(rig->notices_count, 4);
    assert_int_equal(rig->notices[3].channel, 0);
    struct rule_set *set = board_rules(rig->board);
    assert_string_equal(set->rules[2].note, "there is no channel nowhere");
    assert_int_equal(set->rules[2].active, 1);
    message_unref(&set->msg);
    end(rig);
}

static void test_acknowledge(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, LEVEL " repeat=2m", NULL);
    rig_tick(rig, "a=6");
    uint64_t id = rig_last(rig)->id;
    assert_int_equal(alerts_acknowledge(rig->alerts, id + 1, "me", rig_now(rig)), -ENOENT);
    assert_int_equal(alerts_acknowledge(rig->alerts, id, "me <me@example.net>\r\n", rig_now(rig)),
                     0);
    assert_int_equal(rig_last(rig)->state, ALERT_ACKNOWLEDGED);
    assert_string_equal(rig_last(rig)->by, "me <me@example.net>  ");
    assert_int_equal(alerts_acknowledge(rig->alerts, id, "me", rig_now(rig)), -EALREADY);
    rig_ticks(rig, 300, "a=6");
    assert_int_equal(rig->notices_count, 1); /* no repeats */
    rig_tick(rig, "a=9");                    /* that is not what was acknowledged */
    assert_int_equal(rig_last(rig)->state, ALERT_FIRING);
    assert_int_equal(rig->notices_count, 2);
    assert_int_equal(alerts_acknowledge(rig->alerts, id, "me", rig_now(rig)), 0);
    rig_ticks(rig, 100, "a=6"); /* less severe: still known */
    assert_int_equal(rig_last(rig)->state, ALERT_ACKNOWLEDGED);
    assert_int_equal(rig->notices_count, 2);
    rig_tick(rig, "a=0");
    assert_int_equal(rig->notices_count, 3);
    assert_int_equal(rig_told(rig)->first->state, ALERT_RESOLVED);
    assert_int_equal(alerts_acknowledge(rig->alerts, id, "me", rig_now(rig)), -ENOENT);
    end(rig);
}

static void test_repeat(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, LEVEL " repeat=2m", NULL);
    rig_tick(rig, "a=6");
    rig_ticks(rig, 119, "a=6");
    assert_int_equal(rig->notices_count, 1);
    rig_tick(rig, "a=6");
    assert_int_equal(rig->notices_count, 2);
    rig_ticks(rig, 120, "a=6");
    assert_int_equal(rig->notices_count, 3);
    assert_int_equal(rig->changes_count, 1); /* it did not change */
    end(rig);
}

static struct silence silence_of(const struct rig *rig, const char *rule, const char *series,
                                 int64_t for_ms)
{
    struct silence s = {.from_ms = rig_now(rig), .to_ms = rig_now(rig) + for_ms};
    snprintf(s.rule, sizeof(s.rule), "%s", rule);
    snprintf(s.series, sizeof(s.series), "%s", series);
    return s;
}

static void test_silence(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, LEVEL, NULL);
    rig_tick(rig, "a=0 b=0 c=0");
    uint64_t id;
    struct silence s = silence_of(rig, "r*", "*device=\"[ab]\"*", 100000);
    assert_int_equal(alerts_add_silence(rig->alerts, &s, rig_now(rig), &id), 0);
    assert_int_equal(rig->kept_silences, 1);
    rig_tick(rig, "a=6 b=0 c=6");
    assert_int_equal(rig->notices_count, 1);
    assert_string_equal(rig_told(rig)->first->series, "test_level{device=\"c\"}");
    struct alert_set *set = board_alerts(rig->board);
    assert_int_equal(set->count, 2); /* the board has them all */
    size_t silenced = 0;
    for (size_t i = 0; i < set->count; i++)
        silenced += set->alerts[i]->state == ALERT_SILENCED && set->alerts[i]->silence_id == id;
    assert_int_equal(silenced, 1);
    alert_set_unref(set);
    rig_ticks(rig, 10, "a=6 b=6 c=6");
    rig_ticks(rig, 10, "a=6 b=0 c=6"); /* b came and went: never told */
    assert_int_equal(rig->notices_count, 1);
    rig_ticks(rig, 78, "a=6 b=0 c=6");
    assert_int_equal(rig->notices_count, 1);
    rig_tick(rig, "a=6 b=0 c=6"); /* it has ended: a is told now */
    assert_int_equal(rig->notices_count, 2);
    assert_string_equal(rig_told(rig)->first->series, "test_level{device=\"a\"}");
    assert_int_equal(rig_told(rig)->first->state, ALERT_FIRING);
    assert_int_equal(rig_told(rig)->count, 1);
    assert_int_equal(alerts_end_silence(rig->alerts, id, rig_now(rig)), -EALREADY);
    assert_int_equal(alerts_end_silence(rig->alerts, 77, rig_now(rig)), -ENOENT);
    end(rig);
}

/* Told as firing, over while silenced: told when the silence is lifted. */
static void test_silence_lifted(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, LEVEL, NULL);
    rig_tick(rig, "a=6");
    assert_int_equal(rig->notices_count, 1);
    uint64_t id;
    struct silence s = silence_of(rig, "*", "*", 1000000000);
    assert_int_equal(alerts_add_silence(rig->alerts, &s, rig_now(rig), &id), 0);
    assert_int_equal(rig_last(rig)->state, ALERT_SILENCED);
    rig_ticks(rig, 100, "a=0");
    assert_int_equal(rig_last(rig)->state, ALERT_RESOLVED);
    assert_int_equal(rig->notices_count, 1);
    assert_int_equal(alerts_end_silence(rig->alerts, id, rig_now(rig)), 0);
    rig_tick(rig, "a=0");
    assert_int_equal(rig->notices_count, 2);
    assert_int_equal(rig_told(rig)->first->state, ALERT_RESOLVED);
    end(rig);
}

static void test_silences_bounded(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_tick(rig, "a=0");
    uint64_t id = 0;
    struct silence s = silence_of(rig, "x", "*", 1000000000);
    for (int i = 0; i < SILENCES_MAX; i++)
        assert_int_equal(alerts_add_silence(rig->alerts, &s, rig_now(rig), &id), 0);
    assert_int_equal(alerts_add_silence(rig->alerts, &s, rig_now(rig), &id), -ENOSPC);
    assert_int_equal(alerts_end_silence(rig->alerts, 500, rig_now(rig)), 0);
    assert_int_equal(alerts_add_silence(rig->alerts, &s, rig_now(rig), &id), 0);
    struct silence_set *set = board_silences(rig->board);
    assert_int_equal(set->count, SILENCES_MAX);
    for (size_t i = 1; i < set->count; i++)
        assert_true(set->silences[i - 1].id < set->silences[i].id);
    silence_set_unref(set);
    end(rig);
}

/* Whom a rule does not name any more still hears of the end of what he was told, and only of that.
 */
static void test_channel_left(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, LEVEL " channels=log", NULL);
    rig_tick(rig, "a=6");
    assert_int_equal(rig_told(rig)->channel, 1);
    rig_rules(rig, LEVEL " channels=ops", NULL);
    rig_tick(rig, "a=6");
    assert_int_equal(rig->notices_count, 2);
    assert_int_equal(rig_told(rig)->channel, 2);
    rig_ticks(rig, 70, "a=6");
    rig_tick(rig, "a=8");
    assert_int_equal(rig->notices_count, 3); /* critical: ops alone */
    assert_int_equal(rig_told(rig)->channel, 2);
    rig_ticks(rig, 70, "a=8");
    rig_tick(rig, "a=0");
    assert_int_equal(rig->notices_count, 5);
    for (size_t i = 3; i < 5; i++) {
        assert_int_equal(rig->notices[i].channel, i - 2);
        assert_int_equal(rig->notices[i].first->state, ALERT_RESOLVED);
        assert_int_equal(rig->notices[i].held_back, 0);
    }
    rig_ticks(rig, 70, "a=0");
    assert_int_equal(rig->alerts->incidents_count, 0);
    rig_tick(rig, "a=6");
    assert_int_equal(rig->notices_count, 6);
    end(rig);
}

#define LINK "name=link metric=up when=below critical=1 for=2s mutes=device"

/* A link that is down mutes what is about the same device, from the moment that it is seen. */
static void test_mute(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, LINK, LEVEL, NULL);
    rig_tick(rig, "a=0 b=0 up/a=1 up/b=1");
    rig_tick(rig, "a=6 b=6 up/a=0 up/b=1");
    assert_int_equal(rig->notices_count, 1);
    assert_int_equal(rig_told(rig)->count, 1);
    assert_string_equal(rig_told(rig)->first->series, "test_level{device=\"b\"}");
    rig_ticks(rig, 2, "a=6 b=6 up/a=0 up/b=1");
    assert_int_equal(rig->notices_count, 2);
    assert_string_equal(rig_told(rig)->first->rule, "link");
    struct alert_set *set = board_alerts(rig->board);
    assert_int_equal(set->count, 3);
    assert_string_equal(set->alerts[0]->rule, "link"); /* the worst first */
    uint64_t link = set->alerts[0]->id;
    for (size_t i = 1; i < set->count; i++)
        assert_int_equal(set->alerts[i]->inhibited_by,
                         strstr(set->alerts[i]->series, "\"a\"") ? link : 0);
    alert_set_unref(set);
    struct alerts_stats stats;
    alerts_stats(rig->alerts, &stats);
    assert_int_equal(stats.inhibited, 1);
    rig_ticks(rig, 70, "a=6 b=6 up/a=0 up/b=1");
    assert_int_equal(rig->notices_count, 2);
    rig_tick(rig, "a=6 b=6 up/a=1 up/b=1"); /* back: what is still wrong is told */
    assert_int_equal(rig->notices_count, 3);
    assert_int_equal(rig_told(rig)->count, 2);
    assert_string_equal(rig_told(rig)->first->series, "test_level{device=\"a\"}");
    assert_int_equal(rig_told(rig)->first->state, ALERT_FIRING);
    assert_int_equal(rig_told(rig)->first->inhibited_by, 0);
    end(rig);
}

/* What was wrong and is over while it was muted is never spoken of. */
static void test_mute_over(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, LINK, LEVEL, NULL);
    rig_tick(rig, "a=0 up/a=0");
    rig_ticks(rig, 5, "a=6 up/a=0");
    rig_ticks(rig, 5, "a=0 up/a=0");
    rig_ticks(rig, 200, "a=0 up/a=1");
    assert_int_equal(rig->notices_count, 2);
    assert_string_equal(rig->notices[0].first->rule, "link");
    assert_string_equal(rig->notices[1].first->rule, "link");
    assert_int_equal(rig->alerts->incidents_count, 0);
    end(rig);
}

static void test_test(void **state)
{
    (void)state;
    struct rig *rig = start();
    rig_rules(rig, LEVEL, NULL);
    rig_tick(rig, "a=0");
    assert_int_equal(alerts_test_channel(rig->alerts, "nobody", rig_now(rig)), -ENOENT);
    for (int i = 0; i < 7; i++) /* past the limit … */
        assert_int_equal(alerts_test_channel(rig->alerts, "websocket", rig_now(rig)), 0);
    assert_int_equal(rig->notices_count, 7);
    assert_true(rig_told(rig)->test);
    assert_string_equal(rig_told(rig)->title,
                        "Test: this is what an alert on channel websocket looks like");
    rig_tick(rig, "a=6"); /* … but counted by it */
    assert_int_equal(rig->notices_count, 7);
    rig_ticks(rig, 60, "a=6");
    assert_int_equal(rig->notices_count, 7);
    rig_tick(rig, "a=6");
    assert_int_equal(rig->notices_count, 8);
    end(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_cooldown),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_resolved_waits),
        cmocka_unit_test(test_channels),
        cmocka_unit_test(test_acknowledge),
        cmocka_unit_test(test_repeat),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_silence_lifted),
        cmocka_unit_test(test_silences_bounded),
        cmocka_unit_test(test_mute),
        cmocka_unit_test(test_mute_over),
        cmocka_unit_test(test_channel_left),
        cmocka_unit_test(test_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

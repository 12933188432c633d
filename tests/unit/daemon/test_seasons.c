/*
 * test_seasons.c: what detectors are taught: the hours that a history on disk has of just the
 * series that is watched, once; and a series without any is begun as well. The alerts are those of
 * src/alert but for alerts_learn, which this program watches.
 */
#include "../hub/maker.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alert/alerts.h"
#include "base/mem.h"
#include "daemon/seasons.h"
#include "http/assets.h"
#include "store/store.h"

/* No dashboard is needed here. */
const struct asset assets[] = {{0}};
const size_t assets_count = 0;

#define HOUR_MS INT64_C(3600000)
#define HOURS (15 * 24)

static struct {
    size_t calls, hours;
    uint32_t ids[8];
    struct past_hour past[HOURS + 24];
} learned;

void __wrap_alerts_learn(struct alerts *a, uint32_t series_id, const struct past_hour *hours,
                         size_t count);

void __wrap_alerts_learn(struct alerts *a, uint32_t series_id, const struct past_hour *hours,
                         size_t count)
{
    (void)a;
    assert_true(learned.calls < ARRAY_LEN(learned.ids) && count <= ARRAY_LEN(learned.past));
    learned.ids[learned.calls++] = series_id;
    if (count)
        memcpy(learned.past, hours, count * sizeof(hours[0]));
    learned.hours += count;
}

struct rig {
    char dir[64];
    struct maker maker;
    struct board *board;
    struct alerts *alerts;
    uv_loop_t uv;
    struct seasons *seasons;
};

static void ignore_changed(void *user, struct alert *a)
{
    (void)user;
    (void)a;
}

static void ignore_notice(void *user, size_t channel, struct notice *n)
{
    (void)user;
    (void)channel;
    (void)n;
}

static struct rule *anomaly_rule(void)
{
    struct rule_draft *d = rule_draft_new(RULE_FROM_FILE);
    static const char *const keys[][2] = {
        {"name", "odd"}, {"metric", "node_network_receive_bytes_total"}, {"anomaly", "on"}};
    struct rule *r;
    const char *key;
    char why[256];
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_int_equal(rule_draft_set(d, keys[i][0], keys[i][1], why, sizeof(why)), 0);
    assert_int_equal(rule_draft_finish(d, &r, &key, why, sizeof(why)), 0);
    return r;
}

static void rig_begin(struct rig *r)
{
    static const struct alerts_ops ops = {.changed = ignore_changed, .notice = ignore_notice};
    static const char *const channels[] = {"websocket", "log"};
    memset(&learned, 0, sizeof(learned));
    *r = (struct rig){.dir = "/tmp/netsonde-seasons-XXXXXX", .maker = maker_new(60000)};
    assert_non_null(mkdtemp(r->dir));
    r->board = board_new();
    struct alerts_settings settings = {.detect = BANK_SETTINGS_DEFAULT,
                                       .rate_count = 5,
                                       .rate_ms = 60000,
                                       .channels = channels,
                                       .channels_count = 2,
                                       .board = r->board};
    r->alerts = alerts_new(&settings, &ops, NULL);
    struct rule *rule = anomaly_rule();
    alerts_set_rules(r->alerts, &rule, 1);
    rule_unref(rule);
    assert_int_equal(uv_loop_init(&r->uv), 0);
    r->seasons = seasons_new(&r->uv, r->dir, r->alerts);
}

static void rig_end(struct rig *r)
{
    char command[128];
    seasons_close(r->seasons);
    uv_run(&r->uv, UV_RUN_DEFAULT);
    seasons_free(r->seasons);
    assert_int_equal(uv_loop_close(&r->uv), 0);
    alerts_free(r->alerts);
    board_free(r->board);
    maker_free(&r->maker);
    snprintf(command, sizeof(command), "rm -r %s", r->dir);
    assert_int_equal(system(command), 0);
}

/* A minute: eth0 has twice the hour of the day, in bytes a second; eth0.5 something else. */
static struct tick *minute(struct rig *r, uint64_t *counts)
{
    struct maker *m = &r->maker;
    maker_begin(m);
    counts[0] += (uint64_t)(m->t_ms / HOUR_MS % 24) * 2 * 60 + (m->seq % 2 ? 60 : 0);
    counts[1] += 1000000;
    draft_counter(m->draft, maker_series(m, &maker_bytes, "eth0"), counts[0], 1);
    draft_counter(m->draft, maker_series(m, &maker_bytes, "eth0.5"), counts[1], 1);
    draft_counter(m->draft, maker_series(m, &maker_packets, "eth0"), counts[1], 1);
    return maker_end(m);
}

/* Six minutes after it was begun. */
static void look(struct seasons *s, const struct tick *t)
{
    seasons_tick(s, t->t_ms, t->interval_ms, t->sealed_mono_ns);
    seasons_tick(s, t->t_ms, t->interval_ms, t->sealed_mono_ns + 360 * NS_PER_S);
}

static void run_all(struct rig *r, struct tick *t)
{
    alerts_step(r->alerts, t);
    for (int i = 0; i < 4; i++) { /* one series after the other, and once more in vain */
        look(r->seasons, t);
        uv_run(&r->uv, UV_RUN_DEFAULT);
    }
}

static void test_hours(void **state)
{
    (void)state;
    struct rig r;
    rig_begin(&r);
    struct store_settings settings = STORE_SETTINGS_DEFAULT;
    struct store *store;
    struct tick *t = NULL;
    uint64_t counts[2] = {0};
    assert_int_equal(store_open(r.dir, &settings, &store, NULL), 0);
    for (int i = 0; i < HOURS * 60; i++) {
        tick_unref(t);
        t = minute(&r, counts);
        assert_int_equal(store_write(store, t), 0);
        while (store_work(store)) {
        }
    }
    store_close(store, NULL);
    run_all(&r, t);
    tick_unref(t);
    assert_int_equal(learned.calls, 2); /* each of the two that are watched, once */
    assert_int_not_equal(learned.ids[0], learned.ids[1]);
    assert_in_range(learned.hours, 2 * (HOURS - 24), 2 * HOURS);
    bool second = learned.past[0].mean > 1000; /* eth0.5 was read last */
    for (size_t i = 0; i < learned.hours / 2; i++) {
        double wanted =
            second ? 1000000.0 / 60 : (double)(learned.past[i].t_ms / HOUR_MS % 24) * 2 + 0.5;
        assert_true(fabs(learned.past[i].mean - wanted) < 0.2);
        assert_true(second ? learned.past[i].sigma < 1e-6
                           : fabs(learned.past[i].sigma - 0.5) < 0.1);
    }
    rig_end(&r);
}

static void test_no_history(void **state)
{
    (void)state;
    struct rig r;
    uint64_t counts[2] = {0};
    rig_begin(&r);
    tick_unref(minute(&r, counts)); /* a rate needs two */
    struct tick *t = minute(&r, counts);
    run_all(&r, t);
    tick_unref(t);
    assert_int_equal(learned.calls, 2);
    assert_int_equal(learned.hours, 0);
    rig_end(&r);
}

/* A history that cannot be read now is read a minute later. */
static void test_unreadable(void **state)
{
    (void)state;
    struct rig r;
    char path[96];
    uint64_t counts[2] = {0};
    rig_begin(&r);
    snprintf(path, sizeof(path), "%s/netsonde.db", r.dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < 4096; i++)
        fputs("no database", f);
    fclose(f);
    struct tick *t = minute(&r, counts);
    run_all(&r, t);
    assert_int_equal(learned.calls, 0);
    assert_int_equal(unlink(path), 0);
    for (int64_t later = 1; later <= 3; later++) {
        seasons_tick(r.seasons, t->t_ms, t->interval_ms,
                     t->sealed_mono_ns + (360 + later * 61) * NS_PER_S);
        uv_run(&r.uv, UV_RUN_DEFAULT);
    }
    assert_int_equal(learned.calls, 2);
    assert_int_not_equal(learned.ids[0], learned.ids[1]);
    tick_unref(t);
    rig_end(&r);
}

/* The loop ends while something is being read. */
static void test_close(void **state)
{
    (void)state;
    struct rig r;
    uint64_t counts[2] = {0};
    rig_begin(&r);
    struct tick *t = minute(&r, counts);
    alerts_step(r.alerts, t);
    look(r.seasons, t);
    tick_unref(t);
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hours),
        cmocka_unit_test(test_no_history),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_close),
    };
    return cmocka_run_group_tests_name("daemon/seasons", tests, NULL, NULL);
}

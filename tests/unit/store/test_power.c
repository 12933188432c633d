/*
 * test_power.c: the power is cut at any instant: while a tick is written, a span sealed, old ones
 * put together, the log moved into the database, and while it is opened and closed. With `durable`
 * nothing that was acknowledged is lost; without it a tail of ticks is, and never the database.
 * STORE_CUTS in the environment says how often (400), STORE_SEED which ones.
 */
#include "chronicle.h"
#include "power_vfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/alerts.h"

#define LIVES 10 /* of one database */

/* What alerting keeps: one thing of each kind, changed again and again; the number of the change.
 */
struct kept {
    uint64_t tried, acknowledged;
};

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void keep(struct chronicle *c, struct kept *kept)
{
    uint64_t n = ++kept->tried;
    char text[24], name[] = "warning";
    snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    struct stored_key key = {.key = name, .value = text};
    store_keep_rule(c->store, "rule", &key, 1);
    struct silence silence = {.id = 1, .rule = "*", .series = "*", .to_ms = INT64_MAX};
    snprintf(silence.comment, sizeof(silence.comment), "%s", text);
    store_keep_silence(c->store, &silence);
    struct alert *a = alert_new();
    a->id = 1;
    a->seq = n;
    a->state = ALERT_FIRING;
    a->pending_ms = a->started_ms = a->changed_ms = 1000;
    alert_text(&a->rule, "rule");
    alert_text(&a->series, "bytes_total{n=\"0\"}");
    store_keep_alert(c->store, a);
    alert_unref(a);
    if (store_write_kept(c->store) == 0)
        kept->acknowledged = n;
}

/* Of all three the newest that was acknowledged, or one that was tried later. */
static void check_kept(struct chronicle *c, struct kept *kept)
{
    struct stored_alerts found;
    assert_int_equal(store_restore_alerts(c->store, &found), 0);
    uint64_t rule = 0, silence = 0, alert = 0;
    assert_true(found.rules_count <= 1 && found.silences_count <= 1 && found.alerts_count <= 1);
    if (found.rules_count)
        rule = strtoull(found.rules[0].keys[0].value, NULL, 10);
    if (found.silences_count)
        silence = strtoull(found.silences[0].comment, NULL, 10);
    if (found.alerts_count)
        alert = found.alerts[0]->seq;
    if (rule < kept->acknowledged || rule > kept->tried || silence != rule || alert != rule)
        fail_msg("rule %llu, silence %llu, alert %llu; acknowledged is %llu",
                 (unsigned long long)rule, (unsigned long long)silence, (unsigned long long)alert,
                 (unsigned long long)kept->acknowledged);
    kept->acknowledged = rule;
    stored_alerts_fini(&found);
}

/* Until the power goes, or as many ticks are written. */
static void live(struct chronicle *c, struct kept *kept)
{
    struct store_error err;
    uint64_t ticks = chronicle_random(c, 150);
    power_cut(1 + chronicle_random(c, 1U << (2 + chronicle_random(c, 10))));
    if (chronicle_open(c, &err) < 0) {
        assert_true(power_is_off());
        return;
    }
    check_kept(c, kept);
    while (ticks-- > 0 && !power_is_off()) {
        chronicle_write(c);
        chronicle_work(c, (int)chronicle_random(c, 6));
        if (chronicle_random(c, 10) == 0)
            keep(c, kept);
    }
    assert_int_equal(store_stats(c->store).set_aside, 0);
    chronicle_close(c, chronicle_random(c, 2));
}

static bool was_acknowledged(const struct entry *e)
{
    return e->acknowledged;
}

/* Of the ticks since the power came the first ones are there. */
static void check_tail(struct chronicle *c)
{
    bool lost = false;
    for (size_t i = c->run_from; i < c->count; i++) {
        if (lost && c->entries[i].present)
            fail_msg("tick %zu is there, but not one before it", i - c->run_from);
        lost = lost || !c->entries[i].present;
    }
}

static void check_life(struct chronicle *c, struct kept *kept)
{
    struct store_error err;
    if (!c->settings.durable)
        kept->acknowledged = 0;
    for (size_t i = c->run_from; !c->settings.durable && i < c->count; i++)
        c->entries[i].acknowledged = false;
    size_t run_from = c->run_from;
    if (chronicle_open(c, &err) < 0)
        fail_msg("%s", err.text);
    c->run_from = run_from;
    struct store_note note;
    if (store_take_note(c->store, &note))
        fail_msg("note: %s", note.text);
    assert_int_equal(chronicle_count_aside(c), 0);
    chronicle_check(c, was_acknowledged);
    check_tail(c);
    check_kept(c, kept);
    for (size_t i = 0; i < c->count; i++)
        c->entries[i].acknowledged = c->entries[i].present;
    chronicle_close(c, true);
}

static uint64_t seed;

static void run(bool durable)
{
    uint64_t cuts = setting("STORE_CUTS", 400) / 2;
    size_t present = 0, ticks = 0, off = 0;
    uint64_t sealed = 0, folded = 0;
    for (; cuts > 0; cuts -= MIN(cuts, (uint64_t)LIVES)) {
        struct chronicle c;
        struct kept kept = {0};
        chronicle_init(&c, ++seed);
        c.settings.durable = durable;
        for (uint64_t n = MIN(cuts, (uint64_t)LIVES); n > 0; n--) {
            power_begin(c.dir, true);
            live(&c, &kept);
            off += power_is_off();
            if (!power_is_off())
                power_cut(0);
            power_restore(chronicle_random(&c, 1U << 30));
            chronicle_reboot(&c);
            check_life(&c, &kept);
            chronicle_reboot(&c);
        }
        present += c.present;
        ticks += c.count;
        sealed += c.sealed;
        folded += c.folded;
        power_end();
        chronicle_fini(&c);
    }
    print_message("%zu of %zu ticks are there; %zu cuts came in the middle of something\n", present,
                  ticks, off);
    assert_true(present > 0 && off > 0 && sealed > 0 && folded > 0);
}

static void test_durable(void **state)
{
    (void)state;
    run(true);
}

static void test_normal(void **state)
{
    (void)state;
    run(false);
}

/* The disk itself is as forgetful as it claims to be: what is acknowledged without a sync is lost
 * sometimes, or the tests above would see nothing. */
static void test_forgets(void **state)
{
    (void)state;
    size_t lost = 0;
    for (uint64_t i = 0; i < 8; i++) {
        struct chronicle c;
        struct store_error err;
        chronicle_init(&c, 1000 + i);
        assert_int_equal(chronicle_open(&c, &err), 0);
        chronicle_close(&c, true);
        power_begin(c.dir, true);
        assert_int_equal(chronicle_open(&c, &err), 0);
        for (int n = 0; n < 5; n++)
            assert_true(chronicle_write(&c));
        power_cut(0);
        chronicle_close(&c, true);
        power_restore(i);
        chronicle_check(&c, NULL);
        lost += c.present < 5;
        power_end();
        chronicle_fini(&c);
    }
    assert_true(lost > 0 && lost < 8);
}

int main(void)
{
    seed = setting("STORE_SEED", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forgets),
        cmocka_unit_test(test_durable),
        cmocka_unit_test(test_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * test_recorder.c: what the core thread hands to the recorder is what a restart finds; what finds
 * its queue full is counted, told as a loss, and takes no tick's room.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alert/rule.h"
#include "base/mem.h"
#include "base/timing.h"
#include "collect/select.h"
#include "daemon/core.h"
#include "daemon/recorder.h"
#include "daemon/stored_rules.h"
#include "http/assets.h"
#include "model/alert.h"
#include "model/silence.h"
#include "model/tick.h"
#include "store/alerts.h"
#include "store/store.h"

#define CHANGES 16384 /* RECORDER_CHANGES */
#define WAIT_MS 10000

/* The dashboard, which only the executable has. */
const struct asset assets[] = {{0}};
const size_t assets_count = 0;

static const struct timing_bounds bounds = {.count = 1, .ns = {1000000}};

struct bench {
    char directory[64];
    struct store *store;
    struct core *core;
    struct recorder *recorder;
};

static void start(struct bench *b)
{
    *b = (struct bench){0};
    strcpy(b->directory, "/tmp/test_recorder.XXXXXX");
    assert_non_null(mkdtemp(b->directory));
    const struct store_settings store = STORE_SETTINGS_DEFAULT;
    assert_int_equal(store_open(b->directory, &store, &b->store, NULL), 0);
    const struct engine_settings engines = {
        .proc_root = "/proc", .sys_root = "/sys", .interval_ms = 50};
    struct store_numbers next = store_next(b->store);
    struct core_settings settings = {.registry = registry_new(20000, next.series_id),
                                     .interval_ms = 50,
                                     .next_seq = next.tick_seq,
                                     .next_event_seq = next.event_seq};
    const char *bad = NULL;
    assert_int_equal(collector_new(&settings.collector, &engines, NULL, 0, &bad), 0);
    assert_int_equal(collector_open(settings.collector), 0);
    b->core = core_new(&settings);
    assert_non_null(b->core);
    b->recorder = recorder_new(b->store, b->core, &bounds);
    assert_non_null(b->recorder);
}

/* As cmd_run.c does it; what is on disk then. */
static void stop(struct bench *b, struct stored_alerts *ret)
{
    core_stop(b->core);
    core_join(b->core);
    recorder_stop(b->recorder);
    recorder_join(b->recorder);
    recorder_free(b->recorder);
    store_close(b->store, NULL);
    core_free(b->core);
    const struct store_settings store = STORE_SETTINGS_DEFAULT;
    assert_int_equal(store_open(b->directory, &store, &b->store, NULL), 0);
    assert_int_equal(store_restore_alerts(b->store, ret), 0);
    store_close(b->store, NULL);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void end(struct bench *b, struct stored_alerts *got)
{
    stored_alerts_fini(got);
    nftw(b->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void post_alert(struct bench *b, uint64_t id, uint64_t seq)
{
    struct alert *a = alert_new();
    a->id = id;
    a->seq = seq;
    a->state = ALERT_FIRING;
    a->started_ms = a->changed_ms = 1764000000000;
    alert_text(&a->rule, "link_down");
    recorder_alert(b->recorder, a);
    alert_unref(a);
}

static struct rule *make_rule(const char *name, const char *warning)
{
    char why[256];
    const char *key;
    struct rule *rule;
    struct rule_draft *d = rule_draft_new(RULE_FROM_API);
    assert_int_equal(rule_draft_set(d, "name", name, why, sizeof(why)), 0);
    assert_int_equal(rule_draft_set(d, "metric", "node_*", why, sizeof(why)), 0);
    assert_int_equal(rule_draft_set(d, "match", "device=e*", why, sizeof(why)), 0);
    assert_int_equal(rule_draft_set(d, "warning", warning, why, sizeof(why)), 0);
    assert_int_equal(rule_draft_finish(d, &rule, &key, why, sizeof(why)), 0);
    return rule;
}

static void post_rule(struct bench *b, const char *name, const char *warning)
{
    struct rule *rule = make_rule(name, warning);
    recorder_rule(b->recorder, name, rule);
    rule_unref(rule);
}

static const char *value_of(const struct stored_rule *rule, const char *key)
{
    for (size_t i = 0; i < rule->count; i++) {
        if (strcmp(rule->keys[i].key, key) == 0)
            return rule->keys[i].value;
    }
    return "";
}

/* The rule itself comes back, and none that lacks something or has what nobody knows. */
static void check_read(const struct stored_rule *stored)
{
    char why[256], odd[] = "colour", blue[] = "blue";
    struct rule *rule = NULL;
    assert_int_equal(stored_rule_read(stored, &rule, why, sizeof(why)), 0);
    assert_int_equal(rule->source, RULE_FROM_API);
    assert_string_equal(rule->name, "a");
    assert_int_equal(rule->selector.matches_count, 1);
    assert_true(rule->warning == 7);
    rule_unref(rule);
    rule = NULL;
    const struct stored_rule part = {.count = 1, .keys = stored->keys};
    assert_int_equal(stored_rule_read(&part, &rule, why, sizeof(why)), -EINVAL);
    struct stored_key later[] = {stored->keys[0], {odd, blue}};
    const struct stored_rule of_later = {.count = 2, .keys = later};
    assert_int_equal(stored_rule_read(&of_later, &rule, why, sizeof(why)), -ENOENT);
    assert_non_null(strstr(why, "colour: "));
    assert_null(rule);
}

static void test_all_of_it(void **state)
{
    (void)state;
    struct bench b;
    struct stored_alerts got;
    start(&b);
    assert_int_equal(recorder_start(b.recorder), 0);
    assert_int_equal(core_start(b.core), 0);
    for (uint64_t seq = 1; seq <= 3000; seq++)
        post_alert(&b, 1 + seq % 1000, seq);
    post_rule(&b, "a", "5");
    post_rule(&b, "b", "6");
    post_rule(&b, "a", "7");
    recorder_rule(b.recorder, "b", NULL);
    struct silence silence = {.id = 4, .rule = "*", .series = "*", .to_ms = INT64_MAX};
    recorder_silence(b.recorder, &silence);
    stop(&b, &got);
    assert_int_equal(got.alerts_count, 1000);
    for (size_t i = 0; i < got.alerts_count; i++)
        assert_true(got.alerts[i]->seq > 2000); /* each in its newest state */
    assert_int_equal(got.rules_count, 1);
    assert_string_equal(got.rules[0].name, "a");
    assert_string_equal(value_of(&got.rules[0], "name"), "a");
    assert_string_equal(value_of(&got.rules[0], "metric"), "node_*");
    assert_string_equal(value_of(&got.rules[0], "match"), "device=e*");
    assert_string_equal(value_of(&got.rules[0], "warning"), "7");
    check_read(&got.rules[0]);
    assert_int_equal(got.silences_count, 1);
    assert_int_equal(got.silences[0].id, 4);
    assert_string_equal(got.silences[0].series, "*");
    assert_int_equal(got.silences[0].to_ms, INT64_MAX);
    end(&b, &got);
}

struct seen {
    struct sink sink;
    int pipe[2];
    bool done;
};

/* Core thread: the loss arrives in a tick. */
static void seen_push(struct sink *sink, struct tick *tick)
{
    struct seen *s = CONTAINER_OF(sink, struct seen, sink);
    for (size_t i = 0; i < tick->events_count && !s->done; i++) {
        const char *reason = event_get_text(tick->events[i], "reason");
        s->done = tick->events[i]->kind == EVENT_LOSS && reason &&
                  strcmp(reason, "the disk is too slow: 7 changes of alerts were not written") == 0;
        if (s->done)
            assert_int_equal(write(s->pipe[1], "!", 1), 1);
    }
}

static void test_full(void **state)
{
    (void)state;
    struct bench b;
    struct stored_alerts got;
    struct seen seen = {.sink = {.name = "seen", .push = seen_push}};
    assert_int_equal(pipe(seen.pipe), 0);
    start(&b);
    core_add_sink(b.core, recorder_sink(b.recorder));
    core_add_sink(b.core, &seen.sink);
    for (uint64_t i = 1; i <= CHANGES + 7; i++) /* nobody takes them yet */
        post_alert(&b, i, i);
    assert_int_equal(recorder_changes_dropped(b.recorder), 7);
    assert_int_equal(recorder_dropped(b.recorder), 0);
    assert_int_equal(recorder_start(b.recorder), 0);
    assert_int_equal(core_start(b.core), 0);
    struct pollfd waiting = {.fd = seen.pipe[0], .events = POLLIN};
    assert_int_equal(poll(&waiting, 1, WAIT_MS), 1);
    assert_int_equal(recorder_dropped(b.recorder), 0);
    stop(&b, &got);
    assert_true(got.alerts_count > 0);
    assert_int_equal(got.alerts[got.alerts_count - 1]->id, CHANGES);
    end(&b, &got);
    close(seen.pipe[0]);
    close(seen.pipe[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_it),
        cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests_name("daemon/recorder", tests, NULL, NULL);
}

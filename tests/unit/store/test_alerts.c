/*
 * test_alerts.c: what alerting keeps: alerts, rules and silences are what a restart finds, in their
 * newest state, whatever the disk did meanwhile; pages against a plain loop; and what becomes of a
 * database of a version that knew nothing of them.
 */
#include "world.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/alerts.h"
#include "store/shelf.h"

static struct alert *make(uint64_t id, uint64_t seq, enum alert_state state, const char *rule)
{
    struct alert *a = alert_new();
    a->id = id;
    a->seq = seq;
    a->state = state;
    alert_text(&a->rule, rule);
    alert_text(&a->series, "m{device=\"eth0\"}");
    a->pending_ms = 1000;
    a->started_ms = 2000;
    a->changed_ms = 2000 + (int64_t)seq;
    a->resolved_ms = state == ALERT_RESOLVED ? a->changed_ms : 0;
    return a;
}

static void keep(struct world *w, struct alert *a)
{
    store_keep_alert(w->store, a);
    alert_unref(a);
}

static void restart(struct world *w, bool exact, struct stored_alerts *ret)
{
    world_close(w, exact);
    world_open(w);
    assert_int_equal(store_restore_alerts(w->store, ret), 0);
}

static void same_number(double a, double b)
{
    assert_true(isnan(a) ? isnan(b) : a == b);
}

static void same_alert(const struct alert *a, const struct alert *b)
{
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->severity, b->severity);
    assert_int_equal(a->reason, b->reason);
    assert_int_equal(a->series_id, b->series_id);
    assert_string_equal(a->rule, b->rule);
    assert_string_equal(a->series, b->series);
    assert_string_equal(a->unit, b->unit);
    assert_string_equal(a->summary, b->summary);
    assert_string_equal(a->by, b->by);
    same_number(a->value, b->value);
    same_number(a->threshold, b->threshold);
    same_number(a->z, b->z);
    assert_int_equal(a->changed_ms, b->changed_ms);
    assert_int_equal(a->pending_ms, b->pending_ms);
    assert_int_equal(a->started_ms, b->started_ms);
    assert_int_equal(a->resolved_ms, b->resolved_ms);
    assert_int_equal(a->silence_id, b->silence_id);
    assert_int_equal(a->inhibited_by, b->inhibited_by);
}

static struct alert_page *ask(const struct world *w, struct alert_query q)
{
    struct store_reader *reader;
    struct store_error err;
    struct alert_page *page;
    if (q.to_ms == 0)
        q.to_ms = INT64_MAX;
    assert_int_equal(store_reader_open(w->dir, &reader, &err), 0);
    if (store_alerts(reader, &q, &page, &err) < 0)
        fail_msg("%s", err.text);
    store_reader_close(reader);
    return page;
}

static size_t ask_total(const struct world *w, unsigned states)
{
    struct alert_page *page = ask(w, (struct alert_query){.states = states});
    size_t total = page->total;
    alert_page_free(page);
    return total;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct world w;
    struct stored_alerts got;
    world_init(&w, 1);
    world_open(&w);
    struct alert *a = make(INT64_C(1) << 52, INT64_C(1) << 51, ALERT_ACKNOWLEDGED, "r");
    alert_text(&a->series, "a{b=\"'; DROP TABLE alert; --\"}");
    alert_text(&a->unit, "bytes/s");
    alert_text(&a->summary, "\"quoted\", <b>\xf0\x9f\x90\xa2");
    alert_text(&a->by, "admin");
    a->severity = ALERT_CRITICAL;
    a->reason = ALERT_BY_ANOMALY;
    a->series_id = UINT32_MAX;
    a->value = -0.1;
    a->threshold = INFINITY;
    a->silence_id = 7;
    a->inhibited_by = 8;
    store_keep_alert(w.store, a);
    assert_int_equal(store_kept_waiting(w.store), 1);
    assert_true(store_work(w.store));
    assert_int_equal(store_kept_waiting(w.store), 0);
    assert_int_equal(world_ask_number(&w, "SELECT count(*) FROM alert"), 1);

    restart(&w, false, &got);
    assert_int_equal(got.alerts_count, 1);
    same_alert(got.alerts[0], a);
    stored_alerts_fini(&got);

    /* The same one, later: a row is replaced. */
    struct alert *over = alert_copy(a);
    over->seq++;
    over->state = ALERT_RESOLVED;
    over->resolved_ms = over->changed_ms = 99999;
    over->value = NAN;
    store_keep_alert(w.store, over);
    restart(&w, true, &got); /* closing writes it */
    assert_int_equal(got.alerts_count, 0);
    stored_alerts_fini(&got);
    struct alert_page *page = ask(&w, (struct alert_query){.limit = 10});
    assert_int_equal(page->total, 1);
    assert_int_equal(page->count, 1);
    same_alert(page->alerts[0], over);
    alert_page_free(page);
    alert_unref(a);
    alert_unref(over);
    world_fini(&w);
}

static void test_order_of_many(void **state)
{
    (void)state;
    struct world w;
    struct stored_alerts got;
    world_init(&w, 2);
    world_open(&w);
    world_write(&w);
    for (uint64_t id = 1; id <= 1001; id++)
        keep(&w, make(id, id, ALERT_FIRING, "many"));
    assert_int_equal(store_kept_waiting(w.store), 1001);
    assert_int_equal(store_write_kept(w.store), 0);
    assert_int_equal(store_stats(w.store).alerts_written, 1001);
    restart(&w, true, &got);
    assert_int_equal(got.alerts_count, 1001);
    for (size_t i = 0; i < got.alerts_count; i++)
        assert_int_equal(got.alerts[i]->id, i + 1);
    stored_alerts_fini(&got);
    world_fini(&w);
}

/* ---- numbers ------------------------------------------------------------------------------- */

static void test_numbers(void **state)
{
    (void)state;
    struct world w;
    struct stored_alerts got;
    world_init(&w, 3);
    world_open(&w);
    struct store_alert_numbers next = store_next_alert(w.store);
    assert_int_equal(next.seq, 1);
    assert_int_equal(next.id, 1);
    assert_int_equal(next.silence_id, 1);
    keep(&w, make(5, 9, ALERT_FIRING, "r"));
    world_write(&w);

    restart(&w, false, &got); /* as after kill -9: beyond what may have been given out */
    stored_alerts_fini(&got);
    next = store_next_alert(w.store);
    assert_true(next.seq > 9 && next.id > 5 && next.silence_id > 1);

    next.seq += 10, next.id += 20, next.silence_id += 30;
    store_set_alert_numbers(w.store, &next);
    restart(&w, true, &got);
    stored_alerts_fini(&got);
    struct store_alert_numbers again = store_next_alert(w.store);
    assert_memory_equal(&again, &next, sizeof(next));

    /* Far more than was reserved at the start. */
    next.seq += UINT64_C(5) << 20;
    next.id += UINT64_C(5) << 24;
    keep(&w, make(next.id, next.seq, ALERT_FIRING, "r"));
    world_write(&w);
    assert_true(world_ask_number(&w, "SELECT value FROM meta WHERE name = 'next_alert'") >
                (int64_t)next.id);
    assert_true(world_ask_number(&w, "SELECT value FROM meta WHERE name = 'next_alert_seq'") >
                (int64_t)next.seq);
    world_close(&w, false);

    /* Whatever meta says, numbers in use lie below. */
    world_ask_number(&w, "UPDATE meta SET value = 3 WHERE name LIKE 'next_alert%' RETURNING 1");
    world_open(&w);
    again = store_next_alert(w.store);
    assert_int_equal(again.id, next.id + 1);
    assert_int_equal(again.seq, next.seq + 1);
    world_close(&w, false);

    /* Nobody knows which numbers a lost one used. */
    world_write_database(&w, "garbage, and nothing else", 25);
    world_forget(&w);
    world_open(&w);
    assert_int_equal(world_count_aside(&w), 1);
    again = store_next_alert(w.store);
    assert_true(again.id > (UINT64_C(1) << 50) && again.id < (UINT64_C(1) << 53));
    assert_true(again.seq > (UINT64_C(1) << 50) && again.silence_id > (UINT64_C(1) << 50));
    world_fini(&w);
}

/* ---- rules and silences -------------------------------------------------------------------- */

static char metric[] = "metric", glob[] = "node_*", summary[] = "summary", text[] = "it's \xc3\xbc",
            match[] = "match", eth[] = "device=eth*", lo[] = "device!=lo";

static const struct stored_key four_keys[] = {
    {metric, glob}, {match, eth}, {match, lo}, {summary, text}};

static void check_rule(const struct stored_rule *rule, const char *name, size_t count)
{
    assert_string_equal(rule->name, name);
    assert_int_equal(rule->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(rule->keys[i].key, four_keys[i].key);
        assert_string_equal(rule->keys[i].value, four_keys[i].value);
    }
}

static struct silence silence(uint64_t id, int64_t to_ms)
{
    struct silence s = {.id = id, .rule = "link_*", .series = "*", .from_ms = 5, .to_ms = to_ms};
    strcpy(s.comment, "cable \"work\"");
    strcpy(s.by, "admin");
    return s;
}

static void same_silence(const struct silence *a, const struct silence *b)
{
    assert_int_equal(a->id, b->id);
    assert_string_equal(a->rule, b->rule);
    assert_string_equal(a->series, b->series);
    assert_string_equal(a->comment, b->comment);
    assert_string_equal(a->by, b->by);
    assert_int_equal(a->from_ms, b->from_ms);
    assert_int_equal(a->to_ms, b->to_ms);
}

static void test_rules(void **state)
{
    (void)state;
    struct world w;
    struct stored_alerts got;
    world_init(&w, 4);
    world_open(&w);
    assert_int_equal(store_restore_alerts(w.store, &got), 0);
    assert_int_equal(got.rules_count + got.silences_count + got.alerts_count, 0);
    stored_alerts_fini(&got);
    store_keep_rule(w.store, "b", four_keys, 4);
    store_keep_rule(w.store, "a", four_keys, 1);
    store_keep_rule(w.store, "c", four_keys, 2);
    struct silence s = silence(3, 1000);
    store_keep_silence(w.store, &s);
    restart(&w, true, &got);
    assert_int_equal(got.rules_count, 3);
    check_rule(&got.rules[0], "a", 1);
    check_rule(&got.rules[1], "b", 4);
    check_rule(&got.rules[2], "c", 2);
    assert_int_equal(got.silences_count, 1);
    same_silence(&got.silences[0], &s);
    stored_alerts_fini(&got);

    store_keep_rule(w.store, "b", four_keys, 3); /* replaced */
    store_keep_rule(w.store, "a", NULL, 0);      /* gone */
    store_keep_rule(w.store, "d", four_keys, 4); /* came and went before it was written */
    store_keep_rule(w.store, "d", NULL, 0);
    s.to_ms = 50;
    store_keep_silence(w.store, &s);
    assert_int_equal(store_kept_waiting(w.store), 3);
    restart(&w, true, &got);
    assert_int_equal(got.rules_count, 2);
    check_rule(&got.rules[0], "b", 3);
    check_rule(&got.rules[1], "c", 2);
    assert_int_equal(got.silences_count, 1);
    same_silence(&got.silences[0], &s);
    stored_alerts_fini(&got);
    world_fini(&w);
}

/* ---- pages --------------------------------------------------------------------------------- */

#define PAGED 300

static bool matches(const struct alert *a, const struct alert_query *q)
{
    return (!q->states || q->states & 1U << a->state) &&
           (!q->severities || q->severities & 1U << a->severity) &&
           (!q->rule || text_glob(q->rule, a->rule)) &&
           (!q->series || text_glob(q->series, a->series)) && a->started_ms <= q->to_ms &&
           (a->resolved_ms == 0 || a->resolved_ms >= q->from_ms);
}

static void check_page(const struct world *w, struct alert *const *by_seq, struct alert_query q)
{
    struct alert_page *page = ask(w, q);
    size_t total = 0, at = 0;
    for (size_t i = PAGED; i-- > 0;) {
        if (!matches(by_seq[i], &q))
            continue;
        if (total++ < q.offset || at >= q.limit)
            continue;
        assert_true(at < page->count);
        same_alert(page->alerts[at++], by_seq[i]);
    }
    assert_int_equal(page->count, at);
    assert_int_equal(page->total, total);
    alert_page_free(page);
}

static void test_pages(void **state)
{
    (void)state;
    static const char *const rules[] = {"link_down", "link_errors", "dns_slow"};
    static const char *const globs[] = {NULL, "link_*", "*", "none", "dns_[a-z]low"};
    struct world w;
    struct alert *by_seq[PAGED];
    world_init(&w, 5);
    world_open(&w);
    for (size_t i = 0; i < PAGED; i++) {
        bool over = world_random(&w, 3) > 0;
        char name[32];
        snprintf(name, sizeof(name), "m{device=\"e%d\"}", (int)world_random(&w, 3));
        by_seq[i] = make(PAGED - i, i + 1, over ? ALERT_RESOLVED : ALERT_FIRING,
                         rules[world_random(&w, ARRAY_LEN(rules))]);
        alert_text(&by_seq[i]->series, name);
        by_seq[i]->severity = (enum alert_severity)world_random(&w, 2);
        by_seq[i]->started_ms = 1 + (int64_t)world_random(&w, 1000);
        if (over)
            by_seq[i]->resolved_ms = by_seq[i]->started_ms + (int64_t)world_random(&w, 300);
        store_keep_alert(w.store, by_seq[i]);
    }
    assert_int_equal(store_write_kept(w.store), 0);
    check_page(&w, by_seq, (struct alert_query){.to_ms = INT64_MAX, .limit = 1000});
    check_page(&w, by_seq, (struct alert_query){.to_ms = INT64_MAX, .limit = 0});
    check_page(&w, by_seq, (struct alert_query){.to_ms = INT64_MAX, .limit = 5, .offset = 999});
    for (int round = 0; round < 300; round++) {
        struct alert_query q = {
            .states = (unsigned)world_random(&w, 1U << ALERT_STATES),
            .severities = (unsigned)world_random(&w, 4),
            .rule = globs[world_random(&w, ARRAY_LEN(globs))],
            .series = world_random(&w, 2) ? "*e1*" : NULL,
            .from_ms = (int64_t)world_random(&w, 1200),
            .limit = world_random(&w, 30),
            .offset = world_random(&w, 30),
        };
        q.to_ms = q.from_ms + 1 + (int64_t)world_random(&w, 500);
        check_page(&w, by_seq, q);
    }
    for (size_t i = 0; i < PAGED; i++)
        alert_unref(by_seq[i]);

    struct store_reader *reader;
    struct store_error err;
    struct alert_page *page = NULL;
    struct alert_query q = {.to_ms = INT64_MAX, .limit = ALERT_PAGE_MAX + 1};
    assert_int_equal(store_reader_open(w.dir, &reader, &err), 0);
    assert_int_equal(store_alerts(reader, &q, &page, &err), -EINVAL);
    q.limit = 1;
    store_reader_cancel(reader);
    assert_int_equal(store_alerts(reader, &q, &page, &err), -ECANCELED);
    assert_null(page);
    store_reader_close(reader);
    world_fini(&w);
}

/* ---- what goes ------------------------------------------------------------------------------ */

static void test_age(void **state)
{
    (void)state;
    struct world w;
    struct stored_alerts got;
    world_init(&w, 6);
    w.settings.events_ms = 3600 * 1000;
    world_open(&w);
    world_write(&w);
    int64_t now_ms = w.t_ms, old_ms = now_ms - 2 * w.settings.events_ms;
    for (uint64_t i = 1; i <= 1200; i++) {
        struct alert *a = make(i, i, i % 3 ? ALERT_RESOLVED : ALERT_FIRING, "r");
        a->started_ms = 5;
        a->resolved_ms = i % 3 == 1 ? old_ms : i % 3 == 2 ? now_ms : 0;
        keep(&w, a);
    }
    struct silence ended = silence(1, old_ms), active = silence(2, now_ms + 5);
    store_keep_silence(w.store, &ended);
    store_keep_silence(w.store, &active);
    world_work(&w);
    assert_int_equal(ask_total(&w, 1U << ALERT_FIRING), 400); /* active ones have no age */
    assert_int_equal(ask_total(&w, 1U << ALERT_RESOLVED), 400);
    assert_int_equal(store_stats(w.store).alerts_expired, 400);
    restart(&w, true, &got);
    assert_int_equal(got.silences_count, 1);
    assert_int_equal(got.silences[0].id, 2);
    stored_alerts_fini(&got);
    world_fini(&w);
}

/* Where some events expire with every look, as they do on a busy host, alerts, silences and series
 * have their turn all the same. */
static void test_age_beside_events(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 8);
    w.settings.events_ms = 300 * 1000;
    world_open(&w);
    world_write(&w);
    struct alert *a = make(1, 1, ALERT_RESOLVED, "r");
    a->resolved_ms = w.t_ms;
    keep(&w, a);
    struct silence ended = silence(1, w.t_ms);
    store_keep_silence(w.store, &ended);
    world_work(&w);
    assert_int_equal(ask_total(&w, 1U << ALERT_RESOLVED), 1);
    for (int i = 0; i < 2000; i++) {
        draft_event(w.draft, event_new(EVENT_LINK, w.t_ms));
        world_write(&w);
        world_work(&w);
    }
    assert_true(store_stats(w.store).events_expired > 1000);
    assert_int_equal(ask_total(&w, 1U << ALERT_RESOLVED), 0);
    assert_int_equal(world_ask_number(&w, "SELECT count(*) FROM silence"), 0);
    world_fini(&w);
}

/* The smaller the database may be, the fewer that are over. */
static void test_number(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 7);
    w.settings.max_size_bytes = 16 << 20;
    world_open(&w);
    world_write(&w);
    for (uint64_t i = 1; i <= 5000; i++) {
        struct alert *a = make(i, i, i % 50 ? ALERT_RESOLVED : ALERT_FIRING, "r");
        a->resolved_ms = i % 50 ? w.t_ms + (int64_t)i : 0;
        keep(&w, a);
    }
    world_work(&w);
    assert_int_equal(ask_total(&w, 1U << ALERT_FIRING), 100);
    struct alert_page *page =
        ask(&w, (struct alert_query){.states = 1U << ALERT_RESOLVED, .limit = ALERT_PAGE_MAX});
    assert_int_equal(page->total, 1024);
    for (size_t i = 1; i < page->count; i++)
        assert_true(page->alerts[i]->id < page->alerts[i - 1]->id);
    assert_int_equal(page->alerts[0]->id, 4999); /* the newest are left */
    assert_int_equal(store_stats(w.store).alerts_expired, 4900 - 1024);
    assert_int_equal(store_stats(w.store).alerts_lost, 0);
    alert_page_free(page);
    world_fini(&w);
}

/* ---- trouble ------------------------------------------------------------------------------- */

static void set_limit(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = MIN(bytes, limit.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* While the disk is full each alert waits in its newest state. */
static void test_full_disk(void **state)
{
    (void)state;
    struct world w;
    struct stored_alerts got;
    signal(SIGXFSZ, SIG_IGN);
    world_init(&w, 8);
    world_open(&w);
    world_write(&w);
    assert_int_equal(store_restore_alerts(w.store, &got), 0);
    stored_alerts_fini(&got);
    set_limit(1);
    for (uint64_t i = 1; i <= 3000; i++)
        keep(&w, make(1 + i % 10, i, ALERT_FIRING, "r"));
    keep(&w, make(99, 5000, ALERT_RESOLVED, "over"));
    store_keep_rule(w.store, "kept", four_keys, 4);
    assert_int_equal(store_kept_waiting(w.store), 12);
    assert_true(store_write_kept(w.store) < 0);
    assert_true(store_write_kept(w.store) < 0);
    world_work(&w); /* must end */
    assert_int_equal(store_kept_waiting(w.store), 12);
    assert_int_equal(world_count_notes(&w, "cannot be written"), 1); /* said once */
    assert_string_equal(store_stats(w.store).error_what, "writing alerts");

    set_limit(RLIM_INFINITY);
    world_work(&w);
    assert_int_equal(store_kept_waiting(w.store), 12); /* a tick has to get through first */
    world_write(&w);
    world_work(&w);
    assert_int_equal(store_kept_waiting(w.store), 0);
    assert_int_equal(world_count_notes(&w, "written again"), 1);
    assert_int_equal(store_stats(w.store).alerts_lost, 0);
    restart(&w, true, &got);
    assert_int_equal(got.alerts_count, 10);
    for (size_t i = 0; i < 10; i++)
        assert_true(got.alerts[i]->seq > 2990);
    assert_int_equal(got.rules_count, 1);
    stored_alerts_fini(&got);
    assert_int_equal(ask_total(&w, 1U << ALERT_RESOLVED), 1);
    world_fini(&w);
}

/* Nothing can be written, and there is more than memory is for: counted, and what is active stays
 * as long as there is anything else to let go. */
static void test_too_much(void **state)
{
    (void)state;
    struct world w;
    struct stored_alerts got;
    signal(SIGXFSZ, SIG_IGN);
    world_init(&w, 9);
    world_open(&w);
    world_write(&w);
    set_limit(1);
    for (uint64_t i = 1; i <= 100; i++)
        keep(&w, make(i, i, ALERT_FIRING, "r"));
    for (uint64_t i = 101; i <= SHELF_ALERTS_MAX + 300; i++)
        keep(&w, make(i, i, ALERT_RESOLVED, "r"));
    for (uint64_t i = 1; i <= SHELF_RULES_MAX + 7; i++) {
        char name[16];
        snprintf(name, sizeof(name), "r%d", (int)i);
        store_keep_rule(w.store, name, four_keys, 1);
    }
    assert_int_equal(store_stats(w.store).alerts_lost, 307);
    assert_int_equal(store_kept_waiting(w.store), SHELF_ALERTS_MAX + SHELF_RULES_MAX);
    assert_int_equal(world_count_notes(&w, "is lost"), 1);
    set_limit(RLIM_INFINITY);
    world_write(&w);
    assert_int_equal(store_write_kept(w.store), 0);
    assert_int_equal(ask_total(&w, 0), SHELF_ALERTS_MAX);
    restart(&w, true, &got);
    assert_int_equal(got.alerts_count, 100);
    assert_int_equal(got.rules_count, STORE_RULES_MAX);
    stored_alerts_fini(&got);
    world_fini(&w);
}

static void change(const struct world *w, const char *sql)
{
    char *path CLEANUP(mem_freep) = world_path(w, "netsonde.db");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* A new database takes over what the old one had. */
static void check_carried(struct world *w)
{
    struct stored_alerts got;
    for (int i = 0; i < 3; i++) {
        world_write(w);
        world_work(w);
    }
    assert_int_equal(store_kept_waiting(w->store), 0);
    restart(w, true, &got);
    assert_int_equal(got.alerts_count, 2);
    assert_int_equal(got.rules_count, 1);
    check_rule(&got.rules[0], "a", 4);
    assert_int_equal(got.silences_count, 1);
    stored_alerts_fini(&got);
}

static void test_another_database(void **state)
{
    (void)state;
    static const char *const names[] = {"netsonde.db", "netsonde.db-wal", "netsonde.db-shm"};
    struct world w;
    struct stored_alerts got;
    struct buf copy = BUF_INIT;
    world_init(&w, 10);
    world_open(&w);
    assert_int_equal(store_restore_alerts(w.store, &got), 0);
    stored_alerts_fini(&got);
    world_write(&w);
    store_keep_rule(w.store, "a", four_keys, 1);
    store_keep_rule(w.store, "gone", four_keys, 4);
    restart(&w, true, &got);
    stored_alerts_fini(&got);
    world_write(&w);
    world_close(&w, true);
    world_read_database(&w, &copy); /* rule `a` as it was, and one that is to go */
    world_open(&w);
    assert_int_equal(store_restore_alerts(w.store, &got), 0);
    stored_alerts_fini(&got);
    store_keep_rule(w.store, "gone", NULL, 0);
    store_keep_rule(w.store, "a", four_keys, 4);
    keep(&w, make(1, 1, ALERT_FIRING, "r"));
    keep(&w, make(2, 2, ALERT_SILENCED, "r"));
    keep(&w, make(3, 3, ALERT_RESOLVED, "r"));
    struct silence s = silence(1, INT64_MAX);
    store_keep_silence(w.store, &s);
    check_carried(&w);

    /* Somebody removes it. */
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path CLEANUP(mem_freep) = world_path(&w, names[i]);
        unlink(path);
    }
    w.ticks_count = 0;
    world_write(&w);
    check_carried(&w);

    /* Damage. */
    world_write(&w);
    change(&w, "DROP TABLE tick");
    w.ticks_count = 0;
    world_write(&w);
    assert_int_equal(world_count_notes(&w, "set aside"), 1);
    check_carried(&w);
    world_write(&w);
    change(&w, "DROP TABLE silence"); /* found while writing one */
    store_keep_silence(w.store, &s);
    assert_int_equal(store_write_kept(w.store), -EBADMSG);
    w.ticks_count = 0;
    check_carried(&w);
    assert_int_equal(world_count_aside(&w), 2);

    /* A copy of earlier days is put in its place. */
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path CLEANUP(mem_freep) = world_path(&w, names[i]);
        unlink(path);
    }
    world_write_database(&w, copy.data, copy.len);
    assert_int_equal(world_ask_number(&w, "SELECT count(*) FROM rule"), 5);
    w.ticks_count = 0;
    world_write(&w);
    assert_int_equal(world_count_notes(&w, "was removed or replaced"), 1);
    check_carried(&w);
    buf_fini(&copy);
    world_fini(&w);
}

static void test_damaged_rows(void **state)
{
    (void)state;
    static const char *const damage[] = {
        "UPDATE alert SET state = 'fried' WHERE id = 1 RETURNING 1",
        "UPDATE alert SET seq = -5 WHERE id = 2 RETURNING 1",
        "UPDATE alert SET state = 'resolved' WHERE id = 3 RETURNING 1",
        "UPDATE alert SET rule = x'', severity = 7 WHERE id = 4 RETURNING 1",
        "UPDATE alert SET value = 'much', summary = x'ff0a41' WHERE id = 5 RETURNING 1",
        "UPDATE rule SET value = x'80ff' WHERE name = 'a' AND position = 1 RETURNING 1",
        "DELETE FROM rule WHERE name = 'b' AND position = 1 RETURNING 1",
        "UPDATE rule SET name = 'not a name' WHERE name = 'c' RETURNING 1",
        "UPDATE silence SET rule = zeroblob(100000) WHERE id = 1 RETURNING 1",
        "UPDATE silence SET series = '' WHERE id = 2 RETURNING 1",
    };
    struct world w;
    struct stored_alerts got;
    world_init(&w, 11);
    world_open(&w);
    for (uint64_t i = 1; i <= 6; i++)
        keep(&w, make(i, i, ALERT_FIRING, "r"));
    store_keep_rule(w.store, "a", four_keys, 4);
    store_keep_rule(w.store, "b", four_keys, 4);
    store_keep_rule(w.store, "c", four_keys, 4);
    store_keep_rule(w.store, "d", four_keys, 4);
    for (uint64_t i = 1; i <= 3; i++) {
        struct silence s = silence(i, INT64_MAX);
        store_keep_silence(w.store, &s);
    }
    world_close(&w, true);
    for (size_t i = 0; i < ARRAY_LEN(damage); i++)
        world_ask_number(&w, damage[i]);
    world_open(&w);
    assert_int_equal(store_restore_alerts(w.store, &got), 0);
    assert_int_equal(got.alerts_count, 2);
    assert_int_equal(got.alerts[0]->id, 5);
    assert_true(isnan(got.alerts[0]->value));
    assert_string_equal(got.alerts[0]->summary, "\xef\xbf\xbd A");
    assert_int_equal(got.rules_count, 1);
    check_rule(&got.rules[0], "d", 4);
    assert_int_equal(got.silences_count, 1);
    assert_int_equal(got.silences[0].id, 3);
    assert_int_equal(store_stats(w.store).alerts_unreadable, 4 + 3 + 2);
    stored_alerts_fini(&got);

    struct store_reader *reader;
    struct alert_page *page;
    const struct alert_query q = {.to_ms = INT64_MAX, .limit = 100};
    assert_int_equal(store_reader_open(w.dir, &reader, NULL), 0);
    assert_int_equal(store_alerts(reader, &q, &page, NULL), 0);
    assert_int_equal(page->count, 2);
    assert_int_equal(store_reader_damaged(reader), 4);
    alert_page_free(page);
    store_reader_close(reader);
    assert_int_equal(world_count_aside(&w), 0);
    world_fini(&w);
}

/* ---- a database that format 2 has written --------------------------------------------------- */

static void test_format_2(void **state)
{
    (void)state;
    struct world w;
    struct store_error err;
    struct stored_alerts got;
    world_init(&w, 12);
    world_copy_database(&w, FIXTURES "/format-2.db");
    assert_int_equal(world_ask_number(&w, "PRAGMA user_version"), 2);
    assert_int_equal(ask_total(&w, 0), 0); /* readers take it as it is */
    assert_int_equal(world_ask_number(&w, "PRAGMA user_version"), 2);
    int64_t ticks = world_ask_number(&w, "SELECT count(*) FROM tick");
    assert_true(ticks > 0);

    /* Nor can a daemon bring it up to date that has no space: it goes on without. */
    signal(SIGXFSZ, SIG_IGN);
    set_limit(1);
    assert_int_equal(store_open(w.dir, &w.settings, &w.store, &err), 0);
    assert_int_equal(store_restore_alerts(w.store, &got), 0);
    assert_int_equal(got.alerts_count + got.rules_count + got.silences_count, 0);
    stored_alerts_fini(&got);
    assert_true(store_next_alert(w.store).id > 1);
    keep(&w, make(store_next_alert(w.store).id, 1, ALERT_FIRING, "r"));
    assert_int_equal(store_write_kept(w.store), -EROFS);
    assert_int_equal(store_kept_waiting(w.store), 1);
    store_close(w.store, NULL);
    w.store = NULL;
    set_limit(RLIM_INFINITY);
    assert_int_equal(world_ask_number(&w, "PRAGMA user_version"), 2);

    for (uint64_t run = 1; run <= 2; run++) {
        assert_int_equal(store_open(w.dir, &w.settings, &w.store, &err), 0);
        assert_int_equal(store_restore_alerts(w.store, &got), 0);
        assert_int_equal(got.alerts_count, run - 1);
        stored_alerts_fini(&got);
        assert_int_equal(world_ask_number(&w, "PRAGMA user_version"), 5);
        struct store_alert_numbers next = store_next_alert(w.store);
        assert_true(next.id >= run && next.seq >= run);
        keep(&w, make(next.id, next.seq, ALERT_FIRING, "r"));
        store_close(w.store, NULL);
        w.store = NULL;
        assert_int_equal(ask_total(&w, 0), run);
    }
    assert_int_equal(world_ask_number(&w, "SELECT count(*) FROM tick"), ticks);
    assert_true(world_ask_number(&w, "SELECT count(*) FROM snapshot") > 0);
    assert_int_equal(world_count_aside(&w), 0);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_order_of_many),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_age_beside_events),
        cmocka_unit_test(test_number),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_another_database),
        cmocka_unit_test(test_damaged_rows),
        cmocka_unit_test(test_format_2),
    };
    return cmocka_run_group_tests_name("store/alerts", tests, NULL, NULL);
}

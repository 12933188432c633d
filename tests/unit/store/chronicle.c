/* chronicle.c: see chronicle.h. Single thread; random numbers from a seed, so that failures repeat.
 */
#include "chronicle.h"

#include <dirent.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "world.h"

#define HOUR_MS (3600 * MS_PER_S)

static const struct metric counter = {"bytes_total", "bytes", "Bytes.", METRIC_COUNTER, 1};
static const struct metric gauge = {"level", "", "A level.", METRIC_GAUGE, 1};

uint64_t chronicle_random(struct chronicle *c, uint64_t below)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return below ? (c->random >> 11) % below : 0;
}

void chronicle_init(struct chronicle *c, uint64_t seed)
{
    *c = (struct chronicle){.random = seed * 0x9e3779b97f4a7c15 + 1};
    snprintf(c->dir, sizeof(c->dir), "%s/chronicle-XXXXXX", world_scratch());
    assert_non_null(mkdtemp(c->dir));
    c->settings = STORE_SETTINGS_DEFAULT;
    /* Three ticks a minute, 180 an hour: what becomes of old samples happens soon. */
    c->interval_ms = 20000;
    c->settings.seal_ticks = 12;
    c->settings.boot_id = c->boot_id;
    c->t_ms = 1764000000000;
    chronicle_reboot(c);
}

void chronicle_fini(struct chronicle *c)
{
    if (c->store)
        chronicle_close(c, true);
    free(c->entries);
    DIR *d = opendir(c->dir);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;)
        unlinkat(dirfd(d), entry->d_name, 0);
    closedir(d);
    assert_int_equal(rmdir(c->dir), 0);
}

void chronicle_reboot(struct chronicle *c)
{
    assert_null(c->store);
    snprintf(c->boot_id, sizeof(c->boot_id), "boot-%u", ++c->boot);
    for (size_t i = 0; i < CHRONICLE_COUNTERS; i++)
        c->absolute[i] = chronicle_random(c, 1000);
}

int chronicle_open(struct chronicle *c, struct store_error *err)
{
    *err = (struct store_error){0};
    int error = store_open(c->dir, &c->settings, &c->store, err);
    if (error)
        return error;
    struct store_numbers next = store_next(c->store);
    assert_true(next.tick_seq >= c->seq && next.event_seq >= c->event_seq);
    c->seq = next.tick_seq;
    c->event_seq = next.event_seq;
    c->registry = registry_new(100, next.series_id);
    error = store_restore(c->store, c->registry);
    c->draft = draft_new(c->registry);
    c->first_of_run = true;
    c->run_from = c->count;
    c->run++;
    if (error)
        chronicle_close(c, false);
    return error;
}

void chronicle_close(struct chronicle *c, bool exact)
{
    const struct store_numbers next = {registry_next_id(c->registry), c->seq, c->event_seq};
    struct store_stats stats = store_stats(c->store);
    c->sealed += stats.spans_sealed;
    c->folded += stats.spans_folded;
    c->expired += stats.spans_expired;
    store_close(c->store, exact ? &next : NULL);
    draft_free(c->draft);
    registry_free(c->registry);
    c->store = NULL;
}

static struct series *get_series(struct chronicle *c, const struct metric *metric, size_t i)
{
    char text[16];
    snprintf(text, sizeof(text), "%zu", i);
    const struct label label = {"n", text};
    struct series *s = registry_get(c->registry, metric, &label, 1, "test");
    assert_non_null(s);
    return s;
}

static struct tick *make_tick(struct chronicle *c, struct entry *e)
{
    c->t_ms += c->interval_ms;
    *e = (struct entry){.seq = c->seq++, .t_ms = c->t_ms, .boot = c->boot, .run = c->run};
    draft_begin(c->draft, e->seq, e->t_ms, c->first_of_run ? 0 : c->interval_ms * NS_PER_MS, 0,
                c->interval_ms);
    c->first_of_run = false;
    for (size_t i = 0; i < CHRONICLE_COUNTERS; i++) {
        e->absolute[i] = c->absolute[i] += 1 + chronicle_random(c, 1U << (4 * i));
        draft_counter(c->draft, get_series(c, &counter, i), e->absolute[i], 7);
    }
    e->gauge = (double)e->seq + (chronicle_random(c, 2) ? 0.25 : 0); /* no two are the same */
    draft_gauge(c->draft, get_series(c, &gauge, 0), e->gauge);
    if (chronicle_random(c, 5) == 0) {
        e->event = c->event_seq;
        draft_event(c->draft, event_new(EVENT_LINK, e->t_ms));
    }
    struct tick *t = draft_seal(c->draft, 0, &c->event_seq);
    assert_non_null(t);
    for (uint32_t slot = 0; slot < t->count; slot++) {
        const struct series *s = t->set->slots[slot];
        if (s && s->kind == METRIC_COUNTER)
            e->increment[atoi(s->labels[0].value)] = t->value[slot].increment;
    }
    return t;
}

bool chronicle_write(struct chronicle *c)
{
    if (c->count == c->capacity) {
        c->capacity = MAX(c->capacity * 2, (size_t)256);
        c->entries = mem_resize(c->entries, c->capacity, sizeof(*c->entries));
    }
    struct entry *e = &c->entries[c->count++];
    struct tick *t = make_tick(c, e);
    e->acknowledged = store_write(c->store, t) == 0;
    tick_unref(t);
    return e->acknowledged;
}

void chronicle_work(struct chronicle *c, int pieces)
{
    while (pieces-- > 0 && store_work(c->store))
        continue;
}

/* ---- what the database has ------------------------------------------------------------------ */

static void check_integrity(const struct chronicle *c)
{
    char *path CLEANUP(mem_freep) = mem_printf("%s/netsonde.db", c->dir);
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    const char *said = (const char *)sqlite3_column_text(stmt, 0);
    if (strcmp(said, "ok") != 0)
        fail_msg("integrity_check: %s", said);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

/* From that entry on. */
static struct answer *ask(const struct chronicle *c, size_t from, const char *metric,
                          enum aggregate aggregate, uint32_t points)
{
    struct store_reader *reader;
    struct store_error err;
    struct answer *answer;
    if (store_reader_open(c->dir, &reader, &err) < 0)
        fail_msg("%s", err.text);
    struct query q = {.from_ms = c->entries[from].t_ms,
                      .to_ms = c->t_ms,
                      .points = points,
                      .aggregate = aggregate};
    if (points == 1) { /* whole hours, so that it may come from the rows of those */
        q.from_ms -= q.from_ms % HOUR_MS;
        q.to_ms += HOUR_MS - q.to_ms % HOUR_MS;
    }
    selector_init(&q.selector);
    assert_int_equal(selector_add_glob(&q.selector, metric), 0);
    if (store_query(reader, &q, NULL, &answer, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(store_reader_damaged(reader), 0);
    selector_fini(&q.selector);
    store_reader_close(reader);
    return answer;
}

static size_t number_of(const struct answer_series *s)
{
    size_t n = (size_t)atoi(s->labels[0].value);
    assert_true(n < CHRONICLE_COUNTERS);
    return n;
}

static double value_at(const struct answer *a, size_t series, int64_t t_ms)
{
    int64_t point = (t_ms - a->from_ms) / a->step_ms;
    assert_true(point >= 0 && (uint64_t)point < a->points_count);
    return a->series[series].values[point];
}

/* Every tick is a step of its own. */
static uint32_t all_points(const struct chronicle *c, size_t from)
{
    return (uint32_t)((c->t_ms - c->entries[from].t_ms) / c->interval_ms) + 2;
}

static void find_present(struct chronicle *c, size_t from)
{
    struct answer *a = ask(c, from, "level", AGG_LAST, all_points(c, from));
    assert_true(a->series_count == 0 || (a->series_count == 1 && a->step_ms == c->interval_ms));
    size_t values = 0;
    c->present = 0;
    for (size_t p = 0; a->series_count && p < a->points_count; p++)
        values += isnan(a->series[0].values[p]) ? 0 : 1;
    for (size_t i = from; i < c->count; i++) {
        struct entry *e = &c->entries[i];
        double value = a->series_count ? value_at(a, 0, e->t_ms) : NAN;
        e->present = !isnan(value);
        if (e->present && value != e->gauge)
            fail_msg("tick %llu: %.17g is not %.17g", (unsigned long long)e->seq, value, e->gauge);
        c->present += e->present;
    }
    assert_int_equal(values, c->present); /* nothing that never was */
    answer_free(a);
}

/* What the database is to say of a tick that it has: with what was counted in ticks that it lacks,
 * as far as anybody knew of it. */
static uint64_t counted(const struct chronicle *c, size_t tick, size_t n)
{
    const struct entry *e = &c->entries[tick], *first = e;
    bool any = false;
    for (size_t i = tick; i-- > 0;) {
        const struct entry *before = &c->entries[i];
        any = any || before->present;
        if (before->present && before->boot == e->boot)
            return e->absolute[n] - before->absolute[n];
        if (before->run == e->run)
            first = before;
    }
    return any ? e->absolute[n] - first->absolute[n] + first->increment[n] : e->increment[n];
}

/* From that entry on. `whole`: as one sum, too. */
static void check_counters(struct chronicle *c, size_t from, bool whole)
{
    struct answer *steps = ask(c, from, "bytes_total", AGG_SUM, all_points(c, from));
    struct answer *all = ask(c, from, "bytes_total", AGG_SUM, 1);
    if (steps->series_count != (c->present ? CHRONICLE_COUNTERS : 0))
        fail_msg("%zu ticks, but %zu series", c->present, steps->series_count);
    assert_int_equal(all->series_count, steps->series_count);
    uint64_t totals[CHRONICLE_COUNTERS] = {0};
    for (size_t s = 0; s < steps->series_count; s++) {
        size_t n = number_of(&steps->series[s]);
        for (size_t i = from; i < c->count; i++) {
            const struct entry *e = &c->entries[i];
            double value = value_at(steps, s, e->t_ms);
            uint64_t expected = e->present ? counted(c, i, n) : 0;
            if (e->present != !isnan(value) || (e->present && value != (double)expected))
                fail_msg("tick %llu, counter %zu: %.17g is not %llu", (unsigned long long)e->seq, n,
                         value, (unsigned long long)expected);
            totals[n] += expected;
        }
    }
    for (size_t s = 0; whole && s < all->series_count; s++) {
        double value = all->series[s].values[0];
        uint64_t expected = totals[number_of(&all->series[s])];
        if (value != (double)expected)
            fail_msg("in all, tier %s: %.17g is not %llu", all->tier, value,
                     (unsigned long long)expected);
    }
    answer_free(steps);
    answer_free(all);
}

static void check_events(const struct chronicle *c)
{
    struct store_reader *reader;
    struct store_error err;
    struct event_page *page;
    struct event_query q = {.to_ms = INT64_MAX, .limit = EVENT_PAGE_MAX};
    assert_int_equal(store_reader_open(c->dir, &reader, &err), 0);
    assert_int_equal(store_events(reader, &q, NULL, &page, &err), 0);
    size_t at = page->count;
    for (size_t i = 0; i < c->count; i++) {
        const struct entry *e = &c->entries[i];
        if (!e->event || !e->present)
            continue;
        assert_true(at-- > 0);
        assert_true(page->records[at].seq == e->event && page->records[at].t_ms == e->t_ms);
    }
    assert_int_equal(at, 0);
    event_page_free(page);
    store_reader_close(reader);
}

void chronicle_check(struct chronicle *c, bool (*expected)(const struct entry *e))
{
    check_integrity(c);
    if (c->count == 0)
        return;
    find_present(c, 0);
    check_counters(c, 0, true);
    check_events(c);
    for (size_t i = 0; i < c->count; i++) {
        if (expected && expected(&c->entries[i]) && !c->entries[i].present)
            fail_msg("tick %llu, %zu of %zu, is lost", (unsigned long long)c->entries[i].seq, i,
                     c->count);
    }
}

/* In no step more than was counted in it, and in ticks before it that nobody has. */
static void check_bounds(const struct chronicle *c)
{
    struct answer *a = ask(c, 0, "bytes_total", AGG_SUM, all_points(c, 0) / 9);
    for (size_t s = 0; s < a->series_count; s++) {
        size_t n = number_of(&a->series[s]), tick = 0, acknowledged = 0;
        for (size_t p = 0; p < a->points_count; p++) {
            int64_t end_ms = a->from_ms + (int64_t)(p + 1) * a->step_ms;
            size_t before = acknowledged;
            for (; tick < c->count && c->entries[tick].t_ms < end_ms; tick++)
                acknowledged = c->entries[tick].acknowledged ? tick : acknowledged;
            double most =
                tick ? (double)(c->entries[tick - 1].absolute[n] - c->entries[before].absolute[n])
                     : 0;
            if (a->series[s].values[p] > most)
                fail_msg("step %zu, counter %zu, tier %s: %.17g is more than %.17g", p, n, a->tier,
                         a->series[s].values[p], most);
        }
    }
    answer_free(a);
}

void chronicle_check_some(struct chronicle *c, size_t newest)
{
    assert_true(newest < c->count);
    size_t from = c->count - newest;
    check_integrity(c);
    for (size_t i = 0; i < from; i++)
        c->entries[i].present = c->entries[i].acknowledged;
    find_present(c, from);
    check_counters(c, from, false);
    for (size_t i = from; i < c->count; i++) {
        if (c->entries[i].acknowledged && !c->entries[i].present)
            fail_msg("tick %zu of %zu is lost", i, c->count);
    }
    check_bounds(c);
}

size_t chronicle_count_notes(struct chronicle *c, const char *part)
{
    size_t count = 0;
    struct store_note note;
    while (store_take_note(c->store, &note))
        count += strstr(note.text, part) != NULL;
    return count;
}

size_t chronicle_count_aside(const struct chronicle *c)
{
    size_t count = 0;
    DIR *d = opendir(c->dir);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;)
        count += strstr(entry->d_name, ".corrupt-") != NULL;
    closedir(d);
    return count;
}

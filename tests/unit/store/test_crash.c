/*
 * test_crash.c: killed at any instant, nothing is lost but the tick being written.
 *
 * A child writes ticks of counters as fast as it can, sealing, folding (a tick is 20 s, so that an
 * hour is soon over), expiring and checkpointing in between, and tells through shared memory which
 * tick it is about to write and which is written. It is killed with SIGKILL at a random moment; the
 * parent opens what is left and checks
 *   - that the database is whole: SQLite's integrity_check;
 *   - that the last absolute value of every counter is that of the last tick written, or of the
 *     one being written;
 *   - that the sum of all increments in history is exactly how far the counter has come since the
 *     very first tick, however many kills lie in between, asked for in one piece and by hours;
 *   - that no number of a series, a tick or an event is given out again.
 * STORE_KILLS in the environment says how often (100).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/store.h"
#include "world.h"

#define COUNTERS 40
#define FIRST_MS 1764000000000
#define INTERVAL_MS 20000
#define HOUR_MS (3600 * MS_PER_S)

struct shared {
    /* Tick n's values lie in slot n % 2; n is announced before it is written. */
    atomic_uint_fast64_t announced, written;
    struct {
        uint64_t seq, event_seq;
        uint64_t absolute[COUNTERS];
    } slot[2];
    uint64_t first[COUNTERS]; /* of the very first tick */
    uint32_t next_id;
    atomic_uint_fast64_t folded; /* spans, as far as it was told */
    atomic_uint_fast64_t steps;  /* that children have made */
};

static const struct metric metric = {"kills_total", "", "Counted.", METRIC_COUNTER, 1};

static struct store *open_store(const char *dir)
{
    struct store_settings settings = STORE_SETTINGS_DEFAULT;
    settings.boot_id = "one";
    settings.seal_ticks = 16;
    struct store *store;
    struct store_error err;
    if (store_open(dir, &settings, &store, &err) < 0)
        fail_msg("store_open: %s", err.text);
    struct store_note note;
    if (store_take_note(store, &note))
        fail_msg("note: %s", note.text);
    return store;
}

static struct series *get_series(struct registry *r, size_t i)
{
    char text[16];
    snprintf(text, sizeof(text), "%zu", i);
    const struct label label = {"n", text};
    struct series *s = registry_get(r, &metric, &label, 1, "test");
    assert_non_null(s);
    return s;
}

static void write_one(struct shared *shared, struct store *store, struct registry *registry,
                      struct draft *draft, struct store_numbers *next, uint64_t *random)
{
    uint64_t n = shared->announced;
    uint64_t before = n % 2;
    uint64_t now = (n + 1) % 2;
    shared->slot[now] = shared->slot[before];
    uint64_t seq = next->tick_seq++;
    shared->slot[now].seq = seq;
    draft_begin(draft, seq, FIRST_MS + (int64_t)n * INTERVAL_MS, INTERVAL_MS * NS_PER_MS, 0,
                INTERVAL_MS);
    for (size_t i = 0; i < COUNTERS; i++) {
        *random = *random * 6364136223846793005u + 1442695040888963407u;
        shared->slot[now].absolute[i] += *random >> 60 ? *random >> 40 : 0;
        draft_counter(draft, get_series(registry, i), shared->slot[now].absolute[i], 7);
    }
    if (n % 5 == 0)
        draft_event(draft, event_new(EVENT_LINK, 1764000000000));
    struct tick *t = draft_seal(draft, 0, &next->event_seq);
    shared->slot[now].event_seq = next->event_seq;
    if (n == 0)
        memcpy(shared->first, shared->slot[now].absolute, sizeof(shared->first));
    shared->next_id = registry_next_id(registry);
    shared->announced = n + 1;
    if (store_write(store, t) != 0)
        _exit(3);
    shared->written = n + 1;
    tick_unref(t);
}

static _Noreturn void child(struct shared *shared, const char *dir, uint64_t seed)
{
    struct store *store = open_store(dir);
    struct store_numbers next = store_next(store);
    struct registry *registry = registry_new(1000, next.series_id);
    if (store_restore(store, registry) != 0)
        _exit(4);
    struct draft *draft = draft_new(registry);
    uint64_t folded = 0;
    for (;;) {
        write_one(shared, store, registry, draft, &next, &seed);
        shared->steps++;
        for (uint64_t n = seed >> 62; n > 0 && store_work(store); n--)
            shared->steps++;
        shared->folded += store_stats(store).spans_folded - folded;
        folded = store_stats(store).spans_folded;
    }
}

static void check_integrity(const char *dir)
{
    char path[128];
    sqlite3 *db;
    sqlite3_stmt *stmt;
    snprintf(path, sizeof(path), "%s/netsonde.db", dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

/* What history says each counter has counted. step_ms 0: asked for in one piece. */
static void ask_totals(const char *dir, int64_t step_ms, uint64_t ticks, double totals[COUNTERS])
{
    struct store_reader *reader;
    struct store_error err;
    if (store_reader_open(dir, &reader, &err) < 0)
        fail_msg("reader: %s", err.text);
    struct query q = {.from_ms = FIRST_MS - FIRST_MS % HOUR_MS,
                      .to_ms = FIRST_MS + (int64_t)ticks * INTERVAL_MS + HOUR_MS,
                      .points = 1,
                      .step_ms = step_ms,
                      .aggregate = AGG_SUM};
    selector_init(&q.selector);
    struct answer *answer;
    if (store_query(reader, &q, NULL, &answer, &err) < 0)
        fail_msg("query: %s", err.text);
    assert_int_equal(answer->series_count, COUNTERS);
    assert_int_equal(store_reader_damaged(reader), 0);
    for (size_t s = 0; s < COUNTERS; s++) {
        double *total = &totals[atoi(answer->series[s].labels[0].value)];
        *total = 0;
        for (size_t p = 0; p < answer->points_count; p++)
            *total += isnan(answer->series[s].values[p]) ? 0 : answer->series[s].values[p];
    }
    answer_free(answer);
    selector_fini(&q.selector);
    store_reader_close(reader);
}

static void check(struct shared *shared, const char *dir)
{
    struct store *store = open_store(dir);
    struct store_numbers next = store_next(store);
    struct registry *registry = registry_new(1000, next.series_id);
    assert_int_equal(store_restore(store, registry), 0);

    uint64_t announced = shared->announced, written = shared->written;
    assert_true(announced == written || announced == written + 1);
    uint64_t newest = announced % 2, last = written % 2;
    assert_true(next.tick_seq > shared->slot[newest].seq);
    assert_true(next.event_seq >= shared->slot[newest].event_seq);
    assert_true(next.series_id >= shared->next_id);

    /* All counters agree on which tick was the last. */
    size_t written_fits = 0, announced_fits = 0;
    for (size_t i = 0; i < COUNTERS; i++) {
        const struct series *s = get_series(registry, i);
        assert_true(s->live.sampled);
        assert_int_equal(s->live.source, 7);
        written_fits += s->live.absolute == shared->slot[last].absolute[i];
        announced_fits += s->live.absolute == shared->slot[newest].absolute[i];
    }
    assert_true(written_fits == COUNTERS || announced_fits == COUNTERS);
    /* What a slot holds of a tick that never came to be is the start of the next one. */
    uint64_t kept = announced_fits == COUNTERS ? newest : last;
    check_integrity(dir);
    for (int64_t step_ms = 0; step_ms <= HOUR_MS; step_ms += HOUR_MS) {
        double totals[COUNTERS];
        ask_totals(dir, step_ms, announced, totals);
        for (size_t i = 0; i < COUNTERS; i++)
            assert_true(totals[i] == (double)(shared->slot[kept].absolute[i] - shared->first[i]));
    }
    assert_int_equal(registry_next_id(registry), next.series_id);
    registry_free(registry);
    store_close(store, NULL);
    shared->slot[newest] = shared->slot[kept];
    shared->written = announced;
}

static void test_kills(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 99);
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    for (size_t i = 0; i < COUNTERS; i++)
        shared->slot[0].absolute[i] = i * 1000;
    const char *text = getenv("STORE_KILLS");
    int kills = text ? atoi(text) : 100;
    for (int round = 0; round < kills; round++) {
        uint64_t before = shared->written;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            child(shared, w.dir, 1 + (uint64_t)round);
        /* At any of the next steps, however fast they are, mostly from the first tick on, sometimes
         * while the database is being opened. */
        bool opening = round % 4 == 3;
        while (!opening && shared->written == before && waitpid(pid, NULL, WNOHANG) == 0)
            sched_yield();
        uint64_t steps = shared->steps + world_random(&w, 100);
        while (!opening && shared->steps < steps && waitpid(pid, NULL, WNOHANG) == 0)
            sched_yield();
        int64_t until_ns = clock_mono_ns() + (int64_t)world_random(&w, 2000000);
        while (clock_mono_ns() < until_ns)
            continue;
        /* What is begun is begun anew after a kill, and would never be done by children that live
         * for a few pieces of it. */
        uint64_t folded = shared->folded;
        while (round % 16 == 8 && shared->folded == folded && waitpid(pid, NULL, WNOHANG) == 0)
            sched_yield();
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        check(shared, w.dir);
    }
    assert_true(shared->written >= (uint64_t)kills / 2);
    print_message("%llu ticks, %llu spans were folded\n", (unsigned long long)shared->written,
                  (unsigned long long)shared->folded);
    assert_true(shared->folded >= (uint64_t)(kills + 7) / 16);
    munmap(shared, sizeof(*shared));
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

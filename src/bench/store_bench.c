/*
 * store_bench.c: see store_bench.h. The history is like a host's: nine counters to one gauge, and
 * of ten series eight stand still. Ticks are made outside of the time that is told; what is told is
 * store_write and the housekeeping that follows it, as the store thread does them, without waiting
 * for the next second. Questions are asked of the closed history by a reader, as `netsonde query`
 * does.
 */
#include "bench/store_bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/mem.h"
#include "bench/stop.h"
#include "model/query.h"
#include "model/tick.h"
#include "store/store.h"

#define FIRST_MS INT64_C(1764000000000)
#define RECENT_MS (15 * 60 * MS_PER_S)

static const struct metric counter = {"bench_bytes_total", "bytes", "Bytes.", METRIC_COUNTER, 1};
static const struct metric gauge = {"bench_level", "", "A level.", METRIC_GAUGE, 1};

struct bench {
    const struct store_bench_settings *settings;
    struct store_result *result;
    char dir[256];
    struct store *store;
    struct registry *registry;
    struct draft *draft;
    struct series **series;
    uint64_t *counts;
    uint64_t seq, event_seq, random;
    struct spread spread, work, work_cpu;
    int64_t cpu_ns; /* in the store */
};

static uint64_t bench_random(struct bench *b)
{
    b->random ^= b->random << 13;
    b->random ^= b->random >> 7;
    b->random ^= b->random << 17;
    return b->random >> 11;
}

static int bench_fail(struct bench *b, int err, const char *what)
{
    if (err)
        snprintf(b->result->why, sizeof(b->result->why), "%s: %s", what, strerror(-err));
    return err;
}

/* ---- the directory ------------------------------------------------------------------------- */

static int make_directory(struct bench *b)
{
    const char *tmp = getenv("TMPDIR");
    int len = snprintf(b->dir, sizeof(b->dir), "%s/netsonde-bench-XXXXXX",
                       tmp && *tmp ? tmp : "/var/tmp");
    if (len >= (int)sizeof(b->dir)) {
        *b->dir = '\0';
        return bench_fail(b, -ENAMETOOLONG, "TMPDIR");
    }
    if (mkdtemp(b->dir))
        return 0;
    int err = bench_fail(b, -errno, b->dir);
    *b->dir = '\0';
    return err;
}

/* The store makes no directories in it. */
static void remove_directory(const struct bench *b)
{
    DIR *d = *b->dir ? opendir(b->dir) : NULL;
    if (!d)
        return;
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(d), entry->d_name, 0);
    }
    closedir(d);
    rmdir(b->dir);
}

static uint64_t disk_bytes(const struct bench *b)
{
    static const char *const names[] = {"netsonde.db", "netsonde.db-wal"};
    uint64_t sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[sizeof(b->dir) + 32];
        struct stat st;
        snprintf(path, sizeof(path), "%s/%s", b->dir, names[i]);
        if (stat(path, &st) == 0)
            sum += (uint64_t)st.st_size;
    }
    return sum;
}

/* ---- writing ------------------------------------------------------------------------------- */

static int open_store(struct bench *b)
{
    struct store_settings settings = STORE_SETTINGS_DEFAULT;
    struct store_error err = {0};
    settings.raw_ms = INT64_C(100) * 365 * 24 * 3600 * MS_PER_S; /* nothing expires meanwhile */
    settings.max_size_bytes = UINT64_C(1) << 40;
    int code = store_open(b->dir, &settings, &b->store, &err);
    if (code) {
        snprintf(b->result->why, sizeof(b->result->why), "%s", err.text);
        return code;
    }
    struct store_numbers next = store_next(b->store);
    b->seq = next.tick_seq;
    b->event_seq = next.event_seq;
    b->registry = registry_new(b->settings->series, next.series_id);
    b->draft = draft_new(b->registry);
    b->series = mem_array(b->settings->series, sizeof(struct series *));
    b->counts = mem_array(b->settings->series, sizeof(*b->counts));
    for (size_t i = 0; i < b->settings->series; i++) {
        char device[24];
        snprintf(device, sizeof(device), "dev%zu", i);
        const struct label label = {"device", device};
        b->counts[i] = bench_random(b) % 1000000;
        b->series[i] = registry_get(b->registry, i % 10 ? &counter : &gauge, &label, 1, "bench");
    }
    return 0;
}

static struct tick *make_tick(struct bench *b, size_t number)
{
    int64_t elapsed_ns = (int64_t)NS_PER_S + (int64_t)(bench_random(b) % 200000) - 100000;
    draft_begin(b->draft, b->seq++, FIRST_MS + (int64_t)number * MS_PER_S, number ? elapsed_ns : 0,
                0, MS_PER_S);
    for (size_t i = 0; i < b->settings->series; i++) {
        bool moves = i / 10 % 5 == 0; /* two of ten: whole tens, so that gauges are among them */
        if (moves)
            b->counts[i] += bench_random(b) % 100000;
        if (i % 10)
            draft_counter(b->draft, b->series[i], b->counts[i], 1);
        else
            draft_gauge(b->draft, b->series[i], (double)(b->counts[i] % 1000));
    }
    return draft_seal(b->draft, 0, &b->event_seq);
}

/* Of this thread, in which the store does everything here. */
static int64_t cpu_ns(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int write_one(struct bench *b, size_t number, int64_t *total_ns)
{
    struct tick *t = make_tick(b, number);
    if (!t)
        return bench_fail(b, -ENOMEM, "a tick");
    int64_t cpu_began_ns = cpu_ns(), began_ns = clock_mono_ns();
    int err = store_write(b->store, t);
    int64_t written_ns = clock_mono_ns();
    int64_t now_ns = written_ns, cpu_now_ns = cpu_ns(), before_ns, cpu_before_ns;
    bool more = !err;
    while (more) {
        before_ns = now_ns;
        cpu_before_ns = cpu_now_ns;
        more = store_work(b->store);
        now_ns = clock_mono_ns();
        cpu_now_ns = cpu_ns();
        spread_add(&b->work, now_ns - before_ns);
        spread_add(&b->work_cpu, cpu_now_ns - cpu_before_ns);
    }
    *total_ns += now_ns - began_ns;
    b->cpu_ns += cpu_now_ns - cpu_began_ns;
    spread_add(&b->spread, written_ns - began_ns);
    tick_unref(t);
    return bench_fail(b, err, "the history cannot be written");
}

/* Of ticks: questions take their own time, which nobody knows before. */
static void tell(const struct bench *b, size_t ticks)
{
    const struct store_bench_settings *s = b->settings;
    if (s->progress)
        fprintf(stderr, "\r%zu of %zu ticks ", ticks, s->ticks);
    if (s->told)
        s->told(s->told_user, (double)ticks / (double)s->ticks * (s->query ? 0.5 : 1));
}

static int write_history(struct bench *b)
{
    int64_t total_ns = 0;
    int err = 0;
    for (size_t i = 0; !err && i < b->settings->ticks; i++) {
        err = stop_is_wanted() ? bench_fail(b, -EINTR, "ended") : write_one(b, i, &total_ns);
        if (i % 100 == 0)
            tell(b, i);
    }
    if (b->settings->progress)
        fprintf(stderr, "\r\033[K");
    b->result->ticks = store_stats(b->store).ticks_written;
    const struct store_numbers next = {registry_next_id(b->registry), b->seq, b->event_seq};
    int64_t began_ns = clock_mono_ns(), cpu_began_ns = cpu_ns();
    store_close(b->store, &next);
    b->store = NULL;
    total_ns += clock_mono_ns() - began_ns;
    b->cpu_ns += cpu_ns() - cpu_began_ns;
    b->result->cpu_seconds = (double)b->cpu_ns / (double)NS_PER_S;
    b->result->samples = b->result->ticks * b->settings->series;
    b->result->seconds = (double)total_ns / (double)NS_PER_S;
    b->result->write = spread_summary(&b->spread);
    b->result->work = spread_summary(&b->work);
    b->result->work_cpu = spread_summary(&b->work_cpu);
    b->result->pieces = b->work.total;
    b->result->disk_bytes = disk_bytes(b);
    return err;
}

/* ---- asking -------------------------------------------------------------------------------- */

static void make_question(struct bench *b, enum store_question kind, struct query *ret)
{
    int64_t last_ms = FIRST_MS + (int64_t)(b->settings->ticks - 1) * MS_PER_S;
    *ret = (struct query){.to_ms = last_ms,
                          .from_ms =
                              kind == STORE_ONE_ALL ? FIRST_MS : MAX(FIRST_MS, last_ms - RECENT_MS),
                          .points = QUERY_POINTS_DEFAULT,
                          .aggregate = AGG_AVG};
    selector_init(&ret->selector);
    if (kind == STORE_MANY_RECENT) {
        selector_add_glob(&ret->selector, "bench_*");
    } else {
        char match[40];
        snprintf(match, sizeof(match), "device=dev%llu",
                 (unsigned long long)(bench_random(b) % b->settings->series));
        selector_add_match(&ret->selector, match);
    }
}

static int ask(struct bench *b, struct store_reader *reader, enum store_question kind)
{
    struct query query;
    struct answer *answer = NULL;
    struct store_error err = {0};
    make_question(b, kind, &query);
    int64_t began_ns = clock_mono_ns();
    int code = store_query(reader, &query, NULL, &answer, &err);
    spread_add(&b->spread, clock_mono_ns() - began_ns);
    selector_fini(&query.selector);
    if (code) {
        snprintf(b->result->why, sizeof(b->result->why), "%s", err.text);
        return code;
    }
    b->result->questions[kind].asked++;
    b->result->questions[kind].series = answer->series_count;
    answer_free(answer);
    return 0;
}

static int ask_all(struct bench *b)
{
    struct store_reader *reader = NULL;
    struct store_error err = {0};
    int code = store_reader_open(b->dir, &reader, &err);
    if (code)
        snprintf(b->result->why, sizeof(b->result->why), "%s", err.text);
    for (unsigned kind = 0; !code && kind < STORE_QUESTIONS; kind++) {
        int64_t end_ns = clock_mono_ns() + (int64_t)(b->settings->seconds * (double)NS_PER_S);
        b->spread = (struct spread){0};
        do
            code = stop_is_wanted() ? bench_fail(b, -EINTR, "ended")
                                    : ask(b, reader, (enum store_question)kind);
        while (!code && clock_mono_ns() < end_ns);
        b->result->questions[kind].took = spread_summary(&b->spread);
    }
    store_reader_close(reader);
    return code;
}

int store_bench(const struct store_bench_settings *settings, struct store_result *ret)
{
    struct bench *b = mem_alloc(sizeof(*b));
    *ret = (struct store_result){0};
    b->settings = settings;
    b->result = ret;
    b->random = UINT64_C(0x9e3779b97f4a7c15);
    int err = make_directory(b);
    if (!err)
        err = open_store(b);
    if (!err)
        err = write_history(b);
    if (!err && settings->query)
        err = ask_all(b);
    draft_free(b->draft);
    registry_free(b->registry);
    free(b->series);
    free(b->counts);
    remove_directory(b);
    free(b);
    return err;
}

/* world.c: see world.h. Single thread; random numbers from a seed, so that failures repeat. */
#include "world.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static const struct metric metrics[] = {
    {"bytes_total", "bytes", "Bytes.", METRIC_COUNTER, 1},
    {"wait_seconds_total", "seconds", "Waited.", METRIC_COUNTER, 1e-9},
    {"level", "", "A level.", METRIC_GAUGE, 1},
    {"temperature", "degrees", "Not whole.", METRIC_GAUGE, 1},
    {"rtt_seconds_bucket", "seconds", "A histogram.", METRIC_COUNTER, 1},
};

static const char *const bounds[WORLD_BUCKETS] = {"0.1", "0.5", "2", "+Inf"};
static const char *const devices[] = {"eth0", "we\"ird\\\n", "ünï"};

uint64_t world_random(struct world *w, uint64_t below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return below ? (w->random >> 11) % below : 0;
}

static bool is_bucket(size_t series)
{
    return series >= WORLD_SERIES - WORLD_BUCKETS;
}

const struct metric *world_metric(size_t series)
{
    return &metrics[is_bucket(series) ? 4 : series % 4];
}

size_t world_labels(size_t series, struct label labels[2])
{
    labels[0] = (struct label){"device", is_bucket(series) ? "eth0" : devices[series / 4]};
    if (is_bucket(series))
        labels[1] = (struct label){"le", bounds[series - (WORLD_SERIES - WORLD_BUCKETS)]};
    return is_bucket(series) ? 2 : 1;
}

void world_key(size_t series, char *out, size_t size)
{
    static const char *const escaped[] = {"eth0", "we\\\"ird\\\\\\n", "ünï"};
    if (is_bucket(series))
        snprintf(out, size, "rtt_seconds_bucket{device=\"eth0\",le=\"%s\"}",
                 bounds[series - (WORLD_SERIES - WORLD_BUCKETS)]);
    else
        snprintf(out, size, "%s{device=\"%s\"}", world_metric(series)->name, escaped[series / 4]);
}

size_t world_index(const char *key)
{
    char expected[128];
    for (size_t i = 0; i < WORLD_SERIES; i++) {
        world_key(i, expected, sizeof(expected));
        if (strcmp(key, expected) == 0)
            return i;
    }
    fail_msg("unknown key %s", key);
    return 0;
}

const char *world_scratch(void)
{
    const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
    return tmp ? tmp : "/tmp";
}

void world_init(struct world *w, uint64_t seed)
{
    *w = (struct world){.random = seed * 0x9e3779b97f4a7c15 + 1};
    snprintf(w->dir, sizeof(w->dir), "%s/store-XXXXXX", world_scratch());
    assert_non_null(mkdtemp(w->dir));
    w->settings = STORE_SETTINGS_DEFAULT;
    w->settings.boot_id = "boot-1";
    w->t_ms = 1764000000000;
    w->interval_ms = 1000;
    for (size_t i = 0; i < WORLD_SERIES; i++) {
        w->present[i] = true;
        w->absolute[i] = world_random(w, 1000000);
        w->source[i] = i + 1;
    }
}

struct store_reader *world_reader(const struct world *w)
{
    struct store_reader *reader;
    struct store_error err;
    if (store_reader_open(w->dir, &reader, &err) < 0)
        fail_msg("%s", err.text);
    return reader;
}

void world_remove(const char *dir)
{
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(d), entry->d_name, 0);
    }
    closedir(d);
    rmdir(dir);
}

void world_fini(struct world *w)
{
    if (w->store)
        world_close(w, true);
    free(w->ticks);
    world_remove(w->dir);
}

/* The newest stored sample of a series, NULL: none. */
static const struct world_sample *last_stored(const struct world *w, size_t series)
{
    for (size_t i = w->ticks_count; i > 0; i--) {
        const struct world_tick *t = &w->ticks[i - 1];
        if (t->stored && t->samples[series].state != SAMPLE_ABSENT)
            return &t->samples[series];
    }
    return NULL;
}

static void check_restored(struct world *w)
{
    uint32_t next_id = registry_next_id(w->registry);
    for (size_t i = 0; i < WORLD_SERIES; i++) {
        const struct world_sample *last = last_stored(w, i);
        struct label labels[2];
        size_t count = world_labels(i, labels);
        if (!last)
            continue;
        const struct series *s = registry_get(w->registry, world_metric(i), labels, count, "test");
        assert_true(s->id < next_id);
        if (s->kind == METRIC_GAUGE)
            continue;
        assert_true(s->live.sampled);
        assert_true(s->live.absolute == last->absolute);
        assert_true(s->live.source == last->source);
    }
}

void world_open(struct world *w)
{
    struct store_error err = {0};
    if (store_open(w->dir, &w->settings, &w->store, &err) < 0)
        fail_msg("store_open: %s", err.text);
    struct store_numbers next = store_next(w->store);
    assert_true(next.tick_seq >= w->seq);
    assert_true(next.event_seq >= w->event_seq);
    w->seq = next.tick_seq;
    w->event_seq = next.event_seq;
    w->registry = registry_new(1000, next.series_id);
    assert_int_equal(store_restore(w->store, w->registry), 0);
    check_restored(w);
    w->draft = draft_new(w->registry);
    w->first_of_run = true;
    w->run_from = w->ticks_count;
}

void world_close(struct world *w, bool exact)
{
    const struct store_numbers next = {registry_next_id(w->registry), w->seq, w->event_seq};
    w->spans_sealed += store_stats(w->store).spans_sealed;
    store_close(w->store, exact ? &next : NULL);
    draft_free(w->draft);
    registry_free(w->registry);
    w->store = NULL;
    w->draft = NULL;
    w->registry = NULL;
}

/* Bucket counts are cumulative: each has at least what the one below has. */
static void count_bucket(struct world *w)
{
    size_t first = WORLD_SERIES - WORLD_BUCKETS;
    for (uint64_t n = world_random(w, 20); n > 0; n--) {
        for (size_t i = world_random(w, WORLD_BUCKETS); i < WORLD_BUCKETS; i++)
            w->absolute[first + i]++;
    }
}

static void sample(struct world *w, size_t i)
{
    struct label labels[2];
    size_t count = world_labels(i, labels);
    struct series *s = registry_get(w->registry, world_metric(i), labels, count, "test");
    assert_non_null(s);
    if (s->kind == METRIC_GAUGE) {
        double whole = (double)world_random(w, 2000) - 1000;
        draft_gauge(w->draft, s, i % 4 == 3 ? whole / 7 : whole);
        return;
    }
    if (!is_bucket(i)) {
        if (world_random(w, 100) == 0) {
            w->absolute[i] = world_random(w, 50); /* began again */
        } else if (world_random(w, 3)) {
            w->absolute[i] += world_random(w, i % 2 ? 3000000000 : 3000);
        }
        if (world_random(w, 200) == 0)
            w->source[i] += 100;
    }
    draft_counter(w->draft, s, w->absolute[i], w->source[i]);
}

struct tick *world_tick(struct world *w)
{
    int64_t elapsed_ns = w->interval_ms * NS_PER_MS + (int64_t)world_random(w, 200000) - 100000;
    w->t_ms += w->interval_ms;
    draft_begin(w->draft, w->seq++, w->t_ms, w->first_of_run ? 0 : elapsed_ns, 0, w->interval_ms);
    w->first_of_run = false;
    count_bucket(w);
    for (size_t i = 0; i < WORLD_SERIES; i++) {
        if (!is_bucket(i) && world_random(w, 60) == 0)
            w->present[i] = !w->present[i];
        if (w->present[i])
            sample(w, i);
    }
    struct tick *t = draft_seal(w->draft, 0, &w->event_seq);
    assert_non_null(t);
    return t;
}

void world_forget(struct world *w)
{
    free(w->ticks);
    w->ticks = NULL;
    w->ticks_count = w->ticks_capacity = 0;
    w->seq = w->event_seq = 0;
    w->run_from = 0;
}

/* What refused ticks of this run counted since the series was stored last. */
static uint64_t counted_in_refused(const struct world *w, size_t series)
{
    uint64_t lost = 0;
    size_t from = 0;
    while (from < w->ticks_count && !w->ticks[from].stored)
        from++; /* the first row of all has nothing of what was before it */
    for (size_t i = MAX(from, w->run_from); i < w->ticks_count; i++) {
        const struct world_tick *t = &w->ticks[i];
        if (t->samples[series].state == SAMPLE_ABSENT)
            continue;
        if (t->refused)
            lost += t->samples[series].value.increment;
        else if (t->stored)
            lost = 0;
    }
    return lost;
}

/* What lost ticks before this one counted is stored with it, unless it is the first. */
static void claim_lost(const struct world *w, struct world_tick *record)
{
    bool any = false;
    for (size_t i = 0; i < w->ticks_count && !any; i++)
        any = w->ticks[i].stored;
    bool follows_lost = any && !w->ticks[w->ticks_count - 1].stored;
    for (size_t i = 0; i < WORLD_SERIES && follows_lost; i++) {
        struct world_sample *s = &record->samples[i];
        const struct world_sample *last = last_stored(w, i);
        if (world_metric(i)->kind == METRIC_GAUGE || s->state == SAMPLE_ABSENT)
            continue;
        uint64_t since = s->value.increment + counted_in_refused(w, i);
        if (last && last->source == s->source && s->absolute >= last->absolute)
            since = MAX(since, s->absolute - last->absolute);
        if (since == s->value.increment)
            continue;
        s->value.increment = since;
        s->state = SAMPLE_GAP;
    }
}

void world_record(struct world *w, const struct tick *t, bool stored)
{
    if (w->ticks_count == w->ticks_capacity) {
        w->ticks_capacity = MAX(w->ticks_capacity * 2, (size_t)256);
        w->ticks = mem_resize(w->ticks, w->ticks_capacity, sizeof(*w->ticks));
    }
    struct world_tick *record = &w->ticks[w->ticks_count];
    *record = (struct world_tick){.seq = t->seq,
                                  .t_ms = t->t_ms,
                                  .elapsed_ns = t->elapsed_ns,
                                  .interval_ms = t->interval_ms,
                                  .stored = stored};
    for (uint32_t slot = 0; slot < t->count; slot++) {
        if (t->set->slots[slot] && t->state[slot] != SAMPLE_ABSENT)
            record->samples[world_index(t->set->slots[slot]->key)] =
                (struct world_sample){(enum sample_state)t->state[slot], t->value[slot],
                                      t->absolute[slot], t->source[slot]};
    }
    if (stored)
        claim_lost(w, record);
    w->ticks_count++;
}

void world_record_refused(struct world *w, const struct tick *t)
{
    world_record(w, t, false);
    w->ticks[w->ticks_count - 1].refused = true;
}

uint64_t world_write(struct world *w)
{
    struct tick *t = world_tick(w);
    uint64_t seq = t->seq;
    assert_int_equal(store_write(w->store, t), 0);
    world_record(w, t, true);
    tick_unref(t);
    return seq;
}

void world_work(struct world *w)
{
    while (store_work(w->store))
        continue;
}

char *world_path(const struct world *w, const char *name)
{
    return mem_printf("%s/%s", w->dir, name);
}

size_t world_count_aside(const struct world *w)
{
    size_t count = 0;
    DIR *d = opendir(w->dir);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;)
        count += strstr(entry->d_name, ".corrupt-") && !strstr(entry->d_name, "-wal") &&
                 !strstr(entry->d_name, "-shm");
    closedir(d);
    return count;
}

size_t world_count_notes(struct world *w, const char *part)
{
    size_t count = 0;
    struct store_note note;
    while (store_take_note(w->store, &note))
        count += strstr(note.text, part) != NULL;
    return count;
}

void world_read_database(const struct world *w, struct buf *ret)
{
    char *path CLEANUP(mem_freep) = world_path(w, "netsonde.db");
    struct stat st = {0};
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    char *room = buf_reserve(ret, (size_t)st.st_size);
    assert_int_equal(read(fd, room, (size_t)st.st_size), st.st_size);
    ret->len += (size_t)st.st_size;
    close(fd);
}

void world_write_database(const struct world *w, const void *data, size_t len)
{
    char *path CLEANUP(mem_freep) = world_path(w, "netsonde.db");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
    close(fd);
}

void world_copy_database(const struct world *w, const char *path)
{
    struct buf data CLEANUP(buf_fini) = BUF_INIT;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    char *room = buf_reserve(&data, (size_t)st.st_size);
    assert_int_equal(read(fd, room, (size_t)st.st_size), st.st_size);
    close(fd);
    world_write_database(w, room, (size_t)st.st_size);
}

int64_t world_ask_number(const struct world *w, const char *sql)
{
    char *path CLEANUP(mem_freep) = world_path(w, "netsonde.db");
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return number;
}

void world_fill(struct world *w, int ticks)
{
    w->settings.seal_ticks = 20;
    world_open(w);
    for (int i = 0; i < ticks; i++) {
        world_write(w);
        world_work(w);
    }
}

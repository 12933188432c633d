/*
 * replay_history.c: writes given samples with the daemon's store, as the daemon would have done,
 * for bench/storage.py: what a history needs on disk that has these samples and nothing else, in
 * this version's formats.
 *
 *   replay_history DIRECTORY FILE
 *
 * FILE is in this machine's byte order: the interval in ms and the number of series (int64 each),
 * then of each series
 *
 *   kind (0 counter, 1 gauge), number of labels, number of samples    int64 each
 *   scale                                                             double
 *   name, then each label's name and value                            int64 length and bytes
 *   times in ms, growing                                              int64 each
 *   values                                                            double each
 *
 * Whoever makes the file is trusted; it is only checked to be whole.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/defs.h"
#include "base/mem.h"
#include "model/tick.h"
#include "store/store.h"

struct column {
    struct metric metric;
    size_t labels_count;
    struct label labels[SERIES_LABELS_MAX];
    size_t count, at; /* at: the next that is not written yet */
    int64_t *t_ms;
    double *values;
    struct series *series;
};

struct replay {
    int64_t interval_ms;
    size_t count;
    struct column *columns;
};

/* ---- reading ------------------------------------------------------------------------------- */

static void read_bytes(FILE *f, void *to, size_t len)
{
    if (len && fread(to, 1, len, f) != len) {
        fprintf(stderr, "replay_history: the file is cut off\n");
        exit(1);
    }
}

static int64_t read_number(FILE *f)
{
    int64_t number;
    read_bytes(f, &number, sizeof(number));
    return number;
}

static char *read_text(FILE *f)
{
    size_t len = (size_t)read_number(f);
    char *text = mem_array(len + 1, 1);
    read_bytes(f, text, len);
    return text;
}

static void read_column(FILE *f, struct column *c)
{
    c->metric.kind = read_number(f) ? METRIC_GAUGE : METRIC_COUNTER;
    c->labels_count = (size_t)read_number(f);
    c->count = (size_t)read_number(f);
    CHECK(c->labels_count <= SERIES_LABELS_MAX);
    read_bytes(f, &c->metric.scale, sizeof(c->metric.scale));
    c->metric.name = read_text(f);
    c->metric.unit = "";
    c->metric.help = "Replayed.";
    for (size_t i = 0; i < c->labels_count; i++) {
        c->labels[i].name = read_text(f);
        c->labels[i].value = read_text(f);
    }
    c->t_ms = mem_array(c->count + 1, sizeof(*c->t_ms));
    c->values = mem_array(c->count + 1, sizeof(*c->values));
    read_bytes(f, c->t_ms, c->count * sizeof(*c->t_ms));
    read_bytes(f, c->values, c->count * sizeof(*c->values));
}

static void read_file(FILE *f, struct replay *r)
{
    r->interval_ms = read_number(f);
    r->count = (size_t)read_number(f);
    r->columns = mem_array(r->count + 1, sizeof(*r->columns));
    for (size_t i = 0; i < r->count; i++)
        read_column(f, &r->columns[i]);
}

/* ---- writing ------------------------------------------------------------------------------- */

/* The time of the earliest sample that is not written yet; INT64_MAX: all are. */
static int64_t next_ms(const struct replay *r)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < r->count; i++) {
        const struct column *c = &r->columns[i];
        if (c->at < c->count)
            next = MIN(next, c->t_ms[c->at]);
    }
    return next;
}

/* Samples of this time into the draft; how many. */
static size_t sample(struct replay *r, struct registry *registry, struct draft *draft, int64_t t_ms)
{
    size_t sampled = 0;
    for (size_t i = 0; i < r->count; i++) {
        struct column *c = &r->columns[i];
        if (c->at == c->count || c->t_ms[c->at] != t_ms)
            continue;
        double value = c->values[c->at++];
        if (!c->series)
            c->series = series_ref(
                registry_get(registry, &c->metric, c->labels, c->labels_count, "replay"));
        if (c->metric.kind == METRIC_GAUGE)
            draft_gauge(draft, c->series, value);
        else
            draft_counter(draft, c->series, (uint64_t)llround(value / c->metric.scale), 1);
        sampled++;
    }
    return sampled;
}

static int write_ticks(struct replay *r, struct store *store, uint64_t *ret_samples)
{
    struct store_numbers next = store_next(store);
    struct registry *registry = registry_new(r->count, next.series_id);
    struct draft *draft = draft_new(registry);
    int64_t before_ms = 0, jitter_ns = 0;
    int err = 0;
    int64_t t_ms;
    while (!err && (t_ms = next_ms(r)) != INT64_MAX) {
        /* A timer is late by some ten microseconds, each time by others. */
        int64_t late_ns = (int64_t)((uint64_t)t_ms * UINT64_C(0x9e3779b97f4a7c15) >> 47);
        draft_begin(draft, next.tick_seq++, t_ms,
                    before_ms ? (t_ms - before_ms) * NS_PER_MS + late_ns - jitter_ns : 0, 0,
                    r->interval_ms);
        *ret_samples += sample(r, registry, draft, t_ms);
        before_ms = t_ms;
        jitter_ns = late_ns;
        struct tick *t = draft_seal(draft, 0, &next.event_seq);
        err = t ? store_write(store, t) : -ENOMEM;
        tick_unref(t);
        while (!err && store_work(store))
            continue;
    }
    next.series_id = registry_next_id(registry);
    store_close(store, &next);
    for (size_t i = 0; i < r->count; i++)
        series_unref(r->columns[i].series);
    draft_free(draft);
    registry_free(registry);
    return err;
}

int main(int argc, char **argv)
{
    struct replay r = {0};
    struct store_settings settings = STORE_SETTINGS_DEFAULT;
    struct store *store;
    struct store_error why = {0};
    uint64_t samples = 0;
    FILE *f = argc == 3 ? fopen(argv[2], "rb") : NULL;
    if (!f) {
        fprintf(stderr, argc == 3 ? "replay_history: the file cannot be read\n"
                                  : "usage: replay_history DIRECTORY FILE\n");
        return 2;
    }
    read_file(f, &r);
    fclose(f);
    settings.raw_ms = INT64_C(100) * 365 * 24 * 3600 * MS_PER_S; /* nothing expires meanwhile */
    settings.max_size_bytes = UINT64_C(1) << 40;
    int err = store_open(argv[1], &settings, &store, &why);
    if (err) {
        fprintf(stderr, "replay_history: %s\n", why.text);
        return 1;
    }
    err = write_ticks(&r, store, &samples);
    if (err)
        fprintf(stderr, "replay_history: %s\n", strerror(-err));
    else
        printf("%llu\n", (unsigned long long)samples);
    return err ? 1 : 0;
}

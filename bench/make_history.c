/*
 * make_history.c: a history that nobody recorded, of any length, for bench/storage.py: written with
 * the daemon's store, or printed in OpenMetrics for peers. Both have the same samples, since each
 * is worked out from the series' number and the second alone.
 *
 *   make_history DIRECTORY FIRST SECONDS SERIES    a database; FIRST: seconds since 1970
 *   make_history -         FIRST SECONDS SERIES    OpenMetrics on standard output
 *
 * Nine of ten series are counters of bytes that all move, with quiet and busy times and bursts, the
 * tenth is a gauge: nothing here is easy to store. What the store does as time passes (sealing,
 * tiers, retention with the default times) it does here, too.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "base/mem.h"
#include "model/tick.h"
#include "store/store.h"

static const struct metric counter = {"bench_bytes_total", "bytes", "Bytes.", METRIC_COUNTER, 1};
static const struct metric gauge = {"bench_level", "", "A level.", METRIC_GAUGE, 1};

struct history {
    int64_t first_s;
    uint64_t seconds;
    size_t series;
};

/* The finalizer of splitmix64 (Steele, Lea, Flood 2014): every bit depends on every bit. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* Bytes in this second: packets of 60 to 1,514 bytes, about as many as in the minute around it. */
static uint64_t bytes_at(size_t series, uint64_t second)
{
    uint64_t minute = mix(series << 40 | second / 60 << 20);
    uint64_t packets = minute % 4 ? minute >> 8 & 63 : minute >> 8 & 4095;
    uint64_t chance = mix(series << 40 | second);
    packets += chance & 15;
    return packets * (60 + (chance >> 8) % 1455);
}

static double level_at(size_t series, uint64_t second)
{
    return (double)(mix(series << 40 | second / 30) % 1000 + mix(series << 40 | second) % 10) / 10;
}

static bool is_gauge(size_t series)
{
    return series % 10 == 9;
}

static int print_history(const struct history *h)
{
    for (int kind = 0; kind < 2; kind++) {
        const struct metric *m = kind ? &gauge : &counter;
        int len = (int)strlen(m->name) - (kind ? 0 : (int)strlen("_total"));
        printf("# HELP %.*s %s\n# TYPE %.*s %s\n", len, m->name, m->help, len, m->name,
               metric_kind_name(m->kind));
        for (size_t i = 0; i < h->series; i++) {
            uint64_t total = 0;
            for (uint64_t second = 0; second < h->seconds && is_gauge(i) == (kind == 1); second++) {
                total += kind ? 0 : bytes_at(i, second);
                printf("%s{device=\"dev%zu\"} %.17g %" PRId64 "\n", m->name, i,
                       kind ? level_at(i, second) : (double)total, h->first_s + (int64_t)second);
            }
        }
    }
    puts("# EOF");
    return fflush(stdout) || ferror(stdout) ? -EIO : 0;
}

static int write_ticks(struct store *store, const struct history *h)
{
    struct store_numbers next = store_next(store);
    struct registry *registry = registry_new(h->series, next.series_id);
    struct draft *draft = draft_new(registry);
    struct series **series = mem_array(h->series, sizeof(struct series *));
    uint64_t *totals = mem_array(h->series, sizeof(*totals));
    for (size_t i = 0; i < h->series; i++) {
        char device[24];
        snprintf(device, sizeof(device), "dev%zu", i);
        const struct label label = {"device", device};
        series[i] = registry_get(registry, is_gauge(i) ? &gauge : &counter, &label, 1, "bench");
    }
    int err = 0;
    for (uint64_t second = 0; second < h->seconds && !err; second++) {
        draft_begin(draft, next.tick_seq++, (h->first_s + (int64_t)second) * MS_PER_S,
                    second ? (int64_t)NS_PER_S : 0, 0, MS_PER_S);
        for (size_t i = 0; i < h->series; i++) {
            if (is_gauge(i))
                draft_gauge(draft, series[i], level_at(i, second));
            else
                draft_counter(draft, series[i], totals[i] += bytes_at(i, second), 1);
        }
        struct tick *t = draft_seal(draft, 0, &next.event_seq);
        err = t ? store_write(store, t) : -ENOMEM;
        tick_unref(t);
        while (!err && store_work(store))
            continue;
    }
    next.series_id = registry_next_id(registry);
    store_close(store, &next);
    draft_free(draft);
    registry_free(registry);
    free(series);
    free(totals);
    return err;
}

static int write_history(const char *directory, const struct history *h)
{
    struct store_settings settings = STORE_SETTINGS_DEFAULT;
    struct store *store;
    struct store_error why = {0};
    settings.max_size_bytes = UINT64_C(1) << 40;
    int err = store_open(directory, &settings, &store, &why);
    if (err) {
        fprintf(stderr, "make_history: %s\n", why.text);
        return err;
    }
    return write_ticks(store, h);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: make_history DIRECTORY|- FIRST SECONDS SERIES\n");
        return 2;
    }
    struct history h = {.first_s = strtoll(argv[2], NULL, 10),
                        .seconds = strtoull(argv[3], NULL, 10),
                        .series = strtoull(argv[4], NULL, 10)};
    int err = strcmp(argv[1], "-") == 0 ? print_history(&h) : write_history(argv[1], &h);
    if (err)
        fprintf(stderr, "make_history: %s\n", strerror(-err));
    return err ? 1 : 0;
}

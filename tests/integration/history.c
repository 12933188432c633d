/*
 * history.c: a history that nobody has to wait for: `history DIR TICKS SERIES INTERVAL_MS
 * [LAST_MS]` writes so many ticks, the last of them at LAST_MS (now without it), as a daemon would
 * have. Of six series one is a gauge and three are a histogram; names are hostile. Values follow
 * from series and tick, so a test can tell what must be there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/tick.h"
#include "store/store.h"

static const struct metric metrics[] = {
    {"history_bytes_total", "bytes", "Bytes.", METRIC_COUNTER, 1},
    {"history_level", "", "A level.", METRIC_GAUGE, 1},
    {"history_wait_seconds_total", "seconds", "Waited.", METRIC_COUNTER, 1e-9},
    {"history_rtt_seconds_bucket", "connections", "A histogram.", METRIC_COUNTER, 1},
    {"history_rtt_seconds_bucket", "connections", "A histogram.", METRIC_COUNTER, 1},
    {"history_rtt_seconds_count", "connections", "A histogram.", METRIC_COUNTER, 1},
};

#define KINDS ((long)ARRAY_LEN(metrics))

static const char *const hostile[] = {"=cmd()", "+1,2", "a \"b\"\nc", "@x\\", "-1", "x"};

int main(int argc, char **argv)
{
    struct store *store;
    struct store_error error;
    if (argc < 5)
        return 2;
    long ticks = atol(argv[2]), count = atol(argv[3]), interval_ms = atol(argv[4]);
    int64_t last_ms = argc > 5 ? atoll(argv[5]) : clock_wall_ms();
    struct store_settings settings = STORE_SETTINGS_DEFAULT;
    settings.raw_ms = settings.minute_ms = settings.hour_ms =
        INT64_C(10) * 365 * 24 * 3600 * MS_PER_S;
    if (store_open(argv[1], &settings, &store, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    struct store_numbers next = store_next(store);
    struct registry *registry = registry_new((size_t)count, next.series_id);
    struct draft *draft = draft_new(registry);
    for (long i = 0; i < ticks; i++) {
        int64_t t_ms = last_ms - (ticks - 1 - i) * interval_ms;
        draft_begin(draft, next.tick_seq++, t_ms, i ? interval_ms * NS_PER_MS : 0, 0, interval_ms);
        for (long s = 0; s < count; s++) {
            const struct metric *metric = &metrics[s % KINDS];
            char device[64];
            snprintf(device, sizeof(device), "%s%ld", hostile[s / KINDS % 6], s / KINDS);
            const struct label labels[] = {{"device", device},
                                           {"le", s % KINDS == 3 ? "0.5" : "+Inf"}};
            struct series *series = registry_get(
                registry, metric, labels, s % KINDS == 3 || s % KINDS == 4 ? 2 : 1, "history");
            if (metric->kind == METRIC_GAUGE)
                draft_gauge(draft, series, (double)((i * 7 + s) % 1000) / 8);
            else
                draft_counter(draft, series, (uint64_t)(i * (s + 1)), 1);
        }
        struct tick *t = draft_seal(draft, 0, &next.event_seq);
        if (!t || store_write(store, t) < 0)
            return 1;
        tick_unref(t);
        while (store_work(store))
            continue;
    }
    next.series_id = registry_next_id(registry);
    store_close(store, &next);
    draft_free(draft);
    registry_free(registry);
    return 0;
}

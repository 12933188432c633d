/*
 * bench_alerts.c: what a tick costs alerting.
 *
 *   bench_alerts [SERIES [TICKS]]     (10000 series, 600 ticks)
 *
 * Noise in so many series, and four times: the bank of detectors alone, with a rule with a
 * threshold on each of them, with one over a window and with one that looks for anomalies; then,
 * with the first rule, a tick in which all of them go wrong or well at once. Each tick is timed by
 * itself; printed are the quickest and the middle one, in nanoseconds per series. One thread, no
 * I/O.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "alert/alerts.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

struct noise {
    struct registry *registry;
    struct draft *draft;
    struct series **series;
    size_t count;
    uint64_t seq, next_event;
    unsigned seed;
};

static void ignore_change(void *user, struct alert *a)
{
    (void)user, (void)a;
}

static void ignore_notice(void *user, size_t channel, struct notice *n)
{
    (void)user, (void)channel, (void)n;
}

static void ignore_rule(void *user, const char *name, const struct rule *r)
{
    (void)user, (void)name, (void)r;
}

static void ignore_silence(void *user, const struct silence *s)
{
    (void)user, (void)s;
}

static struct noise noise_new(size_t count)
{
    static const struct metric level = {"test_level", "", "Noise.", METRIC_GAUGE, 1};
    struct noise n = {.registry = registry_new(count, 1), .count = count, .next_event = 1};
    n.draft = draft_new(n.registry);
    n.series = mem_array(count, sizeof(struct series *));
    for (size_t i = 0; i < count; i++) {
        char device[24];
        snprintf(device, sizeof(device), "dev%zu", i);
        const struct label label = {"device", device};
        n.series[i] = registry_get(n.registry, &level, &label, 1, "bench");
    }
    return n;
}

static void noise_free(struct noise *n)
{
    draft_free(n->draft);
    registry_free(n->registry);
    free(n->series);
}

static struct tick *noise_tick(struct noise *n, double shift)
{
    n->seq++;
    draft_begin(n->draft, n->seq, (int64_t)n->seq * MS_PER_S, NS_PER_S, 0, MS_PER_S);
    for (size_t i = 0; i < n->count; i++) {
        double value = shift;
        for (int k = 0; k < 4; k++) { /* nearly Gaussian */
            n->seed = n->seed * 1664525U + 1013904223U;
            value += n->seed / 4294967296.0;
        }
        draft_gauge(n->draft, n->series[i], value);
    }
    struct tick *t = draft_seal(n->draft, 0, &n->next_event);
    CHECK(t);
    return t;
}

static struct rule *make_rule(const char *key, const char *text)
{
    struct rule_draft *d = rule_draft_new(RULE_FROM_FILE);
    struct rule *r;
    char why[160];
    const char *where;
    CHECK(rule_draft_set(d, "name", "bench", why, sizeof(why)) == 0);
    CHECK(rule_draft_set(d, "metric", "test_level", why, sizeof(why)) == 0);
    CHECK(rule_draft_set(d, "warning", "100", why, sizeof(why)) == 0);
    CHECK(rule_draft_set(d, key, text, why, sizeof(why)) == 0);
    CHECK(rule_draft_finish(d, &r, &where, why, sizeof(why)) == 0);
    return r;
}

static int compare_ns(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* shift: 0, or what every other tick is shifted by. */
static void measure(const char *what, size_t count, size_t ticks, struct rule *r, double shift)
{
    static const struct alerts_ops ops = {ignore_change, ignore_notice, ignore_rule,
                                          ignore_silence};
    static const char *const channels[] = {"websocket", "log"};
    static const size_t usual[] = {0, 1};
    struct board *board = board_new();
    const struct alerts_settings settings = {
        .detect = {.sigma = 2.5,
                   .window_ms = 300000,
                   .min_samples = 60,
                   .confirm = 3,
                   .out_of = 5,
                   .learning_ms = 600000,
                   .false_alarms_per_s = 1.0 / 86400},
        .rate_count = 5,
        .rate_ms = 60000,
        .cooldown_ms = 60000,
        .channels = channels,
        .channels_count = 2,
        .default_channels = usual,
        .default_channels_count = 2,
        .board = board,
    };
    struct alerts *a = alerts_new(&settings, &ops, NULL);
    struct noise n = noise_new(count);
    int64_t *ns = mem_array(ticks, sizeof(int64_t));
    if (r)
        alerts_set_rules(a, &r, 1);
    for (size_t i = 0; i < ticks + 10; i++) { /* the first ones make the index */
        struct tick *t = noise_tick(&n, i % 2 ? shift : 0);
        int64_t begin_ns = clock_mono_ns();
        alerts_step(a, t);
        if (i >= 10)
            ns[i - 10] = clock_mono_ns() - begin_ns;
        tick_unref(t);
    }
    qsort(ns, ticks, sizeof(ns[0]), compare_ns);
    int64_t least_ns = ns[0], median_ns = ns[ticks / 2];
    printf("%-22s %10.1f %10.1f\n", what, (double)least_ns / (double)count,
           (double)median_ns / (double)count);
    free(ns);
    alerts_free(a);
    noise_free(&n);
    board_free(board);
    rule_unref(r);
}

int main(int argc, char **argv)
{
    uint64_t series = 10000, ticks = 600;
    if (argc > 3 || (argc > 1 && text_u64(argv[1], &series) < 0) ||
        (argc > 2 && text_u64(argv[2], &ticks) < 0) || series < 1 || series > 100000 || ticks < 1 ||
        ticks > 1000000) {
        fprintf(stderr, "usage: bench_alerts [SERIES [TICKS]]\n");
        return 2;
    }
    printf("%ju series, %ju ticks, ns per series and tick\n", (uintmax_t)series, (uintmax_t)ticks);
    printf("%-22s %10s %10s\n", "", "quickest", "middle");
    measure("bank alone", series, ticks, NULL, 0);
    measure("with a threshold", series, ticks, make_rule("for", "0"), 0);
    measure("with a window", series, ticks, make_rule("window", "1m"), 0);
    measure("with anomalies", series, ticks, make_rule("anomaly", "on"), 0);
    measure("all wrong, all well", series, MIN(ticks, (uint64_t)60), make_rule("for", "0"), 1000);
    return 0;
}

/*
 * bench_detect.c: what it costs to look at every series of a tick, beside the plainest way to do
 * it.
 *
 *   bench_detect [SERIES [TICKS]]     (10000 series, 1500 ticks)
 *
 * The same ticks (nine counters to one gauge, Gaussian noise on all) go through a bank, through one
 * that knows the hours of the week as well, and through a naive rolling z-score: a ring of the 300
 * newest samples of each series with their sum and sum of squares, three of five beyond 2.5 sigma.
 * They take turns, so each finds memory as cold as the others left it. Each tick is timed by
 * itself; printed are Markdown rows of the middle one. One thread, no I/O; ends by itself.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "detect/detector.h"
#include "model/tick.h"

#define WARM_TICKS 650 /* not counted: everything is learning */
#define NAIVE_WINDOW 300
#define WEEKS 3

struct naive {
    double ring[NAIVE_WINDOW], sum, squares;
    uint32_t n;
    uint8_t beyond; /* bit 0: the newest sample */
    bool alarm;
};

enum { WAY_NAIVE, WAY_BANK, WAY_SEASONAL, WAYS };

struct stand {
    size_t series_count, ticks;
    struct registry *registry;
    struct series **series;
    struct draft *draft;
    uint64_t *absolute, random;
    struct naive *naive;
    struct bank *bank, *seasonal;
    int64_t *ns[WAYS]; /* of each tick */
};

static double uniform(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) * 0x1p-53;
}

/* Nearly Gaussian: twelve uniform numbers have variance 1. */
static double noise(uint64_t *state)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += uniform(state);
    return sum;
}

static struct tick *make_tick(struct stand *s, size_t i)
{
    uint64_t next_event = 1;
    draft_begin(s->draft, i + 1, (int64_t)i * 1000, i ? NS_PER_S : 0, (int64_t)i * NS_PER_S, 1000);
    for (size_t k = 0; k < s->series_count; k++) {
        double x = 1e6 + 1e4 * noise(&s->random);
        if (k % 10) {
            s->absolute[k] += (uint64_t)x;
            draft_counter(s->draft, s->series[k], s->absolute[k], 1);
        } else {
            draft_gauge(s->draft, s->series[k], x);
        }
    }
    struct tick *t = draft_seal(s->draft, 0, &next_event);
    if (!t) {
        fprintf(stderr, "bench_detect: out of memory\n");
        exit(1);
    }
    return t;
}

static void naive_step(struct naive *n, double x)
{
    double *place = &n->ring[n->n % NAIVE_WINDOW];
    double count = n->n < NAIVE_WINDOW ? n->n : NAIVE_WINDOW;
    if (count > 2) {
        double mean = n->sum / count, variance = n->squares / count - mean * mean;
        double z = variance > 0 ? (x - mean) / sqrt(variance) : 0;
        n->beyond = (uint8_t)(n->beyond << 1 | (fabs(z) > 2.5));
        n->alarm = __builtin_popcount(n->beyond & 31U) >= 3;
    }
    double old = n->n < NAIVE_WINDOW ? 0 : *place;
    n->sum += x - old;
    n->squares += x * x - old * old;
    *place = x;
    n->n++;
}

static void naive_tick(struct stand *s, const struct tick *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        double x = tick_shown(t, i);
        if (!isnan(x))
            naive_step(&s->naive[i], x);
    }
}

static void learn_hours(struct stand *s)
{
    for (size_t k = 0; k < s->series_count; k++) {
        for (int64_t h = 1; h <= WEEKS * SEASONAL_CELLS; h++)
            bank_learn_hour(s->seasonal, (uint32_t)k, -h * 3600000, 1e6, 1e4);
    }
}

static void one_tick(struct stand *s, size_t i)
{
    struct tick *t = make_tick(s, i);
    int64_t at[WAYS + 1];
    at[WAY_NAIVE] = clock_mono_ns();
    naive_tick(s, t);
    at[WAY_BANK] = clock_mono_ns();
    bank_step(s->bank, t);
    at[WAY_SEASONAL] = clock_mono_ns();
    bank_step(s->seasonal, t);
    at[WAYS] = clock_mono_ns();
    if (i == 0)
        learn_hours(s);
    for (int way = 0; i >= WARM_TICKS && way < WAYS; way++)
        s->ns[way][i - WARM_TICKS] = at[way + 1] - at[way];
    tick_unref(t);
}

static int compare_ns(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The middle one, of a series. */
static double median_ns(struct stand *s, int way)
{
    qsort(s->ns[way], s->ticks, sizeof(int64_t), compare_ns);
    size_t middle = s->ticks / 2;
    return (double)s->ns[way][middle] / (double)s->series_count;
}

static void print_rows(struct stand *s)
{
    double naive = median_ns(s, WAY_NAIVE), bank = median_ns(s, WAY_BANK);
    double seasonal = median_ns(s, WAY_SEASONAL);
    printf("| detection, per series and tick, %zu series | at most 100 ns | %.1f ns |\n",
           s->series_count, bank);
    printf("| the same with the hours of the week | – | %.1f ns |\n", seasonal);
    printf(
        "| the same, naive rolling z-score over %d samples, 3 of 5 | peer | %.1f ns; bank / naive "
        "= %.2f |\n",
        NAIVE_WINDOW, naive, bank / naive);
    printf("| CPU of a core at 1 s for %zu series | under 1 %% | %.3f %% |\n", s->series_count,
           bank * (double)s->series_count / NS_PER_S * 100);
    printf("| memory of a series | at most 256 B | %zu B; naive %zu B |\n", bank_bytes(false),
           sizeof(struct naive));
    printf("| the same with the hours of the week | at most 4,096 B | %zu B |\n", bank_bytes(true));
}

static void measure(struct stand *s)
{
    static const struct metric counter = {"node_network_receive_bytes_total", "bytes",
                                          "Bytes received.", METRIC_COUNTER, 1};
    static const struct metric gauge = {"node_network_mtu_bytes", "bytes", "Largest packet.",
                                        METRIC_GAUGE, 1};
    const struct bank_settings settings = BANK_SETTINGS_DEFAULT;
    s->registry = registry_new(s->series_count, 1);
    s->draft = draft_new(s->registry);
    s->series = mem_array(s->series_count, sizeof(struct series *));
    s->absolute = mem_array(s->series_count, sizeof(uint64_t));
    s->naive = mem_array(s->series_count, sizeof(struct naive));
    s->bank = bank_new(&settings);
    s->seasonal = bank_new(&settings);
    for (int way = 0; way < WAYS; way++)
        s->ns[way] = mem_array(s->ticks, sizeof(int64_t));
    for (size_t i = 0; i < s->series_count; i++) {
        char device[24];
        snprintf(device, sizeof(device), "dev%zu", i);
        const struct label label = {"device", device};
        s->series[i] = registry_get(s->registry, i % 10 ? &counter : &gauge, &label, 1, "bench");
    }
    for (size_t i = 0; i < WARM_TICKS + s->ticks; i++)
        one_tick(s, i);
    print_rows(s);
    for (int way = 0; way < WAYS; way++)
        free(s->ns[way]);
    bank_free(s->seasonal);
    bank_free(s->bank);
    free(s->naive);
    free(s->absolute);
    free(s->series);
    draft_free(s->draft);
    registry_free(s->registry);
}

int main(int argc, char **argv)
{
    uint64_t series = 10000, ticks = 1500;
    if (argc > 3 || (argc > 1 && text_u64(argv[1], &series) < 0) ||
        (argc > 2 && text_u64(argv[2], &ticks) < 0) || series < 1 || series > 100000 || ticks < 1 ||
        ticks > 1000000) {
        fprintf(stderr, "usage: bench_detect [SERIES [TICKS]]\n");
        return 2;
    }
    struct stand s = {.series_count = series, .ticks = ticks, .random = 7};
    measure(&s);
    return 0;
}

/*
 * bench_tick.c: what a tick costs before anybody looks at it.
 *
 *   bench_tick [SERIES [TICKS]]     (500 series, 5000 ticks)
 *
 * Measures sampling every series into a draft (nine counters to one gauge, as on a real host) and
 * sealing it, and the same with a ring of ticks that keeps what a viewer may ask for again, so
 * memory is as cold as it is in the daemon. Each tick is timed by itself; printed are the quickest
 * and the middle one, in nanoseconds per series. The quickest is what the code costs, the middle
 * one what this machine made of it. One thread, no I/O; ends by itself.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/tick.h"

#define RING_TICKS 300
#define RING_BYTES ((size_t)64 << 20)

struct stage {
    const char *name;
    int64_t *ns; /* of each tick */
};

enum { STAGE_SAMPLE, STAGE_SEAL, STAGE_RING, STAGE_TICK, STAGES };

static int compare_ns(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static struct series **make_series(struct registry *r, size_t count)
{
    static const struct metric counter = {"node_network_receive_bytes_total", "bytes",
                                          "Bytes received.", METRIC_COUNTER, 1};
    static const struct metric gauge = {"node_network_mtu_bytes", "bytes", "Largest packet.",
                                        METRIC_GAUGE, 1};
    struct series **series = mem_array(count, sizeof(struct series *));
    for (size_t i = 0; i < count; i++) {
        char device[24];
        snprintf(device, sizeof(device), "dev%zu", i);
        const struct label label = {"device", device};
        series[i] = registry_get(r, i % 10 ? &counter : &gauge, &label, 1, "bench");
    }
    return series;
}

static void measure(size_t series_count, size_t ticks, struct stage stages[STAGES])
{
    struct registry *r = registry_new(series_count, 1);
    struct series **series = make_series(r, series_count);
    struct draft *d = draft_new(r);
    struct tick_ring *ring = tick_ring_new(RING_TICKS, RING_BYTES);
    uint64_t next_event = 1;
    /* The first ring full is not counted: memory is still being got from the kernel. */
    for (size_t i = 0; i < RING_TICKS + ticks; i++) {
        int64_t begin_ns = clock_mono_ns();
        draft_begin(d, i + 1, (int64_t)i * 1000, NS_PER_S, begin_ns, 1000);
        for (size_t k = 0; k < series_count; k++) {
            if (k % 10)
                draft_counter(d, series[k], i * k, k);
            else
                draft_gauge(d, series[k], (double)i);
        }
        int64_t sampled_ns = clock_mono_ns();
        struct tick *t = draft_seal(d, sampled_ns, &next_event);
        int64_t sealed_ns = clock_mono_ns();
        if (!t) {
            fprintf(stderr, "bench_tick: out of memory\n");
            exit(1);
        }
        tick_ring_push(ring, t);
        tick_unref(t);
        int64_t end_ns = clock_mono_ns();
        if (i < RING_TICKS)
            continue;
        stages[STAGE_SAMPLE].ns[i - RING_TICKS] = sampled_ns - begin_ns;
        stages[STAGE_SEAL].ns[i - RING_TICKS] = sealed_ns - sampled_ns;
        stages[STAGE_RING].ns[i - RING_TICKS] = end_ns - sealed_ns;
        stages[STAGE_TICK].ns[i - RING_TICKS] = end_ns - begin_ns;
    }
    tick_ring_free(ring);
    draft_free(d);
    registry_free(r);
    free(series);
}

int main(int argc, char **argv)
{
    uint64_t series = 500, ticks = 5000;
    if (argc > 3 || (argc > 1 && text_u64(argv[1], &series) < 0) ||
        (argc > 2 && text_u64(argv[2], &ticks) < 0) || series < 1 || series > 1000000 ||
        ticks < 1 || ticks > 10000000) {
        fprintf(stderr, "usage: bench_tick [SERIES [TICKS]]\n");
        return 2;
    }
    struct stage stages[STAGES] = {
        [STAGE_SAMPLE] = {.name = "sample"},
        [STAGE_SEAL] = {.name = "seal"},
        [STAGE_RING] = {.name = "ring"},
        [STAGE_TICK] = {.name = "all"},
    };
    for (size_t i = 0; i < STAGES; i++)
        stages[i].ns = mem_array(ticks, sizeof(int64_t));
    measure(series, ticks, stages);
    printf("%ju series, %ju ticks, ns per series and tick\n", (uintmax_t)series, (uintmax_t)ticks);
    printf("%-8s %10s %10s\n", "", "quickest", "middle");
    size_t middle = ticks / 2;
    for (size_t i = 0; i < STAGES; i++) {
        qsort(stages[i].ns, ticks, sizeof(int64_t), compare_ns);
        printf("%-8s %10.2f %10.2f\n", stages[i].name, (double)stages[i].ns[0] / (double)series,
               (double)stages[i].ns[middle] / (double)series);
        free(stages[i].ns);
    }
    return 0;
}

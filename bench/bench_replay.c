/*
 * bench_replay.c: what it costs the core thread when many viewers come back at once.
 *
 *   bench_replay [SERIES [VIEWERS]]     (500 series, 1000 viewers)
 *
 * A ring of ten minutes, one feed of all series, and viewers that come back between two ticks, each
 * from another message of the last minute. Measured twice: each replay encoded by itself, and with
 * the frames kept for those who come after. Printed are the time of all of them, of the dearest
 * one, and how many frames were encoded. One thread, no I/O; ends by itself.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "hub/feed.h"

#define RING_TICKS 600
#define LAST_TICKS 60
#define ROOM_BYTES ((size_t)16 << 20)

static struct tick *make_tick(struct registry *r, struct draft *d, uint64_t seq, size_t series)
{
    static const struct metric metric = {"node_network_receive_bytes_total", "bytes",
                                         "Bytes received.", METRIC_COUNTER, 1};
    uint64_t next_event = 1;
    draft_begin(d, seq, (int64_t)seq * 1000, NS_PER_S, 1, 1000);
    for (size_t i = 0; i < series; i++) {
        char device[24];
        snprintf(device, sizeof(device), "dev%zu", i);
        const struct label label = {"device", device};
        draft_counter(d, registry_get(r, &metric, &label, 1, "bench"), seq * seq * (i + 1), 1);
    }
    return draft_seal(d, 1, &next_event);
}

static void measure(const char *name, struct feed *f, const struct tick_ring *ring, size_t viewers)
{
    const struct feed_run run = {.first_tick = 1};
    int64_t all_ns = 0, most_ns = 0;
    size_t made = 0;
    for (size_t i = 0; i < viewers; i++) {
        struct parcels out = PARCELS_INIT;
        int64_t begin_ns = clock_mono_ns();
        feed_replay(f, ring, RING_TICKS - 1 - i % LAST_TICKS, &run, &out);
        int64_t took_ns = clock_mono_ns() - begin_ns;
        all_ns += took_ns;
        most_ns = MAX(most_ns, took_ns);
        made += out.made;
        parcels_fini(&out);
    }
    printf("%-8s %12.3f %12.3f %12zu\n", name, (double)all_ns / NS_PER_MS,
           (double)most_ns / NS_PER_MS, made);
}

int main(int argc, char **argv)
{
    uint64_t series = 500, viewers = 1000;
    if (argc > 3 || (argc > 1 && text_u64(argv[1], &series) < 0) ||
        (argc > 2 && text_u64(argv[2], &viewers) < 0) || series < 1 || series > 100000 ||
        viewers < 1 || viewers > 1000000) {
        fprintf(stderr, "usage: bench_replay [SERIES [VIEWERS]]\n");
        return 2;
    }
    struct registry *r = registry_new(series, 1);
    struct draft *d = draft_new(r);
    struct tick_ring *ring = tick_ring_new(RING_TICKS, (size_t)1 << 30);
    for (uint64_t seq = 1; seq <= RING_TICKS; seq++) {
        struct tick *t = make_tick(r, d, seq, series);
        if (!t) {
            fprintf(stderr, "bench_replay: out of memory\n");
            return 1;
        }
        tick_ring_push(ring, t);
        tick_unref(t);
    }
    struct feed_spec spec = {.channel = CHANNEL_METRICS};
    struct replay_room room = {.most_bytes = ROOM_BYTES};
    struct feed *f = feed_new(&spec);
    feed_start(f, ring);
    printf("%ju series, %ju viewers\n", (uintmax_t)series, (uintmax_t)viewers);
    printf("%-8s %12s %12s %12s\n", "", "all, ms", "dearest, ms", "encoded");
    measure("alone", f, ring, viewers);
    feed_keep_replays(f, &room);
    measure("kept", f, ring, viewers);
    printf("kept: %zu KiB\n", room.used_bytes >> 10);
    feed_free(f);
    tick_ring_free(ring);
    draft_free(d);
    registry_free(r);
    return 0;
}

/*
 * bench_packets.c: how many packets a second the packet engine takes from a file, on one thread.
 *
 *     bench_packets FILE ROUNDS [no-ndpi]
 *
 * Reads FILE so often, each time from its beginning and with empty tables, as a reader that is
 * started again would, and prints one line of JSON: the best round and the median. The file should
 * be large enough that starting does not count.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/defs.h"
#include "base/text.h"
#include "collect/packet/meter.h"
#include "collect/packet/tap.h"

#define ROUNDS_MAX 100

static void on_packets(void *user, uint32_t link, const struct packet_frame *frames, size_t count)
{
    meter_packets(user, link, frames, count);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    char why[256] = "";
    uint64_t rounds = 0, packets = 0;
    double rate[ROUNDS_MAX];
    if (argc < 3 || text_u64(argv[2], &rounds) || !rounds || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: bench_packets FILE ROUNDS [no-ndpi]\n");
        return 2;
    }
    struct detector *detector = argc > 3 ? NULL : detector_new(why, sizeof(why));
    if (!detector && argc <= 3) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    for (uint64_t i = 0; i < rounds; i++) {
        struct meter_settings settings = METER_SETTINGS_DEFAULT;
        struct tap *tap = NULL;
        settings.detector = detector;
        settings.keep = true;
        if (tap_open_file(argv[1], "", &tap, why, sizeof(why)) < 0) {
            fprintf(stderr, "%s\n", why);
            return 1;
        }
        struct meter *m = meter_new(&settings);
        int64_t began_ns = clock_mono_ns();
        int count;
        do {
            count = tap_read(tap, 16384, on_packets, m, why, sizeof(why));
            meter_publish(m);
        } while (count >= 0);
        meter_finish(m);
        double seconds = (double)(clock_mono_ns() - began_ns) / (double)NS_PER_S;
        meter_publish(m);
        packets = meter_counter(m, METER_PACKETS);
        rate[i] = (double)packets / seconds;
        meter_free(m);
        tap_close(tap);
        if (count != -ENODATA) {
            fprintf(stderr, "%s\n", why);
            return 1;
        }
    }
    detector_free(detector);
    qsort(rate, rounds, sizeof(rate[0]), by_size);
    printf("{\"packets\":%llu,\"rounds\":%llu,\"best_per_second\":%.0f,\"median_per_second\":%.0f,"
           "\"ndpi\":%s}\n",
           (unsigned long long)packets, (unsigned long long)rounds, rate[rounds - 1],
           rate[rounds / 2], detector ? "true" : "false");
    return 0;
}

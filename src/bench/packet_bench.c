/*
 * packet_bench.c: see packet_bench.h. A round is what a reader that is started again would do: the
 * file from its beginning into a meter that knows nothing yet. Opening the file, making the tables
 * and loading nDPI are not in its time; deciding what is left at the end is. Small files are
 * over before the clock can tell, so rounds are repeated and the best and the median told.
 */
#include "bench/packet_bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/defs.h"
#include "bench/report.h"
#include "bench/results.h"
#include "collect/packet/meter.h"
#include "collect/packet/tap.h"
#include "version.h"
#include "wire/json.h"

#define READ_MOST 16384 /* at a time, as the capture thread does */

static void on_packets(void *user, uint32_t link, const struct packet_frame *frames, size_t count)
{
    meter_packets(user, link, frames, count);
}

/* Packets a second, or -errno. */
static int one_round(const char *file, struct recognizer *detector, struct packet_rate *ret,
                     double *ret_per_s)
{
    struct meter_settings settings = METER_SETTINGS_DEFAULT;
    struct tap *tap = NULL;
    settings.detector = detector;
    settings.keep = true;
    int err = tap_open_file(file, "", &tap, ret->why, sizeof(ret->why));
    if (err < 0)
        return err;
    struct meter *m = meter_new(&settings);
    int64_t began_ns = clock_mono_ns();
    int count;
    do {
        count = tap_read(tap, READ_MOST, on_packets, m, ret->why, sizeof(ret->why));
        meter_publish(m);
    } while (count >= 0);
    meter_finish(m);
    int64_t took_ns = clock_mono_ns() - began_ns;
    meter_publish(m);
    ret->packets = meter_counter(m, METER_PACKETS);
    ret->bytes = meter_counter(m, METER_BYTES);
    ret->flows = meter_counter(m, METER_FLOWS_BEGUN);
    *ret_per_s = (double)ret->packets * (double)NS_PER_S / (double)(took_ns > 0 ? took_ns : 1);
    meter_free(m);
    tap_close(tap);
    return count == -ENODATA ? 0 : count;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int all_rounds(const struct packet_settings *settings, struct recognizer *detector,
                      struct packet_rate *ret)
{
    double rates[PACKET_ROUNDS_MAX];
    int64_t end_ns = clock_mono_ns() + (int64_t)(settings->seconds * (double)NS_PER_S);
    int err = 0;
    do {
        err = one_round(settings->file, detector, ret, &rates[ret->rounds]);
        if (!err && !ret->packets) {
            snprintf(ret->why, sizeof(ret->why), "%s has no packets.", settings->file);
            err = -ENODATA;
        }
        if (err)
            break;
        ret->rounds++;
        if (settings->progress)
            fprintf(stderr, "\r%s nDPI: round %zu ", detector ? "with" : "without", ret->rounds);
    } while (ret->rounds < PACKET_ROUNDS_MAX && clock_mono_ns() < end_ns);
    if (settings->progress)
        fprintf(stderr, "\r\033[K");
    if (err)
        return err;
    qsort(rates, ret->rounds, sizeof(rates[0]), by_size);
    ret->best_per_s = rates[ret->rounds - 1];
    ret->median_per_s = rates[ret->rounds / 2];
    return 0;
}

int packet_bench(const struct packet_settings *settings, enum packet_variant variant,
                 struct packet_rate *ret)
{
    struct recognizer *detector = NULL;
    *ret = (struct packet_rate){0};
    if (variant == PACKET_NDPI_ON) {
        detector = recognizer_new(ret->why, sizeof(ret->why));
        if (!detector)
            return -ENOTSUP;
    }
    int err = all_rounds(settings, detector, ret);
    ret->measured = !err;
    recognizer_free(detector);
    return err;
}

/* ---- telling ------------------------------------------------------------------------------- */

void packet_report_head(struct buf *out, const struct packet_settings *settings)
{
    buf_printf(out, "packets of %s through the packet engine on one thread, %g s each\n\n",
               settings->file, settings->seconds);
    buf_printf(out, "%-5s %12s %12s %12s %8s %10s %7s\n", "nDPI", "median/s", "best/s", "packets",
               "flows", "MiB", "rounds");
}

void packet_report_rate(struct buf *out, enum packet_variant variant, const struct packet_rate *r)
{
    buf_printf(out, "%-5s", variant == PACKET_NDPI_ON ? "on" : "off");
    if (r->measured)
        buf_printf(out, " %12.0f %12.0f %12llu %8llu %10.1f %7zu\n", r->median_per_s, r->best_per_s,
                   (unsigned long long)r->packets, (unsigned long long)r->flows,
                   (double)r->bytes / (1 << 20), r->rounds);
    else
        buf_printf(out, "  not measured: %s\n", r->why);
}

static void put_rate(struct buf *out, enum packet_variant variant, const struct packet_rate *r)
{
    json_open(out, '{');
    json_put_key(out, "ndpi");
    json_put_bool(out, variant == PACKET_NDPI_ON);
    json_put_key(out, "outcome");
    json_put_string(out, r->measured ? "measured" : "failed");
    if (r->measured) {
        report_put_count(out, "packets", r->packets);
        report_put_count(out, "bytes", r->bytes);
        report_put_count(out, "flows", r->flows);
        report_put_count(out, "rounds", r->rounds);
        report_put_number(out, "median_per_s", r->median_per_s);
        report_put_number(out, "best_per_s", r->best_per_s);
    } else {
        json_put_key(out, "why");
        json_put_string(out, r->why);
    }
    json_close(out, '}');
}

void packet_report_json(struct buf *out, const struct packet_settings *settings,
                        const struct packet_rate rates[PACKET_VARIANTS])
{
    json_open(out, '{');
    json_put_key(out, "bench");
    json_put_string(out, "packets");
    json_put_key(out, "version");
    json_put_string(out, NETSONDE_VERSION);
    json_put_key(out, "file");
    json_put_string(out, settings->file);
    json_put_key(out, "results");
    json_open(out, '[');
    for (size_t i = 0; i < PACKET_VARIANTS; i++)
        put_rate(out, (enum packet_variant)i, &rates[i]);
    json_close(out, ']');
    json_close(out, '}');
    buf_char(out, '\n');
}

/* ---- the document ------------------------------------------------------------------------ */

/* The file's own name: where it lies is nobody's business. */
void packet_results_begin(struct results *r, const struct packet_settings *settings)
{
    const char *slash = strrchr(settings->file, '/');
    results_set_text(r, "file", slash ? slash + 1 : settings->file);
    results_set_number(r, "seconds", settings->seconds);
}

void packet_results_rate(struct results *r, enum packet_variant variant,
                         const struct packet_rate *rate)
{
    if (!rate->measured)
        return;
    results_label(r, "ndpi", variant == PACKET_NDPI_ON ? "on" : "off");
    results_add(r, "packets_per_s", BENCHMARK_THROUGHPUT, "1/s", rate->median_per_s);
    results_tell(r, "best_packets_per_s", BENCHMARK_THROUGHPUT, "1/s", rate->best_per_s);
}

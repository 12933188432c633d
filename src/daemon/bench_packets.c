/* bench_packets.c: `netsonde bench packets FILE`: without nDPI, then with it where there is one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/packet_bench.h"
#include "daemon/bench_options.h"
#include "daemon/bench_run.h"
#include "daemon/commands.h"

static int begin(struct bench_run *run, const struct options *options,
                 struct packet_settings *settings)
{
    int code = bench_refuse_fanout_options(options, false);
    if (!code)
        code = bench_refuse_history_options(options);
    if (!code && !settings->file)
        code = bench_usage("say which capture: netsonde bench packets FILE", NULL);
    if (!code)
        code = bench_read_seconds(options, &settings->seconds);
    if (code)
        return code;
    packet_results_begin(&run->results, settings);
    return bench_run_begin(run);
}

static int measure(struct bench_run *run, const struct packet_settings *settings)
{
    struct packet_rate rates[PACKET_VARIANTS] = {0};
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    bool json = run->options->json, written = true;
    const char *fault = NULL;
    if (!json) {
        packet_report_head(&out, settings);
        written = bench_print(&out);
    }
    for (unsigned i = 0; written && !fault && i < PACKET_VARIANTS; i++) {
        int err = packet_bench(settings, (enum packet_variant)i, &rates[i]);
        /* nDPI is not everywhere, which is told and no failure. A file that cannot be read is. */
        if (err && !(i == PACKET_NDPI_ON && err == -ENOTSUP)) {
            fault = rates[i].why;
            fprintf(stderr, "netsonde bench: %s\n", fault);
            break;
        }
        if (!json) {
            packet_report_rate(&out, (enum packet_variant)i, &rates[i]);
            written = bench_print(&out);
        }
        packet_results_rate(&run->results, (enum packet_variant)i, &rates[i]);
        bench_run_tell(run, (i + 1) / (double)PACKET_VARIANTS);
    }
    if (json && !fault)
        packet_report_json(&out, settings, rates);
    return bench_run_end(run, json && !fault ? &out : NULL, written, written && !fault, fault);
}

int bench_packets(const struct options *options)
{
    struct packet_settings settings = {
        .file = options->arguments[1],
        .seconds = 5,
        .progress = isatty(STDERR_FILENO),
    };
    struct bench_run run;
    int code = bench_run_open(&run, options, "packets");
    if (!code)
        code = begin(&run, options, &settings);
    if (!code)
        code = measure(&run, &settings);
    bench_run_close(&run);
    return code;
}

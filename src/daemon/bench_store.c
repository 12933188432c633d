/* bench_store.c: `netsonde bench store` and `query`. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "bench/stop.h"
#include "bench/store_bench.h"
#include "daemon/bench_options.h"
#include "daemon/bench_run.h"
#include "daemon/commands.h"

/* Unchanged when it is not given. */
static int read_count(const char *text, uint64_t most, size_t *count)
{
    uint64_t number;
    if (!text)
        return 0;
    if (text_u64(text, &number) < 0 || number == 0 || number > most)
        return -1;
    *count = (size_t)number;
    return 0;
}

static int begin(struct bench_run *run, const struct options *options,
                 struct store_bench_settings *settings)
{
    int code = bench_refuse_fanout_options(options, false);
    if (!code)
        code = bench_refuse_file(options);
    if (code)
        return code;
    if (read_count(options->bench.series, STORE_SERIES_MAX, &settings->series) < 0)
        return bench_usage("--series takes a number from 1 to 100000", options->bench.series);
    if (read_count(options->bench.ticks, STORE_TICKS_MAX, &settings->ticks) < 0)
        return bench_usage("--ticks takes a number from 1 to 1000000", options->bench.ticks);
    code = bench_read_seconds(options, &settings->seconds);
    if (code)
        return code;
    store_results_begin(&run->results, settings);
    return bench_run_begin(run);
}

static int measure(struct bench_run *run, const struct store_bench_settings *settings)
{
    struct store_result result;
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    bool json = run->options->json;
    if (store_bench(settings, &result) < 0) {
        fprintf(stderr, "netsonde bench: %s\n", result.why);
        return bench_run_end(run, NULL, true, false, result.why);
    }
    store_results(&run->results, settings, &result);
    if (json) {
        store_report_json(&out, settings, &result);
        return bench_run_end(run, &out, true, true, NULL);
    }
    store_report_text(&out, settings, &result);
    bool written = bench_print(&out);
    return bench_run_end(run, NULL, written, written, NULL);
}

int bench_store(const struct options *options, bool query)
{
    struct bench_run run;
    struct store_bench_settings settings = {
        .series = 500,
        .ticks = 3600,
        .query = query,
        .seconds = 5,
        .progress = isatty(STDERR_FILENO),
        .told = bench_run_tell,
        .told_user = &run,
    };
    int code = bench_run_open(&run, options, query ? "query" : "store");
    if (!code)
        code = begin(&run, options, &settings);
    stop_block_signals();
    if (!code)
        code = measure(&run, &settings);
    bench_run_close(&run);
    return code;
}

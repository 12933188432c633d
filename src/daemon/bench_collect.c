/*
 * bench_collect.c: `netsonde bench collect`: engine by engine, with the helpers that `run` has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/log.h"
#include "bench/collect_bench.h"
#include "bench/stop.h"
#include "collect/select.h"
#include "daemon/bench_options.h"
#include "daemon/bench_run.h"
#include "daemon/commands.h"
#include "daemon/engines.h"
#include "daemon/privileges.h"
#include "keeper/finder.h"
#include "keeper/keeper.h"

_Static_assert(COLLECT_LEVELS_MAX == FAN_LEVELS_MAX, "one function reads both");

/* Engines as `run` without a configuration has them, each alone. */
static void settle_engines(struct engine_settings *settings, struct keeper *keeper,
                           struct finder *finder)
{
    *settings = (struct engine_settings){.proc_root = "/proc",
                                         .sys_root = "/sys",
                                         .interval_ms = 1000,
                                         .packet = {.snaplen = 256},
                                         .finder = finder,
                                         .keeper = keeper};
    privileges_held(&settings->permitted, &settings->bounding);
}

static size_t count_engines(void)
{
    size_t count = 0;
    while (collector_engine_name(count))
        count++;
    return count;
}

/* One engine's levels, printed and added to the document. Why the run is no good, or NULL. */
static const char *add_engine(struct bench_run *run, const struct collect_report *e,
                              struct buf *out)
{
    const char *fault = NULL;
    for (size_t k = 0; k < e->count; k++) {
        const struct collect_level *level = &e->levels[k];
        if (!fault && (level->outcome == COLLECT_FAILED || level->outcome == COLLECT_INTERRUPTED))
            fault = level->why;
        if (!run->options->json)
            collect_report_level(out, e->engine, level);
        collect_results_level(&run->results, e->engine, level);
    }
    return fault;
}

static int measure(struct bench_run *run, const struct collect_settings *settings)
{
    static struct collect_report engines[COLLECTOR_ENGINES_MAX];
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    bool json = run->options->json, written = true, over = false;
    size_t count = 0, all = count_engines();
    const char *fault = NULL;
    if (!json) {
        collect_report_head(&out, settings);
        written = bench_print(&out);
    }
    while (written && !over && count < all) {
        struct collect_report *e = &engines[count];
        e->engine = collector_engine_name(count);
        e->count = collect_bench(settings, e->engine, e->levels);
        count++;
        const char *why = add_engine(run, e, &out);
        fault = fault ? fault : why;
        over = e->count && e->levels[e->count - 1].outcome == COLLECT_INTERRUPTED;
        written = json || bench_print(&out);
        if (!over)
            bench_run_tell(run, (double)count / (double)all);
    }
    if (json)
        collect_report_json(&out, engines, count);
    return bench_run_end(run, json ? &out : NULL, written, written && !fault, fault);
}

static int begin(struct bench_run *run, const struct options *options,
                 struct collect_settings *settings)
{
    const char *text = options->bench.levels;
    int code = bench_refuse_fanout_options(options, true);
    if (!code)
        code = bench_refuse_file(options);
    if (!code)
        code = bench_refuse_history_options(options);
    if (code)
        return code;
    int levels = text ? bench_read_levels(text, 0, COLLECT_CONNECTIONS_MAX, settings->levels) : 2;
    if (levels < 0)
        return bench_usage("--levels takes numbers from 0 to 10000 with commas, at most 32", text);
    settings->levels_count = (size_t)levels;
    code = bench_read_seconds(options, &settings->seconds);
    if (code)
        return code;
    collect_results_begin(&run->results, settings);
    return bench_run_begin(run);
}

int bench_collect(const struct options *options)
{
    struct engine_settings how;
    struct collect_settings settings = {.engines = &how,
                                        .levels = {0, 1000},
                                        .levels_count = 2,
                                        .seconds = 5,
                                        .progress = isatty(STDERR_FILENO)};
    struct bench_run run;
    int code = bench_run_open(&run, options, "collect");
    if (!code)
        code = begin(&run, options, &settings);
    if (!code) {
        log_setup(LOG_LEVEL_ERROR); /* why an engine gives nothing stands in the table */
        struct keeper *keeper = engines_start_keeper();
        struct finder *finder = engines_start_finder();
        stop_block_signals();
        settle_engines(&how, keeper, finder);
        code = measure(&run, &settings);
        finder_stop(finder);
        keeper_stop(keeper);
    }
    bench_run_close(&run);
    return code;
}

/*
 * bench_fanout.c: `netsonde bench fanout`: level by level, each printed, told and added to the
 * document when it is done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "bench/stop.h"
#include "daemon/bench_options.h"
#include "daemon/bench_run.h"
#include "daemon/commands.h"

static int read_rate(const char *text, struct fan_settings *settings)
{
    uint64_t rate = 0;
    if (strcmp(text, "auto") == 0)
        return 0;
    if (strcmp(text, "max") != 0 && (text_u64(text, &rate) < 0 || rate == 0 || rate > FAN_RATE_MAX))
        return -1;
    settings->rate_auto = false;
    settings->rate_hz = (unsigned)rate;
    return 0;
}

/* Its number; -1: there is none of that name. */
static int find_choice(const char *const *choices, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(choices[i], name) == 0)
            return (int)i;
    }
    return -1;
}

static int read_choices(const struct options *options, struct fan_settings *settings)
{
    const char *mode = options->bench.mode, *send = options->bench.send;
    int found = mode ? find_choice(fan_modes, FAN_MODES, mode) : FAN_PLAIN;
    if (found < 0)
        return bench_usage("--mode takes plain, tls, deflate or tls-deflate", mode);
    settings->mode = (enum fan_mode)found;
    found = send ? find_choice(fan_senders, FAN_SENDERS, send) : FAN_SEND_AUTO;
    if (found < 0)
        return bench_usage("--send takes auto, send or io_uring", send);
    settings->sender = (enum fan_sender)found;
    return 0;
}

/* 0 or the exit code. */
static int read_settings(const struct options *options, struct fan_settings *settings)
{
    const char *text = options->bench.levels;
    uint64_t number = settings->size_bytes;
    if (text && bench_read_levels(text, 1, FAN_CLIENTS_MAX, settings->levels) < 0)
        return bench_usage("--levels takes numbers from 1 to 100000 with commas, at most 32", text);
    text = options->bench.size;
    if (text && (text_size_bytes(text, &number) < 0 || number < MESSAGE_SIZE_MIN ||
                 number > MESSAGE_SIZE_MAX))
        return bench_usage("--size takes a size from 64 to 64KiB", text);
    settings->size_bytes = (size_t)number;
    text = options->bench.rate;
    if (text && read_rate(text, settings) < 0)
        return bench_usage("--rate takes a whole number from 1 to 1000, max or auto", text);
    int code = bench_read_seconds(options, &settings->seconds);
    if (code)
        return code;
    text = options->bench.stalled;
    number = 0;
    if (text && (text_u64(text, &number) < 0 || number > FAN_CLIENTS_MAX))
        return bench_usage("--stalled takes a number of clients", text);
    settings->stalled = (unsigned)number;
    if (settings->stalled && !settings->rate_auto && !settings->rate_hz)
        return bench_usage("--stalled goes with a rate: at --rate max the slowest client sets it",
                           NULL);
    return read_choices(options, settings);
}

/* ---- the run ------------------------------------------------------------------------------ */

/* A run of which nothing was measured is none, however it came: a script must not take it for one.
 * Why is in the report; here it is said of the first level, for whoever keeps only the figures. */
static bool any_measured(const struct fan_level *levels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (levels[i].outcome == FAN_MEASURED)
            return true;
    }
    if (count && levels[0].outcome != FAN_INTERRUPTED)
        fprintf(stderr, "netsonde bench: no level could be measured; %u clients: %s\n",
                levels[0].clients, levels[0].why);
    return false;
}

static size_t count_levels(const struct fan_settings *settings)
{
    size_t count = 0;
    while (count < FAN_LEVELS_MAX && settings->levels[count])
        count++;
    return count;
}

/* Why the run is no good, of the first level that is not; NULL: none. */
static const char *find_fault(const struct fan_level *levels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (levels[i].outcome == FAN_FAILED || levels[i].outcome == FAN_INTERRUPTED)
            return levels[i].why;
    }
    return NULL;
}

static int measure(struct bench_run *run, const struct fan_settings *settings)
{
    static struct fan_level levels[FAN_LEVELS_MAX];
    bool json = run->options->json, written = true;
    size_t count = 0, all = count_levels(settings);
    CLEANUP(buf_fini) struct buf out = BUF_INIT;
    if (!json) {
        fan_report_head(&out, settings);
        written = bench_print(&out);
    }
    while (written && count < all) {
        struct fan_level *level = &levels[count];
        fan_bench_level(settings, settings->levels[count], level);
        count++;
        if (!json) {
            fan_report_level(&out, level);
            written = bench_print(&out);
        }
        if (level->outcome == FAN_INTERRUPTED)
            break;
        fan_results_level(&run->results, level);
        bench_run_tell(run, (double)count / (double)all);
    }
    if (json)
        fan_report_json(&out, settings, levels, count);
    const char *fault = find_fault(levels, count);
    bool any = !written || any_measured(levels, count);
    if (!fault && !any)
        fault = levels[0].why;
    return bench_run_end(run, json ? &out : NULL, written, written && !fault, fault);
}

static int begin(struct bench_run *run, const struct options *options,
                 struct fan_settings *settings)
{
    char why[160];
    int code = bench_refuse_history_options(options);
    if (!code)
        code = read_settings(options, settings);
    if (code)
        return code;
    if (fan_settle_sender(settings, why, sizeof(why)) < 0) {
        fprintf(stderr, "netsonde bench: %s\n", why);
        return EXIT_FAILURE;
    }
    settings->progress = isatty(STDERR_FILENO);
    fan_results_begin(&run->results, settings);
    return bench_run_begin(run);
}

int bench_fanout(const struct options *options)
{
    struct fan_settings settings = FAN_SETTINGS_DEFAULT;
    struct bench_run run;
    int code = bench_run_open(&run, options, "fanout");
    if (!code)
        code = bench_refuse_file(options);
    if (!code)
        code = begin(&run, options, &settings);
    stop_block_signals();
    if (!code)
        code = measure(&run, &settings);
    bench_run_close(&run);
    return code;
}

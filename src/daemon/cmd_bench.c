/*
 * cmd_bench.c: `netsonde bench fanout`, `collect`, `packets`, `store` and `query`: reads what is
 * asked, measures piece by piece, prints. The measuring is src/bench's. What it measures is this
 * program's own code on this machine; no configuration is read and no daemon asked.
 */
#include "daemon/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/log.h"
#include "base/text.h"
#include "bench/collect_bench.h"
#include "bench/fan_bench.h"
#include "bench/packet_bench.h"
#include "bench/stop.h"
#include "bench/store_bench.h"
#include "collect/select.h"
#include "daemon/engines.h"
#include "daemon/privileges.h"
#include "keeper/finder.h"
#include "keeper/keeper.h"

#define SECONDS_MIN 0.2
#define SECONDS_MAX 600

static int usage(const char *message, const char *value)
{
    fprintf(stderr, "netsonde bench: %s%s%s; see netsonde help bench\n", message, value ? ": " : "",
            value ? value : "");
    return EXIT_USAGE;
}

static int unavailable(const char *what, const char *name)
{
    fprintf(stderr, "netsonde bench: %s%s is not available in this version\n", what, name);
    return EXIT_USAGE;
}

static int refuse_subject(const char *subject)
{
    return usage(
        "say what to measure: netsonde bench fanout, collect, packets FILE, store or query",
        subject);
}

/* ---- the options -------------------------------------------------------------------------- */

_Static_assert(COLLECT_LEVELS_MAX == FAN_LEVELS_MAX, "one function reads both");

/* How many, the others are 0; -1: it is no such list. */
static int read_levels(const char *text, uint64_t least, uint64_t most,
                       unsigned levels[FAN_LEVELS_MAX])
{
    char copy[512], *rest = NULL;
    size_t count = 0;
    size_t len = strlen(text);
    if (len >= sizeof(copy))
        return -1;
    memset(levels, 0, FAN_LEVELS_MAX * sizeof(levels[0]));
    memcpy(copy, text, len + 1);
    for (char *word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        uint64_t clients;
        if (count == FAN_LEVELS_MAX || text_u64(word, &clients) < 0 || clients < least ||
            clients > most)
            return -1;
        levels[count++] = (unsigned)clients;
    }
    return count ? (int)count : -1;
}

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
        return usage("--mode takes plain, tls, deflate or tls-deflate", mode);
    settings->mode = (enum fan_mode)found;
    found = send ? find_choice(fan_senders, FAN_SENDERS, send) : FAN_SEND_AUTO;
    if (found < 0)
        return usage("--send takes auto, send or io_uring", send);
    settings->sender = (enum fan_sender)found;
    return 0;
}

/* Unchanged when it is not given. */
static int read_seconds(const struct options *options, double *seconds)
{
    const char *text = options->bench.seconds;
    if (text &&
        (text_double(text, seconds) < 0 || *seconds < SECONDS_MIN || *seconds > SECONDS_MAX))
        return -1;
    return 0;
}

/* 0 or the exit code. */
static int read_settings(const struct options *options, struct fan_settings *settings)
{
    const char *text = options->bench.levels;
    uint64_t number = settings->size_bytes;
    if (text && read_levels(text, 1, FAN_CLIENTS_MAX, settings->levels) < 0)
        return usage("--levels takes numbers from 1 to 100000 with commas, at most 32", text);
    text = options->bench.size;
    if (text && (text_size_bytes(text, &number) < 0 || number < MESSAGE_SIZE_MIN ||
                 number > MESSAGE_SIZE_MAX))
        return usage("--size takes a size from 64 to 64KiB", text);
    settings->size_bytes = (size_t)number;
    text = options->bench.rate;
    if (text && read_rate(text, settings) < 0)
        return usage("--rate takes a whole number from 1 to 1000, max or auto", text);
    if (read_seconds(options, &settings->seconds) < 0)
        return usage("--seconds takes a number from 0.2 to 600", options->bench.seconds);
    text = options->bench.stalled;
    number = 0;
    if (text && (text_u64(text, &number) < 0 || number > FAN_CLIENTS_MAX))
        return usage("--stalled takes a number of clients", text);
    settings->stalled = (unsigned)number;
    if (settings->stalled && !settings->rate_auto && !settings->rate_hz)
        return usage("--stalled goes with a rate: at --rate max the slowest client sets it", NULL);
    return read_choices(options, settings);
}

/* ---- the run ------------------------------------------------------------------------------ */

static bool print(struct buf *out)
{
    bool good = buf_ok(out) && fwrite(out->data, 1, out->len, stdout) == out->len;
    buf_clear(out);
    return fflush(stdout) == 0 && good;
}

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

static int measure(const struct fan_settings *settings, bool json)
{
    static struct fan_level levels[FAN_LEVELS_MAX];
    struct buf out = BUF_INIT;
    size_t count = 0;
    bool good = true, failed = false;
    if (!json) {
        fan_report_head(&out, settings);
        good = print(&out);
    }
    while (good && count < FAN_LEVELS_MAX && settings->levels[count]) {
        struct fan_level *level = &levels[count];
        fan_bench_level(settings, settings->levels[count], level);
        count++;
        failed |= level->outcome == FAN_FAILED || level->outcome == FAN_INTERRUPTED;
        if (!json) {
            fan_report_level(&out, level);
            good = print(&out);
        }
        if (level->outcome == FAN_INTERRUPTED)
            break;
    }
    if (json) {
        fan_report_json(&out, settings, levels, count);
        good = print(&out);
    }
    buf_fini(&out);
    if (!good)
        fprintf(stderr, "netsonde bench: the result cannot be written\n");
    else
        failed |= !any_measured(levels, count);
    return good && !failed ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- packets ------------------------------------------------------------------------------ */

/* levels: they have a meaning here. */
static int refuse_fanout_options(const struct options *options, bool levels)
{
    const struct {
        const char *name, *value;
    } others[] = {
        {"--levels", options->bench.levels}, {"--size", options->bench.size},
        {"--rate", options->bench.rate},     {"--mode", options->bench.mode},
        {"--send", options->bench.send},     {"--stalled", options->bench.stalled},
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (others[i].value && (i || !levels))
            return usage("an option of fanout", others[i].name);
    }
    return 0;
}

static int bench_packets(const struct options *options)
{
    struct packet_settings settings = {
        .file = options->arguments[1],
        .seconds = 5,
        .progress = isatty(STDERR_FILENO),
    };
    struct packet_rate rates[PACKET_VARIANTS] = {0};
    struct buf out = BUF_INIT;
    bool good = true, failed = false;
    int code = refuse_fanout_options(options, false);
    if (code)
        return code;
    if (options->bench.series || options->bench.ticks)
        return usage("--series and --ticks are options of store and query", NULL);
    if (!settings.file)
        return usage("say which capture: netsonde bench packets FILE", NULL);
    if (read_seconds(options, &settings.seconds) < 0)
        return usage("--seconds takes a number from 0.2 to 600", options->bench.seconds);
    if (!options->json) {
        packet_report_head(&out, &settings);
        good = print(&out);
    }
    for (unsigned i = 0; good && i < PACKET_VARIANTS; i++) {
        int err = packet_bench(&settings, (enum packet_variant)i, &rates[i]);
        /* nDPI is not everywhere, which is told and no failure. A file that cannot be read is. */
        failed |= err && !(i == PACKET_NDPI_ON && err == -ENOTSUP);
        if (failed) {
            fprintf(stderr, "netsonde bench: %s\n", rates[i].why);
            break;
        }
        if (!options->json) {
            packet_report_rate(&out, (enum packet_variant)i, &rates[i]);
            good = print(&out);
        }
    }
    if (options->json && !failed) {
        packet_report_json(&out, &settings, rates);
        good = print(&out);
    }
    buf_fini(&out);
    if (!good)
        fprintf(stderr, "netsonde bench: the result cannot be written\n");
    return good && !failed ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- store and query ---------------------------------------------------------------------- */

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

static int bench_store(const struct options *options, bool query)
{
    struct store_bench_settings settings = {
        .series = 500,
        .ticks = 3600,
        .query = query,
        .seconds = 5,
        .progress = isatty(STDERR_FILENO),
    };
    struct store_result result;
    struct buf out = BUF_INIT;
    int code = refuse_fanout_options(options, false);
    if (code)
        return code;
    if (options->arguments[1])
        return usage("one word too many", options->arguments[1]);
    if (read_count(options->bench.series, STORE_SERIES_MAX, &settings.series) < 0)
        return usage("--series takes a number from 1 to 100000", options->bench.series);
    if (read_count(options->bench.ticks, STORE_TICKS_MAX, &settings.ticks) < 0)
        return usage("--ticks takes a number from 1 to 1000000", options->bench.ticks);
    if (read_seconds(options, &settings.seconds) < 0)
        return usage("--seconds takes a number from 0.2 to 600", options->bench.seconds);
    stop_block_signals();
    if (store_bench(&settings, &result) < 0) {
        fprintf(stderr, "netsonde bench: %s\n", result.why);
        return EXIT_FAILURE;
    }
    if (options->json)
        store_report_json(&out, &settings, &result);
    else
        store_report_text(&out, &settings, &result);
    bool good = print(&out);
    buf_fini(&out);
    if (!good)
        fprintf(stderr, "netsonde bench: the result cannot be written\n");
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- collect ------------------------------------------------------------------------------ */

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

/* False: it cannot be written. */
static bool measure_engines(const struct collect_settings *settings, bool json,
                            struct collect_report *engines, size_t *ret_count, bool *ret_failed)
{
    struct buf out = BUF_INIT;
    bool good = true, over = false;
    if (!json) {
        collect_report_head(&out, settings);
        good = print(&out);
    }
    for (size_t i = 0; good && !over && collector_engine_name(i); i++) {
        struct collect_report *e = &engines[i];
        e->engine = collector_engine_name(i);
        e->count = collect_bench(settings, e->engine, e->levels);
        *ret_count = i + 1;
        for (size_t k = 0; k < e->count; k++) {
            *ret_failed |= e->levels[k].outcome == COLLECT_FAILED;
            over |= e->levels[k].outcome == COLLECT_INTERRUPTED;
            if (!json)
                collect_report_level(&out, e->engine, &e->levels[k]);
        }
        good = json || print(&out);
    }
    *ret_failed |= over;
    if (json) {
        collect_report_json(&out, engines, *ret_count);
        good = print(&out);
    }
    buf_fini(&out);
    return good;
}

static int bench_collect(const struct options *options)
{
    static struct collect_report engines[COLLECTOR_ENGINES_MAX];
    struct engine_settings how;
    struct collect_settings settings = {.engines = &how,
                                        .levels = {0, 1000},
                                        .levels_count = 2,
                                        .seconds = 5,
                                        .progress = isatty(STDERR_FILENO)};
    const char *text = options->bench.levels;
    int code = refuse_fanout_options(options, true);
    if (code)
        return code;
    if (options->arguments[1])
        return usage("one word too many", options->arguments[1]);
    if (options->bench.series || options->bench.ticks)
        return usage("--series and --ticks are options of store and query", NULL);
    int levels = text ? read_levels(text, 0, COLLECT_CONNECTIONS_MAX, settings.levels) : 2;
    if (levels < 0)
        return usage("--levels takes numbers from 0 to 10000 with commas, at most 32", text);
    settings.levels_count = (size_t)levels;
    if (read_seconds(options, &settings.seconds) < 0)
        return usage("--seconds takes a number from 0.2 to 600", options->bench.seconds);
    log_setup(LOG_LEVEL_ERROR); /* why an engine gives nothing stands in the table */
    struct keeper *keeper = engines_start_keeper();
    struct finder *finder = engines_start_finder();
    stop_block_signals();
    settle_engines(&how, keeper, finder);
    size_t count = 0;
    bool failed = false;
    bool good = measure_engines(&settings, options->json, engines, &count, &failed);
    finder_stop(finder);
    keeper_stop(keeper);
    if (!good)
        fprintf(stderr, "netsonde bench: the result cannot be written\n");
    return good && !failed ? EXIT_SUCCESS : EXIT_FAILURE;
}

int cmd_bench(const struct options *options)
{
    const char *subject = options->arguments[0];
    struct fan_settings settings = FAN_SETTINGS_DEFAULT;
    bool packets = subject && strcmp(subject, "packets") == 0;
    bool query = subject && strcmp(subject, "query") == 0;
    bool collect = subject && strcmp(subject, "collect") == 0;
    bool store = query || (subject && strcmp(subject, "store") == 0);
    if (!packets && !store && !collect && (!subject || strcmp(subject, "fanout") != 0))
        return refuse_subject(subject);
    if (!packets && !store && !collect && options->arguments[1])
        return usage("one word too many", options->arguments[1]);
    if (options->bench.unavailable)
        return unavailable("--", options->bench.unavailable);
    if (packets)
        return bench_packets(options);
    if (collect)
        return bench_collect(options);
    if (store)
        return bench_store(options, query);
    if (options->bench.series || options->bench.ticks)
        return usage("--series and --ticks are options of store and query", NULL);
    int code = read_settings(options, &settings);
    if (code)
        return code;
    char why[160];
    if (fan_settle_sender(&settings, why, sizeof(why)) < 0) {
        fprintf(stderr, "netsonde bench: %s\n", why);
        return EXIT_FAILURE;
    }
    settings.progress = isatty(STDERR_FILENO);
    stop_block_signals();
    return measure(&settings, options->json);
}

/*
 * collect_bench.h: `netsonde bench collect`: how long one engine takes for a tick and for a survey
 * of this machine as it is, and with connections on 127.0.0.1 beside. The engine's own code,
 * opened as the daemon opens it; ticks and surveys in turns on the caller's thread, one after the
 * other instead of once a second.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "bench/spread.h"
#include "collect/engine.h"

#define COLLECT_LEVELS_MAX 32
#define COLLECT_CONNECTIONS_MAX 10000 /* two sockets of this process each */

struct collect_settings {
    const struct engine_settings *engines; /* borrowed */
    unsigned levels[COLLECT_LEVELS_MAX];   /* numbers of connections */
    size_t levels_count;
    double seconds; /* each level; a round that began is finished, and there is one */
    bool progress;  /* on standard error */
};

enum collect_outcome { COLLECT_MEASURED, COLLECT_UNAVAILABLE, COLLECT_FAILED, COLLECT_INTERRUPTED };

struct collect_level {
    unsigned connections;
    enum collect_outcome outcome;
    char why[300];                      /* unless measured */
    size_t series;                      /* that the last tick had a sample of */
    size_t sockets;                     /* rows of the table connections; 0: it has none */
    uint64_t rounds;                    /* a tick and a survey each */
    struct spread_summary tick, survey; /* survey: NAN where the engine has none */
    double tick_ns_per_series;          /* p50 */
};

/* All levels of the engine of this name: how many are in `ret`. Fewer than asked for: it cannot be
 * used here, or a signal came (stop_block_signals), which the last one tells. */
size_t collect_bench(const struct collect_settings *settings, const char *engine,
                     struct collect_level ret[COLLECT_LEVELS_MAX]);

/* ---- telling ---- */

void collect_report_head(struct buf *out, const struct collect_settings *settings);
void collect_report_level(struct buf *out, const char *engine, const struct collect_level *level);

struct collect_report {
    const char *engine;
    size_t count;
    struct collect_level levels[COLLECT_LEVELS_MAX];
};
void collect_report_json(struct buf *out, const struct collect_report *engines, size_t count);

/* The document of a run: how it was asked; and the figures of one level, if it was measured. */
struct results;
void collect_results_begin(struct results *r, const struct collect_settings *settings);
void collect_results_level(struct results *r, const char *engine,
                           const struct collect_level *level);

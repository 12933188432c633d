/*
 * store_bench.h: `netsonde bench store` and `query`: a history is written with the daemon's store,
 * and read with its queries. It lies in a directory of its own below $TMPDIR (or /var/tmp, which is
 * on a disk where /tmp may be memory), which is removed. The caller's thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "bench/spread.h"

#define STORE_SERIES_MAX 100000
#define STORE_TICKS_MAX 1000000

struct store_bench_settings {
    size_t series, ticks; /* a tick is a second of history */
    bool query;           /* ask it, too */
    double seconds;       /* each kind of question; one that began is finished, and there is one */
    bool progress;        /* on standard error */
    /* How far it is, 0 to 1, now and then, outside of what is measured. May be NULL. */
    void (*told)(void *user, double part);
    void *told_user;
};

enum store_question { STORE_ONE_RECENT, STORE_ONE_ALL, STORE_MANY_RECENT, STORE_QUESTIONS };

struct store_result {
    char why[640];               /* of a failure */
    uint64_t ticks, samples;     /* written */
    double seconds;              /* in the store: writing and housekeeping */
    double cpu_seconds;          /* of them on a processor: what other programs do is not in it */
    struct spread_summary write; /* store_write of one tick */
    /* One piece of the housekeeping between ticks: what a tick that comes meanwhile waits for. */
    struct spread_summary work;
    struct spread_summary work_cpu; /* the same, time on a processor alone */
    uint64_t pieces;
    uint64_t disk_bytes;
    struct {
        uint64_t asked;
        size_t series; /* in the answer */
        struct spread_summary took;
    } questions[STORE_QUESTIONS];
};

/* 0; or a negative errno, and `why` says what. -EINTR: SIGINT, SIGTERM or SIGHUP, which must be
 * blocked, came. Nothing is left on disk in any case. */
int store_bench(const struct store_bench_settings *settings, struct store_result *ret);

void store_report_text(struct buf *out, const struct store_bench_settings *settings,
                       const struct store_result *r);
void store_report_json(struct buf *out, const struct store_bench_settings *settings,
                       const struct store_result *r);

/* The document of a run: how it was asked; what it came to. */
struct results;
void store_results_begin(struct results *r, const struct store_bench_settings *settings);
void store_results(struct results *r, const struct store_bench_settings *settings,
                   const struct store_result *result);

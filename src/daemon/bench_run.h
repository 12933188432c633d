/*
 * bench_run.h: what every subject of `netsonde bench` has around it: the document of its results,
 * which is kept, compared and published as the command line asks. Main thread.
 *
 *   bench_run_open      before anything is measured: options, configuration, what to compare with
 *   the subject         says its settings (fan_results_begin …)
 *   bench_run_begin     settings are held against those of before; publishing begins
 *   the subject         adds figures, tells how far it is
 *   bench_run_end       the end of the document and of the output; the exit code
 *   bench_run_close
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "bench/rerun.h"
#include "bench/results.h"
#include "daemon/config.h"
#include "daemon/options.h"

struct publisher;

struct bench_run {
    const struct options *options;
    struct config *config; /* NULL: nothing needs it */
    struct results results;
    json_t *before; /* of --compare; NULL: nothing is compared */
    struct rerun_limits limits;
    struct publisher *publisher; /* NULL: nothing is sent */
    int64_t told_ns;
};

/* subject: lives for ever. 0 or the exit code; close in any case. */
int bench_run_open(struct bench_run *run, const struct options *options, const char *subject);

/* 0 or the exit code. Before threads and signals' masks. */
int bench_run_begin(struct bench_run *run);

/* So much is done, 0 to 1. Sends it on, at most once a second. `user` is the run. */
void bench_run_tell(void *user, double part);

/*
 * The end. good: all that was asked for was measured; why: what was not, or NULL. json: with
 * --json, the subject's own report, an object that ends with "}" and a newline, to which the
 * document and the comparison are added before it is printed; NULL: the report is printed already.
 * written: it could be. Returns the exit code.
 */
int bench_run_end(struct bench_run *run, struct buf *json, bool written, bool good,
                  const char *why);
void bench_run_close(struct bench_run *run);

/* Prints and empties it; false: it cannot be written. */
bool bench_print(struct buf *out);

/* ---- the subjects, a file each; return the exit code ---- */

int bench_fanout(const struct options *options);
int bench_collect(const struct options *options);
int bench_packets(const struct options *options);
int bench_store(const struct options *options, bool query);

/*
 * rerun.h: a run held against one that was kept: figure by figure, those of the same name and
 * labels. A figure is worse when it has changed into its bad direction by more than what its kind
 * may; kinds without such a limit, figures that are not judged, and changes from nothing (0) have
 * no verdict. Pure; one owner.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "bench/results.h"

/* Per cent; NAN: a kind that is not judged. */
struct rerun_limits {
    double pct[BENCHMARK_KINDS];
};
struct rerun_limits rerun_limits_default(void);

/* "duration=10": one kind's limit, above 0 and at most 10,000 per cent. 0 or -EINVAL. */
int rerun_limits_set(struct rerun_limits *limits, const char *text);

enum rerun_verdict {
    RERUN_SAME,
    RERUN_BETTER,
    RERUN_WORSE,
    RERUN_NOT_JUDGED,
    RERUN_ONLY_BEFORE,
    RERUN_ONLY_NOW,
    RERUN_VERDICTS
};
const char *rerun_verdict_name(enum rerun_verdict v);

struct rerun_row {
    char name[BENCHMARK_ID_MAX + 1];
    char labels[160]; /* as results_put_labels */
    char unit[32];
    double before, now; /* NAN: there is none */
    double change_pct;  /* NAN: not to be said */
    enum rerun_verdict verdict;
};

struct rerun {
    struct rerun_row *rows;
    size_t count;
    size_t counts[RERUN_VERDICTS];
};

/* before: a document that benchmark_check has found good. */
void rerun_make(struct rerun *c, const json_t *before, const struct results *now,
                const struct rerun_limits *limits);
void rerun_fini(struct rerun *c);

/* "regressed", "improved", "unchanged"; "nothing_compared" when no figure could be judged. */
const char *rerun_word(const struct rerun *c);

/* Names of members that differ, with commas; empty: none. Settings decide what figures mean,
 * machines how large they are. */
void rerun_settings(struct buf *out, const json_t *before, const struct results *now);
void rerun_machine(struct buf *out, const json_t *before, const struct results *now);

/* Worst first, then in the order of the run. */
void rerun_put_table(struct buf *out, const struct rerun *c);
void rerun_put_json(struct buf *out, const struct rerun *c, const char *baseline);

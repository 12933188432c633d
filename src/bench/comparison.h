/*
 * comparison.h: a run held against one that was kept: figure by figure, those of the same name and
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
struct comparison_limits {
    double pct[BENCHMARK_KINDS];
};
struct comparison_limits comparison_limits_default(void);

/* "duration=10": one kind's limit, above 0 and at most 10,000 per cent. 0 or -EINVAL. */
int comparison_limits_set(struct comparison_limits *limits, const char *text);

enum comparison_verdict {
    COMPARISON_SAME,
    COMPARISON_BETTER,
    COMPARISON_WORSE,
    COMPARISON_NOT_JUDGED,
    COMPARISON_ONLY_BEFORE,
    COMPARISON_ONLY_NOW,
    COMPARISON_VERDICTS
};
const char *comparison_verdict_name(enum comparison_verdict v);

struct comparison_row {
    char name[BENCHMARK_ID_MAX + 1];
    char labels[160]; /* as results_put_labels */
    char unit[32];
    double before, now; /* NAN: there is none */
    double change_pct;  /* NAN: not to be said */
    enum comparison_verdict verdict;
};

struct comparison {
    struct comparison_row *rows;
    size_t count;
    size_t counts[COMPARISON_VERDICTS];
};

/* before: a document that benchmark_check has found good. */
void comparison_make(struct comparison *c, const json_t *before, const struct results *now,
                     const struct comparison_limits *limits);
void comparison_fini(struct comparison *c);

/* "regressed", "improved", "unchanged"; "nothing_compared" when no figure could be judged. */
const char *comparison_word(const struct comparison *c);

/* Names of members that differ, with commas; empty: none. Settings decide what figures mean,
 * machines how large they are. */
void comparison_settings(struct buf *out, const json_t *before, const struct results *now);
void comparison_machine(struct buf *out, const json_t *before, const struct results *now);

/* Worst first, then in the order of the run. */
void comparison_put_table(struct buf *out, const struct comparison *c);
void comparison_put_json(struct buf *out, const struct comparison *c, const char *baseline);

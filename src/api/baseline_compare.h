/*
 * baseline_compare.h: two sets of series held against each other (detect/compare.h), and how the
 * result looks as JSON: docs/PROTOCOL.md. Pure; where the lists are.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "api/baseline.h"
#include "detect/compare.h"

struct compared_series {
    const struct baseline_series *before, *after; /* NULL: it was not there; never both */
    enum direction direction;
    struct comparison comparison;
};

/* Refers to both lists, which must outlive it. */
struct comparison_report {
    size_t counts[COMPARISON_VERDICTS];
    enum comparison_verdict verdict;
    size_t count;
    struct compared_series *series; /* by verdict, inside by the size of the effect */
};

/* Both lists are sorted. */
void comparison_make(struct comparison_report *ret, const struct baseline_list *before,
                     const struct baseline_list *after, uint32_t blocks_least);
void comparison_fini(struct comparison_report *r);

/* What it is about. Texts are borrowed. */
struct comparison_about {
    const char *baseline;   /* its name */
    const char *reason;     /* asked | start | link | address | kernel | version | hourly */
    int64_t t_ms;           /* when; 0: not said, the message has it already */
    int64_t from_ms, to_ms; /* of the window after */
};

/* The members of the object, without its braces. `most`: of metrics, those first in order.
 * interesting_only: those that are unchanged or could not be compared are left out. */
void comparison_json(struct buf *out, const struct comparison_report *r,
                     const struct comparison_about *about, size_t most, bool interesting_only);

/* An entry of the trend: an object with `worst` (up to 5) instead of metrics. */
void comparison_entry_json(struct buf *out, const struct comparison_report *r,
                           const struct comparison_about *about);

/* "3 metrics are worse, 1 is better; the worst: NAME{…} +35 %": one line for people. */
void comparison_sentence(struct buf *out, const struct comparison_report *r);

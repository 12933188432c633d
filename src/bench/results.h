/*
 * results.h: what a run of any subject comes to: the document of wire/benchmark.h, being made. The
 * subjects add figures as they get them; it may be put into JSON at any time. One owner, one
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "bench/machine.h"
#include "wire/benchmark.h"

#define RESULTS_LABELS_MAX 2
#define RESULTS_SETTINGS_MAX 16

struct result_label {
    char name[24], value[40];
};

struct result {
    char name[48];
    struct result_label labels[RESULTS_LABELS_MAX];
    size_t labels_count;
    double value;     /* NAN: null */
    const char *unit; /* lives for ever */
    enum benchmark_kind kind;
    bool judged;
};

struct result_setting {
    const char *name; /* lives for ever */
    char text[128];   /* as JSON */
};

struct results {
    char id[BENCHMARK_ID_MAX + 1];
    const char *subject;
    int64_t t_ms; /* of the beginning; wall time */
    const char *state;
    double progress;
    char why[BENCHMARK_TEXT_MAX + 1]; /* of a failure; may be empty */
    struct machine machine;
    struct result_setting settings[RESULTS_SETTINGS_MAX];
    size_t settings_count;
    struct result *items;
    size_t count, capacity;
    struct result_label labels[RESULTS_LABELS_MAX]; /* of what is added next */
    size_t labels_count;
};

/* Begins a document in the state "running". subject: lives for ever. */
void results_init(struct results *r, const char *subject, int64_t t_ms);
void results_fini(struct results *r);

void results_set_text(struct results *r, const char *name, const char *value);
void results_set_number(struct results *r, const char *name, double value);

/* What is added from now on has these labels alone. */
void results_label(struct results *r, const char *name, const char *value);
void results_label_more(struct results *r, const char *name, const char *value);
void results_label_number(struct results *r, const char *name, uint64_t value);
void results_no_labels(struct results *r);

/* One figure. What is a throughput is better when it is higher, all else when it is lower. */
void results_add(struct results *r, const char *name, enum benchmark_kind kind, const char *unit,
                 double value);
/* The same for one that is told and never compared. */
void results_tell(struct results *r, const char *name, enum benchmark_kind kind, const char *unit,
                  double value);
/* All three of a spread, none compared. */
struct spread_summary;
void results_tell_spread(struct results *r, const char *name, const struct spread_summary *s);
/* NAME_p50_ms and NAME_p99_ms, and NAME_max_ms, which is not compared. */
void results_add_spread(struct results *r, const char *name, const struct spread_summary *s);

/* Processor time and the most memory of this process and of its children that have ended. */
void results_add_usage(struct results *r);

/* The end: "done", or "failed" and why (NULL: nothing to say). */
void results_end(struct results *r, bool done, const char *why);

/* The whole document; baseline: the name that it is kept by, or NULL. */
void results_put_json(struct buf *out, const struct results *r, const char *baseline);

/* "engine=netlink connections=1000", or nothing. */
void results_put_labels(struct buf *out, const struct result *item);

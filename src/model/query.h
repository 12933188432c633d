/*
 * query.h: questions about the past and who answers them. `store` implements them for the disk,
 * callers add the ticks that the disk does not have yet. CONTRACT section 4 defines the meaning.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/series.h"
#include "model/tick.h"

#define SELECTOR_GLOBS_MAX 64
#define SELECTOR_MATCHES_MAX 16
#define SELECTOR_BYTES_MAX 4096 /* of all texts: what a stranger can make a comparison cost */

/* Which series: any of the name globs (none = all) and every match. Owns its texts. */
struct selector {
    size_t globs_count;
    char *globs[SELECTOR_GLOBS_MAX];
    size_t matches_count;
    struct {
        char *label, *glob;
    } matches[SELECTOR_MATCHES_MAX];
    size_t bytes; /* of all texts */
};

void selector_init(struct selector *s);
void selector_fini(struct selector *s);
int selector_add_glob(struct selector *s, const char *glob); /* 0, -E2BIG, -EINVAL (empty) */
/* "label=glob"; a series without the label has the value "". 0, -E2BIG, -EINVAL. */
int selector_add_match(struct selector *s, const char *match);
/* The name as it is, not as a pattern. 0, -E2BIG, -EINVAL. */
int selector_add_exact_name(struct selector *s, const char *name);
/* Initialises: series of this name with at least these labels. 0, -E2BIG, -EINVAL; to be released
 * in any case. */
int selector_of_series(struct selector *s, const char *name, const struct label *labels,
                       size_t labels_count);
bool selector_matches(const struct selector *s, const char *name, const struct label *labels,
                      size_t labels_count);
bool selector_has(const struct selector *s, const struct series *series);

enum aggregate { AGG_AVG, AGG_MIN, AGG_MAX, AGG_LAST, AGG_SUM, AGG_P50, AGG_P90, AGG_P99 };

int aggregate_parse(const char *word, enum aggregate *ret); /* 0 or -EINVAL */
const char *aggregate_name(enum aggregate agg);

#define QUERY_POINTS_DEFAULT 300
#define QUERY_POINTS_MAX 20000         /* that somebody may ask for */
#define QUERY_POINTS_FINEST UINT32_MAX /* as many as the store makes: its steps, if it can */
#define QUERY_SERIES_MAX 5000

struct query {
    struct selector selector;
    /* from <= to. The steps they fall into are in the answer, too; but when that makes one more
     * than `points`, the one of which least is asked for is not: the last if it begins with to_ms,
     * else the first. */
    int64_t from_ms, to_ms;
    uint32_t points; /* most points a series */
    int64_t step_ms; /* not 0: steps of this length (or longer, see store_query), however many */
    enum aggregate aggregate;
    /* AGG_AVG only; not 0: a step that was sampled for less than this part of it is NAN. The part
     * is that of its time for a counter; for a gauge that of the samples in the fullest step. */
    double least_part;
    /* keys_count not 0: of what the selector takes only the series with these keys (histograms by
     * their own, without `le`). Sorted by strcmp, borrowed. */
    const char *const *keys;
    size_t keys_count;
};

struct answer_series {
    uint32_t id;
    char *name, *unit, *key;
    enum metric_kind kind;
    size_t labels_count;
    struct label labels[SERIES_LABELS_MAX]; /* texts owned by the answer */
    double *values; /* answer.points_count of them; NAN where nothing was sampled */
};

struct answer {
    int64_t from_ms, to_ms; /* aligned to the step */
    int64_t step_ms;        /* a multiple of the stored interval */
    const char *tier;       /* "raw" | "minute" | "hour" | "memory" */
    size_t points_count;    /* point i starts at from_ms + i * step_ms */
    size_t series_count;
    struct answer_series *series; /* by name, then labels */
    bool truncated;               /* more than QUERY_SERIES_MAX series matched */
};

bool query_has_key(const struct query *query, const char *key); /* true without keys */

void answer_free(struct answer *a);               /* NULL allowed */
void answer_series_fini(struct answer_series *s); /* frees what it owns, values too */

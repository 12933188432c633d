/*
 * baseline.h: named statistics of every series over a window, and their form as a document:
 * {name,comment,kind,made_ms,made_by,version,host,kernel,from_ms,to_ms,block_ms,metric,match,
 * series_count,blocks,truncated,series:[{name,labels,unit,kind,n,mean,sigma,min,max,p50,p90,p99,autocorrelation,
 * sketch}]}. docs/BASELINES.md explains it.
 *
 * A document may have been edited by people, or come from another host: reading it believes
 * nothing. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "detect/blocks.h"
#include "model/query.h"
#include "store/documents.h"

#define BASELINE_AUTO "auto" /* the same hours of the weeks before: no document */
#define BASELINE_COMMENT_MAX 256
#define BASELINE_WORD_MAX 80
#define BASELINE_SERIES_MAX 10000

struct baseline_series {
    char *name;
    char *labels; /* a JSON object, sorted by label name: equal texts are equal labels */
    char *unit;
    enum metric_kind kind;
    struct block_stats *stats;
};

/* By name, then labels; no two are equal. */
struct baseline_list {
    size_t count, room;
    struct baseline_series *items;
    bool truncated; /* there were more */
};

struct baseline {
    char name[DOCUMENT_NAME_MAX + 1];
    char comment[BASELINE_COMMENT_MAX];
    bool automatic;
    int64_t made_ms;
    char made_by[BASELINE_WORD_MAX], version[BASELINE_WORD_MAX], host[BASELINE_WORD_MAX],
        kernel[BASELINE_WORD_MAX];
    int64_t from_ms, to_ms, block_ms;
    uint32_t blocks;           /* of the series that has most */
    struct selector selection; /* of which series it is; of all when it is empty */
    struct baseline_list list;
};

void baseline_fini(struct baseline *b); /* may be zeroed */

/* The texts are taken, all of them made by malloc. */
void baseline_list_add(struct baseline_list *l, struct baseline_series s);
/* After the last one: sorts. Of two with equal names the first stays. */
void baseline_list_sort(struct baseline_list *l);
/* Leaves those that the selector is about. */
void baseline_list_select(struct baseline_list *l, const struct selector *selector);
void baseline_list_fini(struct baseline_list *l);
uint32_t baseline_list_blocks(const struct baseline_list *l);

/* For `labels` of a series; the labels in any order. */
char *baseline_labels(const struct label *labels, size_t count);

void baseline_json(struct buf *out, const struct baseline *b);
/* One of the list of GET /api/v1/baselines: without the series. series_count: how many it has. */
void baseline_entry_json(struct buf *out, const struct baseline *b, size_t series_count);
/* {n,mean,sigma,p50,p90,p99}, or null when there is nothing. */
void baseline_stats_json(struct buf *out, const struct block_stats *s);

/* Reads a document; 0, or -EBADMSG and a sentence in `why`. `entry_only`: all but the series, of
 * which just the number is found (in *ret_count, may be NULL). *ret is to be released in any case.
 */
int baseline_parse(const char *text, size_t len, bool entry_only, struct baseline *ret,
                   size_t *ret_count, char *why, size_t why_size);

/*
 * baseline_work.h: what is done with baselines, for HTTP, the command line and the daemon alike:
 * make one of the history, keep it as a document, read it, hold the history against it. Reads disks
 * and takes a while: on a pool thread. Errors are 0 or -errno with a sentence in `err`.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/baseline.h"
#include "api/baseline_compare.h"
#include "api/baseline_read.h"
#include "store/store.h"

struct baseline_place {
    const char *data_dir;
    struct store_reader *reader;
    const struct recent *recent;
    const char *version, *host, *kernel;
    const atomic_bool *stop; /* may be NULL */
};

struct baseline_ask {
    const char *name, *comment, *made_by;
    int64_t from_ms, to_ms, now_ms;
    const struct selector *selector; /* NULL: all, or of a comparison what the baseline is about */
};

#define BASELINE_RANGE_MS (3600 * 1000) /* the window when nobody says which */

/* Whether somebody may give a baseline this name. */
bool baseline_is_name(const char *name);

/* Of the history. *ret is to be released in any case. A name of BASELINE_AUTO: the same hours of
 * the four weeks before. -EINVAL: the history has nothing of that time. */
int baseline_make(const struct baseline_place *place, const struct baseline_ask *ask,
                  struct baseline *ret, struct store_error *err);

/* -EEXIST: there is one, and it is not to be replaced. */
int baseline_keep(const struct baseline_place *place, const struct baseline *b, bool replace,
                  struct store_error *err);

/* The document; -ENOENT. entry_only: all but the series, of which *ret_count says how many (may be
 * NULL). *ret is to be released in any case. */
int baseline_load(const char *data_dir, const char *name, bool entry_only, struct baseline *ret,
                  size_t *ret_count, struct store_error *err);

/* {"baselines":[…]}: the documents and `auto`. One that cannot be read is there with `error`. */
int baseline_list_json(const char *data_dir, struct buf *out, struct store_error *err);

/* A window held against a baseline. Both sides live as long as the report. */
struct baseline_comparison {
    struct baseline before;
    struct baseline_list after;
    struct comparison_report report;
};

/* *ret is to be released in any case. -ENOENT: no such baseline. */
int baseline_compare(const struct baseline_place *place, const struct baseline_ask *ask,
                     uint32_t blocks_least, struct baseline_comparison *ret,
                     struct store_error *err);
void baseline_comparison_fini(struct baseline_comparison *c);

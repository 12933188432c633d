/*
 * benchmark_keep.h: where runs of `netsonde bench` stay: documents of the kind benchmarks, under
 * their ids, SUBJECT-YYYYMMDDTHHMMSSZ, so that none can be written over a baseline that a person
 * has named. The newest BENCHMARKS_KEPT stay, by when they came; baselines go only by hand. Any
 * thread, any process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "store/documents.h"

#define BENCHMARKS_KEPT 500

/* subject NULL: of any. */
bool benchmark_is_run_id(const char *id, const char *subject);

/* Writes it, replacing what has this id (then *ret_new is false), and lets the oldest go. 0, or
 * -errno with a sentence in `err`. */
int benchmark_keep(const char *data_dir, const char *id, const char *text, size_t len,
                   bool *ret_new, struct store_error *err);

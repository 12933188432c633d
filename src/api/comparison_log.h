/*
 * comparison_log.h: what the daemon's own comparisons came to, the newest COMPARISONS_MAX: the
 * trend. One document beside the database; one writer. On a pool thread. Errors are 0 or -errno
 * with a sentence in `err`.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/documents.h"

#define COMPARISONS_MAX 1000

/* Puts the entry (a JSON object) in front. What cannot be read of the old ones goes. */
int comparison_log_add(const char *data_dir, const struct buf *entry, struct store_error *err);

/* Appends {"comparisons":[…]}, newest first. */
int comparison_log_json(const char *data_dir, size_t limit, struct buf *out,
                        struct store_error *err);

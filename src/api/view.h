/*
 * view.h: a table as somebody wants to see it: filtered, sorted, a page of it. Pure.
 *
 * Filter words (CONTRACT section 4): `text` in any cell, `col:text` in that column, `col>num`,
 * `col<num`, `-word` for the opposite; all words must hold. Text compares without case.
 */
#pragma once

#include <stddef.h>

#include "model/table.h"

struct view {
    size_t *rows; /* indices into the table, in order */
    size_t count; /* of this page */
    size_t total; /* that pass the filter */
};

#define VIEW_LIMIT_DEFAULT 100
#define VIEW_LIMIT_MAX 10000

/* sort: "col" or "-col" (descending), or NULL: rates, then totals, descending. 0, or -EINVAL with
 * the reason in `why` and the name of the parameter at fault in *ret_field. */
int view_make(const struct table *t, const char *filter, const char *sort, size_t limit,
              size_t offset, struct view *ret, const char **ret_field, char *why, size_t why_size);
void view_fini(struct view *v);
